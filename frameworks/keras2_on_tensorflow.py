"""Keras 2 on TensorFlow 1.15: how its threads are held."""

import tensorflow as tf


def prepare(job):
    """Set the threads, which no variable holds; intra alone leaves a second one. Seeds are drawn by numpy."""
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=job.threads, inter_op_parallelism_threads=job.threads
    )
    tf.compat.v1.keras.backend.set_session(
        tf.compat.v1.Session(config=config)
    )  # Keras 2.3 takes the session of tf.keras


def finish():
    """Return: a step has returned its loss, and a session runs all or nothing."""


def threads(job):
    return job.threads

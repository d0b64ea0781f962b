"""The adapter of native TensorFlow with nothing compiled: the same loop and step, each operation launched from Python."""

import tensorflow as tf

from .tensorflow_session import Session  # noqa: F401  the worker looks for it here

tf.config.run_functions_eagerly(True)

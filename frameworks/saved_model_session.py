"""The adapter of TensorFlow that predicts with a SavedModel, the job's `exported`, whoever wrote it."""

import tensorflow as tf

from . import tensorflow_session


class Session(tensorflow_session.Session):
    def __init__(self, job, arrays):
        super().__init__(job, arrays)
        self.loaded = tf.saved_model.load(job.exported)
        self.predict_step = self.loaded.serve

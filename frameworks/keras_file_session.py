"""The adapter of Keras 3 that predicts with a model from a .keras file, the job's `exported`."""

import keras

from . import keras_session


class Session(keras_session.Session):
    def __init__(self, job, arrays):
        super().__init__(job, arrays)
        with keras.device(self.loop.scope):
            self.loop.place(keras.saving.load_model(job.exported), arrays)

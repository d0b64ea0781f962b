"""The adapter of Keras 3 on TensorFlow or PyTorch with Keras' own loop: model.fit(), an epoch a call."""

import keras

from . import keras_session


class Session(keras_session.Session):
    def __init__(self, job, arrays):
        super().__init__(job, arrays)
        self.images, self.labels = arrays.train_images, arrays.train_labels

    def train_epoch(self, order):
        # In the job's order, which fit() would else draw: it takes the rows batch by batch, this takes them at once.
        images, labels, size = self.images[order], self.labels[order], self.job.batch_size
        with keras.device(self.loop.scope):
            fitted = self.loop.model.fit(images, labels, batch_size=size, shuffle=False, verbose=0)
        return fitted.history["loss"][0]

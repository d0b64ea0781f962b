"""Batch normalization as models/layers.py has it, of which no backend of Keras 2 makes all by itself.

Moving variances are to be those of the batch, divided by n. On TensorFlow, Keras 2.3.1 multiplies by n/(n-1), which TensorFlow's
kernel for images has done already; on Theano as well, and it adds epsilon. On CNTK epsilon is .001 in training, whatever was asked
for: Keras 2.3.1 hands it over as the axis. Keras-MXNet never trains gamma: MXNet's operator fixes it at 1 unless told not to.
"""

import keras
from keras import backend as K  # noqa: N812  everybody's name for it

OWN = keras.layers.BatchNormalization


class Symbolic(OWN):
    def call(self, inputs, training=None):
        predicted = super().call(inputs, training=False)
        if not self.trainable:
            return predicted
        axes = [axis for axis in range(K.ndim(inputs)) if axis != self.axis]
        normed, mean, variance = K.normalize_batch_in_training(
            inputs, self.gamma, self.beta, axes, epsilon=self.epsilon
        )
        if K.backend() == "cntk":
            normed = self.normalized(inputs, mean, variance)
        moved = [
            K.moving_average_update(self.moving_mean, mean, self.momentum),
            K.moving_average_update(self.moving_variance, self.biased(inputs, axes, variance), self.momentum),
        ]
        self.add_update(moved, inputs)
        return K.in_train_phase(normed, predicted, training=training)

    def normalized(self, inputs, mean, variance):
        shape = [1] * K.ndim(inputs)
        shape[self.axis] = K.int_shape(inputs)[self.axis]
        mean, variance, beta, gamma = (K.reshape(one, shape) for one in (mean, variance, self.beta, self.gamma))
        return K.batch_normalization(inputs, mean, variance, beta, gamma, self.axis, self.epsilon)

    def biased(self, inputs, axes, variance):
        """Return the batch's variance, divided by n, from the backend's."""
        if K.backend() == "theano":
            return variance - self.epsilon
        if K.backend() == "tensorflow" and K.ndim(inputs) == 4:
            count = K.cast(K.prod(K.stack([K.shape(inputs)[axis] for axis in axes])), "float32")
            return variance * (count - 1) / count
        return variance


class OfMXNet(OWN):
    def call(self, inputs, training=None):
        from . import keras2_on_mxnet

        weights = self.gamma, self.beta, self.moving_mean, self.moving_variance
        combined = K.keras_mxnet_symbol(
            lambda *symbols: K.KerasSymbol(
                keras2_on_mxnet.batch_norm(
                    [keras_symbol.symbol for keras_symbol in symbols],
                    momentum=self.momentum,
                    axis=self.axis,
                    eps=self.epsilon,
                    use_global_stats=not self.trainable,
                )
            )
        )
        return combined(inputs, *weights)


BatchNormalization = OfMXNet if K.backend() == "mxnet" else Symbolic

"""Optimizers for Keras 2 with the arithmetic of models/optimizers.py; those that have it already are Keras' own."""

import keras
import numpy
from keras import backend as K  # noqa: N812  everybody's name for it

from ..models.optimizers import SGD, Adadelta, Adam, RMSprop


class OwnStep(keras.optimizers.Optimizer):
    """A step that Keras 2.3.1 takes otherwise, as a function of (constants, weight, gradient, correction).

    correction: for Adam, 1 - beta^step for both betas, else None.
    """

    def __init__(self, constants, update, betas=()):
        super().__init__()
        self.constants = constants
        self.update = update
        self.betas = betas

    def get_updates(self, loss, params):
        self.updates, corrections = [], []
        for beta in self.betas:
            # 1 - beta^step, without taking the difference of two numbers near 1 in float32
            correction = K.variable(0.0)
            corrections.append(beta * correction + (1 - beta))
            self.updates.append(K.update(correction, corrections[-1]))
        for weight, gradient in zip(params, self.get_gradients(loss, params)):
            if hasattr(gradient, "indices"):  # an embedding's, of TensorFlow: of the rows that the batch had
                gradient = K.zeros_like(weight) + gradient
            self.updates += self.update(self.constants, weight, gradient, *corrections)
        return self.updates


def adam(own, weight, gradient, correction_1, correction_2):
    """Keras 2.3.1 reads its counter of steps after counting on TensorFlow 1.15, where the first step then is the second:
    after three steps on constant gradients of 1 it had moved by .245, on Theano and CNTK by .293, as the formula has it.
    """
    m, v = K.zeros(K.int_shape(weight)), K.zeros(K.int_shape(weight))
    new_m = own.beta_1 * m + (1 - own.beta_1) * gradient
    new_v = own.beta_2 * v + (1 - own.beta_2) * K.square(gradient)
    step = own.learning_rate * K.sqrt(correction_2) / correction_1 * new_m / (K.sqrt(new_v) + own.epsilon)
    return [K.update(m, new_m), K.update(v, new_v), K.update(weight, weight - step)]


def rmsprop(own, weight, gradient):
    """Keras 2.3.1 adds epsilon to the root; Keras 3 and MXNet, as the formula, below it."""
    v = K.zeros(K.int_shape(weight))
    new_v = own.rho * v + (1 - own.rho) * K.square(gradient)
    step = own.learning_rate * gradient / K.sqrt(new_v + own.epsilon)
    return [K.update(v, new_v), K.update(weight, weight - step)]


def rounded(beta):
    """Return beta as float32 has it: MXNet takes 1 - beta in float32 in its kernel, but in float64 for the bias correction."""
    return float(numpy.float32(beta))


SYMBOLIC = {
    SGD: lambda own: keras.optimizers.SGD(own.learning_rate, own.momentum, nesterov=False),
    Adam: lambda own: OwnStep(own, adam, (own.beta_1, own.beta_2)),
    RMSprop: lambda own: OwnStep(own, rmsprop),
    Adadelta: lambda own: keras.optimizers.Adadelta(own.learning_rate, own.rho, epsilon=own.epsilon),
}


def zeiler(own):
    """Return Adadelta with its learning rate, which MXNet's leaves out."""
    optimizer = keras.optimizers.Adadelta(own.learning_rate, own.rho, own.epsilon)

    def update(index, weight, gradient, state):
        squares, changes = state
        squares[:] = own.rho * squares + (1 - own.rho) * gradient * gradient
        change = (changes + own.epsilon).sqrt() / (squares + own.epsilon).sqrt() * gradient
        changes[:] = own.rho * changes + (1 - own.rho) * change * change
        weight[:] -= own.learning_rate * change

    optimizer.update = update
    return optimizer


# Keras-MXNet's optimizers are MXNet's, which compute the formulas in one kernel each.
OF_MXNET = {
    SGD: lambda own: keras.optimizers.SGD(own.learning_rate, own.momentum, nesterov=False),
    Adam: lambda own: keras.optimizers.Adam(own.learning_rate, rounded(own.beta_1), rounded(own.beta_2), own.epsilon),
    RMSprop: lambda own: keras.optimizers.RMSprop(own.learning_rate, own.rho, own.epsilon),
    Adadelta: zeiler,
}
OPTIMIZERS = OF_MXNET if K.backend() == "mxnet" else SYMBOLIC

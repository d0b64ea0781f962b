"""Study 003's refined network (F3): four dense layers from a network of its grid, deeper ones behind them. 485,510 parameters."""

from .layers import Activation, BatchNorm, Dense, Flatten


def layers(classes):
    found = (Flatten(),)
    for width in (300, 250, 150, 50):
        found += (Dense(width), Activation("relu"))
    for width in (300, 250, 100, 100):
        found += (BatchNorm(), Dense(width), Activation("relu"))
    return found + (Dense(classes),)

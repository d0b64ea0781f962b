"""A multilayer perceptron without dropout, which scikit-learn's MLPClassifier can express as well."""

from .layers import Activation, Dense, Flatten


def layers(classes):
    return (Flatten(), Dense(256), Activation("relu"), Dense(128), Activation("relu"), Dense(classes))

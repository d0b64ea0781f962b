"""The multilayer perceptron of Keras' mnist_mlp.py example (study 001, K3): 669,706 parameters on 28x28x1, 10 classes."""

from .layers import Activation, Dense, Dropout, Flatten


def layers(classes):
    return (
        Flatten(),
        Dense(512),
        Activation("relu"),
        Dropout(0.2),
        Dense(512),
        Activation("relu"),
        Dropout(0.2),
        Dense(classes),
    )

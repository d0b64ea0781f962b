"""The CNN of Keras' mnist_cnn.py example (study 001, K2): 1,199,882 parameters on 28x28x1, 10 classes."""

from .layers import Activation, Conv, Dense, Dropout, Flatten, MaxPool


def layers(classes):
    return (
        Conv(32, 3),
        Activation("relu"),
        Conv(64, 3),
        Activation("relu"),
        MaxPool(2),
        Dropout(0.25),
        Flatten(),
        Dense(128),
        Activation("relu"),
        Dropout(0.5),
        Dense(classes),
    )

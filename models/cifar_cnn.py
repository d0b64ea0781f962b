"""The CNN of Keras' cifar10_cnn.py example (study 001, K1): 1,250,858 parameters on 32x32x3, 10 classes."""

from .layers import Activation, Conv, Dense, Dropout, Flatten, MaxPool


def layers(classes):
    return (
        Conv(32, 3, padding="same"),
        Activation("relu"),
        Conv(32, 3),
        Activation("relu"),
        MaxPool(2),
        Dropout(0.25),
        Conv(64, 3, padding="same"),
        Activation("relu"),
        Conv(64, 3),
        Activation("relu"),
        MaxPool(2),
        Dropout(0.25),
        Flatten(),
        Dense(512),
        Activation("relu"),
        Dropout(0.5),
        Dense(classes),
    )

"""AlexNet of study 000 (I4; after Krizhevsky et al. 2012): 29,994,374 parameters on 150x150x3, 6 classes."""

from .layers import Activation, Conv, Dense, Dropout, Flatten, MaxPool


def layers(classes):
    return (
        Conv(96, 11, stride=4),
        Activation("relu"),
        MaxPool(3, stride=2),
        Conv(256, 5, padding="same"),
        Activation("relu"),
        MaxPool(3, stride=2),
        Conv(384, 3, padding="same"),
        Activation("relu"),
        Conv(384, 3, padding="same"),
        Activation("relu"),
        Conv(256, 3, padding="same"),
        Activation("relu"),
        MaxPool(3, stride=2),
        Flatten(),
        Dense(4096),
        Activation("relu"),
        Dropout(0.5),
        Dense(4096),
        Activation("relu"),
        Dropout(0.5),
        Dense(classes),
    )

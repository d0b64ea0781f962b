"""LeNet as studies 000 and 004 had it (I3, L1; after LeCun et al. 1998): 62,006 parameters on 32x32x3, 10 classes."""

from .layers import Activation, Conv, Dense, Flatten, MaxPool


def layers(classes):
    return (
        Conv(6, 5),
        Activation("relu"),
        MaxPool(2),
        Conv(16, 5),
        Activation("relu"),
        MaxPool(2),
        Flatten(),
        Dense(120),
        Activation("relu"),
        Dense(84),
        Activation("relu"),
        Dense(classes),
    )

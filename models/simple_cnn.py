"""SimpleCNN of study 000 (I2): 4,829,126 parameters on 150x150x3, 6 classes. The study gives no widths; 32/64/128/128 are proposed."""

from .layers import Activation, Conv, Dense, Flatten, MaxPool


def layers(classes):
    return (
        Conv(32, 3),
        Activation("relu"),
        MaxPool(2),
        Conv(64, 3),
        Activation("relu"),
        MaxPool(2),
        Conv(128, 3),
        Activation("relu"),
        MaxPool(2),
        Flatten(),
        Dense(128),
        Activation("relu"),
        Dense(classes),
    )

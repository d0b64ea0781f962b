"""The CNN of study 002, the same graph for both of its frameworks (C1, C2): 813,346 parameters on 64x64x3, 2 classes.

The study ends in one sigmoid; here two logits and softmax, as everywhere: softmax(a, b) is sigmoid(b - a), so it is the same family of
functions with 129 parameters more, and no adapter needs a second loss. Sizes are proposed: the study gives none.
"""

from .layers import Activation, Conv, Dense, Flatten, MaxPool


def layers(classes):
    return (
        Conv(32, 3),
        Activation("relu"),
        MaxPool(2),
        Conv(32, 3),
        Activation("relu"),
        MaxPool(2),
        Flatten(),
        Dense(128),
        Activation("relu"),
        Dense(classes),
    )

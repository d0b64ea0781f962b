"""Study 003's residual network for CIFAR-100 (R1), as printed: 249,004 parameters. The unit that it calls a bottleneck is two plain
convolutions; bottleneck=True is what the name says (He et al. 2016): 1x1 to a quarter of the channels, 3x3, 1x1 back.
Strides, paddings and the rate of dropout are proposed: the study prints only counts.
"""

from .layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    Residual,
    ZeroPad,
)

RELU = (Activation("relu"),)


def normed(filters, kernel, **settings):
    return (Conv(filters, kernel, bias=False, **settings), BatchNorm())


def layers(classes, bottleneck=False):
    unit = normed(64, 3, padding="same") + RELU + normed(64, 3, padding="same")
    if bottleneck:
        unit = normed(16, 1) + RELU + normed(16, 3, padding="same") + RELU + normed(64, 1)
    stem = (ZeroPad(3, 3),) + normed(64, 7, stride=2) + RELU + (MaxPool(3, stride=2, padding="same"),)
    head = (GlobalAveragePool(), Flatten(), Dense(1000), Activation("relu"), Dropout(0.5), Dense(classes))
    return stem + (Residual(unit),) + RELU + head

"""Xception (Chollet 2017) as study 003 transferred it to CIFAR-100 (R2): frozen, on images of 224 pixels, scaled to [-1, 1];
21,066,380 parameters, of which 204,900 are trained. The kind of resizing and the rate of dropout are proposed.
"""

from .layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Frozen,
    GlobalAveragePool,
    MaxPool,
    Rescale,
    Residual,
    Resize,
)

RELU = (Activation("relu"),)


def normed(filters, kernel, stride=1, padding="valid"):
    return (Conv(filters, kernel, stride, padding, bias=False), BatchNorm())


def separable(filters):
    return (DepthwiseConv(3, 1, "same", bias=False), Conv(filters, 1, bias=False), BatchNorm())


def downward(first, last, begin=RELU):
    body = begin + separable(first) + RELU + separable(last) + (MaxPool(3, 2, "same"),)
    return (Residual(body, normed(last, 1, 2, "same")),)


def layers(classes, side=224, frozen=True):
    base = normed(32, 3, 2) + RELU + normed(64, 3) + RELU
    base += downward(128, 128, ()) + downward(256, 256) + downward(728, 728)
    base += (Residual((RELU + separable(728)) * 3),) * 8
    base += downward(728, 1024) + separable(1536) + RELU + separable(2048) + RELU
    given = (Rescale((2.0,), (-1.0,)), Resize(side))
    return given + ((Frozen(base),) if frozen else base) + (GlobalAveragePool(), Dropout(0.5), Dense(classes))

"""MobileNetV2 (Sandler et al. 2018; L2 of study 004): 2,270,794 parameters with 10 classes.

side=None is as the study ran it: images of 32 pixels in [0, 1], of which one pixel is left at the end. With side=96 they are scaled to
[-1, 1] and resized first, as the network is meant to be used.
"""

from .layers import Activation, BatchNorm, Conv, Dense, DepthwiseConv, GlobalAveragePool, Rescale, Residual, Resize

# Expansion of the channels, channels out, repeats, stride of the first: table 2 of the paper.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
NORM = BatchNorm(epsilon=1e-3, momentum=0.999)
RELU6 = Activation("relu6")


def block(channels, expansion, filters, stride):
    expand = (Conv(expansion * channels, 1, bias=False), NORM, RELU6) if expansion > 1 else ()
    body = expand + (DepthwiseConv(3, stride, "same", bias=False), NORM, RELU6, Conv(filters, 1, bias=False), NORM)
    return (Residual(body),) if stride == 1 and channels == filters else body


def layers(classes, side=None):
    found = (Rescale((2.0,), (-1.0,)), Resize(side)) if side else ()
    found += (Conv(32, 3, 2, "same", bias=False), NORM, RELU6)
    channels = 32
    for expansion, filters, repeats, stride in STAGES:
        for repeat in range(repeats):
            found += block(channels, expansion, filters, stride if repeat == 0 else 1)
            channels = filters
    return found + (Conv(1280, 1, bias=False), NORM, RELU6, GlobalAveragePool(), Dense(classes))

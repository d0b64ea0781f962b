"""The CNN with which study 003 compared MATLAB and TensorFlow (T1): 107,044 parameters on 32x32x3, 100 classes.

Its last pool makes one pixel of 4x4; the study gives 2x2, which would not, and 3x3 with stride 2 is proposed.
"""

from .layers import Activation, BatchNorm, Conv, Dense, Flatten, MaxPool


def layers(classes):
    found = ()
    for filters, pool in ((32, MaxPool(2)), (64, MaxPool(2)), (128, MaxPool(3, stride=2))):
        found += (Conv(filters, 3), Activation("relu"), BatchNorm(), pool)
    return found + (Flatten(), Dense(classes))

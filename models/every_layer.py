"""No study's: every layer type, function, merge and padding at least once, for the parity tests."""

from .layers import (
    Activation,
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    Frozen,
    GlobalAveragePool,
    MaxPool,
    Parallel,
    Rescale,
    Residual,
    Resize,
    ZeroPad,
)


def layers(classes):
    branches = (
        (Conv(4, 3, 2, "same"), Activation("selu")),
        (MaxPool(3, 2, "same"), Activation("sigmoid")),
        (AveragePool(3, 2, "same"), Conv(5, 1), Activation("elu")),
    )
    return (
        Rescale((2.0, 1.5, 1.0), (-1.0, -0.5, 0.0)),
        Resize(19),
        Frozen((Conv(6, 3, bias=False), BatchNorm(), Activation("tanh"), Dropout(0.3))),
        ZeroPad(2, 1),
        DepthwiseConv(3, 2, "same"),
        BatchNorm(epsilon=0.01, momentum=0.9),
        Activation("relu6"),
        Parallel(branches, "concatenate"),
        Residual((Conv(8, 3, padding="same", bias=False), BatchNorm()), (Conv(8, 1, bias=False), BatchNorm())),
        Activation("relu"),
        Parallel(((DepthwiseConv(2, bias=False),), (AveragePool(2, 1),)), "add"),
        Residual((Conv(8, 3, padding="same"), Activation("tanh"))),
        Parallel(((GlobalAveragePool(),), (MaxPool(2), Flatten(), BatchNorm())), "concatenate"),
        Dropout(0.5),
        Dense(classes),
    )

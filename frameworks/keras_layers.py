"""Our layers as Keras 3 has them, channels last."""

import keras

from ..models.layers import (
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
    TimeDistributed,
    ZeroPad,
    named,
    parts,
)
from ..models.shapes import same_padding
from .keras_sequences import LAYERS as SEQUENCES
from .keras_sequences import fold, unfold

LAST = {"data_format": "channels_last"}


def connect(layers, values, made, prefix="", frozen=False):
    """Return the symbolic output of the layers; each Keras layer with weights is put into made, by its canonical name."""
    for name, layer in named(layers, prefix):
        if type(layer) in MERGES:
            inside = frozen or type(layer) is Frozen
            given = fold(values) if type(layer) is TimeDistributed else values
            outputs = [
                connect(inner, given, made, "{}/{}/".format(name, part), inside) for part, inner in parts(layer).items()
            ]
            values = MERGES[type(layer)](layer, outputs, values)
            continue
        made[name] = LAYERS[type(layer)](layer)
        if frozen:
            made[name].trainable = False
            values = made[name](values, **PREDICTING.get(type(layer), {}))
        else:
            values = made[name](values)
    return values


def parallel(layer, outputs, given):
    return (keras.layers.Add() if layer.merge == "add" else keras.layers.Concatenate())(outputs)


# Layer type -> what it makes of its parts' outputs, and of what it was given.
MERGES = {
    Frozen: lambda layer, outputs, given: outputs[0],
    Parallel: parallel,
    Residual: lambda layer, outputs, given: keras.layers.Add()(outputs),
    TimeDistributed: lambda layer, outputs, given: unfold(outputs[0], given.shape[1]),
}


class AverageOfImage(keras.layers.Layer):
    """AveragePool with padding "same" for PyTorch: there Keras 3.15 counts the border twice where the padding is uneven."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, images):
        size, step = self.layer.size, self.layer.step
        margins = [(0, 0)] + [same_padding(side, size, step) for side in images.shape[1:3]] + [(0, 0)]
        sums, counts = (
            keras.ops.average_pool(keras.ops.pad(values, margins), size, step, "valid", **LAST)
            for values in (images, keras.ops.ones_like(images))
        )
        return sums / counts


def average_pool(layer):
    if keras.backend.backend() == "torch" and layer.padding == "same":
        return AverageOfImage(layer)
    return keras.layers.AveragePooling2D(layer.size, layer.step, layer.padding, **LAST)


PREDICTING = {kind: {"training": False} for kind in (BatchNorm, Dropout)}  # these two ask whether this is training

LAYERS = {
    **SEQUENCES,
    Activation: lambda layer: keras.layers.Activation(layer.function),
    AveragePool: average_pool,
    BatchNorm: lambda layer: keras.layers.BatchNormalization(-1, layer.momentum, layer.epsilon),
    Conv: lambda layer: keras.layers.Conv2D(
        layer.filters, layer.kernel, layer.stride, layer.padding, use_bias=layer.bias, **LAST
    ),
    Dense: lambda layer: keras.layers.Dense(layer.units, use_bias=layer.bias),
    DepthwiseConv: lambda layer: keras.layers.DepthwiseConv2D(
        layer.kernel, layer.stride, layer.padding, use_bias=layer.bias, **LAST
    ),
    Dropout: lambda layer: keras.layers.Dropout(layer.rate),
    Flatten: lambda layer: keras.layers.Flatten(**LAST),
    GlobalAveragePool: lambda layer: keras.layers.GlobalAveragePooling2D(**LAST),
    MaxPool: lambda layer: keras.layers.MaxPooling2D(layer.size, layer.step, layer.padding, **LAST),
    Rescale: lambda layer: keras.layers.Rescaling(list(layer.scale), list(layer.offset)),
    Resize: lambda layer: keras.layers.Resizing(layer.side, layer.side, "bilinear", **LAST),
    ZeroPad: lambda layer: keras.layers.ZeroPadding2D(((layer.before, layer.after),) * 2, **LAST),
}

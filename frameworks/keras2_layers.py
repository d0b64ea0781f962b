"""Our layers as Keras 2 has them. Images have the axis of channels where the backend's kernels want it."""

import os
from functools import partial

import keras
import numpy
from keras import backend as K  # noqa: N812  everybody's name for it

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
    TimeDistributed,
    ZeroPad,
    named,
    parts,
)
from ..models.shapes import same_padding
from .keras2_batch_norm import BatchNormalization
from .keras2_sequences import LAYERS as SEQUENCES
from .keras2_sequences import each_step

BACKEND = os.environ["KERAS_BACKEND"]
# TensorFlow's CPU kernels have channels last only; the others' have them first.
FORMAT = {"data_format": "channels_last" if BACKEND == "tensorflow" else "channels_first"}
CHANNELS_FIRST = BACKEND != "tensorflow"


def connect(layers, values, made, prefix="", frozen=False):
    """Return the symbolic output of the layers; each Keras layer is put into made, by its canonical name."""
    for name, layer in named(layers, prefix):
        if type(layer) in MERGES:
            inside = frozen or type(layer) is Frozen
            outputs = [
                connect(inner, values, made, "{}/{}/".format(name, part), inside)
                for part, inner in parts(layer).items()
            ]
            values = MERGES[type(layer)](layer, outputs)
        elif type(layer) is TimeDistributed:
            apply = partial(connect, layer.body, made=made, prefix=name + "/body/", frozen=frozen)
            values = each_step(apply, values)
        elif not is_identity(layer, values, frozen):
            values, built = LAYERS[type(layer)](layer, values)
            built.trainable = not frozen
            values = made.setdefault(name, built)(values)  # in CNTK's steps, that of the first
    return values


def is_identity(layer, values, frozen):
    """Return whether the layer would return its input, which no layer of Keras on MXNet can."""
    if type(layer) is Flatten:
        return K.ndim(values) == 2
    return type(layer) is Dropout and (frozen or not layer.rate)


def channels(values):
    """Return the axis of channels."""
    return 1 if CHANNELS_FIRST and K.ndim(values) == 4 else K.ndim(values) - 1


def parallel(layer, outputs):
    return (
        keras.layers.add(outputs) if layer.merge == "add" else keras.layers.concatenate(outputs, channels(outputs[0]))
    )


# Layer type -> what it makes of its parts' outputs.
MERGES = {
    Frozen: lambda layer, outputs: outputs[0],
    Parallel: parallel,
    Residual: lambda layer, outputs: keras.layers.add(outputs),
}


def same_sides(images, size, stride):
    sides = K.int_shape(images)[2:] if CHANNELS_FIRST else K.int_shape(images)[1:3]
    return tuple(same_padding(side, size, stride) for side in sides)


def padded(layer, images):
    """Return the images and the padding that is left to the layer: the other backends than TensorFlow put the odd pixel of
    "same" before the image.
    """
    around = same_sides(images, layer.kernel, layer.stride)
    if layer.padding == "valid" or BACKEND == "tensorflow" or all(before == after for before, after in around):
        return images, layer.padding
    return keras.layers.ZeroPadding2D(around, **FORMAT)(images), "valid"


def conv(layer, images):
    images, padding = padded(layer, images)
    return images, keras.layers.Conv2D(
        layer.filters, layer.kernel, strides=layer.stride, padding=padding, use_bias=layer.bias, **FORMAT
    )


def depthwise(layer, images):
    images, padding = padded(layer, images)
    return images, keras.layers.DepthwiseConv2D(
        layer.kernel, strides=layer.stride, padding=padding, use_bias=layer.bias, **FORMAT
    )


def around_zeros(images, around, value):
    """Return a constant for each padded pixel: 0, and the value around. CNTK's constants leave the batch out."""
    inside = numpy.zeros(K.int_shape(images)[2:], numpy.float32)
    found = numpy.pad(inside, around, "constant", constant_values=value)
    return found[(numpy.newaxis,) * (1 if BACKEND == "cntk" else 2)]


def max_pool(layer, images):
    """The other backends than TensorFlow have windows of their own for "same": they are given a border below every value."""
    padding = layer.padding
    if padding == "same" and CHANNELS_FIRST:
        around = same_sides(images, layer.size, layer.step)
        border = around_zeros(images, around, -1e30)
        images = keras.layers.ZeroPadding2D(around, **FORMAT)(images)
        images, padding = keras.layers.Lambda(lambda images: images + K.constant(border))(images), "valid"
    return images, keras.layers.MaxPooling2D(layer.size, layer.step, padding, **FORMAT)


def average_pool(layer, images):
    """Likewise; here pixels outside do not count."""
    size, step = (layer.size, layer.size), (layer.step, layer.step)
    if layer.padding == "valid" or not CHANNELS_FIRST:
        return images, keras.layers.AveragePooling2D(size, step, layer.padding, **FORMAT)
    around = same_sides(images, layer.size, layer.step)
    outside = around_zeros(images, around, 1)
    high, wide = (-(-side // layer.step) for side in K.int_shape(images)[2:])
    counted = numpy.ones(outside.shape[:-2] + (high, wide), numpy.float32)
    for row, column in numpy.ndindex(high, wide):
        top, left = row * layer.step, column * layer.step
        counted[..., row, column] -= outside[..., top : top + layer.size, left : left + layer.size].mean()
    shape = (K.int_shape(images)[1], high, wide)
    return keras.layers.ZeroPadding2D(around, **FORMAT)(images), keras.layers.Lambda(
        lambda images: K.pool2d(images, size, step, "valid", FORMAT["data_format"], "avg") / K.constant(counted),
        output_shape=shape,
    )


def batch_norm(layer, values):
    return values, BatchNormalization(axis=channels(values), momentum=layer.momentum, epsilon=layer.epsilon)


def activation(layer, values):
    if layer.function == "relu6":
        return values, keras.layers.ReLU(6.0)
    return values, keras.layers.Activation(layer.function)


def flatten(layer, values):
    """Channels last, whatever they were before.

    MXNet's own Flatten forgets even the number of axes where the batch is not known, and its BatchNorm then fails.
    """
    if BACKEND == "mxnet":
        values = keras.layers.Permute((2, 3, 1))(values) if K.ndim(values) == 4 else values
        return values, keras.layers.Reshape((int(numpy.prod(K.int_shape(values)[1:])),))
    return values, keras.layers.Flatten(**(FORMAT if K.ndim(values) == 4 else {}))


def rescale(layer, values):
    shape = [1] * K.ndim(values)
    shape[channels(values)] = -1
    scale, offset = (numpy.reshape(numbers, shape).astype(numpy.float32) for numbers in (layer.scale, layer.offset))
    return values, keras.layers.Lambda(lambda values: values * K.constant(scale) + K.constant(offset))


def dropout(layer, values):
    """MXNet seeds itself with a constant where it is given none."""
    return values, keras.layers.Dropout(layer.rate, seed=numpy.random.randint(1, 10**6))


# Layer type -> its input, padded where the backend needs it, and the Keras layer that takes it.
LAYERS = {
    **SEQUENCES,
    Activation: activation,
    AveragePool: average_pool,
    BatchNorm: batch_norm,
    Conv: conv,
    Dense: lambda layer, rows: (rows, keras.layers.Dense(layer.units, use_bias=layer.bias)),
    DepthwiseConv: depthwise,
    Dropout: dropout,
    Flatten: flatten,
    GlobalAveragePool: lambda layer, images: (images, keras.layers.GlobalAveragePooling2D(**FORMAT)),
    MaxPool: max_pool,
    Rescale: rescale,
    ZeroPad: lambda layer, images: (images, keras.layers.ZeroPadding2D(((layer.before, layer.after),) * 2, **FORMAT)),
}


EXPRESSIBLE = {**LAYERS, **MERGES, TimeDistributed: each_step}


def own_layout(kernel):
    """Return a canonical weight as the backend wants it: Theano's convolution turns kernels by 180 degrees, Keras-MXNet has
    them as (out, in, H, W).
    """
    if kernel.ndim == 4 and BACKEND == "theano":
        return kernel[::-1, ::-1]
    if kernel.ndim == 4 and BACKEND == "mxnet":
        return kernel.transpose(3, 2, 0, 1)
    return kernel


def canonical_layout(kernel):
    """Return own_layout's inverse."""
    if kernel.ndim == 4 and BACKEND == "mxnet":
        return kernel.transpose(2, 3, 1, 0)
    return own_layout(kernel)

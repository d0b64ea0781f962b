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
    Resize,
    TimeDistributed,
    ZeroPad,
    named,
    parts,
)
from ..models.shapes import interpolation, same_padding
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


def sides(images):
    return K.int_shape(images)[2:] if CHANNELS_FIRST else K.int_shape(images)[1:3]


def same_sides(images, size, stride):
    return tuple(same_padding(side, size, stride) for side in sides(images))


def padded(layer, images):
    """Return the images and the padding that is left to the layer: the other backends than TensorFlow put the odd pixel of
    "same" before the image, and CNTK wants images as large as the kernel.
    """
    around = same_sides(images, layer.kernel, layer.stride)
    fits = all(before == after for before, after in around) and (
        BACKEND != "cntk" or layer.kernel <= min(sides(images))
    )
    if layer.padding == "valid" or BACKEND == "tensorflow" or fits:
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


def constant(values):
    """Return the values as the backend's constant. Keras-MXNet makes two of one, and then misses that of training: a variable
    that is no layer's weight is constant too.
    """
    values = numpy.asarray(values, numpy.float32)
    if BACKEND == "mxnet":
        return K.variable(values)
    return K.constant(values, shape=values.shape)  # Theano wants to be told


def for_all(values):
    """Return a constant that all rows share. It has an axis for the batch, but CNTK's leave that out."""
    return constant(values if BACKEND == "cntk" else numpy.asarray(values)[numpy.newaxis])


def around_zeros(images, around, value):
    """Return for each padded pixel of a channel 0, and the value around: (1, height, width)."""
    return numpy.pad(numpy.zeros((1,) + sides(images)), ((0, 0),) + around, "constant", constant_values=value)


def max_pool(layer, images):
    """The other backends than TensorFlow have windows of their own for "same": they are given a border below every value."""
    padding = layer.padding
    if padding == "same" and CHANNELS_FIRST:
        around = same_sides(images, layer.size, layer.step)
        border = for_all(around_zeros(images, around, -1e30))
        images = keras.layers.ZeroPadding2D(around, **FORMAT)(images)
        images, padding = keras.layers.Lambda(lambda images: images + border)(images), "valid"
    return images, keras.layers.MaxPooling2D(layer.size, layer.step, padding, **FORMAT)


def average_pool(layer, images):
    """Likewise; here pixels outside do not count."""
    size, step = (layer.size, layer.size), (layer.step, layer.step)
    if layer.padding == "valid" or not CHANNELS_FIRST:
        return images, keras.layers.AveragePooling2D(size, step, layer.padding, **FORMAT)
    around = same_sides(images, layer.size, layer.step)
    outside = around_zeros(images, around, 1)
    high, wide = (-(-side // layer.step) for side in sides(images))
    counted = numpy.ones((1, high, wide))
    for row, column in numpy.ndindex(high, wide):
        top, left = row * layer.step, column * layer.step
        counted[..., row, column] -= outside[..., top : top + layer.size, left : left + layer.size].mean()
    shape = (K.int_shape(images)[1], high, wide)
    counted = for_all(counted)
    return keras.layers.ZeroPadding2D(around, **FORMAT)(images), keras.layers.Lambda(
        lambda images: K.pool2d(images, size, step, "valid", FORMAT["data_format"], "avg") / counted,
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
    shape = [1] * (K.ndim(values) - 1)
    shape[channels(values) - 1] = -1
    scale, offset = (for_all(numpy.reshape(numbers, shape)) for numbers in (layer.scale, layer.offset))
    return values, keras.layers.Lambda(lambda values: values * scale + offset)


def resize(layer, images):
    """Products with two matrices: Keras 2 itself only multiplies sides by whole numbers."""
    down, across = (constant(interpolation(side, layer.side)) for side in sides(images))
    turned, shape = (0, 1, 3, 2), (layer.side, layer.side)
    count = K.int_shape(images)[channels(images)]

    def resized(images):
        images = K.permute_dimensions(images, turned if CHANNELS_FIRST else (0, 3, 2, 1))
        images = K.permute_dimensions(K.dot(images, down), turned)
        images = K.dot(images, across)
        return images if CHANNELS_FIRST else K.permute_dimensions(images, (0, 2, 3, 1))

    return images, keras.layers.Lambda(resized, output_shape=(count,) + shape if CHANNELS_FIRST else shape + (count,))


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
    Resize: resize,
    ZeroPad: lambda layer, images: (images, keras.layers.ZeroPadding2D(((layer.before, layer.after),) * 2, **FORMAT)),
}


EXPRESSIBLE = {**LAYERS, **MERGES, TimeDistributed: each_step}


def axes_of_mxnet(layer):
    """Return a canonical kernel's axes in the order of Keras-MXNet: (out, in, H, W), or (channels, 1, H, W)."""
    return (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (3, 2, 0, 1)


def own_layout(kernel, layer):
    """Return a canonical weight as the backend wants it in the Keras layer: Theano's convolution turns kernels by 180 degrees,
    which Keras makes good in a depthwise one.
    """
    if kernel.ndim == 4 and BACKEND == "theano" and not isinstance(layer, keras.layers.DepthwiseConv2D):
        return kernel[::-1, ::-1]
    if kernel.ndim == 4 and BACKEND == "mxnet":
        return kernel.transpose(axes_of_mxnet(layer))
    return kernel


def canonical_layout(kernel, layer):
    """Return own_layout's inverse."""
    if kernel.ndim == 4 and BACKEND == "mxnet":
        return kernel.transpose(numpy.argsort(axes_of_mxnet(layer)))
    return own_layout(kernel, layer)

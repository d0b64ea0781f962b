"""What each layer computes in native JAX: layer, its weights by role, its input and what draws a new key, to its output.

Where nothing draws keys this is no training. What training moves besides the trained weights, a layer puts back among its weights.
Channels last.
"""

import jax
import jax.numpy
import numpy

from ..models.layers import (
    GRU,
    LSTM,
    Activation,
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Embedding,
    Flatten,
    Frozen,
    GlobalAveragePool,
    MaxPool,
    Parallel,
    RepeatVector,
    Rescale,
    Residual,
    Resize,
    Select,
    SimpleRNN,
    TimeDistributed,
    ZeroPad,
    named,
    parts,
)
from . import jax_sequences as sequences


def forward(layers, weights, values, new_key):
    """Return what the layers make of the values. weights are nested as the layers are, see models.layers.by_layer."""
    for name, layer in named(layers):
        values = LAYERS[type(layer)](layer, weights.get(name, {}), values, new_key)
    return values


def branches(layer, weights, values, new_key):
    return [forward(inner, weights.get(name, {}), values, new_key) for name, inner in parts(layer).items()]


def convolved(layer, kernel, weights, images, groups):
    images = jax.lax.conv_general_dilated(
        images,
        kernel,
        (layer.stride, layer.stride),
        layer.padding.upper(),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
    return images + weights["bias"] if layer.bias else images


def conv(layer, weights, images, new_key):
    return convolved(layer, weights["kernel"], weights, images, 1)


def depthwise_conv(layer, weights, images, new_key):
    kernel = weights["kernel"].swapaxes(2, 3)  # one input channel for each of the outputs
    return convolved(layer, kernel, weights, images, images.shape[-1])


def dense(layer, weights, rows, new_key):
    rows = rows @ weights["kernel"]
    return rows + weights["bias"] if layer.bias else rows


def pooled(layer, images, first, reducer):
    window, steps = (1, layer.size, layer.size, 1), (1, layer.step, layer.step, 1)
    return jax.lax.reduce_window(images, first, reducer, window, steps, layer.padding.upper())


def average_pool(layer, weights, images, new_key):
    inside = pooled(layer, jax.numpy.ones_like(images[:1, :, :, :1]), 0.0, jax.lax.add)
    return pooled(layer, images, 0.0, jax.lax.add) / inside


def zero_pad(layer, weights, images, new_key):
    edge = (layer.before, layer.after)
    return jax.numpy.pad(images, [(0, 0), edge, edge, (0, 0)])


def batch_norm(layer, weights, values, new_key):
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    if new_key is not None:
        axes = tuple(range(values.ndim - 1))
        found_mean, found_variance = values.mean(axes), values.var(axes)
        weights["moving_mean"] = mean + (1 - layer.momentum) * (found_mean - mean)
        weights["moving_variance"] = variance + (1 - layer.momentum) * (found_variance - variance)
        mean, variance = found_mean, found_variance
    return (values - mean) * jax.lax.rsqrt(variance + layer.epsilon) * weights["gamma"] + weights["beta"]


def dropout(layer, weights, values, new_key):
    if new_key is None or not layer.rate:
        return values
    kept = jax.random.bernoulli(new_key(), 1 - layer.rate, values.shape)
    return jax.numpy.where(kept, values / (1 - layer.rate), 0)


def resize(layer, weights, images, new_key):
    return jax.image.resize(images, (len(images), layer.side, layer.side, images.shape[-1]), "bilinear")


def parallel(layer, weights, values, new_key):
    found = branches(layer, weights, values, new_key)
    return sum(found[1:], found[0]) if layer.merge == "add" else jax.numpy.concatenate(found, -1)


def distributed(layer, weights, values, new_key):
    (rows,) = branches(layer, weights, sequences.fold(values), new_key)
    return sequences.unfold(rows, len(values))


FUNCTIONS = {
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "tanh": jax.numpy.tanh,
    "sigmoid": jax.nn.sigmoid,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
}

LAYERS = {
    Activation: lambda layer, weights, values, new_key: FUNCTIONS[layer.function](values),
    AveragePool: average_pool,
    BatchNorm: batch_norm,
    Conv: conv,
    Dense: dense,
    DepthwiseConv: depthwise_conv,
    Dropout: dropout,
    Embedding: sequences.embedding,
    Flatten: lambda layer, weights, images, new_key: images.reshape(len(images), -1),
    Frozen: lambda layer, weights, values, new_key: branches(layer, weights, values, None)[0],
    GlobalAveragePool: lambda layer, weights, images, new_key: images.mean((1, 2)),
    GRU: sequences.recurrent,
    LSTM: sequences.recurrent,
    MaxPool: lambda layer, weights, images, new_key: pooled(layer, images, -numpy.inf, jax.lax.max),
    Parallel: parallel,
    RepeatVector: sequences.repeat,
    Rescale: lambda layer, weights, values, new_key: values * numpy.float32(layer.scale) + numpy.float32(layer.offset),
    Residual: lambda layer, weights, values, new_key: sum(branches(layer, weights, values, new_key)),
    Resize: resize,
    Select: sequences.select,
    SimpleRNN: sequences.recurrent,
    TimeDistributed: distributed,
    ZeroPad: zero_pad,
}

"""What each layer computes in native TensorFlow: layer, its weights by role, its input and whether this is training, to its output."""

import numpy
import tensorflow as tf

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
from . import tensorflow_sequences as sequences

LEAST_FUSED_EPSILON = 1.001e-5  # cuDNN's; below it TensorFlow's fused kernel silently takes this one


def forward(layers, weights, values, training):
    """Return what the layers make of the values. weights are nested as the layers are, see models.layers.by_layer."""
    for name, layer in named(layers):
        values = LAYERS[type(layer)](layer, weights.get(name, {}), values, training)
    return values


def branches(layer, weights, values, training):
    return [forward(inner, weights.get(name, {}), values, training) for name, inner in parts(layer).items()]


def conv(layer, weights, images, training):
    images = tf.nn.conv2d(images, weights["kernel"], layer.stride, layer.padding.upper())
    return tf.nn.bias_add(images, weights["bias"]) if layer.bias else images


def depthwise_conv(layer, weights, images, training):
    strides = (1, layer.stride, layer.stride, 1)
    images = tf.nn.depthwise_conv2d(images, weights["kernel"], strides, layer.padding.upper())
    return tf.nn.bias_add(images, weights["bias"]) if layer.bias else images


def dense(layer, weights, rows, training):
    rows = tf.matmul(rows, weights["kernel"])
    return tf.nn.bias_add(rows, weights["bias"]) if layer.bias else rows


def max_pool(layer, weights, images, training):
    return tf.nn.max_pool2d(images, layer.size, layer.step, layer.padding.upper())


def average_pool(layer, weights, images, training):
    return tf.nn.avg_pool2d(images, layer.size, layer.step, layer.padding.upper())


def zero_pad(layer, weights, images, training):
    edge = (layer.before, layer.after)
    return tf.pad(images, [(0, 0), edge, edge, (0, 0)])


def batch_norm(layer, weights, values, training):
    gamma, beta = weights["gamma"], weights["beta"]
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    if not training:
        # Not the fused kernel: TensorFlow 2.21 joins it with what follows, and stops where that is tanh.
        return tf.nn.batch_normalization(values, mean, variance, beta, gamma, layer.epsilon)
    if len(values.shape) == 4 and layer.epsilon >= LEAST_FUSED_EPSILON:
        output, found_mean, found_variance = tf.compat.v1.nn.fused_batch_norm(
            values, gamma, beta, epsilon=layer.epsilon, is_training=True
        )
        # The fused kernel's variance is divided by n - 1.
        count = tf.cast(tf.size(values) / values.shape[-1], tf.float32)
        found_variance *= (count - 1) / count
    else:
        found_mean, found_variance = tf.nn.moments(values, list(range(len(values.shape) - 1)))
        output = tf.nn.batch_normalization(values, found_mean, found_variance, beta, gamma, layer.epsilon)
    for moving, found in ((mean, found_mean), (variance, found_variance)):
        moving.assign_add((1 - layer.momentum) * (tf.stop_gradient(found) - moving))
    return output


FUNCTIONS = {
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "elu": tf.nn.elu,
    "selu": tf.nn.selu,
}


def dropout(layer, weights, values, training):
    return tf.nn.dropout(values, layer.rate) if training and layer.rate else values


def flatten(layer, weights, images, training):
    return tf.reshape(images, (-1, numpy.prod(images.shape[1:])))


def parallel(layer, weights, values, training):
    found = branches(layer, weights, values, training)
    return tf.add_n(found) if layer.merge == "add" else tf.concat(found, -1)


def distributed(layer, weights, values, training):
    (rows,) = branches(layer, weights, sequences.fold(values), training)
    return sequences.unfold(rows, values.shape[1])


LAYERS = {
    Activation: lambda layer, weights, values, training: FUNCTIONS[layer.function](values),
    AveragePool: average_pool,
    BatchNorm: batch_norm,
    Conv: conv,
    Dense: dense,
    DepthwiseConv: depthwise_conv,
    Dropout: dropout,
    Embedding: sequences.embedding,
    Flatten: flatten,
    Frozen: lambda layer, weights, values, training: branches(layer, weights, values, False)[0],
    GlobalAveragePool: lambda layer, weights, images, training: tf.reduce_mean(images, (1, 2)),
    GRU: sequences.recurrent,
    LSTM: sequences.recurrent,
    MaxPool: max_pool,
    Parallel: parallel,
    RepeatVector: sequences.repeat,
    Rescale: lambda layer, weights, values, training: values * layer.scale + layer.offset,
    Residual: lambda layer, weights, values, training: tf.add(*branches(layer, weights, values, training)),
    Resize: lambda layer, weights, images, training: tf.image.resize(images, (layer.side, layer.side)),
    Select: sequences.select,
    SimpleRNN: sequences.recurrent,
    TimeDistributed: distributed,
    ZeroPad: zero_pad,
}

"""What each layer computes in native PyTorch: layer, its weights by role, its input and whether this is training, to its output.

Images are channels first inside, (N, C, H, W), as PyTorch's users have them.
"""

import numpy
import torch
from torch.nn import functional

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
from ..models.shapes import same_padding
from . import torch_sequences as sequences


def forward(layers, weights, values, training):
    """Return what the layers make of the values. weights are nested as the layers are, see models.layers.by_layer."""
    for name, layer in named(layers):
        values = LAYERS[type(layer)](layer, weights.get(name, {}), values, training)
    return values


def branches(layer, weights, values, training):
    return [forward(inner, weights.get(name, {}), values, training) for name, inner in parts(layer).items()]


def padded(layer, kernel, stride, images, filler=0.0):
    """Return (images, padding): padding is what the operator is to add to both ends of its sides; what else is wanted, images have."""
    if layer.padding == "valid":
        return images, 0
    (top, bottom), (left, right) = (same_padding(side, kernel, stride) for side in images.shape[2:])
    if top == bottom and left == right:
        return images, (top, left)
    return functional.pad(images, (left, right, top, bottom), value=filler), 0


def conv(layer, weights, images, training):
    images, padding = padded(layer, layer.kernel, layer.stride, images)
    return functional.conv2d(images, weights["kernel"], weights.get("bias"), layer.stride, padding)


def depthwise_conv(layer, weights, images, training):
    images, padding = padded(layer, layer.kernel, layer.stride, images)
    return functional.conv2d(
        images, weights["kernel"], weights.get("bias"), layer.stride, padding, groups=images.shape[1]
    )


def max_pool(layer, weights, images, training):
    images, padding = padded(layer, layer.size, layer.step, images, -float("inf"))
    return functional.max_pool2d(images, layer.size, layer.step, padding)


def average_pool(layer, weights, images, training):
    inside = images
    images, padding = padded(layer, layer.size, layer.step, images)
    means = functional.avg_pool2d(images, layer.size, layer.step, padding, count_include_pad=False)
    if images is inside:
        return means
    shares, _ = padded(layer, layer.size, layer.step, torch.ones_like(inside[:1, :1]))
    return means / functional.avg_pool2d(shares, layer.size, layer.step)


def batch_norm(layer, weights, values, training):
    if values.dim() == 3:  # of a sequence the channels are last
        return batch_norm(layer, weights, values.flatten(0, 1), training).view_as(values)
    gamma, beta = weights["gamma"], weights["beta"]
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    if not training:
        return functional.batch_norm(values, mean, variance, gamma, beta, False, 0.0, layer.epsilon)
    # With momentum 1 PyTorch leaves here the statistics of the batch, the variance divided by n - 1.
    found_mean, found_variance = torch.zeros_like(mean), torch.zeros_like(variance)
    output = functional.batch_norm(values, found_mean, found_variance, gamma, beta, True, 1.0, layer.epsilon)
    count = values.numel() // values.shape[1]
    with torch.no_grad():
        mean.lerp_(found_mean, 1 - layer.momentum)
        variance.lerp_(found_variance * ((count - 1) / count), 1 - layer.momentum)
    return output


def flatten(layer, weights, values, training):
    return (values.permute(0, 2, 3, 1) if values.dim() == 4 else values).flatten(1)  # channels fastest


def rescale(layer, weights, values, training):
    scale, offset = (torch.tensor(numbers, device=values.device) for numbers in (layer.scale, layer.offset))
    if values.dim() == 4:
        scale, offset = scale.view(-1, 1, 1), offset.view(-1, 1, 1)
    return values * scale + offset


def parallel(layer, weights, values, training):
    found = branches(layer, weights, values, training)
    return sum(found[1:], found[0]) if layer.merge == "add" else torch.cat(found, 1 if found[0].dim() == 4 else -1)


def distributed(layer, weights, values, training):
    (rows,) = branches(layer, weights, sequences.fold(values), training)
    return sequences.unfold(rows, values.shape[0])


FUNCTIONS = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "elu": functional.elu,
    "selu": functional.selu,
}

LAYERS = {
    Activation: lambda layer, weights, values, training: FUNCTIONS[layer.function](values),
    AveragePool: average_pool,
    BatchNorm: batch_norm,
    Conv: conv,
    Dense: lambda layer, weights, rows, training: functional.linear(rows, weights["kernel"], weights.get("bias")),
    DepthwiseConv: depthwise_conv,
    Dropout: lambda layer, weights, values, training: functional.dropout(values, layer.rate, training),
    Embedding: sequences.embedding,
    Flatten: flatten,
    Frozen: lambda layer, weights, values, training: branches(layer, weights, values, False)[0],
    GlobalAveragePool: lambda layer, weights, images, training: images.mean((2, 3)),
    GRU: sequences.recurrent,
    LSTM: sequences.recurrent,
    MaxPool: max_pool,
    Parallel: parallel,
    RepeatVector: sequences.repeat,
    Rescale: rescale,
    Residual: lambda layer, weights, values, training: torch.add(*branches(layer, weights, values, training)),
    Resize: lambda layer, weights, images, training: functional.interpolate(
        images, (layer.side, layer.side), mode="bilinear", align_corners=False
    ),
    Select: sequences.select,
    SimpleRNN: sequences.recurrent,
    TimeDistributed: distributed,
    ZeroPad: lambda layer, weights, images, training: functional.pad(images, (layer.before, layer.after) * 2),
}


def to_torch(name, values):
    """Return a canonical weight in PyTorch's layout.

    Kernels are (out, in, H, W), (channels, 1, H, W) of a DepthwiseConv, or (out, in). A GRU's gates are r, z, g there, z, r, g here.
    """
    kind = _kind(name)
    return (_exchanged(values) if kind == "gru" else values).transpose(_axes(name, kind, values.ndim))


def to_canonical(name, values):
    """Return to_torch's inverse."""
    kind = _kind(name)
    axes = _axes(name, kind, values.ndim)
    values = values.transpose([axes.index(axis) for axis in range(values.ndim)])
    return _exchanged(values) if kind == "gru" else values


def _kind(name):
    return name.split("/")[-2].rpartition("-")[2]


def _exchanged(values):
    update, reset, new = numpy.split(values, 3, axis=-1)
    return numpy.concatenate([reset, update, new], axis=-1)


def _axes(name, kind, count):
    if kind == "embedding" or name.endswith("/bias"):
        return list(range(count))
    if count < 4:
        return list(range(count))[::-1]
    return [2, 3, 0, 1] if kind == "depthwiseconv" else [3, 2, 0, 1]

"""The arithmetic of the toy framework: a network in plain numpy, in float64. It decides who is right where frameworks differ.

images.py and values.py have the layers, steps.py the optimizers. Weights and gradients are nested as the layers are, see
models.layers.by_layer. All keeps the type of its input, so that the same network in float32 shows what rounding does.
"""

import numpy

from ...models import layers as described
from ...models.layers import named
from . import images, sequences, values


def forward(layers, weights, given, random=None):
    """Return the output, of a model its logits (N, classes), and what backward() needs.

    random draws the dropped values; None is prediction: no dropout, and BatchNorm with its moving statistics.
    """
    kept = []
    for name, layer in named(layers):
        given, memory = LAYERS[type(layer)][0](layer, weights.get(name, {}), given, random)
        kept.append(memory)
    return given, kept


def backward(layers, weights, kept, gradient, lowest=0):
    """Return the gradient of what the lowest layer was given, and those of the weights from there on, nested alike."""
    found = {}
    for (name, layer), memory in reversed(list(zip(named(layers), kept))[lowest:]):
        gradient, own = LAYERS[type(layer)][1](layer, weights.get(name, {}), memory, gradient)
        found[name] = own
    return gradient, found


def residual_forward(layer, weights, given, random):
    body, kept = forward(layer.body, weights.get("body", {}), given, random)
    shortcut, beside = forward(layer.shortcut, weights.get("shortcut", {}), given, random)
    return body + shortcut, (kept, beside)


def residual_backward(layer, weights, kept, gradient):
    by_body, body = backward(layer.body, weights.get("body", {}), kept[0], gradient)
    by_shortcut, shortcut = backward(layer.shortcut, weights.get("shortcut", {}), kept[1], gradient)
    return by_body + by_shortcut, {"body": body, "shortcut": shortcut}


def parallel_forward(layer, weights, given, random):
    found = [forward(inner, weights.get(name, {}), given, random) for name, inner in described.parts(layer).items()]
    outputs = [output for output, _ in found]
    merged = sum(outputs) if layer.merge == "add" else numpy.concatenate(outputs, axis=-1)
    return merged, ([kept for _, kept in found], [output.shape[-1] for output in outputs])


def parallel_backward(layer, weights, kept, gradient):
    memories, widths = kept
    ends = numpy.cumsum(widths)[:-1]
    shares = [gradient] * len(memories) if layer.merge == "add" else numpy.split(gradient, ends, axis=-1)
    by_input, found = 0.0, {}
    for (name, inner), memory, share in zip(described.parts(layer).items(), memories, shares):
        by_branch, found[name] = backward(inner, weights.get(name, {}), memory, share)
        by_input = by_input + by_branch
    return by_input, found


def frozen_forward(layer, weights, given, random):
    return forward(layer.body, weights.get("body", {}), given, None)


def frozen_backward(layer, weights, kept, gradient):
    return backward(layer.body, weights.get("body", {}), kept, gradient)[0], {}


def distributed_forward(layer, weights, given, random):
    output, kept = forward(layer.body, weights.get("body", {}), sequences.fold(given), random)
    return sequences.unfold(output, given.shape[1]), (kept, given.shape[1])


def distributed_backward(layer, weights, kept, gradient):
    memory, steps = kept
    gradient, found = backward(layer.body, weights.get("body", {}), memory, sequences.fold(gradient))
    return sequences.unfold(gradient, steps), {"body": found}


RECURRENT = (sequences.recurrent_forward, sequences.recurrent_backward)

# Layer type -> forward, backward.
LAYERS = {
    described.Activation: (values.activation_forward, values.activation_backward),
    described.AveragePool: (images.average_pool_forward, images.average_pool_backward),
    described.BatchNorm: (values.batch_norm_forward, values.batch_norm_backward),
    described.Conv: (images.conv_forward, images.conv_backward),
    described.Dense: (values.dense_forward, values.dense_backward),
    described.DepthwiseConv: (images.depthwise_forward, images.depthwise_backward),
    described.Dropout: (values.dropout_forward, values.dropout_backward),
    described.Embedding: (sequences.embedding_forward, sequences.embedding_backward),
    described.Flatten: (values.flatten_forward, values.flatten_backward),
    described.Frozen: (frozen_forward, frozen_backward),
    described.GRU: RECURRENT,
    described.GlobalAveragePool: (images.global_pool_forward, images.global_pool_backward),
    described.LSTM: RECURRENT,
    described.MaxPool: (images.max_pool_forward, images.max_pool_backward),
    described.Parallel: (parallel_forward, parallel_backward),
    described.RepeatVector: (sequences.repeat_forward, sequences.repeat_backward),
    described.Rescale: (values.rescale_forward, values.rescale_backward),
    described.Residual: (residual_forward, residual_backward),
    described.Resize: (images.resize_forward, images.resize_backward),
    described.Select: (sequences.select_forward, sequences.select_backward),
    described.SimpleRNN: RECURRENT,
    described.TimeDistributed: (distributed_forward, distributed_backward),
    described.ZeroPad: (images.zero_pad_forward, images.zero_pad_backward),
}


def softmax(logits):
    powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(logits, labels):
    """Return the mean softmax cross-entropy of the batch and its gradient by the logits."""
    probabilities = softmax(logits)
    rows = numpy.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    loss = (numpy.log(numpy.exp(shifted).sum(axis=1)) - shifted[rows, labels]).mean()
    probabilities[rows, labels] -= 1.0
    return float(loss), probabilities / len(labels)

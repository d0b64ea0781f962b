"""The arithmetic of the toy framework: a network in plain numpy, in float64. It decides who is right where frameworks differ.

Each layer type has a forward and a backward function; each optimizer of models/optimizers.py a step, written as its formulas are.
A forward function returns its output and what its backward function will need.
"""

import numpy

from ...models.layers import Activation, Conv, Dense, Dropout, Flatten, MaxPool
from ...models.optimizers import SGD, Adadelta, Adam, RMSprop


def same_padding(side, kernel, stride):
    """Return pixels to add (before, after) a side, so that ceil(side / stride) remain: TensorFlow's rule, the odd one after."""
    steps = -(-side // stride)
    total = max((steps - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def windows(images, kernel, stride):
    """Return every kernel x kernel window as a row: (N * height * width, kernel * kernel * channels), and (N, height, width)."""
    count, height, width, channels = images.shape
    high, wide = (height - kernel) // stride + 1, (width - kernel) // stride + 1
    image, row, column, channel = images.strides
    view = numpy.lib.stride_tricks.as_strided(
        images,
        (count, high, wide, kernel, kernel, channels),
        (image, row * stride, column * stride, row, column, channel),
        writeable=False,
    )
    return view.reshape(count * high * wide, kernel * kernel * channels), (count, high, wide)


def conv_forward(layer, weights, images, random):
    padding = ((0, 0), (0, 0), (0, 0), (0, 0))
    if layer.padding == "same":
        sides = [same_padding(side, layer.kernel, layer.stride) for side in images.shape[1:3]]
        padding = ((0, 0), sides[0], sides[1], (0, 0))
        images = numpy.pad(images, padding, "constant")
    rows, shape = windows(images, layer.kernel, layer.stride)
    output = rows.dot(weights["kernel"].reshape(-1, layer.filters))
    if layer.bias:
        output += weights["bias"]
    return output.reshape(shape + (layer.filters,)), (rows, images.shape, padding)


def conv_backward(layer, weights, kept, gradient):
    rows, padded_shape, padding = kept
    count, high, wide, filters = gradient.shape
    flat = gradient.reshape(-1, filters)
    found = {"kernel": rows.T.dot(flat).reshape(weights["kernel"].shape)}
    if layer.bias:
        found["bias"] = flat.sum(axis=0)
    by_window = flat.dot(weights["kernel"].reshape(-1, filters).T)
    by_window = by_window.reshape(count, high, wide, layer.kernel, layer.kernel, padded_shape[3])
    images = numpy.zeros(padded_shape)
    step = layer.stride
    for row in range(layer.kernel):
        for column in range(layer.kernel):
            place = images[:, row : row + step * high : step, column : column + step * wide : step]
            place += by_window[:, :, :, row, column]
    (top, bottom), (left, right) = padding[1:3]
    return images[:, top : padded_shape[1] - bottom, left : padded_shape[2] - right], found


def dense_forward(layer, weights, rows, random):
    output = rows.dot(weights["kernel"])
    if layer.bias:
        output += weights["bias"]
    return output, rows


def dense_backward(layer, weights, rows, gradient):
    found = {"kernel": rows.T.dot(gradient)}
    if layer.bias:
        found["bias"] = gradient.sum(axis=0)
    return gradient.dot(weights["kernel"].T), found


def pool_slices(layer, images):
    """Return the values at each place of the pooling windows, in reading order: views of (N, height, width, channels)."""
    size = layer.size
    high, wide = images.shape[1] // size, images.shape[2] // size
    return [
        images[:, row : row + size * high : size, column : column + size * wide : size]
        for row in range(size)
        for column in range(size)
    ]


def pool_forward(layer, weights, images, random):
    slices = pool_slices(layer, images)
    largest = slices[0].copy()
    for candidate in slices[1:]:
        numpy.maximum(largest, candidate, out=largest)
    return largest, (images, largest)


def pool_backward(layer, weights, kept, gradient):
    """Give the gradient to the first maximum in reading order. Frameworks may choose another one, or all, where values tie;
    after ReLU nothing shows of it, for the tied values are zeros, whose gradient ReLU drops.
    """
    images, largest = kept
    spread = numpy.zeros_like(images)
    waiting = numpy.ones(largest.shape, bool)
    for values, target in zip(pool_slices(layer, images), pool_slices(layer, spread)):
        chosen = waiting & (values == largest)
        target[chosen] = gradient[chosen]
        waiting &= ~chosen
    return spread, {}


# function -> (output of the input, factor of the gradient by the output)
ACTIVATIONS = {
    "relu": (lambda values: numpy.maximum(values, 0.0), lambda output: output > 0.0),
    "tanh": (numpy.tanh, lambda output: 1.0 - output * output),
    "sigmoid": (lambda values: 0.5 + 0.5 * numpy.tanh(0.5 * values), lambda output: output * (1.0 - output)),
}


def activation_forward(layer, weights, values, random):
    output = ACTIVATIONS[layer.function][0](values)
    return output, output


def activation_backward(layer, weights, output, gradient):
    return gradient * ACTIVATIONS[layer.function][1](output), {}


def dropout_forward(layer, weights, values, random):
    if random is None or layer.rate == 0.0:
        return values, 1.0
    factor = (random.random_sample(values.shape) >= layer.rate) / (1.0 - layer.rate)
    return values * factor, factor


def dropout_backward(layer, weights, factor, gradient):
    return gradient * factor, {}


def flatten_forward(layer, weights, values, random):
    return values.reshape(len(values), -1), values.shape


def flatten_backward(layer, weights, shape, gradient):
    return gradient.reshape(shape), {}


LAYERS = {
    Activation: (activation_forward, activation_backward),
    Conv: (conv_forward, conv_backward),
    Dense: (dense_forward, dense_backward),
    Dropout: (dropout_forward, dropout_backward),
    Flatten: (flatten_forward, flatten_backward),
    MaxPool: (pool_forward, pool_backward),
}


def forward(layers, weights, images, random=None):
    """Return the logits (N, classes) and what backward() needs. weights: a dict of arrays by role for each layer.

    random draws the dropped values; None switches dropout off.
    """
    values, kept = images, []
    for layer, own in zip(layers, weights):
        values, memory = LAYERS[type(layer)][0](layer, own, values, random)
        kept.append(memory)
    return values, kept


def backward(layers, weights, kept, gradient):
    """Return the gradient of each weight, in the order and roles of weights, and the gradient of the images."""
    found = []
    for layer, own, memory in reversed(list(zip(layers, weights, kept))):
        gradient, own_gradients = LAYERS[type(layer)][1](layer, own, memory, gradient)
        found.insert(0, own_gradients)
    return found, gradient


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


def sgd_step(constants, weight, gradient, state, step):
    (v,) = state
    v *= constants.momentum
    v -= constants.learning_rate * gradient
    weight += v


def adam_step(constants, weight, gradient, state, step):
    m, v = state
    m += (1.0 - constants.beta_1) * (gradient - m)
    v += (1.0 - constants.beta_2) * (gradient * gradient - v)
    rate = constants.learning_rate * (1.0 - constants.beta_2**step) ** 0.5 / (1.0 - constants.beta_1**step)
    weight -= rate * m / (numpy.sqrt(v) + constants.epsilon)


def rmsprop_step(constants, weight, gradient, state, step):
    (v,) = state
    v += (1.0 - constants.rho) * (gradient * gradient - v)
    weight -= constants.learning_rate * gradient / numpy.sqrt(v + constants.epsilon)


def adadelta_step(constants, weight, gradient, state, step):
    v, u = state
    v += (1.0 - constants.rho) * (gradient * gradient - v)
    d = numpy.sqrt((u + constants.epsilon) / (v + constants.epsilon)) * gradient
    u += (1.0 - constants.rho) * (d * d - u)
    weight -= constants.learning_rate * d


# optimizer -> (its step, which changes weight and state in place; how many states a weight has)
OPTIMIZERS = {SGD: (sgd_step, 1), Adam: (adam_step, 2), RMSprop: (rmsprop_step, 1), Adadelta: (adadelta_step, 2)}

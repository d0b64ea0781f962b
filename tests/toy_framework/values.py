"""The layers that know nothing of height and width, as images.py has the others."""

import numpy


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


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def elu(values):
    return numpy.where(values > 0.0, values, numpy.expm1(numpy.minimum(values, 0.0)))


def selu(values):
    return SELU_SCALE * numpy.where(values > 0.0, values, SELU_ALPHA * numpy.expm1(numpy.minimum(values, 0.0)))


# function -> (output of the input, factor of the gradient by the output)
ACTIVATIONS = {
    "relu": (lambda values: numpy.maximum(values, 0.0), lambda output: output > 0.0),
    "relu6": (lambda values: values.clip(0.0, 6.0), lambda output: (output > 0.0) & (output < 6.0)),
    "tanh": (numpy.tanh, lambda output: 1.0 - output * output),
    "sigmoid": (lambda values: 0.5 + 0.5 * numpy.tanh(0.5 * values), lambda output: output * (1.0 - output)),
    "hard_sigmoid": (
        lambda values: (0.2 * values + 0.5).clip(0.0, 1.0),
        lambda output: 0.2 * ((output > 0.0) & (output < 1.0)),
    ),
    "elu": (elu, lambda output: numpy.minimum(output, 0.0) + 1.0),
    "selu": (selu, lambda output: numpy.where(output > 0.0, SELU_SCALE, output + SELU_SCALE * SELU_ALPHA)),
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


def rescale_forward(layer, weights, values, random):
    scale = numpy.array(layer.scale, values.dtype)
    return values * scale + numpy.array(layer.offset, values.dtype), scale


def rescale_backward(layer, weights, scale, gradient):
    return gradient * scale, {}


def batch_norm_forward(layer, weights, values, random):
    """Move the moving statistics where random says that this is training."""
    if random is None:
        deviation = numpy.sqrt(weights["moving_variance"] + layer.epsilon)
        normal = (values - weights["moving_mean"]) / deviation
        return normal * weights["gamma"] + weights["beta"], (normal, deviation, True)
    axes = tuple(range(values.ndim - 1))
    mean, variance = values.mean(axis=axes), values.var(axis=axes)
    for role, found in (("moving_mean", mean), ("moving_variance", variance)):
        weights[role] += (1.0 - layer.momentum) * (found - weights[role])
    deviation = numpy.sqrt(variance + layer.epsilon)
    normal = (values - mean) / deviation
    return normal * weights["gamma"] + weights["beta"], (normal, deviation, False)


def batch_norm_backward(layer, weights, kept, gradient):
    """Mean and variance of the batch depend on its values, so their gradients flow there as well (Ioffe and Szegedy 2015)."""
    normal, deviation, still = kept
    axes = tuple(range(gradient.ndim - 1))
    found = {"gamma": (gradient * normal).sum(axis=axes), "beta": gradient.sum(axis=axes)}
    by_normal = gradient * weights["gamma"]
    if not still:
        by_normal = by_normal - by_normal.mean(axis=axes) - normal * (by_normal * normal).mean(axis=axes)
    return by_normal / deviation, found

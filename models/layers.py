"""Layer descriptions, and what follows from them without a framework: shapes, parameter counts, canonical initial weights.

A model is a tuple of these. Images are channels last, kernels are (height, width, in, out), dense kernels (in, out); each adapter
turns them into its framework's layout. Every default is written here and nowhere else.
"""

from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy

Shape = Tuple[int, ...]


class Conv(NamedTuple):
    filters: int
    kernel: int  # square, in pixels
    stride: int = 1
    padding: str = "valid"  # or "same": the odd pixel goes right and below, as in TensorFlow
    bias: bool = True


class Dense(NamedTuple):
    units: int
    bias: bool = True


class MaxPool(NamedTuple):
    size: int  # square, in pixels; the stride equals it and partial windows are dropped


class Activation(NamedTuple):
    function: str  # "relu", "tanh" or "sigmoid"


class Dropout(NamedTuple):
    rate: float  # share of values set to zero while training; the others are divided by 1 - rate


class Flatten(NamedTuple):
    """(height, width, channels) to one axis, channels fastest."""


class Weight(NamedTuple):
    name: str  # "2-conv/kernel": the layer's position in the model, its type, the role
    shape: Shape


def _conv_output(layer: Conv, shape: Shape) -> Shape:
    if layer.padding == "same":
        sides = [-(-side // layer.stride) for side in shape[:2]]
    elif layer.padding == "valid":
        sides = [(side - layer.kernel) // layer.stride + 1 for side in shape[:2]]
    else:
        raise ValueError('{}; padding is "valid" or "same"'.format(layer))
    return (sides[0], sides[1], layer.filters)


def _flatten_output(layer: Flatten, shape: Shape) -> Shape:
    size = 1
    for side in shape:
        size *= side
    return (size,)


def _same(layer: NamedTuple, shape: Shape) -> Shape:
    return shape


# Layer type -> (axes of its input, or None for any; its output shape).
_SHAPES = {
    Conv: (3, _conv_output),
    Dense: (1, lambda layer, shape: (layer.units,)),
    MaxPool: (3, lambda layer, shape: (shape[0] // layer.size, shape[1] // layer.size, shape[2])),
    Activation: (None, _same),
    Dropout: (None, _same),
    Flatten: (None, _flatten_output),
}

_KERNEL_SHAPES = {
    Conv: lambda layer, shape: (layer.kernel, layer.kernel, shape[2], layer.filters),
    Dense: lambda layer, shape: (shape[0], layer.units),
}


class NotExpressible(ValueError):
    """A framework lacks a layer, an optimizer or a device; the message says which. Raised by adapters."""


def refuse(framework, job, layers, optimizers):
    """Raise NotExpressible where the job has a layer or an optimizer of no type in the framework's tables."""
    for layer in job.layers:
        if type(layer) not in layers:
            raise NotExpressible("{} has no {}".format(framework, type(layer).__name__))
    if type(job.optimizer) not in optimizers:
        raise NotExpressible("{} has no optimizer {!r}".format(framework, job.optimizer))


class ShapeError(ValueError):
    """The input does not fit the model; the message names the layer."""


def output_shapes(layers: Sequence, input_shape: Shape) -> List[Shape]:
    """Return the shape after each layer, without the batch axis. Raises ShapeError."""
    shapes = []  # type: List[Shape]
    shape = tuple(input_shape)
    for position, layer in enumerate(layers):
        axes, output = _SHAPES[type(layer)]
        if axes is not None and len(shape) != axes:
            raise ShapeError("layer {} {} takes {} axes, but is given {}".format(position, layer, axes, shape))
        before, shape = shape, output(layer, shape)
        if min(shape) < 1:
            raise ShapeError(
                "layer {} {} shrinks its input {} to {}; the model wants larger images than {}".format(
                    position, layer, before, shape, tuple(input_shape)
                )
            )
        shapes.append(shape)
    return shapes


def weight_shapes(layers: Sequence, input_shape: Shape) -> List[Weight]:
    """Return name and shape of each weight, in the model's order, kernel before bias. Raises ShapeError."""
    found = []
    shapes = [tuple(input_shape)] + output_shapes(layers, input_shape)
    for position, layer in enumerate(layers):
        if type(layer) not in _KERNEL_SHAPES:
            continue
        prefix = "{}-{}".format(position, type(layer).__name__.lower())
        kernel = _KERNEL_SHAPES[type(layer)](layer, shapes[position])
        found.append(Weight(prefix + "/kernel", kernel))
        if layer.bias:
            found.append(Weight(prefix + "/bias", kernel[-1:]))
    return found


def parameter_count(layers: Sequence, input_shape: Shape) -> int:
    return sum(int(numpy.prod(weight.shape)) for weight in weight_shapes(layers, input_shape))


def initial_weights(layers: Sequence, input_shape: Shape, seed: int) -> Dict[str, numpy.ndarray]:
    """Return the canonical initial weights, float32 by name, in the model's order.

    Kernels are Glorot uniform (Glorot and Bengio 2010: limit sqrt(6 / (fan_in + fan_out))), biases zero. RandomState's
    streams are frozen, so every numpy version draws the same.
    """
    random = numpy.random.RandomState(seed)
    drawn = {}
    for weight in weight_shapes(layers, input_shape):
        if weight.name.endswith("/bias"):
            drawn[weight.name] = numpy.zeros(weight.shape, numpy.float32)
            continue
        receptive = int(numpy.prod(weight.shape[:-2]))
        limit = (6.0 / (receptive * (weight.shape[-2] + weight.shape[-1]))) ** 0.5
        drawn[weight.name] = random.uniform(-limit, limit, weight.shape).astype(numpy.float32)
    return drawn

"""The weights of a model: names, shapes, counts and canonical initial values.

Kernels are (height, width, in, out), or (in, out) of Dense; a DepthwiseConv's are (height, width, channels, 1). Each adapter turns
them into its framework's layout.
"""

from typing import Dict, List, NamedTuple, Sequence

import numpy

from .layers import GRU, LSTM, BatchNorm, Conv, Dense, DepthwiseConv, Embedding, Frozen, SimpleRNN
from .shapes import Shape, ShapeError, placed


class Weight(NamedTuple):
    name: str  # "3-residual/body/0-conv/kernel": the layer's place in the model, the role
    shape: Shape
    initial: str  # a name of DRAW
    trainable: bool = True


def _with_bias(layer, kernel):
    bias = [Weight("bias", kernel[-1:], "zeros")] if layer.bias else []
    return [Weight("kernel", kernel, layer.initial)] + bias


def _depthwise(layer, shape):
    kernel = Weight("kernel", (layer.kernel, layer.kernel, shape[2], 1), layer.initial)
    return [kernel] + ([Weight("bias", shape[2:], "zeros")] if layer.bias else [])


def _batch_norm(layer, shape):
    return [
        Weight("gamma", shape[-1:], "ones"),
        Weight("beta", shape[-1:], "zeros"),
        Weight("moving_mean", shape[-1:], "zeros", trainable=False),
        Weight("moving_variance", shape[-1:], "ones", trainable=False),
    ]


def _recurrent(layer, shape, gates, bias="zeros"):
    """The gates lie one after the other in the last axis. A GRU's bias is two: of the step's values, and of the recurrent product."""
    width = gates * layer.units
    return [
        Weight("kernel", (shape[1], width), "glorot_uniform"),
        Weight("recurrent", (layer.units, width), "orthogonal"),
        Weight("bias", (2, width) if type(layer) is GRU else (width,), bias),
    ]


# Layer type -> its weights, from the layer and its input's shape; of their names only the role. Others have none.
WEIGHTS = {
    BatchNorm: _batch_norm,
    Conv: lambda layer, shape: _with_bias(layer, (layer.kernel, layer.kernel, shape[2], layer.filters)),
    Dense: lambda layer, shape: _with_bias(layer, (shape[0], layer.units)),
    DepthwiseConv: _depthwise,
    Embedding: lambda layer, shape: [Weight("kernel", (layer.words, layer.size), "small_uniform")],
    GRU: lambda layer, shape: _recurrent(layer, shape, 3),
    LSTM: lambda layer, shape: _recurrent(layer, shape, 4, "forget_ones" if layer.forget_bias else "zeros"),
    SimpleRNN: lambda layer, shape: _recurrent(layer, shape, 1),
}


def weight_shapes(layers: Sequence, input_shape: Shape) -> List[Weight]:
    """Return the model's weights, in its order. Raises ShapeError."""
    found = []
    frozen = ()
    for one in reversed(placed(layers, input_shape)):  # a layer comes before those inside it
        if type(one.layer) is Frozen:
            frozen += (one.name + "/",)
        if type(one.layer) in WEIGHTS:
            own = WEIGHTS[type(one.layer)](one.layer, one.input)
            if getattr(one.layer, "initial", KERNELS[0]) not in KERNELS:
                words = "layer {}: initial = {!r}; wanted one of {}"
                raise ShapeError(words.format(one.name, one.layer.initial, ", ".join(KERNELS)))
            thaws = not one.name.startswith(frozen)
            found += [
                weight._replace(name=one.name + "/" + weight.name, trainable=weight.trainable and thaws)
                for weight in reversed(own)
            ]
    return found[::-1]


def parameter_count(layers: Sequence, input_shape: Shape, trainable: bool = False) -> int:
    """Return how many numbers the weights are, or only the trained ones."""
    counted = [weight for weight in weight_shapes(layers, input_shape) if weight.trainable or not trainable]
    return sum(int(numpy.prod(weight.shape)) for weight in counted)


def _fans(shape):
    """Return how many inputs a value of the output is the sum of, and how many outputs one of the input goes to."""
    receptive = int(numpy.prod(shape[:-2]))
    return receptive * shape[-2], receptive * shape[-1]


def _uniform(random, shape, square):
    """Return a draw between -limit and limit, whose square is given: three times the variance."""
    return random.uniform(-(square**0.5), square**0.5, shape)


def _normal(random, shape, variance):
    """Return a normal draw cut at two deviations, widened so that its variance is the wanted one."""
    values = random.normal(size=shape)
    while (numpy.abs(values) > 2.0).any():
        far = numpy.abs(values) > 2.0
        values[far] = random.normal(size=int(far.sum()))
    return values * (variance**0.5 / 0.87962566103423978)  # the deviation of a standard normal cut at two


def _orthogonal(random, shape):
    """Return orthonormal rows (Saxe et al. 2014). Of two LAPACKs the last bit of the float32 may differ."""
    columns, triangle = numpy.linalg.qr(random.normal(size=shape[::-1]))
    return (columns * numpy.sign(numpy.diag(triangle))).T  # with this sign the draw is uniform


# Glorot and Bengio 2010: variance 2 / (fan_in + fan_out). He et al. 2015: 2 / fan_in. LeCun et al. 1998: 1 / fan_in.
DRAW = {
    "zeros": lambda random, shape: numpy.zeros(shape),
    "ones": lambda random, shape: numpy.ones(shape),
    "forget_ones": lambda random, shape: numpy.repeat([0.0, 1.0, 0.0, 0.0], shape[0] // 4),
    "orthogonal": _orthogonal,
    "small_uniform": lambda random, shape: random.uniform(-0.05, 0.05, shape),
    "glorot_uniform": lambda random, shape: _uniform(random, shape, 6.0 / sum(_fans(shape))),
    "he_uniform": lambda random, shape: _uniform(random, shape, 6.0 / _fans(shape)[0]),
    "he_normal": lambda random, shape: _normal(random, shape, 2.0 / _fans(shape)[0]),
    "lecun_uniform": lambda random, shape: _uniform(random, shape, 3.0 / _fans(shape)[0]),
    "lecun_normal": lambda random, shape: _normal(random, shape, 1.0 / _fans(shape)[0]),
}

KERNELS = sorted(name for name in DRAW if name.endswith(("_uniform", "_normal")))  # that a layer may ask for


def initial_weights(layers: Sequence, input_shape: Shape, seed: int) -> Dict[str, numpy.ndarray]:
    """Return the canonical initial weights, float32 by name, in the model's order.

    RandomState's streams are frozen, so every numpy version draws the same.
    """
    random = numpy.random.RandomState(seed)
    return {
        weight.name: DRAW[weight.initial](random, weight.shape).astype(numpy.float32)
        for weight in weight_shapes(layers, input_shape)
    }

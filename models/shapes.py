"""The shape of what each layer makes, without the batch axis: (height, width, channels), or (values,)."""

from typing import List, NamedTuple, Sequence, Tuple

from .layers import (
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

Shape = Tuple[int, ...]


class ShapeError(ValueError):
    """The input does not fit the model; the message names the layer."""


def same_padding(side: int, kernel: int, stride: int) -> Tuple[int, int]:
    """Return the pixels that padding "same" adds before and after a side."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def interpolation(old: int, new: int) -> List[List[float]]:
    """Return the matrix (old, new) by which Resize multiplies a side: what share each old pixel has in each new one."""
    centres = [min(max((pixel + 0.5) * old / new - 0.5, 0.0), old - 1.0) for pixel in range(new)]
    return [[max(1.0 - abs(centre - pixel), 0.0) for centre in centres] for pixel in range(old)]


def _window(side: int, kernel: int, stride: int, padding: str) -> int:
    if padding == "same":
        return (
            -(-side // stride) if side >= stride else 0
        )  # a stride across the whole image would only throw pixels away
    return (side - kernel) // stride + 1


def _conv(layer, shape):
    return tuple(_window(side, layer.kernel, layer.stride, layer.padding) for side in shape[:2]) + (layer.filters,)


def _depthwise(layer, shape):
    return tuple(_window(side, layer.kernel, layer.stride, layer.padding) for side in shape[:2]) + shape[2:]


def _pool(layer, shape):
    return tuple(_window(side, layer.size, layer.step, layer.padding) for side in shape[:2]) + shape[2:]


def _dense(layer, shape):
    if layer.units < 1:
        raise ShapeError("has no units")
    return (layer.units,)


def _dropout(layer, shape):
    if not 0 <= layer.rate < 1:
        raise ShapeError("must leave some values: its rate is at least 0 and below 1")
    return shape


def _flatten(layer, shape):
    size = 1
    for side in shape:
        size *= side
    return (size,)


def _resize(layer, shape):
    if layer.side < max(shape[:2]):
        raise ShapeError("is given {}, which it would shrink".format(shape))
    return (layer.side, layer.side, shape[2])


def _same(layer, shape):
    return shape


def _select(layer, shape):
    if not 0 <= layer.start < layer.stop <= shape[0]:
        raise ShapeError("is given {} words".format(shape[0]))
    return (layer.stop - layer.start,)


def _recurrent(layer, shape):
    return (shape[0], layer.units) if layer.sequences else (layer.units,)


def _add(layer, shape, *outputs):
    if len(set(outputs)) > 1:
        raise ShapeError("would add {}".format(" and ".join(str(output) for output in outputs)))
    return outputs[0]


def _parallel(layer, shape, *outputs):
    if layer.merge == "add":
        return _add(layer, shape, *outputs)
    if len({output[:-1] for output in outputs}) > 1:
        raise ShapeError("would concatenate {}".format(" and ".join(str(output) for output in outputs)))
    return outputs[0][:-1] + (sum(output[-1] for output in outputs),)


# Layer type -> (axes of its input, or None for any; its output's shape, from its input's and those of its parts' outputs).
SHAPES = {
    Activation: (None, _same),
    AveragePool: (3, _pool),
    BatchNorm: (None, _same),
    Conv: (3, _conv),
    Dense: (1, _dense),
    DepthwiseConv: (3, _depthwise),
    Dropout: (None, _dropout),
    Embedding: (1, lambda layer, shape: shape + (layer.size,)),
    Flatten: (None, _flatten),
    GRU: (2, _recurrent),
    Frozen: (None, lambda layer, shape, output: output),
    GlobalAveragePool: (3, lambda layer, shape: shape[2:]),
    LSTM: (2, _recurrent),
    MaxPool: (3, _pool),
    Parallel: (None, _parallel),
    RepeatVector: (1, lambda layer, shape: (layer.times,) + shape),
    Rescale: (None, _same),
    Residual: (None, _add),
    Resize: (3, _resize),
    Select: (1, _select),
    SimpleRNN: (2, _recurrent),
    TimeDistributed: (None, lambda layer, shape, output: shape[:1] + output),
    ZeroPad: (3, lambda layer, shape: tuple(layer.before + side + layer.after for side in shape[:2]) + shape[2:]),
}


CHOICES = {  # a layer's field -> the names that it may have
    "activation": ("tanh", "relu"),
    "function": ("relu", "relu6", "tanh", "sigmoid", "elu", "selu"),
    "gates": ("sigmoid", "hard_sigmoid"),
    "merge": ("add", "concatenate"),
    "padding": ("valid", "same"),
}


class Placed(NamedTuple):
    name: str  # "3-residual/body/0-conv"
    layer: NamedTuple
    input: Shape
    output: Shape


def placed(layers: Sequence, input_shape: Shape) -> List[Placed]:
    """Return all layers with their names and shapes, those inside a layer before it. Raises ShapeError."""
    return _placed(layers, tuple(input_shape), "", tuple(input_shape))


def _placed(layers, shape, prefix, image):
    found = []
    for name, layer in named(layers, prefix):
        outputs = []
        given = shape[1:] if type(layer) is TimeDistributed else shape
        if not given:
            raise ShapeError("layer {} takes at least 2 axes, but is given {}".format(name, shape))
        for part, inner in parts(layer).items():
            inside = _placed(inner, given, name + "/" + part + "/", image)
            found += inside
            outputs.append(inside[-1].output if inside else given)
        found.append(Placed(name, layer, shape, _output(name, layer, shape, outputs, image)))
        shape = found[-1].output
    return found


def _output(name, layer, shape, outputs, image):
    if type(layer) not in SHAPES:
        raise ShapeError("layer {} {!r}; wanted a layer of models/layers.py".format(name, layer))
    axes, output = SHAPES[type(layer)]
    which = "layer {}".format(name) if parts(layer) else "layer {} {}".format(name, layer)
    for field, known in CHOICES.items():
        if getattr(layer, field, known[0]) not in known:
            words = ['"{}"'.format(name) for name in known]
            raise ShapeError("{}; {} is {} or {}".format(which, field, ", ".join(words[:-1]), words[-1]))
    if axes is not None and len(shape) != axes:
        raise ShapeError("{} takes {} axes, but is given {}".format(which, axes, shape))
    try:
        found = output(layer, shape, *outputs)
    except ShapeError as problem:
        raise ShapeError("{} {}".format(which, problem)) from None
    if not all(isinstance(side, int) for side in found):
        raise ShapeError("{} makes {} of {}; wanted whole numbers".format(which, found, shape))
    if min(found) < 1:
        words = "{} shrinks its input {} to {}; the model wants larger images than {}"
        raise ShapeError(words.format(which, shape, found, image))
    return found


def output_shapes(layers: Sequence, input_shape: Shape) -> List[Shape]:
    """Return the shape after each layer of the sequence, those inside others left out. Raises ShapeError."""
    return [one.output for one in placed(layers, input_shape) if "/" not in one.name]

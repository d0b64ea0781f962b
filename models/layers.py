"""Layer descriptions. A model is a tuple of these; every default is written here and nowhere else.

Images are channels last; shapes.py and weights.py say what follows from a model without a framework. A convolution that is separable
is a DepthwiseConv without bias and a Conv of kernel 1: no framework computes anything else.
"""

from typing import Iterator, NamedTuple, Optional, Tuple

# Padding is "valid" or "same": then ceil(side / stride) remain, and the odd pixel goes right and below, as in TensorFlow.


class Conv(NamedTuple):
    filters: int
    kernel: int  # square, in pixels
    stride: int = 1
    padding: str = "valid"
    bias: bool = True
    initial: str = "glorot_uniform"  # a name of weights.DRAW


class DepthwiseConv(NamedTuple):
    """Each channel is convolved with a kernel of its own."""

    kernel: int  # square, in pixels
    stride: int = 1
    padding: str = "valid"
    bias: bool = True
    initial: str = "glorot_uniform"


class Dense(NamedTuple):
    units: int
    bias: bool = True
    initial: str = "glorot_uniform"


class MaxPool(NamedTuple):
    size: int  # square, in pixels
    stride: Optional[int] = None  # None: the size
    padding: str = "valid"  # partial windows are dropped; with "same" the pixels outside are below every value

    @property
    def step(self):
        return self.stride or self.size


class AveragePool(NamedTuple):
    size: int  # square, in pixels
    stride: Optional[int] = None  # None: the size
    padding: str = "valid"  # partial windows are dropped; with "same" the pixels outside do not count

    @property
    def step(self):
        return self.stride or self.size


class GlobalAveragePool(NamedTuple):
    """(height, width, channels) to the mean of each channel."""


class ZeroPad(NamedTuple):
    before: int  # pixels above and on the left
    after: int  # pixels below and on the right


class Resize(NamedTuple):
    """Bilinear interpolation between pixel centres; beyond the outermost centres the image goes on as it ends."""

    side: int  # of the square that results, in pixels; at least the input's: shrinking would want a filter


class Rescale(NamedTuple):
    """values * scale + offset"""

    scale: Tuple[float, ...]  # one, or one a channel
    offset: Tuple[float, ...]


class BatchNorm(NamedTuple):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, over all axes but the last.

    Training takes mean and biased variance (divided by n) of the batch, and moves the moving ones, from 0 and 1, by them:
    moving = momentum * moving + (1 - momentum) * batch's. Prediction takes the moving ones. (Ioffe and Szegedy 2015 move by the
    unbiased variance; most frameworks by this one.)
    """

    epsilon: float = 1e-3
    momentum: float = 0.99  # share of the old that stays


class Activation(NamedTuple):
    """relu6 is min(relu, 6); elu is x above zero and exp(x) - 1 below; selu likewise, times 1.0507009873554805, and below zero
    times 1.6732632423543772 as well (Klambauer et al. 2017).
    """

    function: str  # "relu", "relu6", "tanh", "sigmoid", "elu" or "selu"


class Dropout(NamedTuple):
    rate: float  # share of values set to zero while training; the others are divided by 1 - rate


class Flatten(NamedTuple):
    """(height, width, channels) to one axis, channels fastest."""


class Select(NamedTuple):
    """The words from start to before stop, of a text."""

    start: int
    stop: int


class Embedding(NamedTuple):
    """A text's words, 0 to words - 1, as rows of a kernel (words, size): (steps,) to (steps, size). Padding is a word like others."""

    words: int
    size: int


class RepeatVector(NamedTuple):
    """(values,) to (times, values)"""

    times: int


# Recurrent layers take (steps, values), start from h = c = 0, and give h after the last step, or, with sequences, after each. x is a
# step's values, K the kernel (values, gates * units), R the recurrent kernel (units, gates * units), b the bias.


class SimpleRNN(NamedTuple):
    """h = activation(x K + h R + b)"""

    units: int
    activation: str = "tanh"  # or "relu"
    sequences: bool = False


class LSTM(NamedTuple):
    """i, f, g, o = the four parts of x K + h R + b; c = gate(f) * c + gate(i) * tanh(g); h = gate(o) * tanh(c)"""

    units: int
    sequences: bool = False
    gates: str = "sigmoid"  # or "hard_sigmoid": min(max(0.2 x + 0.5, 0), 1), as in Keras before 2.3
    forget_bias: bool = True  # the initial bias of f is one, not zero (Jozefowicz et al. 2015)


class GRU(NamedTuple):
    """z, r, g = x K + b[0]; z', r', g' = h R + b[1]; h = z h + (1 - z) tanh(g + r g'), where z = sigmoid(z + z') and r likewise.

    The reset gate acts on the product, as in cuDNN and all frameworks' fused kernels; in Cho et al. 2014 it acts on h.
    """

    units: int
    sequences: bool = False


class TimeDistributed(NamedTuple):
    """Layers applied to each step of (steps, ...) alike; an image's steps are its rows."""

    body: tuple


class Residual(NamedTuple):
    """The sum of what two sequences of layers make of the same input."""

    body: tuple
    shortcut: tuple = ()  # empty: the input itself


class Parallel(NamedTuple):
    """What several sequences of layers make of the same input, as one."""

    branches: Tuple[tuple, ...]
    merge: str  # "add", or "concatenate": along the last axis


class Frozen(NamedTuple):
    """Layers that run in training as in prediction: no weight of theirs changes, nothing is dropped."""

    body: tuple


# Layer type -> the sequences of layers inside it, by name.
PARTS = {
    Residual: lambda layer: {"body": layer.body, "shortcut": layer.shortcut},
    Parallel: lambda layer: {str(number): branch for number, branch in enumerate(layer.branches)},
    Frozen: lambda layer: {"body": layer.body},
    TimeDistributed: lambda layer: {"body": layer.body},
}


def parts(layer) -> dict:
    """Return the sequences of layers inside a layer, by name: none for most."""
    return PARTS[type(layer)](layer) if type(layer) in PARTS else {}


def named(layers, prefix="") -> Iterator[tuple]:
    """Yield (name, layer): the name is the layer's position and type, "2-conv", behind the prefix."""
    for position, layer in enumerate(layers):
        yield "{}{}-{}".format(prefix, position, type(layer).__name__.lower()), layer


def every(layers) -> Iterator[tuple]:
    """Yield all layers, those inside others too."""
    for layer in layers:
        yield layer
        for inner in parts(layer).values():
            for found in every(inner):
                yield found


def by_layer(weights: dict) -> dict:
    """Return weights as the layers nest: {"3-residual/body/0-conv/kernel": w} is {"3-residual": {"body": {"0-conv": ...}}}."""
    found = {}  # type: dict
    for name, weight in weights.items():
        place = found
        path = name.split("/")
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = weight
    return found


def without_dropout(layers):
    """Return the layers with every dropout rate zero."""
    if isinstance(layers, Dropout):
        return Dropout(0.0)
    if not isinstance(layers, tuple):
        return layers
    inside = [without_dropout(value) for value in layers]
    return type(layers)(*inside) if hasattr(layers, "_fields") else tuple(inside)


class NotExpressible(ValueError):
    """A framework lacks a layer, an optimizer or a device; the message says which. Raised by adapters."""


def refuse(framework, job, layers, optimizers):
    """Raise NotExpressible where the job has a layer or an optimizer of no type in the framework's tables."""
    for layer in every(job.layers):
        if type(layer) not in layers:
            raise NotExpressible("{} has no {}".format(framework, type(layer).__name__))
    if type(job.optimizer) not in optimizers:
        raise NotExpressible("{} has no optimizer {!r}".format(framework, job.optimizer))

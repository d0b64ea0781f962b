"""Our layers as Gluon has them. Images are channels first inside, (N, C, H, W), as MXNet's CPU kernels want them."""

from typing import NamedTuple

import mxnet as mx
import numpy
from mxnet.gluon import nn

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
from ..models.shapes import interpolation, output_shapes, same_padding
from ..models.weights import weight_shapes
from . import mxnet_sequences as sequences


def window(layer, shape, size, step, outside, block):
    """Return the block of a window operation, with the padding of the layer: MXNet pads both sides alike, "same" may not.

    block: makes it, given the pixels to pad each side; outside: the value of the pixels that are padded before it.
    """
    edges = [same_padding(side, size, step) if layer.padding == "same" else (0, 0) for side in shape[:2]]
    if all(before == after for before, after in edges):
        return block((edges[0][0], edges[1][0]))
    found = nn.HybridSequential()
    found.add(padding(edges, outside), block(0))
    return found


def padding(edges, outside=0):
    width = (0, 0, 0, 0) + tuple(edges[0]) + tuple(edges[1])
    return nn.HybridLambda(
        lambda ops, images: ops.pad(images, mode="constant", constant_value=outside, pad_width=width)
    )


def conv(layer, shape, frozen):
    settings = {"in_channels": shape[2], "use_bias": layer.bias}
    if type(layer) is DepthwiseConv:
        filters = settings["groups"] = shape[2]
    else:
        filters = layer.filters
    return window(
        layer,
        shape,
        layer.kernel,
        layer.stride,
        0,
        lambda edge: nn.Conv2D(filters, layer.kernel, layer.stride, edge, **settings),
    )


def max_pool(layer, shape, frozen):
    least = float(numpy.finfo(numpy.float32).min)
    return window(layer, shape, layer.size, layer.step, least, lambda edge: nn.MaxPool2D(layer.size, layer.step, edge))


def average_pool(layer, shape, frozen):
    pool = window(layer, shape, layer.size, layer.step, 0, lambda edge: nn.AvgPool2D(layer.size, layer.step, edge))
    if layer.padding == "valid":
        return pool
    # The padded pixels do not count, also where MXNet cannot know of them.
    return nn.HybridLambda(lambda ops, images: pool(images) / pool(ops.ones_like(images)))


class Rescaling(nn.HybridBlock):
    def __init__(self, layer, shape):
        super().__init__()
        last = (-1,) + (1,) * (len(shape) - 1)
        with self.name_scope():
            self.scale = self.params.get_constant("scale", numpy.array(layer.scale, numpy.float32).reshape(last))
            self.offset = self.params.get_constant("offset", numpy.array(layer.offset, numpy.float32).reshape(last))

    def hybrid_forward(self, F, values, scale, offset):  # noqa: N803  Gluon looks for the name F
        return F.broadcast_add(F.broadcast_mul(values, scale), offset)


class Interpolation(nn.HybridBlock):
    """Resize as products with two matrices: MXNet 1.6 has its own only between corners."""

    def __init__(self, layer, shape):
        super().__init__()
        down, across = (numpy.array(interpolation(side, layer.side), numpy.float32) for side in shape[:2])
        with self.name_scope():
            self.down = self.params.get_constant("down", down)
            self.across = self.params.get_constant("across", across)

    def hybrid_forward(self, F, images, down, across):  # noqa: N803  Gluon looks for the name F
        turned = F.dot(F.swapaxes(images, 2, 3), down)
        return F.dot(F.swapaxes(turned, 2, 3), across)


class Branches(nn.HybridBlock):
    def __init__(self, branches, merge):
        super().__init__()
        self.branches = branches
        self.merge = merge
        for branch in branches:
            self.register_child(branch)

    def hybrid_forward(self, F, values):  # noqa: N803  Gluon looks for the name F
        found = [branch(values) for branch in self.branches]
        return F.add_n(*found) if self.merge == "add" else F.concat(*found, dim=1)


def global_pool(layer, shape, frozen):
    found = nn.HybridSequential()
    found.add(nn.GlobalAvgPool2D(), nn.Flatten())
    return found


def flatten_as_ours():
    """Return a Flatten that puts channels last. Inside other layers the order would be lost where branches meet; on the model's own
    way the next kernel is turned instead, which costs nothing while it trains.
    """
    found = nn.HybridSequential()
    found.add(nn.HybridLambda(lambda ops, images: ops.transpose(images, axes=(0, 2, 3, 1))), nn.Flatten())
    return found


def resize(layer, shape, frozen):
    if mx.__version__ < "1.7":
        return Interpolation(layer, shape)
    return nn.HybridLambda(
        lambda ops, images: ops.contrib.BilinearResize2D(
            images, height=layer.side, width=layer.side, align_corners=False
        )
    )


def selu(ops, values):
    """The gradient of MXNet 1.9's own selu is wrong below zero: at -2 it is 0.68 of what it should be."""
    return 1.0507009873554805 * ops.LeakyReLU(values, act_type="elu", slope=1.6732632423543772)


# Gluon's clip() would give the gradient of exact zeros too.
FUNCTIONS = {
    "relu": lambda: nn.Activation("relu"),
    "relu6": lambda: nn.HybridLambda(lambda ops, values: ops.minimum(ops.relu(values), 6.0)),
    "tanh": lambda: nn.Activation("tanh"),
    "sigmoid": lambda: nn.Activation("sigmoid"),
    "elu": lambda: nn.ELU(1.0),
    "selu": lambda: nn.HybridLambda(selu),
}

# Layer type -> its block, from the layer, its input's shape (ours, channels last), and whether it is inside Frozen.
LAYERS = {
    Activation: lambda layer, shape, frozen: FUNCTIONS[layer.function](),
    AveragePool: average_pool,
    BatchNorm: lambda layer, shape, frozen: nn.BatchNorm(
        1, layer.momentum, layer.epsilon, use_global_stats=frozen, in_channels=shape[-1]
    ),
    Conv: conv,
    Dense: lambda layer, shape, frozen: nn.Dense(layer.units, in_units=shape[0], use_bias=layer.bias, flatten=False),
    DepthwiseConv: conv,
    Dropout: lambda layer, shape, frozen: nn.Dropout(0.0 if frozen else layer.rate),
    Embedding: sequences.embedding,
    Flatten: lambda layer, shape, frozen: nn.Flatten(),
    GlobalAveragePool: global_pool,
    GRU: sequences.Fused,
    LSTM: sequences.lstm,
    MaxPool: max_pool,
    RepeatVector: sequences.repeat,
    Rescale: lambda layer, shape, frozen: Rescaling(layer, shape),
    Resize: resize,
    Select: sequences.select,
    SimpleRNN: sequences.Fused,
    ZeroPad: lambda layer, shape, frozen: padding([(layer.before, layer.after)] * 2),
}
# Layer type -> the block of the blocks of its parts, from its input's and its output's shape too.
MERGES = {
    Frozen: lambda layer, blocks, shape, output: blocks[0],
    Parallel: lambda layer, blocks, shape, output: Branches(blocks, layer.merge),
    Residual: lambda layer, blocks, shape, output: Branches(blocks, "add"),
    TimeDistributed: lambda layer, blocks, shape, output: sequences.Folded(blocks[0], shape, output),
}


class Made(NamedTuple):
    block: nn.HybridBlock
    layer: NamedTuple
    image: tuple  # (H, W, C) of the image whose flattened values are the layer's input, or None


def connect(layers, shape, made, prefix="", frozen=False, image=None):
    """Return the layers as one block; each layer's is put into made by its canonical name."""
    network = nn.HybridSequential()
    for (name, layer), output in zip(named(layers, prefix), output_shapes(layers, shape)):
        if type(layer) in MERGES:
            inside = frozen or type(layer) is Frozen
            given = shape[1:] if type(layer) is TimeDistributed else shape
            inner = [
                connect(part, given, made, "{}/{}/".format(name, which), inside, image)
                for which, part in parts(layer).items()
            ]
            block = MERGES[type(layer)](layer, inner, shape, output)
        else:
            block = (
                flatten_as_ours()
                if type(layer) is Flatten and prefix and len(shape) == 3
                else LAYERS[type(layer)](layer, shape, frozen)
            )
            made[name] = Made(block, layer, image)
            if frozen:
                block.collect_params().setattr("grad_req", "null")
        if type(layer) is Flatten and not prefix:
            image = shape if len(shape) == 3 else image
        elif len(output) != 1 or output != shape:
            image = None
        network.add(block)
        shape = output
    return network


class Placed(NamedTuple):
    """A parameter of Gluon, and how its axes lie."""

    parameter: mx.gluon.Parameter
    axes: tuple  # ours in MXNet's order: images are (N, C, H, W), kernels (out, in, H, W)
    image: tuple  # (H, W, C) where the first of our axes is a flattened image: MXNet's is flattened channels first

    def set(self, values):
        if self.image:
            values = values.reshape(self.image + (-1,)).transpose(2, 0, 1, 3).reshape(values.shape)
        self.parameter.set_data(mx.nd.array(values.transpose(self.axes)))

    def get(self):
        values = self.parameter.data().asnumpy().transpose(numpy.argsort(self.axes))
        if self.image:
            height, width, channels = self.image
            values = values.reshape((channels, height, width, -1)).transpose(1, 2, 0, 3).reshape(values.shape)
        return numpy.ascontiguousarray(values)


def by_name(layers, input_shape, made):
    """Return the parameters, Placed, by canonical name. Gluon lists those of a layer in our roles' order."""
    waiting = {name: iter(one.block.collect_params().values()) for name, one in made.items()}
    found = {}
    for weight in weight_shapes(layers, input_shape):
        layer_name, _, role = weight.name.rpartition("/")
        one = made[layer_name]
        if type(one.layer) in sequences.GATES:
            own = [next(waiting[layer_name]) for _ in range(2 if role == "bias" and type(one.layer) is GRU else 1)]
            found[weight.name] = sequences.Gated(tuple(own), sequences.GATES[type(one.layer)])
            continue
        axes = tuple(range(len(weight.shape)))[:: 1 if type(one.layer) is Embedding else -1]
        if len(weight.shape) == 4:
            axes = (2, 3, 0, 1) if type(one.layer) is DepthwiseConv else (3, 2, 0, 1)
        flattened = one.image if role != "bias" else None
        found[weight.name] = Placed(next(waiting[layer_name]), axes, flattened)
    return found

"""Sequences in Gluon: (N, steps, values), and texts, (N, words' numbers)."""

from typing import NamedTuple

import mxnet as mx
import numpy
from mxnet.gluon import nn, rnn

from ..models.layers import GRU, LSTM, SimpleRNN


def embedding(layer, shape, frozen):
    return nn.Embedding(layer.words, layer.size)


def select(layer, shape, frozen):
    return nn.HybridLambda(lambda ops, words: ops.slice_axis(words, axis=1, begin=layer.start, end=layer.stop))


def repeat(layer, shape, frozen):
    return nn.HybridLambda(lambda ops, values: ops.repeat(ops.expand_dims(values, axis=1), layer.times, axis=1))


class Fused(nn.HybridBlock):
    """One of MXNet's own recurrent layers. They have a second bias; where ours do without, it is held at zero."""

    def __init__(self, layer, shape, frozen):
        super().__init__()
        self.sequences = layer.sequences
        kind = {SimpleRNN: rnn.RNN, LSTM: rnn.LSTM, GRU: rnn.GRU}[type(layer)]
        settings = {"activation": layer.activation} if type(layer) is SimpleRNN else {}
        with self.name_scope():
            self.recurrent = kind(layer.units, layout="NTC", input_size=shape[-1], **settings)
        if type(layer) is not GRU:
            self.recurrent.l0_h2h_bias.grad_req = "null"

    def hybrid_forward(self, F, steps):  # noqa: N803  Gluon looks for the name F
        outputs = self.recurrent(steps)
        return outputs if self.sequences else last(F, outputs, 1)


class HardLSTM(nn.HybridBlock):
    """An LSTM whose gates are hard_sigmoid, which the fused kernel has not: a loop over the steps in MXNet's control flow."""

    def __init__(self, layer, shape, frozen):
        super().__init__()
        self.layer = layer
        rows = 4 * layer.units
        with self.name_scope():
            self.i2h_weight = self.params.get("i2h_weight", shape=(rows, shape[-1]))
            self.h2h_weight = self.params.get("h2h_weight", shape=(rows, layer.units))
            self.i2h_bias = self.params.get("i2h_bias", shape=(rows,), init="zeros")

    def hybrid_forward(self, F, steps, i2h_weight, h2h_weight, i2h_bias):  # noqa: N803
        rows = 4 * self.layer.units
        given = F.FullyConnected(steps, i2h_weight, i2h_bias, num_hidden=rows, flatten=False).swapaxes(0, 1)

        def step(given, states):
            before, memory = states
            given = given + F.FullyConnected(before, h2h_weight, no_bias=True, num_hidden=rows)
            enter, forget, new, leave = F.split(given, num_outputs=4, axis=1)
            memory = F.hard_sigmoid(forget) * memory + F.hard_sigmoid(enter) * F.tanh(new)
            output = F.hard_sigmoid(leave) * F.tanh(memory)
            return output, [output, memory]

        # Zeros of (N, units), where N is known to nobody before the first batch; two, as foreach tells states apart by name.
        like = F.slice_axis(last(F, given, 0), axis=1, begin=0, end=self.layer.units)
        outputs, _ = F.contrib.foreach(step, given, [F.zeros_like(like), F.zeros_like(like)])
        return outputs.swapaxes(0, 1) if self.layer.sequences else last(F, outputs, 0)


def last(ops, values, axis):
    return ops.squeeze(ops.slice_axis(values, axis=axis, begin=-1, end=None), axis=axis)


def lstm(layer, shape, frozen):
    return (Fused if layer.gates == "sigmoid" else HardLSTM)(layer, shape, frozen)


class Folded(nn.HybridBlock):
    """A block for each step: steps are folded into the batch, and unfolded. An image's steps are its rows."""

    def __init__(self, block, shape, output):
        super().__init__()
        self.block = block
        self.from_image, self.steps, self.to_image = len(shape) == 3, shape[0], len(output) == 3

    def hybrid_forward(self, F, values):  # noqa: N803
        values = F.transpose(values, (0, 2, 3, 1)) if self.from_image else values
        values = self.block(F.reshape(values, (-3, -2)))
        values = F.reshape(values, (-4, -1, self.steps, -2))
        return F.transpose(values, (0, 3, 1, 2)) if self.to_image else values


class Gated(NamedTuple):
    """The parameters of Gluon that together are one of a recurrent layer's weights: of a GRU's bias two, of all else one."""

    parameters: tuple
    gates: tuple  # of ours, in MXNet's order

    def set(self, values):
        values = reordered(values, self.gates)
        for parameter, part in zip(self.parameters, values if len(self.parameters) > 1 else [values]):
            parameter.set_data(mx.nd.array(part.T))

    def get(self):
        parts = [parameter.data().asnumpy().T for parameter in self.parameters]
        values = numpy.stack(parts) if len(parts) > 1 else parts[0]
        return numpy.ascontiguousarray(reordered(values, numpy.argsort(self.gates)))


def reordered(values, gates):
    """Return the values with the parts of their last axis, one a gate, in another order."""
    return numpy.concatenate([numpy.split(values, len(gates), axis=-1)[gate] for gate in gates], axis=-1)


# Ours: LSTM input, forget, new, output, as MXNet's; GRU update, reset, new, where MXNet's are reset, update, new.
GATES = {SimpleRNN: (0,), LSTM: (0, 1, 2, 3), GRU: (1, 0, 2)}

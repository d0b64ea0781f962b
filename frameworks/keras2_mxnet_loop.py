"""Recurrent layers of Keras-MXNet in MXNet's own loop."""

import mxnet as mx


def function(symbol, chosen):
    """Return a function of Keras, by its name, of the symbol."""
    return getattr(mx.sym, chosen.__name__)(symbol)


def simple_rnn(layer, given, fed_back, states):
    return [function(given + fed_back, layer.activation)]


def lstm(layer, given, fed_back, states):
    enter, forget, new, leave = mx.sym.split(given + fed_back, num_outputs=4, axis=1)
    gate = layer.recurrent_activation
    memory = function(forget, gate) * states[1] + function(enter, gate) * mx.sym.tanh(new)
    return [function(leave, gate) * mx.sym.tanh(memory), memory]


def gru(layer, given, fed_back, states):
    update, reset, new = mx.sym.split(given, num_outputs=3, axis=1)
    update_back, reset_back, new_back = mx.sym.split(fed_back, num_outputs=3, axis=1)
    update, reset = mx.sym.sigmoid(update + update_back), mx.sym.sigmoid(reset + reset_back)
    return [update * states[0] + (1 - update) * mx.sym.tanh(new + reset * new_back)]


# Keras' name of the layer -> its states after a step, the output first, from the layer, x K + b, h R and its states before (a GRU's
# h R + b too); and how many these are.
CELLS = {"GRU": (gru, 1), "LSTM": (lstm, 2), "SimpleRNN": (simple_rnn, 1)}


def outputs(layer, name, symbols):
    """Return the outputs of a Keras layer (N, steps, units), or the last (N, units). symbols: steps, kernel, recurrent, bias."""
    cell, count = CELLS[name]
    steps, kernel, recurrent, bias = symbols
    biases = mx.sym.split(bias, num_outputs=2, axis=0, squeeze_axis=True) if cell is gru else [bias]
    given = mx.sym.broadcast_add(mx.sym.dot(steps, kernel), mx.sym.reshape(biases[0], (1, 1, -1))).swapaxes(0, 1)

    def step(given, states):
        fed_back = mx.sym.dot(states[0], recurrent)
        if cell is gru:
            fed_back = mx.sym.broadcast_add(fed_back, mx.sym.reshape(biases[1], (1, -1)))
        states = cell(layer, given, fed_back, states)
        return states[0], states

    # Zeros of (N, units), where N is known to nobody before the first batch; one each, as foreach tells states apart by name.
    first = mx.sym.squeeze(mx.sym.slice_axis(given, axis=0, begin=0, end=1), axis=0)
    like = mx.sym.slice_axis(first, axis=1, begin=0, end=layer.units)
    found, last = mx.sym.contrib.foreach(step, given, [mx.sym.zeros_like(like) for _ in range(count)])
    return found.swapaxes(0, 1) if layer.return_sequences else last[0]

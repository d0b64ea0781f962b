"""Sequences in native JAX: (N, steps, values), and texts, (N, words' numbers)."""

import jax
import jax.numpy

from ..models.layers import GRU, LSTM, SimpleRNN

FUNCTIONS = {"tanh": jax.numpy.tanh, "relu": jax.nn.relu}
GATES = {"sigmoid": jax.nn.sigmoid, "hard_sigmoid": lambda values: jax.numpy.clip(0.2 * values + 0.5, 0.0, 1.0)}


def embedding(layer, weights, words, new_key):
    return weights["kernel"][words]


def select(layer, weights, words, new_key):
    return words[:, layer.start : layer.stop]


def repeat(layer, weights, values, new_key):
    return values[:, None].repeat(layer.times, 1)


def fold(steps):
    """Return the steps as rows of the batch."""
    return steps.reshape((-1,) + steps.shape[2:])


def unfold(rows, count):
    """Return fold's inverse, where the batch has so many rows."""
    return rows.reshape((count, -1) + rows.shape[1:])


def rnn_step(layer, weights, given, states):
    return (FUNCTIONS[layer.activation](given + states[0] @ weights["recurrent"]),)


def lstm_step(layer, weights, given, states):
    before, memory = states
    gate = GATES[layer.gates]
    enter, forget, new, leave = jax.numpy.split(given + before @ weights["recurrent"], 4, axis=1)
    memory = gate(forget) * memory + gate(enter) * jax.numpy.tanh(new)
    return gate(leave) * jax.numpy.tanh(memory), memory


def gru_step(layer, weights, given, states):
    (before,) = states
    update, reset, new = jax.numpy.split(given, 3, axis=1)
    recalled = jax.numpy.split(before @ weights["recurrent"] + weights["bias"][1], 3, axis=1)
    update, reset = jax.nn.sigmoid(update + recalled[0]), jax.nn.sigmoid(reset + recalled[1])
    return (update * before + (1 - update) * jax.numpy.tanh(new + reset * recalled[2]),)


CELLS = {SimpleRNN: (rnn_step, 1), LSTM: (lstm_step, 2), GRU: (gru_step, 1)}  # step, states


def recurrent(layer, weights, steps, new_key):
    step, count = CELLS[type(layer)]
    bias = weights["bias"][0] if type(layer) is GRU else weights["bias"]
    given = (steps @ weights["kernel"] + bias).swapaxes(0, 1)
    start = (jax.numpy.zeros((len(steps), layer.units)),) * count

    def one(states, given):
        states = step(layer, weights, given, states)
        return states, states[0] if layer.sequences else None

    states, outputs = jax.lax.scan(one, start, given)
    return outputs.swapaxes(0, 1) if layer.sequences else states[0]

"""The layers of sequences: (N, steps, values), and of texts, (N, words' numbers). Recurrent layers start from zeros."""

import numpy

from ...models.layers import GRU, LSTM, SimpleRNN
from .values import ACTIVATIONS


def embedding_forward(layer, weights, words, random):
    words = words.astype(numpy.int64)
    return weights["kernel"][words], words


def embedding_backward(layer, weights, words, gradient):
    found = numpy.zeros_like(weights["kernel"])
    numpy.add.at(found, words, gradient)
    return numpy.zeros(words.shape), {"kernel": found}


def select_forward(layer, weights, words, random):
    return words[:, layer.start : layer.stop], words.shape


def select_backward(layer, weights, shape, gradient):
    found = numpy.zeros(shape, gradient.dtype)
    found[:, layer.start : layer.stop] = gradient
    return found, {}


def repeat_forward(layer, weights, values, random):
    return numpy.repeat(values[:, None], layer.times, axis=1), None


def repeat_backward(layer, weights, kept, gradient):
    return gradient.sum(axis=1), {}


def fold(steps):
    """Return the steps as rows of the batch."""
    return steps.reshape((-1,) + steps.shape[2:])


def unfold(rows, steps):
    return rows.reshape((-1, steps) + rows.shape[1:])


# A cell's step takes what the kernel and its bias made of one step's input, and the states; it returns the next states, of which
# the first is the output, and what its way back needs. The way back adds to the gradients found of what only the cell uses.


def rnn_step(layer, weights, given, states):
    output = ACTIVATIONS[layer.activation][0](given + states[0].dot(weights["recurrent"]))
    return (output,), (states[0], output)


def rnn_step_back(layer, weights, kept, by_states, found):
    before, output = kept
    by_sum = by_states[0] * ACTIVATIONS[layer.activation][1](output)
    found["recurrent"] += before.T.dot(by_sum)
    return by_sum, (by_sum.dot(weights["recurrent"].T),)


def lstm_step(layer, weights, given, states):
    before, memory = states
    gate = ACTIVATIONS[layer.gates][0]
    enter, forget, new, leave = numpy.split(given + before.dot(weights["recurrent"]), 4, axis=1)
    enter, forget, new, leave = gate(enter), gate(forget), numpy.tanh(new), gate(leave)
    next_memory = forget * memory + enter * new
    shown = numpy.tanh(next_memory)
    return (leave * shown, next_memory), (before, memory, enter, forget, new, leave, shown)


def lstm_step_back(layer, weights, kept, by_states, found):
    before, memory, enter, forget, new, leave, shown = kept
    by_output, by_memory = by_states
    by_memory = by_memory + by_output * leave * (1.0 - shown * shown)
    slope = ACTIVATIONS[layer.gates][1]
    by_gates = (
        by_memory * new * slope(enter),
        by_memory * memory * slope(forget),
        by_memory * enter * (1.0 - new * new),
        by_output * shown * slope(leave),
    )
    by_sum = numpy.concatenate(by_gates, axis=1)
    found["recurrent"] += before.T.dot(by_sum)
    return by_sum, (by_sum.dot(weights["recurrent"].T), by_memory * forget)


def gru_step(layer, weights, given, states):
    (before,) = states
    gate = ACTIVATIONS["sigmoid"][0]
    update, reset, new = numpy.split(given, 3, axis=1)
    parts = numpy.split(before.dot(weights["recurrent"]) + weights["bias"][1], 3, axis=1)
    update, reset, recalled = gate(update + parts[0]), gate(reset + parts[1]), parts[2]
    new = numpy.tanh(new + reset * recalled)
    return (update * before + (1.0 - update) * new,), (before, update, reset, recalled, new)


def gru_step_back(layer, weights, kept, by_states, found):
    before, update, reset, recalled, new = kept
    (by_output,) = by_states
    slope = ACTIVATIONS["sigmoid"][1]
    by_new = by_output * (1.0 - update) * (1.0 - new * new)
    by_update = by_output * (before - new) * slope(update)
    by_reset = by_new * recalled * slope(reset)
    by_parts = numpy.hstack((by_update, by_reset, by_new * reset))
    found["recurrent"] += before.T.dot(by_parts)
    found["bias"][1] += by_parts.sum(axis=0)
    by_before = by_parts.dot(weights["recurrent"].T) + by_output * update
    return numpy.hstack((by_update, by_reset, by_new)), (by_before,)


# Layer type -> its step, the way back, and how many states there are.
CELLS = {
    SimpleRNN: (rnn_step, rnn_step_back, 1),
    LSTM: (lstm_step, lstm_step_back, 2),
    GRU: (gru_step, gru_step_back, 1),
}


def recurrent_forward(layer, weights, steps, random):
    step, _, count = CELLS[type(layer)]
    given = steps @ weights["kernel"] + numpy.atleast_2d(weights["bias"])[0]
    states = (numpy.zeros((len(steps), layer.units), given.dtype),) * count
    outputs, memories = [], []
    for place in range(steps.shape[1]):
        states, memory = step(layer, weights, given[:, place], states)
        outputs.append(states[0])
        memories.append(memory)
    return numpy.stack(outputs, axis=1) if layer.sequences else states[0], (steps, memories)


def recurrent_backward(layer, weights, kept, gradient):
    steps, memories = kept
    _, step_back, count = CELLS[type(layer)]
    found = {role: numpy.zeros_like(weight) for role, weight in weights.items()}
    by_states = (numpy.zeros((len(steps), layer.units), gradient.dtype),) * count
    by_given = []
    for place in reversed(range(steps.shape[1])):
        shown = gradient[:, place] if layer.sequences else gradient if place == steps.shape[1] - 1 else 0.0
        by_states = (by_states[0] + shown,) + by_states[1:]
        by_step, by_states = step_back(layer, weights, memories[place], by_states, found)
        by_given.insert(0, by_step)
    by_given = numpy.stack(by_given, axis=1)
    found["kernel"] += numpy.tensordot(steps, by_given, ((0, 1), (0, 1)))
    numpy.atleast_2d(found["bias"])[0] += by_given.sum(axis=(0, 1))
    return by_given @ weights["kernel"].T, found

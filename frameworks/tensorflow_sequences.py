"""Sequences in native TensorFlow: (N, steps, values), and texts, (N, words' numbers)."""

import tensorflow as tf

from ..models.layers import GRU, LSTM, SimpleRNN

GATES = {"sigmoid": tf.sigmoid, "hard_sigmoid": lambda values: tf.clip_by_value(0.2 * values + 0.5, 0.0, 1.0)}


def embedding(layer, weights, words, training):
    return tf.gather(weights["kernel"], words)


def select(layer, weights, words, training):
    return words[:, layer.start : layer.stop]


def repeat(layer, weights, values, training):
    return tf.repeat(values[:, None], layer.times, axis=1)


def fold(steps):
    """Return the steps as rows of the batch."""
    return tf.reshape(steps, (-1,) + tuple(steps.shape[2:]))


def unfold(rows, steps):
    return tf.reshape(rows, (-1, steps) + tuple(rows.shape[1:]))


def rnn_step(layer, weights, given, states):
    given = given + tf.matmul(states[0], weights["recurrent"])
    return ({"tanh": tf.tanh, "relu": tf.nn.relu}[layer.activation](given),)


def lstm_step(layer, weights, given, states):
    before, memory = states
    gate = GATES[layer.gates]
    enter, forget, new, leave = tf.split(given + tf.matmul(before, weights["recurrent"]), 4, axis=1)
    memory = gate(forget) * memory + gate(enter) * tf.tanh(new)
    return gate(leave) * tf.tanh(memory), memory


def gru_step(layer, weights, given, states):
    (before,) = states
    update, reset, new = tf.split(given, 3, axis=1)
    recalled = tf.nn.bias_add(tf.matmul(before, weights["recurrent"]), weights["bias"][1])
    update_recalled, reset_recalled, new_recalled = tf.split(recalled, 3, axis=1)
    update, reset = tf.sigmoid(update + update_recalled), tf.sigmoid(reset + reset_recalled)
    return (update * before + (1 - update) * tf.tanh(new + reset * new_recalled),)


CELLS = {SimpleRNN: (rnn_step, 1), LSTM: (lstm_step, 2), GRU: (gru_step, 1)}  # step, states


def recurrent(layer, weights, steps, training):
    step, count = CELLS[type(layer)]
    bias = weights["bias"][0] if type(layer) is GRU else weights["bias"]
    given = tf.transpose(tf.tensordot(steps, weights["kernel"], 1) + bias, (1, 0, 2))
    zeros = tf.zeros((tf.shape(steps)[0], layer.units))
    outputs = tf.scan(lambda states, given: step(layer, weights, given, states), given, (zeros,) * count)[0]
    return tf.transpose(outputs, (1, 0, 2)) if layer.sequences else outputs[-1]

"""Sequences in Keras 3: (N, steps, values), and texts, (N, words' numbers)."""

import keras

from ..models.layers import GRU, LSTM, Embedding, RepeatVector, Select, SimpleRNN

# Keras 3's own hard_sigmoid has a slope of a sixth.
GATES = {"sigmoid": "sigmoid", "hard_sigmoid": lambda values: keras.ops.clip(0.2 * values + 0.5, 0.0, 1.0)}


def fold(steps):
    """Return the steps as rows of the batch."""
    return keras.ops.reshape(steps, (-1,) + tuple(steps.shape[2:]))


def unfold(rows, steps):
    return keras.ops.reshape(rows, (-1, steps) + tuple(rows.shape[1:]))


LAYERS = {
    Embedding: lambda layer: keras.layers.Embedding(layer.words, layer.size),
    GRU: lambda layer: keras.layers.GRU(layer.units, return_sequences=layer.sequences, reset_after=True),
    LSTM: lambda layer: keras.layers.LSTM(
        layer.units,
        recurrent_activation=GATES[layer.gates],
        unit_forget_bias=layer.forget_bias,
        return_sequences=layer.sequences,
    ),
    RepeatVector: lambda layer: keras.layers.RepeatVector(layer.times),
    Select: lambda layer: keras.layers.Lambda(lambda words: words[:, layer.start : layer.stop]),
    SimpleRNN: lambda layer: keras.layers.SimpleRNN(
        layer.units, activation=layer.activation, return_sequences=layer.sequences
    ),
}

"""Sequences in native PyTorch: (N, steps, values), and texts, (N, words' numbers).

The batch's size is shape[0]: len() would be taken for a constant where the network is exported or compiled.
"""

import torch
from torch.nn import functional

from ..models.layers import GRU, LSTM, SimpleRNN


def embedding(layer, weights, words, training):
    return functional.embedding(words, weights["kernel"])


def select(layer, weights, words, training):
    return words[:, layer.start : layer.stop]


def repeat(layer, weights, values, training):
    return values[:, None].expand(-1, layer.times, -1)


def fold(steps):
    """Return the steps as rows of the batch; those of an image, which is channels first, are its rows."""
    return (steps.permute(0, 2, 3, 1) if steps.dim() == 4 else steps).flatten(0, 1)


def unfold(rows, count):
    """Return fold's inverse, where the batch has so many rows."""
    steps = rows.unflatten(0, (count, -1))
    return steps.permute(0, 3, 1, 2) if steps.dim() == 4 else steps


def hard_sigmoid(values):
    return (0.2 * values + 0.5).clamp(0.0, 1.0)


def hard_lstm(layer, weights, steps, training):
    """Return what PyTorch's fused LSTM would with hard_sigmoid for its gates' sigmoid."""
    hidden = memory = steps.new_zeros((steps.shape[0], layer.units))
    outputs = []
    for given in functional.linear(steps, weights["kernel"], weights["bias"]).unbind(1):
        enter, forget, new, leave = (given + hidden @ weights["recurrent"].t()).chunk(4, 1)
        memory = hard_sigmoid(forget) * memory + hard_sigmoid(enter) * torch.tanh(new)
        hidden = hard_sigmoid(leave) * torch.tanh(memory)
        outputs.append(hidden)
    return torch.stack(outputs, 1) if layer.sequences else hidden


def recurrent(layer, weights, steps, training):
    """Return what PyTorch's fused kernels make: nn.LSTM and its like call the same."""
    if type(layer) is LSTM and layer.gates == "hard_sigmoid":
        return hard_lstm(layer, weights, steps, training)
    kernel, bias = weights["kernel"], weights["bias"]
    biases = bias.unbind(0) if type(layer) is GRU else (bias, torch.zeros_like(bias))
    start = steps.new_zeros((1, steps.shape[0], layer.units))
    fused = {SimpleRNN: FUSED.get(getattr(layer, "activation", None)), LSTM: torch.lstm, GRU: torch.gru}[type(layer)]
    states = (start, start) if type(layer) is LSTM else start
    outputs = fused(steps, states, (kernel, weights["recurrent"]) + tuple(biases), True, 1, 0.0, training, False, True)[
        0
    ]
    return outputs if layer.sequences else outputs[:, -1]


FUSED = {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}

"""Sequences in Keras 2: (N, steps, values), and texts, (N, words' numbers).

CNTK computes recurrent layers wrongly in a loop: after 20 steps an LSTM was 0.4 off the formula. Unrolled, it agrees. Keras-MXNet's
loop gives zeros, and of unrolled layers behind others it cannot infer the shapes: there they run in MXNet's own loop.
"""

import os
from functools import partial

import keras
from keras import backend as K  # noqa: N812  everybody's name for it

from ..models.layers import GRU, LSTM, Embedding, RepeatVector, Select, SimpleRNN

BACKEND = os.environ["KERAS_BACKEND"]
LOOP = {"unroll": BACKEND == "cntk", "implementation": 2}


def reshaped(change, values, shape):
    """Return a change of the values as a layer's output: Keras' own shape inference fails on Theano."""
    return keras.layers.Lambda(change, output_shape=shape)(values)


def each_step(apply, values):
    """Return (N, steps, ...), the function applied to each step of the values alike."""
    steps, shape = K.int_shape(values)[1], K.int_shape(values)[2:]
    if BACKEND == "cntk":  # no shape that it can change has the axis of the batch
        outputs = [apply(reshaped(partial(step, number), values, shape)) for number in range(steps)]
        outputs = [keras.layers.Reshape((1,) + K.int_shape(output)[1:])(output) for output in outputs]
        return keras.layers.concatenate(outputs, 1)
    output = apply(reshaped(lambda values: K.reshape(values, (-1,) + shape), values, shape))
    unfolded = (steps,) + K.int_shape(output)[1:]
    return reshaped(lambda rows: K.reshape(rows, (-1,) + unfolded), output, unfolded)


def step(number, values):
    return K.squeeze(values[:, number], 1)  # CNTK keeps the axis that was indexed


def select(layer, words):
    taken = slice(layer.start, layer.stop)
    return words, keras.layers.Lambda(lambda words: words[:, taken], output_shape=(layer.stop - layer.start,))


def looped(kind):
    """Return a kind of recurrent layer of Keras-MXNet in MXNet's own loop; the weights are Keras'."""
    from . import keras2_mxnet_loop

    class Looped(kind):
        def call(self, inputs, mask=None, training=None, initial_state=None):
            weights = self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias
            combined = K.keras_mxnet_symbol(
                lambda *given: K.KerasSymbol(
                    keras2_mxnet_loop.outputs(self, kind.__name__, [keras_symbol.symbol for keras_symbol in given])
                )
            )
            return combined(inputs, *weights)

    return Looped


KINDS = {GRU: keras.layers.GRU, LSTM: keras.layers.LSTM, SimpleRNN: keras.layers.SimpleRNN}
if BACKEND == "mxnet":
    KINDS = {layer: looped(kind) for layer, kind in KINDS.items()}

# Layer type -> its input and the Keras layer that takes it.
LAYERS = {
    Embedding: lambda layer, words: (words, keras.layers.Embedding(layer.words, layer.size)),
    GRU: lambda layer, steps: (
        steps,
        KINDS[GRU](
            layer.units, recurrent_activation="sigmoid", reset_after=True, return_sequences=layer.sequences, **LOOP
        ),
    ),
    LSTM: lambda layer, steps: (
        steps,
        KINDS[LSTM](
            layer.units,
            recurrent_activation=layer.gates,
            unit_forget_bias=layer.forget_bias,
            return_sequences=layer.sequences,
            **LOOP,
        ),
    ),
    RepeatVector: lambda layer, values: (values, keras.layers.RepeatVector(layer.times)),
    Select: select,
    SimpleRNN: lambda layer, steps: (
        steps,
        KINDS[SimpleRNN](
            layer.units, activation=layer.activation, return_sequences=layer.sequences, unroll=LOOP["unroll"]
        ),
    ),
}

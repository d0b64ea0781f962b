"""The adapter of Keras 3, on TensorFlow or on JAX: KERAS_BACKEND decides, before Keras is imported. Channels last.

Layers, loss and optimizers are Keras', compiled as fit() compiles them; only the loop over the batches is ours
(keras_on_tensorflow.py, keras_on_jax.py), as the rows are taken on the device and the loss is read once an epoch.
"""

import keras
import numpy

from ..models.layers import Activation, Conv, Dense, Dropout, Flatten, MaxPool, refuse, weight_shapes
from ..models.optimizers import SGD, Adadelta, Adam, RMSprop

if keras.backend.backend() == "jax":
    from . import keras_on_jax as backend
else:
    from . import keras_on_tensorflow as backend

LAYERS = {
    Conv: lambda layer: keras.layers.Conv2D(
        layer.filters, layer.kernel, layer.stride, layer.padding, use_bias=layer.bias, data_format="channels_last"
    ),
    Dense: lambda layer: keras.layers.Dense(layer.units, use_bias=layer.bias),
    MaxPool: lambda layer: keras.layers.MaxPooling2D(layer.size, layer.size, "valid", data_format="channels_last"),
    Activation: lambda layer: keras.layers.Activation(layer.function),
    Dropout: lambda layer: keras.layers.Dropout(layer.rate),
    Flatten: lambda layer: keras.layers.Flatten(data_format="channels_last"),
}


def rounded(beta):
    """Return beta as float32 has it.

    Keras takes 1 - beta exactly but the powers of beta in float32; 1 - 0.999 differs by 1e-5 between the two, unless rounded first.
    """
    return float(numpy.float32(beta))


OPTIMIZERS = {
    SGD: lambda own: keras.optimizers.SGD(own.learning_rate, own.momentum, nesterov=False),
    Adam: lambda own: keras.optimizers.Adam(
        own.learning_rate, rounded(own.beta_1), rounded(own.beta_2), own.epsilon, amsgrad=False
    ),
    RMSprop: lambda own: keras.optimizers.RMSprop(own.learning_rate, own.rho, 0.0, own.epsilon, centered=False),
    Adadelta: lambda own: keras.optimizers.Adadelta(own.learning_rate, own.rho, own.epsilon),
}


def build_model(job):
    """Return the compiled model. jit_compile="auto": whether XLA compiles the step is Keras' own choice, as for its users."""
    model = keras.Sequential([keras.Input(job.input_shape)] + [LAYERS[type(layer)](layer) for layer in job.layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(OPTIMIZERS[type(job.optimizer)](job.optimizer), loss, jit_compile="auto")
    model.optimizer.build(model.trainable_variables)
    return model


class Session:
    def __init__(self, job, arrays):
        refuse("this adapter of Keras", job, LAYERS, OPTIMIZERS)
        self.job = job
        self.loop = backend.Loop(job)
        keras.utils.set_random_seed(job.seed)
        with keras.device(job.device + ":0"):
            model = build_model(job)
            if arrays.weights is not None:  # Keras lists kernel before bias, layer by layer, in our layouts
                model.set_weights(list(arrays.weights.values()))
        self.names = [weight.name for weight in weight_shapes(job.layers, job.input_shape)]
        self.rows = {"train": len(arrays.train_labels), "test": len(arrays.test_labels)}
        self.loop.place(model, arrays)

    def train_epoch(self, order):
        size = self.job.batch_size
        batches = [order[start : start + size].astype(numpy.int32) for start in range(0, len(order), size)]
        return self.loop.train(batches) / len(order)

    def predict(self, split):
        size = self.job.batch_size
        rows = numpy.arange(self.rows[split], dtype=numpy.int32)
        found = self.loop.predict(split, [rows[start : start + size] for start in range(0, len(rows), size)])
        return numpy.concatenate([numpy.asarray(probabilities) for probabilities in found])

    def weights(self):
        return {name: numpy.array(values) for name, values in zip(self.names, self.loop.weights())}

    def finish(self):
        self.loop.finish()

    def about(self):
        versions = dict(self.loop.versions, keras=keras.__version__, numpy=numpy.__version__)
        return {
            "framework": "keras",
            "version": keras.__version__,
            "versions": versions,
            "device": self.loop.device_name,
            "threads": self.loop.threads(),
            "determinism": dict(self.loop.determinism, seed=self.job.seed),
        }

    def device_peak_bytes(self):
        return self.loop.device_peak_bytes()

"""The adapter of Keras 3, on TensorFlow, JAX or PyTorch: KERAS_BACKEND decides, before Keras is imported. Channels last.

Layers, loss and optimizers are Keras', compiled as fit() compiles them; only the loop over the batches is ours
(keras_on_tensorflow.py, keras_on_jax.py, keras_on_torch.py), as the rows are taken on the device and the loss is read once an epoch.
"""

import keras
import numpy

from ..models.layers import refuse
from ..models.optimizers import SGD, Adadelta, Adam, RMSprop
from ..models.weights import weight_shapes
from .keras_layers import LAYERS, MERGES, connect

if keras.backend.backend() == "jax":
    from . import keras_on_jax as backend
elif keras.backend.backend() == "torch":
    from . import keras_on_torch as backend
else:
    from . import keras_on_tensorflow as backend


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


def build_model(job, model_type):
    """Return the compiled model and its variables by canonical name.

    jit_compile="auto": whether XLA compiles the step is Keras' own choice, as for its users.
    """
    values, made = keras.Input(job.input_shape), {}
    model = model_type(values, connect(job.layers, values, made))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(OPTIMIZERS[type(job.optimizer)](job.optimizer), loss, jit_compile="auto")
    model.optimizer.build(model.trainable_variables)
    return model, by_name(job, made)


def by_name(job, made):
    """Return the variables by canonical name. made: Keras' layers by canonical name; each lists its weights in our roles' order."""
    waiting = {name: iter(layer.weights) for name, layer in made.items()}
    names = [weight.name for weight in weight_shapes(job.layers, job.input_shape)]
    return {name: next(waiting[name.rpartition("/")[0]]) for name in names}


class Session:
    model_type = keras.Model

    def __init__(self, job, arrays):
        refuse("this adapter of Keras", job, {**LAYERS, **MERGES}, OPTIMIZERS)
        self.job = job
        self.loop = backend.Loop(job)
        keras.utils.set_random_seed(job.seed)
        with keras.device(self.loop.scope):
            model, self.variables = build_model(job, self.model_type)
            for name, values in (arrays.weights or {}).items():
                self.variables[name].assign(values)
        self.rows = {"train": len(arrays.train_labels), "test": len(arrays.test_labels)}
        self.loop.place(model, arrays)

    def train_epoch(self, order):
        size = self.job.batch_size
        batches = [order[start : start + size].astype(numpy.int32) for start in range(0, len(order), size)]
        with keras.device(self.loop.scope):  # to PyTorch it is the GPU else, wherever there is one
            return self.loop.train(batches) / len(order)

    def predict(self, split):
        size = self.job.batch_size
        rows = numpy.arange(self.rows[split], dtype=numpy.int32)
        with keras.device(self.loop.scope):
            found = self.loop.predict(split, [rows[start : start + size] for start in range(0, len(rows), size)])
        return numpy.concatenate([numpy.asarray(probabilities) for probabilities in found])

    def weights(self):
        self.loop.write_back()
        return {name: keras.ops.convert_to_numpy(variable) for name, variable in self.variables.items()}

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

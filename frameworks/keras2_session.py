"""The adapter of Keras 2, on TensorFlow 1.15, Theano, CNTK or MXNet: KERAS_BACKEND decides, before Keras is imported.

Layers and the compiled step are Keras' own; the loop over the batches is fit()'s without its callbacks. Images have the axis of
channels where the backend's kernels want it; Flatten puts it last, so that dense kernels are the same for all.
"""

import importlib
import os
import sys

import numpy

BACKEND = os.environ["KERAS_BACKEND"]
backend = importlib.import_module(".keras2_on_" + BACKEND, __package__)

import keras  # noqa: E402  it imports its backend, which must be prepared
from keras import backend as K  # noqa: E402, N812  everybody's name for it

from ..models.layers import NotExpressible, TimeDistributed, refuse  # noqa: E402
from ..models.weights import weight_shapes  # noqa: E402
from .keras2_layers import CHANNELS_FIRST, EXPRESSIBLE, canonical_layout, connect, own_layout  # noqa: E402
from .keras2_steps import OPTIMIZERS  # noqa: E402


def cross_entropy(targets, logits):
    """Return each row's loss.

    Keras' own for Theano and MXNet clips the probabilities at 1e-7: a row that is wrong beyond that would have no gradient.
    """
    if BACKEND in ("tensorflow", "cntk"):
        return K.categorical_crossentropy(targets, logits, from_logits=True)
    shifted = logits - K.stop_gradient(K.max(logits, axis=-1, keepdims=True))
    return K.log(K.sum(K.exp(shifted), axis=-1)) - K.sum(targets * shifted, axis=-1)


def softmax(logits):
    powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class Session:
    def __init__(self, job, arrays):
        refuse("this adapter of Keras 2 on {}".format(BACKEND), job, EXPRESSIBLE, OPTIMIZERS)
        if job.device != "cpu":
            raise NotExpressible("this adapter of Keras 2 has no device {!r}, only cpu".format(job.device))
        self.job = job
        numpy.random.seed(job.seed)
        self.images = {split: self.place(getattr(arrays, split + "_images")) for split in ("train", "test")}
        self.targets = numpy.eye(job.classes, dtype=numpy.float32)[arrays.train_labels]
        backend.prepare(job)
        self.build()
        self.compile()
        if arrays.weights is not None:
            self.set_weights(arrays.weights)

    def place(self, images):
        """Return images as the backend wants them; rows of an image that are steps, and texts, as they are."""
        first = CHANNELS_FIRST and images.ndim == 4 and type(self.job.layers[0]) is not TimeDistributed
        return numpy.ascontiguousarray(images.transpose(0, 3, 1, 2) if first else images, numpy.float32)

    def build(self):
        inputs, self.layers = keras.layers.Input(self.images["train"].shape[1:]), {}
        self.model = keras.models.Model(inputs, connect(self.job.layers, inputs, self.layers))
        # By layer, the canonical names of its weights, in Keras' order.
        self.names = {}
        for weight in weight_shapes(self.job.layers, self.job.input_shape):
            self.names.setdefault(weight.name.rpartition("/")[0], []).append(weight.name)

    def compile(self):
        self.model.compile(OPTIMIZERS[type(self.job.optimizer)](self.job.optimizer), cross_entropy)
        self.model._make_train_function()
        self.train_step = self.model.train_function
        if BACKEND == "cntk":
            self.train_step = backend.moved_first(self.train_step)
        # fit() says the same to layers that work otherwise in training.
        self.phase = [1] if self.model._uses_dynamic_learning_phase() else []

    def set_weights(self, weights):
        for name, names in self.names.items():
            layer = self.layers[name]
            layer.set_weights([own_layout(weights[name], layer) for name in names])

    def train_epoch(self, order):
        """fit() without its callbacks: it calls this function with these arguments."""
        loss_sum, size = 0.0, self.job.batch_size
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            batch = [self.images["train"][rows], self.targets[rows], numpy.ones(len(rows), numpy.float32)]
            loss_sum += float(self.train_step(batch + self.phase)[0]) * len(rows)
        return loss_sum / len(order)

    def predict(self, split):
        return softmax(self.model.predict(self.images[split], batch_size=self.job.batch_size))

    def weights(self):
        return {
            name: numpy.ascontiguousarray(canonical_layout(weight, self.layers[layer]))
            for layer, names in self.names.items()
            for name, weight in zip(names, self.layers[layer].get_weights())
        }

    def finish(self):
        backend.finish()

    def about(self):
        versions = {"keras": keras.__version__, "numpy": numpy.__version__}
        versions[BACKEND] = sys.modules[BACKEND].__version__
        return {
            "framework": "keras2",
            "version": keras.__version__,
            "versions": versions,
            "device": "cpu",
            "threads": backend.threads(self.job),
            "determinism": {"seed": self.job.seed},
        }

    def device_peak_bytes(self):
        return None

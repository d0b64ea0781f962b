"""The adapter of MXNet 1.x: hybridized Gluon."""

import os

import numpy

from ..models.layers import refuse
from ..models.optimizers import SGD, Adadelta, Adam, RMSprop
from . import mxnet_device  # before the others: it loads the libraries that they need
from .mxnet_device import mx
from .mxnet_layers import LAYERS, MERGES, by_name, connect
from .mxnet_sequences import HardLSTM


class ZeilerAdadelta(mx.optimizer.Optimizer):
    """Adadelta with a learning rate: mx.optimizer.AdaDelta has none."""

    def __init__(self, rho, epsilon, **others):
        super().__init__(**others)
        self.rho = rho
        self.epsilon = epsilon

    def create_state(self, index, weight):
        return mx.nd.zeros_like(weight), mx.nd.zeros_like(weight)

    def update(self, index, weight, gradient, state):
        squares, changes = state
        gradient = gradient * self.rescale_grad
        squares[:] = self.rho * squares + (1 - self.rho) * gradient * gradient
        change = mx.nd.sqrt(changes + self.epsilon) / mx.nd.sqrt(squares + self.epsilon) * gradient
        changes[:] = self.rho * changes + (1 - self.rho) * change * change
        weight[:] -= self.learning_rate * change


def rounded(beta):
    """Return beta as float32 has it.

    The kernel takes 1 - beta in float32, the bias correction takes it in float64; 1 - 0.999 differs by 1e-5 between the two,
    unless rounded first.
    """
    return float(numpy.float32(beta))


OPTIMIZERS = {
    SGD: lambda own: mx.optimizer.SGD(own.momentum, learning_rate=own.learning_rate),
    Adam: lambda own: mx.optimizer.Adam(own.learning_rate, rounded(own.beta_1), rounded(own.beta_2), own.epsilon),
    RMSprop: lambda own: mx.optimizer.RMSProp(own.learning_rate, own.rho, epsilon=own.epsilon, centered=False),
    Adadelta: lambda own: ZeilerAdadelta(own.rho, own.epsilon, learning_rate=own.learning_rate),
}


class Losses(mx.gluon.HybridBlock):
    """Network and cross-entropy as one graph: fewer operators to launch than in two."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.cross_entropy = mx.gluon.loss.SoftmaxCrossEntropyLoss()

    def hybrid_forward(self, F, images, labels):  # noqa: N803  Gluon looks for the name F
        return self.cross_entropy(self.network(images), labels)


class Session:
    def __init__(self, job, arrays):
        refuse("this adapter of MXNet", job, {**LAYERS, **MERGES}, OPTIMIZERS)
        self.job = job
        self.context = mxnet_device.prepare(job)
        mx.random.seed(job.seed)
        self.images = {
            split: self.place(getattr(arrays, split + "_images"), channels_first=len(job.input_shape) == 3)
            for split in ("train", "test")
        }
        self.labels = self.place(arrays.train_labels.astype(numpy.float32))
        self.build(arrays.weights)

    def place(self, values, channels_first=False):
        values = values.transpose(0, 3, 1, 2) if channels_first else values
        return mx.nd.array(values, self.context, numpy.float32)

    def build(self, weights):
        job = self.job
        made = {}
        self.network = connect(job.layers, tuple(job.input_shape), made)
        self.network.initialize(ctx=self.context)
        # With static shapes MXNet 1.9.1 computes garbage in its control flow.
        static_shape = not any(isinstance(one.block, HardLSTM) for one in made.values())
        self.network.hybridize(static_alloc=True, static_shape=static_shape)
        self.losses = Losses(self.network)
        self.losses.hybridize(static_alloc=True, static_shape=static_shape)
        self.parameters = by_name(job.layers, tuple(job.input_shape), made)
        for name, values in (weights or {}).items():
            self.parameters[name].set(values)
        optimizer = OPTIMIZERS[type(job.optimizer)](job.optimizer)
        self.trainer = mx.gluon.Trainer(self.network.collect_params(), optimizer, kvstore=None)

    def train_epoch(self, order):
        order = self.place(order)  # float32, as take() wants: exact up to 16,777,216 rows
        losses = []
        for start in range(0, len(order), self.job.batch_size):
            rows = order[start : start + self.job.batch_size]
            images, labels = self.images["train"].take(rows), self.labels.take(rows)
            with mx.autograd.record():
                loss = self.losses(images, labels)
            loss.backward()
            self.trainer.step(len(rows))
            losses.append(loss)
        return float(mx.nd.concat(*losses, dim=0).sum().asscalar()) / len(order)

    def predict(self, split):
        images, size = self.images[split], self.job.batch_size
        found = [mx.nd.softmax(self.network(images[start : start + size])) for start in range(0, len(images), size)]
        return mx.nd.concat(*found, dim=0).asnumpy()

    def weights(self):
        return {name: placed.get() for name, placed in self.parameters.items()}

    def finish(self):
        mx.nd.waitall()

    def about(self):
        return {
            "framework": "mxnet",
            "version": mx.__version__,
            "versions": {"mxnet": mx.__version__, "numpy": numpy.__version__},
            "device": str(self.context),
            "threads": int(os.environ.get("OMP_NUM_THREADS", 0)),
            "determinism": {
                "seed": self.job.seed,
                "MXNET_ENFORCE_DETERMINISM": os.environ.get("MXNET_ENFORCE_DETERMINISM"),
                "MXNET_CUDA_ALLOW_TENSOR_CORE": os.environ.get("MXNET_CUDA_ALLOW_TENSOR_CORE"),
                "NVIDIA_TF32_OVERRIDE": os.environ["NVIDIA_TF32_OVERRIDE"],
            },
        }

    def device_peak_bytes(self):
        return mxnet_device.peak_bytes(self.context)

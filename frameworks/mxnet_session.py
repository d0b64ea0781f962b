"""The adapter of MXNet 1.x: hybridized Gluon. Images are channels first inside, (N, C, H, W), as MXNet's CPU kernels want them."""

import ctypes
import glob
import os
import sysconfig

# The GPU build links CUDA 11 and brings none of it: the environment's nvidia packages do, but not on the loader's path.
for library in sorted(glob.glob(os.path.join(sysconfig.get_path("purelib"), "nvidia", "*", "lib", "*.so*"))):
    ctypes.CDLL(library, ctypes.RTLD_GLOBAL)

import mxnet as mx  # noqa: E402  it needs the libraries above
import numpy  # noqa: E402
from mxnet.gluon import nn  # noqa: E402

from ..models.layers import (  # noqa: E402
    Activation,
    Conv,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
    output_shapes,
    refuse,
    weight_shapes,
)
from ..models.optimizers import SGD, Adadelta, Adam, RMSprop  # noqa: E402


def conv(layer, shape):
    padding = [same_padding(side, layer) if layer.padding == "same" else (0, 0) for side in shape[:2]]
    built = nn.HybridSequential()
    symmetric = all(before == after for before, after in padding)
    if not symmetric:  # Conv2D pads both sides alike
        width = (0, 0, 0, 0) + padding[0] + padding[1]
        built.add(
            nn.HybridLambda(lambda ops, images: ops.pad(images, mode="constant", constant_value=0, pad_width=width))
        )
    inside = (padding[0][0], padding[1][0]) if symmetric else 0
    built.add(nn.Conv2D(layer.filters, layer.kernel, layer.stride, inside, in_channels=shape[2], use_bias=layer.bias))
    return built


def same_padding(side, layer):
    """Return pixels to add (before, after) a side: TensorFlow's rule, the odd one after."""
    total = max((-(-side // layer.stride) - 1) * layer.stride + layer.kernel - side, 0)
    return total // 2, total - total // 2


LAYERS = {
    Conv: conv,
    Dense: lambda layer, shape: nn.Dense(layer.units, in_units=shape[0], use_bias=layer.bias, flatten=False),
    MaxPool: lambda layer, shape: nn.MaxPool2D(layer.size, layer.size, ceil_mode=False),
    Activation: lambda layer, shape: nn.Activation(layer.function),
    Dropout: lambda layer, shape: nn.Dropout(layer.rate),
    Flatten: lambda layer, shape: nn.Flatten(),
}


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


def flattened_shapes(layers, input_shape):
    """Return, for each layer, the (H, W, C) whose flattened rows its kernel takes, or None.

    Ours are flattened channels last, MXNet's channels first, so the first Dense after a Flatten has its rows permuted.
    """
    found, waiting, shape = [], None, input_shape
    for layer, output in zip(layers, output_shapes(layers, input_shape)):
        if type(layer) is Flatten:
            waiting = shape
        found.append(waiting if type(layer) is Dense else None)
        waiting = None if type(layer) is Dense else waiting
        shape = output
    return found


def to_mxnet(kernel, flattened):
    """Return a canonical kernel or bias in MXNet's layout: (out, in, H, W), (out, in), (out,)."""
    if flattened:
        kernel = kernel.reshape(flattened + (-1,)).transpose(2, 0, 1, 3).reshape(kernel.shape)
    return kernel.transpose(list(range(kernel.ndim))[::-1] if kernel.ndim < 4 else (3, 2, 0, 1))


def to_canonical(kernel, flattened):
    """Return to_mxnet's inverse."""
    kernel = kernel.transpose(list(range(kernel.ndim))[::-1] if kernel.ndim < 4 else (2, 3, 1, 0))
    if flattened:
        height, width, channels = flattened
        kernel = kernel.reshape((channels, height, width, -1)).transpose(1, 2, 0, 3).reshape(kernel.shape)
    return kernel


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
        refuse("this adapter of MXNet", job, LAYERS, OPTIMIZERS)
        self.job = job
        if job.device == "gpu" and not mx.context.num_gpus():
            raise RuntimeError("MXNet {} sees no GPU, and the job wants one".format(mx.__version__))
        self.context = mx.gpu() if job.device == "gpu" else mx.cpu()
        mx.random.seed(job.seed)
        self.images = {
            split: self.place(getattr(arrays, split + "_images").transpose(0, 3, 1, 2)) for split in ("train", "test")
        }
        self.labels = self.place(arrays.train_labels.astype(numpy.float32))
        self.build(arrays.weights)

    def place(self, values):
        return mx.nd.array(values, self.context, numpy.float32)

    def build(self, weights):
        job = self.job
        shapes = [tuple(job.input_shape)] + output_shapes(job.layers, job.input_shape)
        self.network = nn.HybridSequential()
        self.network.add(*[LAYERS[type(layer)](layer, shape) for layer, shape in zip(job.layers, shapes)])
        self.network.initialize(ctx=self.context)
        self.network.hybridize(static_alloc=True, static_shape=True)
        self.losses = Losses(self.network)
        self.losses.hybridize(static_alloc=True, static_shape=True)
        # Gluon lists weight before bias, layer by layer, as weight_shapes does.
        names = [weight.name for weight in weight_shapes(job.layers, job.input_shape)]
        self.parameters = dict(zip(names, self.network.collect_params().values()))
        flattened = flattened_shapes(job.layers, tuple(job.input_shape))
        self.flattened = {
            name: flattened[int(name.split("-")[0])] if name.endswith("kernel") else None for name in names
        }
        for name, values in (weights or {}).items():
            self.parameters[name].set_data(self.place(to_mxnet(values, self.flattened[name])))
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
        return {
            name: numpy.ascontiguousarray(to_canonical(parameter.data().asnumpy(), self.flattened[name]))
            for name, parameter in self.parameters.items()
        }

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
            },
        }

    def device_peak_bytes(self):
        """Return what the device's memory pool took; it gives nothing back, so this is the peak, of all processes there."""
        if self.job.device == "cpu":
            return None
        free, total = mx.context.gpu_memory_info(0)
        return total - free

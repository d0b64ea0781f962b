"""The adapter of native PyTorch: eager, torch.nn.functional on plain tensors, and PyTorch's own optimizers."""

import numpy
import torch
from torch.nn import functional

from ..models.layers import by_layer, refuse
from ..models.optimizers import SGD, Adadelta, Adam, RMSprop
from ..models.weights import weight_shapes
from . import torch_device
from .torch_layers import LAYERS, forward, to_canonical, to_torch


class EpsilonBefore(torch.optim.Adam):
    """torch.optim.Adam, which adds epsilon after the bias correction: divided by it first, it is added before it."""

    def __init__(self, weights, own):
        super().__init__(weights, own.learning_rate, (own.beta_1, own.beta_2), own.epsilon)
        self.own = own
        self.steps = 0

    def step(self):
        self.steps += 1
        self.param_groups[0]["eps"] = self.own.epsilon / (1 - self.own.beta_2**self.steps) ** 0.5
        super().step()


class EpsilonInside(torch.optim.Optimizer):
    """RMSprop with epsilon inside the root: torch.optim.RMSprop adds it outside."""

    def __init__(self, weights, own):
        super().__init__(weights, {})
        self.own = own
        self.weights = self.param_groups[0]["params"]
        self.squares = [torch.zeros_like(weight) for weight in self.weights]

    @torch.no_grad()
    def step(self):
        for weight, squares in zip(self.weights, self.squares):
            squares.mul_(self.own.rho).addcmul_(weight.grad, weight.grad, value=1 - self.own.rho)
            weight.addcdiv_(weight.grad, squares.add(self.own.epsilon).sqrt_(), value=-self.own.learning_rate)


OPTIMIZERS = {
    SGD: lambda weights, own: torch.optim.SGD(weights, own.learning_rate, own.momentum),
    Adam: EpsilonBefore,
    RMSprop: EpsilonInside,
    Adadelta: lambda weights, own: torch.optim.Adadelta(weights, own.learning_rate, own.rho, own.epsilon),
}


def native(described):
    """Return PyTorch's own initial values by name.

    Kernels and biases lie between -1 and 1, divided by the root of the kernel's fan-in, or of the units of a recurrent layer; an
    Embedding's kernel is standard normal.
    """
    found = {}
    for weight in described:
        layer, role = weight.name.split("/")[-2:]
        kind = layer.rpartition("-")[2]
        if role == "kernel" and kind in ("simplernn", "lstm", "gru"):
            limit = (weight.shape[-1] // {"simplernn": 1, "lstm": 4, "gru": 3}[kind]) ** -0.5
        elif role == "kernel":
            limit = (numpy.prod(weight.shape[:-2]) * (1 if kind == "depthwiseconv" else weight.shape[-2])) ** -0.5
        if kind == "embedding":
            found[weight.name] = torch.randn(weight.shape).numpy()
        elif kind == "batchnorm":
            found[weight.name] = numpy.full(weight.shape, {"zeros": 0, "ones": 1}[weight.initial], numpy.float32)
        else:
            found[weight.name] = torch.empty(weight.shape).uniform_(-limit, limit).numpy()
    return found


def channels_first(values):
    return values.transpose(0, 3, 1, 2) if values.ndim == 4 else values  # else they are texts


class Session:
    def __init__(self, job, arrays):
        refuse("this adapter of PyTorch", job, LAYERS, OPTIMIZERS)
        self.job = job
        self.device = torch_device.prepare(job)
        torch.manual_seed(job.seed)
        self.images = {
            split: self.place(channels_first(getattr(arrays, split + "_images"))) for split in ("train", "test")
        }
        self.labels = self.place(arrays.train_labels)
        self.build(arrays.weights)

    def place(self, values):
        return torch.tensor(numpy.ascontiguousarray(values), device=self.device)

    def build(self, weights):
        described = weight_shapes(self.job.layers, self.job.input_shape)
        weights = native(described) if weights is None else weights
        self.by_name = {name: self.place(to_torch(name, values)) for name, values in weights.items()}
        self.by_layer = by_layer(self.by_name)
        trained = [self.by_name[weight.name].requires_grad_() for weight in described if weight.trainable]
        self.optimizer = OPTIMIZERS[type(self.job.optimizer)](trained, self.job.optimizer)

    def logits(self, images, training):
        return forward(self.job.layers, self.by_layer, images, training)

    def train_epoch(self, order):
        loss_sum = torch.zeros((), device=self.device)
        for rows in self.place(order).split(self.job.batch_size):
            images, labels = self.images["train"].index_select(0, rows), self.labels.index_select(0, rows)
            loss = functional.cross_entropy(self.logits(images, True), labels)
            self.optimizer.zero_grad(set_to_none=True)  # not the default before 2.0
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.detach() * len(rows)
        return float(loss_sum) / len(order)

    def predict(self, split):
        with torch.inference_mode():
            batches = self.images[split].split(self.job.batch_size)
            return torch.cat([self.logits(images, False).softmax(1) for images in batches]).cpu().numpy()

    def weights(self):
        return {
            name: numpy.ascontiguousarray(to_canonical(name, weight.detach().cpu().numpy()))
            for name, weight in self.by_name.items()
        }

    def finish(self):
        torch_device.finish(self.device)

    def about(self):
        return {
            "framework": "pytorch",
            "version": torch.__version__,
            "versions": {"torch": torch.__version__, "numpy": numpy.__version__},
            "device": torch_device.name(self.device),
            "threads": torch.get_num_threads(),
            "determinism": dict(torch_device.DETERMINISM, seed=self.job.seed),
        }

    def device_peak_bytes(self):
        return torch_device.peak_bytes(self.device)

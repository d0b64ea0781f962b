"""The adapter of the toy framework: the fast framework of the end-to-end tests, and the reference of the parity tests.

It computes in float64 on numpy's own threads, which the driver's OMP_NUM_THREADS and the like have set. faults.py says how it is
made to fail.
"""

import copy

import numpy

from ...models.layers import NotExpressible, initial_weights, refuse
from . import faults, network


class Trainer:
    """Weights and optimizer state: all that training changes, so that a copy can be trained and thrown away."""

    def __init__(self, job, weights):
        self.layers = job.layers
        self.optimizer = job.optimizer
        self.batch_size = job.batch_size
        self.random = numpy.random.RandomState([job.seed, 0])  # dropout's own stream: the orders' are [seed, epoch]
        self.steps = 0
        self.weights = [{} for layer in job.layers]  # by role, for each layer
        for name, weight in weights.items():
            position, role = place(name)
            self.weights[position][role] = numpy.array(weight, numpy.float64)
        count = network.OPTIMIZERS[type(job.optimizer)][1]
        self.states = [
            {role: [numpy.zeros_like(weight) for _ in range(count)] for role, weight in own.items()}
            for own in self.weights
        ]

    def train(self, images, labels, order):
        """Return the sum of the rows' losses; the rows are visited in batches, the last of which may be smaller."""
        loss_sum = 0.0
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            loss_sum += len(rows) * self.step(images[rows].astype(numpy.float64), labels[rows])
        return loss_sum

    def step(self, images, labels):
        logits, kept = network.forward(self.layers, self.weights, images, self.random)
        loss, gradient = network.cross_entropy(logits, labels)
        gradients, _ = network.backward(self.layers, self.weights, kept, gradient)
        self.steps += 1
        update = network.OPTIMIZERS[type(self.optimizer)][0]
        for own, found, states in zip(self.weights, gradients, self.states):
            for role in own:
                update(self.optimizer, own[role], found[role], states[role], self.steps)
        return loss


class Session:
    def __init__(self, job, arrays):
        refuse("the toy framework", job, network.LAYERS, network.OPTIMIZERS)
        if job.device != "cpu":
            raise NotExpressible("the toy framework has no device {!r}, only cpu".format(job.device))
        weights = arrays.weights
        if weights is None:  # init = "native": the toy's own initialiser is the canonical one
            weights = initial_weights(job.layers, job.input_shape, job.seed)
        self.job = job
        self.arrays = copy.copy(arrays)  # the worker drops its own
        self.names = list(weights)
        self.trainer = Trainer(job, weights)
        self.visited = 0  # rows since the start. The worker may give an epoch in pieces, so calls do not count epochs
        self.fault = faults.from_environment()

    @property
    def epoch(self):
        """The epoch, counted from 1, to which the next row belongs."""
        return self.visited // len(self.arrays.train_labels) + 1

    def train_epoch(self, order):
        data = (self.arrays.train_images, self.arrays.train_labels)
        self.fault = faults.strike(self.fault, self.epoch)
        extra = faults.extra_rows(self.fault, self.epoch, order)
        if len(extra):
            copy.deepcopy(self.trainer).train(data[0], data[1], extra)
        self.visited += len(order)
        return self.trainer.train(data[0], data[1], order) / len(order)

    def predict(self, split):
        images = getattr(self.arrays, split + "_images")
        found = numpy.empty((len(images), self.job.classes), numpy.float32)
        for start in range(0, len(images), self.job.batch_size):
            batch = slice(start, start + self.job.batch_size)
            logits, _ = network.forward(self.job.layers, self.trainer.weights, images[batch].astype(numpy.float64))
            found[batch] = network.softmax(logits)
        # The epochs that are over count: after epoch n "wrong@n" shows.
        return faults.distort(self.fault, self.epoch - 1, found)

    def weights(self):
        return {name: self.exact_weight(name).astype(numpy.float32) for name in self.names}

    def exact_weight(self, name):
        """Return the weight as it is inside, float64: for comparisons sharper than float32."""
        position, role = place(name)
        return self.trainer.weights[position][role]

    def finish(self):
        """Nothing is ever queued."""

    def about(self):
        return {
            "framework": "toy",
            "version": "1",
            "versions": {"numpy": numpy.__version__},
            "device": "cpu",
            "threads": self.job.threads,
            "determinism": {"seed": self.job.seed},
        }

    def device_peak_bytes(self):
        return None


def place(name):
    """Return (position of the layer, role) of a canonical name: "2-conv/kernel" is (2, "kernel")."""
    prefix, role = name.split("/")
    return int(prefix.split("-")[0]), role

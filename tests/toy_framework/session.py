"""The adapter of the toy framework: the fast framework of the end-to-end tests, and the reference of the parity tests.

It computes in float64 on numpy's own threads, which the driver's OMP_NUM_THREADS and the like have set. faults.py says how it is
made to fail.
"""

import copy

import numpy

from ...models.layers import NotExpressible, by_layer, named, refuse
from ...models.weights import initial_weights, weight_shapes
from . import faults, network, steps


class Trainer:
    """Weights and optimizer state: all that training changes, so that a copy can be trained and thrown away."""

    def __init__(self, job, weights, kind=numpy.float64):
        self.kind = kind
        self.layers = job.layers
        self.optimizer = job.optimizer
        self.batch_size = job.batch_size
        self.random = numpy.random.RandomState([job.seed, 0])  # dropout's own stream: the orders' are [seed, epoch]
        self.steps = 0
        self.weights = {name: numpy.array(weight, kind, order="C") for name, weight in weights.items()}
        self.by_layer = by_layer(self.weights)  # the same arrays
        count = steps.OPTIMIZERS[type(job.optimizer)][1]
        self.states = {
            weight.name: [numpy.zeros(weight.shape, kind) for _ in range(count)]
            for weight in weight_shapes(job.layers, job.input_shape)
            if weight.trainable
        }
        trained = {name.split("/")[0] for name in self.states}
        self.lowest = [name in trained for name, _ in named(job.layers)].index(True)  # below it no gradient is wanted

    def train(self, images, labels, order):
        """Return the sum of the rows' losses; the rows are visited in batches, the last of which may be smaller."""
        loss_sum = 0.0
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            loss_sum += len(rows) * self.step(images[rows].astype(self.kind), labels[rows])
        return loss_sum

    def step(self, images, labels):
        logits, kept = network.forward(self.layers, self.by_layer, images, self.random)
        loss, gradient = network.cross_entropy(logits, labels)
        _, gradients = network.backward(self.layers, self.by_layer, kept, gradient, self.lowest)
        self.steps += 1
        for name, states in self.states.items():
            steps.update(self.optimizer, self.weights[name], at(gradients, name), states, self.steps)
        return loss

    def predict(self, images):
        """Return probabilities, float32 (N, classes)."""
        found = []
        for start in range(0, len(images), self.batch_size):
            batch = images[start : start + self.batch_size].astype(self.kind)
            found.append(network.softmax(network.forward(self.layers, self.by_layer, batch)[0]))
        return numpy.concatenate(found).astype(numpy.float32)


class Session:
    def __init__(self, job, arrays):
        refuse("the toy framework", job, network.LAYERS, steps.OPTIMIZERS)
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
        found = self.trainer.predict(images)
        # The epochs that are over count: after epoch n "wrong@n" shows.
        return faults.distort(self.fault, self.epoch - 1, found)

    def weights(self):
        return {name: self.exact_weight(name).astype(numpy.float32) for name in self.names}

    def exact_weight(self, name):
        """Return the weight as it is inside, float64: for comparisons sharper than float32."""
        return self.trainer.weights[name]

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


def at(nested, name):
    """Return what nested dicts hold below a canonical name."""
    for part in name.split("/"):
        nested = nested[part]
    return nested

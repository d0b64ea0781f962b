"""The adapter of native JAX: one jitted step, whose state is donated; optax where its arithmetic is the formula's. Channels last."""

import functools

import jax
import jax.numpy
import numpy
import optax

from ..models.layers import Dropout, by_layer, every, refuse
from ..models.optimizers import SGD, Adadelta, Adam, RMSprop
from ..models.weights import weight_shapes
from . import jax_device
from .jax_layers import LAYERS, forward


def epsilon_before(own):
    """Return Adam with epsilon added before the bias correction: optax.adam adds it after."""

    def start(weights):
        means, squares = (jax.tree_util.tree_map(jax.numpy.zeros_like, weights) for state in range(2))
        return means, squares, jax.numpy.zeros((), numpy.int32)

    def update(gradients, state, weights=None):
        means, squares, steps = state
        each = jax.tree_util.tree_map
        means = each(lambda m, g: own.beta_1 * m + (1 - own.beta_1) * g, means, gradients)
        squares = each(lambda v, g: own.beta_2 * v + (1 - own.beta_2) * g * g, squares, gradients)
        rate = own.learning_rate * jax.numpy.sqrt(correction(own.beta_2, steps + 1)) / correction(own.beta_1, steps + 1)
        changes = each(lambda m, v: -rate * m / (jax.numpy.sqrt(v) + own.epsilon), means, squares)
        return changes, (means, squares, steps + 1)

    return optax.GradientTransformation(start, update)


def correction(beta, steps):
    """Return 1 - beta^steps, which in float32 would be wrong by 1e-5 for a beta of 0.999 if computed as it is written."""
    return -jax.numpy.expm1(steps * numpy.float32(numpy.log(beta)))


OPTIMIZERS = {
    SGD: lambda own: optax.sgd(own.learning_rate, own.momentum or None),
    Adam: epsilon_before,
    RMSprop: lambda own: optax.rmsprop(own.learning_rate, own.rho, own.epsilon),  # epsilon inside the root
    Adadelta: lambda own: optax.adadelta(own.learning_rate, own.rho, own.epsilon),
}


def initial(key, weight):
    """Return the initial value of Flax, JAX's layers, whose forget bias is zero: LeCun normal for kernels."""
    kinds = {
        "zeros": jax.nn.initializers.zeros,
        "forget_ones": jax.nn.initializers.zeros,
        "ones": jax.nn.initializers.ones,
        "orthogonal": jax.nn.initializers.orthogonal(),
    }
    return kinds.get(weight.initial, jax.nn.initializers.lecun_normal())(key, weight.shape, numpy.float32)


class Session:
    def __init__(self, job, arrays):
        refuse("this adapter of JAX", job, LAYERS, OPTIMIZERS)
        self.job = job
        self.device = jax_device.prepare(job)
        self.images = {
            split: jax_device.placed(getattr(arrays, split + "_images"), self.device) for split in ("train", "test")
        }
        self.labels = jax_device.placed(arrays.train_labels.astype(numpy.int32), self.device)
        self.described = weight_shapes(job.layers, job.input_shape)
        # Of dicts XLA would get the arrays by the alphabet, and take three per cent longer for a step of LeNet than of lists.
        self.trained = [weight.name for weight in self.described if weight.trainable]
        self.rest = [weight.name for weight in self.described if not weight.trainable]
        self.optimizer = OPTIMIZERS[type(job.optimizer)](job.optimizer)
        self.build(arrays.weights)
        self.train_step = jax.jit(
            self.step, donate_argnums=0
        )  # traced for the full batches and for the last, smaller one
        self.predict_step = jax.jit(self.probabilities)

    def build(self, weights):
        key, *drawn = jax.random.split(jax.random.PRNGKey(self.job.seed), 1 + len(self.described))
        if weights is None:
            weights = {weight.name: initial(key, weight) for key, weight in zip(drawn, self.described)}
        weights = jax.device_put(weights, self.device)
        trained, rest = ([weights[name] for name in names] for names in (self.trained, self.rest))
        self.state = jax_device.bound(
            (trained, rest, self.optimizer.init(trained), key, jax_device.NO_LOSS), self.device
        )

    def logits(self, trained, rest, images, new_key):
        """Return the logits, and the rest of the weights, which training moves too."""
        nested = by_layer(self.named(trained, rest))
        logits = forward(self.job.layers, nested, images, new_key)
        return logits, [functools.reduce(dict.get, name.split("/"), nested) for name in self.rest]

    def named(self, trained, rest):
        return dict(zip(self.trained + self.rest, trained + rest))

    def step(self, state, images, labels):
        trained, rest, moments, key, loss_sum = state
        dropouts = sum(type(layer) is Dropout for layer in every(self.job.layers))
        key, *masks = jax.random.split(key, 1 + dropouts) if dropouts else [key]

        def loss_of(trained):
            logits, moved = self.logits(trained, rest, images, iter(masks).__next__)
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), moved

        (loss, rest), gradients = jax.value_and_grad(loss_of, has_aux=True)(trained)
        changes, moments = self.optimizer.update(gradients, moments, trained)
        return optax.apply_updates(trained, changes), rest, moments, key, loss_sum + loss * len(labels)

    def probabilities(self, trained, rest, images):
        return jax.nn.softmax(self.logits(trained, rest, images, None)[0])

    def batches(self, order):
        order = order.astype(numpy.int32)
        return [order[start : start + self.job.batch_size] for start in range(0, len(order), self.job.batch_size)]

    def train_epoch(self, order):
        self.state = self.state[:-1] + (jax_device.bound(jax_device.NO_LOSS, self.device),)
        for rows in self.batches(order):
            images, labels = jax_device.batch(self.images["train"], rows), jax_device.batch(self.labels, rows)
            self.state = self.train_step(self.state, images, labels)
        return float(self.state[-1]) / len(order)

    def predict(self, split):
        images = self.images[split]
        batches = (jax_device.batch(images, rows) for rows in self.batches(numpy.arange(len(images))))
        found = [self.predict_step(*self.state[:2], batch) for batch in batches]
        return numpy.concatenate([numpy.asarray(probabilities) for probabilities in found])

    def weights(self):
        weights = self.named(*self.state[:2])
        return {weight.name: numpy.array(weights[weight.name]) for weight in self.described}

    def finish(self):
        jax.block_until_ready(self.state)

    def about(self):
        return {
            "framework": "jax",
            "version": jax.__version__,
            "versions": {"jax": jax.__version__, "optax": optax.__version__, "numpy": numpy.__version__},
            "device": self.device.device_kind,
            "threads": jax_device.threads(),
            "determinism": dict(jax_device.determinism(), seed=self.job.seed),
        }

    def device_peak_bytes(self):
        return jax_device.peak_bytes(self.device)

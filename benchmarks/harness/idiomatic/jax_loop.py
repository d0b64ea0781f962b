"""What a good user of JAX writes: optax's and JAX's tutorials' loop, a jitted update of a pytree on batches of numpy arrays in memory.

Layers are plain functions: Flax would add none of its own to the compiled step.
"""

import functools
import time

import jax
import jax.numpy as jnp
import numpy
import optax

from ....models.layers import LSTM, Activation, Conv, Dense, Dropout, Flatten, MaxPool
from ....models.optimizers import SGD, Adadelta, Adam, RMSprop

OPTIMIZERS = {
    SGD: lambda own: optax.sgd(own.learning_rate, own.momentum or None),
    Adam: lambda own: optax.adam(own.learning_rate),
    RMSprop: lambda own: optax.rmsprop(own.learning_rate, own.rho),
    Adadelta: lambda own: optax.adadelta(own.learning_rate, own.rho),
}
FUNCTIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}
GLOROT = jax.nn.initializers.glorot_uniform()


def conv(layer, weights, x, key):
    layout = ("NHWC", "HWIO", "NHWC")
    strides = (layer.stride, layer.stride)
    return (
        jax.lax.conv_general_dilated(x, weights[0], strides, layer.padding.upper(), dimension_numbers=layout)
        + weights[1]
    )


def max_pool(layer, weights, x, key):
    window, strides = (1, layer.size, layer.size, 1), (1, layer.step, layer.step, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, "VALID")


def dropout(layer, weights, x, key):
    return jnp.where(jax.random.bernoulli(key, 1 - layer.rate, x.shape), x / (1 - layer.rate), 0)


def lstm(layer, weights, x, key):
    kernel, recurrent, bias = weights
    start = jnp.zeros((len(x), layer.units))

    def step(state, given):
        before, memory = state
        enter, forget, new, leave = jnp.split(given + before @ recurrent, 4, axis=1)
        memory = jax.nn.sigmoid(forget) * memory + jax.nn.sigmoid(enter) * jnp.tanh(new)
        return (jax.nn.sigmoid(leave) * jnp.tanh(memory), memory), None

    return jax.lax.scan(step, (start, start), (x @ kernel + bias).swapaxes(0, 1))[0][0]


LAYERS = {
    Conv: conv,
    Dense: lambda layer, weights, x, key: x @ weights[0] + weights[1],
    MaxPool: max_pool,
    Activation: lambda layer, weights, x, key: FUNCTIONS[layer.function](x),
    Dropout: dropout,
    Flatten: lambda layer, weights, x, key: x.reshape(len(x), -1),
    LSTM: lstm,
}
# Layer type -> its kernels, from the layer, the values in its input's last axis and a key.
DRAWN = {
    Conv: lambda layer, values, key: (GLOROT(key, (layer.kernel, layer.kernel, values, layer.filters)),),
    Dense: lambda layer, values, key: (GLOROT(key, (values, layer.units)),),
    LSTM: lambda layer, values, key: (
        GLOROT(key, (values, 4 * layer.units)),
        jax.nn.initializers.orthogonal()(key, (layer.units, 4 * layer.units)),
    ),
}


def forward(layers, weights, x, key):
    """Return the output. weights: each layer's, in a list. key: None where no layer draws."""
    keys = [None] * len(layers) if key is None else jax.random.split(key, len(layers))
    for layer, own, drawn in zip(layers, weights, keys, strict=True):
        x = LAYERS[type(layer)](layer, own, x, drawn)
    return x


def initial(layers, x, key):
    """Return each layer's weights: kernels and bias, or nothing."""
    weights = []
    for layer, drawn in zip(layers, jax.random.split(key, len(layers)), strict=True):
        own = ()
        if type(layer) in DRAWN:
            kernels = DRAWN[type(layer)](layer, x.shape[-1], drawn)
            own = (*kernels, jnp.zeros(kernels[0].shape[-1]))
        weights.append(own)
        x = jax.eval_shape(functools.partial(forward, (layer,)), [own], x, drawn)
    return weights


def epochs(arrays, layers, input_shape, classes, batch_size, optimizer, threads, count, permit):
    """Return the seconds of each epoch. permit() is called, and may wait, before each. The CPU affinity has set the threads."""
    transform = OPTIMIZERS[type(optimizer)](optimizer)
    images, labels = numpy.array(arrays.train_images), arrays.train_labels.astype(numpy.int32)
    key = jax.random.PRNGKey(0)
    weights = initial(layers, jnp.asarray(images[:1]), key)
    state = transform.init(weights)
    random = numpy.random.default_rng(0)
    draws = any(type(layer) is Dropout for layer in layers)  # nobody splits a key for layers that draw nothing

    def loss_of(weights, x, y, key):
        return optax.softmax_cross_entropy_with_integer_labels(forward(layers, weights, x, key), y).mean()

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
    def update(weights, state, key, x, y):
        key, drawn = jax.random.split(key) if draws else (key, None)
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y, drawn)
        changes, state = transform.update(gradients, state, weights)
        return optax.apply_updates(weights, changes), state, key, loss

    seconds = []
    for _ in range(count):
        permit()
        begin = time.perf_counter()
        order = random.permutation(len(labels))
        losses = []
        for start in range(0, len(labels), batch_size):
            rows = order[start : start + batch_size]
            weights, state, key, loss = update(weights, state, key, images[rows], labels[rows])
            losses.append(loss)
        numpy.mean(jax.device_get(losses))
        jax.block_until_ready(weights)
        seconds.append(time.perf_counter() - begin)
    return seconds

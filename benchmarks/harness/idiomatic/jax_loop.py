"""What a good user of JAX writes: optax's and JAX's tutorials' loop, a jitted update of a pytree on batches of numpy arrays in memory.

Layers are plain functions: Flax would add none of its own to the compiled step.
"""

import functools
import time

import jax
import jax.numpy as jnp
import numpy
import optax

from ....models.layers import LSTM, Activation, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool
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


def batch_norm(layer, weights, moving, x):
    """Return the output and the moved statistics."""
    axes = tuple(range(x.ndim - 1))
    found = x.mean(axes), x.var(axes)
    moved = tuple(layer.momentum * old + (1 - layer.momentum) * new for old, new in zip(moving, found, strict=True))
    return (x - found[0]) * jax.lax.rsqrt(found[1] + layer.epsilon) * weights[0] + weights[1], moved


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


def forward(layers, weights, moving, x, key):
    """Return the output and the moving statistics of the normalisations, both as a list by layer."""
    moved = []
    for layer, own, statistics, drawn in zip(layers, weights, moving, jax.random.split(key, len(layers)), strict=True):
        if type(layer) is BatchNorm:
            x, statistics = batch_norm(layer, own, statistics, x)
        else:
            x = LAYERS[type(layer)](layer, own, x, drawn)
        moved.append(statistics)
    return x, moved


def initial(layers, x, key):
    """Return each layer's weights, kernels and bias, or gamma and beta, or nothing; and its moving statistics, or nothing."""
    weights, moving = [], []
    for layer, drawn in zip(layers, jax.random.split(key, len(layers)), strict=True):
        own, statistics = (), ()
        if type(layer) is BatchNorm:
            channels = x.shape[-1]
            own = (jnp.ones(channels), jnp.zeros(channels))
            statistics = (jnp.zeros(channels), jnp.ones(channels))
        elif type(layer) in DRAWN:
            kernels = DRAWN[type(layer)](layer, x.shape[-1], drawn)
            own = (*kernels, jnp.zeros(kernels[0].shape[-1]))
        weights.append(own)
        moving.append(statistics)
        x, _ = jax.eval_shape(functools.partial(forward, (layer,)), [own], [statistics], x, drawn)
    return weights, moving


def epochs(arrays, layers, input_shape, classes, batch_size, optimizer, threads, count, permit):
    """Return the seconds of each epoch. permit() is called, and may wait, before each. The CPU affinity has set the threads."""
    transform = OPTIMIZERS[type(optimizer)](optimizer)
    images, labels = numpy.array(arrays.train_images), arrays.train_labels.astype(numpy.int32)
    key = jax.random.PRNGKey(0)
    weights, moving = initial(layers, jnp.asarray(images[:1]), key)
    state = transform.init(weights)
    random = numpy.random.default_rng(0)

    def loss_of(weights, moving, x, y, key):
        x, moved = forward(layers, weights, moving, x, key)
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean(), moved

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2, 3))
    def update(weights, moving, state, key, x, y):
        key, drawn = jax.random.split(key)
        (loss, moved), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights, moving, x, y, drawn)
        changes, state = transform.update(gradients, state, weights)
        return optax.apply_updates(weights, changes), moved, state, key, loss

    seconds = []
    for _ in range(count):
        permit()
        begin = time.perf_counter()
        order = random.permutation(len(labels))
        losses = []
        for start in range(0, len(labels), batch_size):
            rows = order[start : start + batch_size]
            weights, moving, state, key, loss = update(weights, moving, state, key, images[rows], labels[rows])
            losses.append(loss)
        numpy.mean(jax.device_get(losses))
        jax.block_until_ready(weights)
        seconds.append(time.perf_counter() - begin)
    return seconds

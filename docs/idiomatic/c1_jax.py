"""C1 in JAX and optax:  python c1_jax.py FOLDER"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

names = ("train_images", "train_labels", "test_images", "test_labels")
train_images, train_labels, test_images, test_labels = (np.load(Path(sys.argv[1], f"{name}.npy")) for name in names)

shapes = [(3, 3, 3, 32), (3, 3, 32, 32), (14 * 14 * 32, 128), (128, 1)]
initial = jax.nn.initializers.glorot_uniform()
weights = [(initial(jax.random.key(k), shape), jnp.zeros(shape[-1])) for k, shape in enumerate(shapes)]


def network(weights, images):
    x = images.astype(jnp.float32) / 255
    for kernel, bias in weights[:2]:
        x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + bias)
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = x.reshape(len(x), -1)
    x = jax.nn.relu(x @ weights[2][0] + weights[2][1])
    return (x @ weights[3][0] + weights[3][1])[:, 0]


def loss_of(weights, images, labels):
    return optax.sigmoid_binary_cross_entropy(network(weights, images), labels).mean()


optimizer = optax.adam(1e-3)
state = optimizer.init(weights)


@jax.jit
def train_step(weights, state, images, labels):
    loss, gradients = jax.value_and_grad(loss_of)(weights, images, labels)
    updates, state = optimizer.update(gradients, state)
    return optax.apply_updates(weights, updates), state, loss


random = np.random.default_rng(0)
for epoch in range(10):
    order = random.permutation(len(train_labels))
    for start in range(0, len(order), 32):
        rows = order[start : start + 32]
        weights, state, loss = train_step(weights, state, train_images[rows], train_labels[rows])
    print(f"epoch {epoch + 1} loss {loss:.4f}")

predict = jax.jit(network)
correct = 0
for start in range(0, len(test_labels), 32):
    rows = slice(start, start + 32)
    correct += ((predict(weights, test_images[rows]) > 0) == test_labels[rows]).sum()
print(f"accuracy {correct / len(test_labels):.4f}")

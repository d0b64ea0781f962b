"""What a good user of TensorFlow writes: its guide's custom training loop, @tf.function around a step with GradientTape.

The rows of a batch are taken from tensors in memory: over 1,433 small images there is no pipeline to pay for.
"""

import time

import tensorflow as tf

from ....models.layers import Activation, Conv, Dense, Flatten, MaxPool
from ....models.optimizers import SGD, Adam

LAYERS = {
    Conv: lambda layer: tf.keras.layers.Conv2D(layer.filters, layer.kernel, layer.stride, layer.padding),
    Dense: lambda layer: tf.keras.layers.Dense(layer.units),
    MaxPool: lambda layer: tf.keras.layers.MaxPooling2D(layer.size),
    Activation: lambda layer: tf.keras.layers.Activation(layer.function),
    Flatten: lambda layer: tf.keras.layers.Flatten(),
}
OPTIMIZERS = {
    SGD: lambda own: tf.keras.optimizers.SGD(own.learning_rate, own.momentum),
    Adam: lambda own: tf.keras.optimizers.Adam(own.learning_rate),
}


def epochs(arrays, layers, input_shape, classes, batch_size, optimizer, threads, count, permit):
    """Return the seconds of each epoch. permit() is called, and may wait, before each."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    model = tf.keras.Sequential([tf.keras.Input(input_shape)] + [LAYERS[type(layer)](layer) for layer in layers])
    optimizer = OPTIMIZERS[type(optimizer)](optimizer)
    optimizer.build(model.trainable_variables)
    images, labels = tf.constant(arrays.train_images), tf.constant(arrays.train_labels)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss_mean = tf.keras.metrics.Mean()

    @tf.function
    def train_step(rows):
        with tf.GradientTape() as tape:
            loss = loss_of(tf.gather(labels, rows), model(tf.gather(images, rows), training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        loss_mean.update_state(loss)

    seconds = []
    for _ in range(count):
        permit()
        begin = time.perf_counter()
        loss_mean.reset_state()
        order = tf.random.shuffle(tf.range(len(labels)))
        for start in range(0, len(labels), batch_size):
            train_step(order[start : start + batch_size])
        loss_mean.result().numpy()
        seconds.append(time.perf_counter() - begin)
    return seconds

"""What a good user of Keras writes: one model.fit() on arrays in memory. KERAS_BACKEND chooses TensorFlow, JAX or PyTorch."""

import time

import keras

from ....models.layers import LSTM, Activation, Conv, Dense, Flatten, MaxPool
from ....models.optimizers import SGD, Adam

LAYERS = {
    Conv: lambda layer: keras.layers.Conv2D(layer.filters, layer.kernel, layer.stride, layer.padding),
    Dense: lambda layer: keras.layers.Dense(layer.units),
    MaxPool: lambda layer: keras.layers.MaxPooling2D(layer.size, layer.stride),
    LSTM: lambda layer: keras.layers.LSTM(layer.units),
    Activation: lambda layer: keras.layers.Activation(layer.function),
    Flatten: lambda layer: keras.layers.Flatten(),
}
OPTIMIZERS = {
    SGD: lambda own: keras.optimizers.SGD(own.learning_rate, own.momentum),
    Adam: lambda own: keras.optimizers.Adam(own.learning_rate),
}


class EpochClock(keras.callbacks.Callback):
    def __init__(self, permit):
        super().__init__()
        self.permit = permit
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.permit()
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.begin)


def epochs(arrays, layers, input_shape, classes, batch_size, optimizer, threads, count, permit):
    """Return the seconds of each epoch. permit() is called, and may wait, before each."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
    model = keras.Sequential([keras.Input(input_shape)] + [LAYERS[type(layer)](layer) for layer in layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(OPTIMIZERS[type(optimizer)](optimizer), loss)
    clock = EpochClock(permit)
    model.fit(
        arrays.train_images,
        arrays.train_labels,
        batch_size=batch_size,
        epochs=count,
        shuffle=True,
        verbose=0,
        callbacks=[clock],
    )
    return clock.seconds

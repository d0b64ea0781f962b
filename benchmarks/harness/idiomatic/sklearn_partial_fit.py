"""What a good user of scikit-learn writes: MLPClassifier.partial_fit() over the shuffled rows of an epoch.

One call an epoch: partial_fit() makes the batches itself; a call a batch would check its input each time.
"""

import time

import numpy
import threadpoolctl
from sklearn.neural_network import MLPClassifier

from ....models.layers import Activation, Dense
from ....models.optimizers import SGD, Adam

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}
SOLVERS = {
    SGD: lambda own: {"solver": "sgd", "momentum": own.momentum, "nesterovs_momentum": False},
    Adam: lambda own: {"solver": "adam"},
}


def epochs(arrays, layers, input_shape, classes, batch_size, optimizer, threads, count, permit):
    """Return the seconds of each epoch. permit() is called, and may wait, before each."""
    threadpoolctl.threadpool_limits(threads)
    estimator = MLPClassifier(
        [layer.units for layer in layers if type(layer) is Dense][:-1],
        activation=next(ACTIVATIONS[layer.function] for layer in layers if type(layer) is Activation),
        alpha=0.0,
        batch_size=batch_size,
        learning_rate_init=optimizer.learning_rate,
        **SOLVERS[type(optimizer)](optimizer),
    )
    images = arrays.train_images.reshape(len(arrays.train_images), -1)
    names = numpy.arange(classes)
    seconds = []
    for _ in range(count):
        permit()
        begin = time.perf_counter()
        estimator.partial_fit(images, arrays.train_labels, classes=names)  # shuffle=True is its default
        seconds.append(time.perf_counter() - begin)
    return seconds

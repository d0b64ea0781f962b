"""What a good user of MXNet writes: a hybridized Gluon network, autograd.record() and Trainer.step() over NDArrays in memory."""

import time

import mxnet as mx
from mxnet.gluon import nn, rnn

from ....models.layers import LSTM, Activation, Conv, Dense, Flatten, MaxPool
from ....models.optimizers import SGD, Adam


def last_step(layer):
    found = nn.HybridSequential()
    found.add(rnn.LSTM(layer.units, layout="NTC"))
    found.add(nn.HybridLambda(lambda ops, steps: ops.slice_axis(steps, axis=1, begin=-1, end=None)))
    return found


LAYERS = {
    Conv: lambda layer: nn.Conv2D(layer.filters, layer.kernel, layer.stride),
    Dense: lambda layer: nn.Dense(layer.units),
    MaxPool: lambda layer: nn.MaxPool2D(layer.size, layer.stride),
    LSTM: last_step,
    Activation: lambda layer: nn.Activation(layer.function),
    Flatten: lambda layer: nn.Flatten(),
}
OPTIMIZERS = {
    SGD: lambda own: mx.optimizer.SGD(learning_rate=own.learning_rate, momentum=own.momentum),
    Adam: lambda own: mx.optimizer.Adam(learning_rate=own.learning_rate),
}


def epochs(arrays, layers, input_shape, classes, batch_size, optimizer, threads, count, permit):
    """Return the seconds of each epoch. permit() is called, and may wait, before each. OMP_NUM_THREADS has set the threads."""
    images = arrays.train_images
    images = mx.nd.array(images.transpose(0, 3, 1, 2) if images.ndim == 4 else images)
    labels = mx.nd.array(arrays.train_labels)
    network = nn.HybridSequential()
    network.add(*[LAYERS[type(layer)](layer) for layer in layers])
    network.initialize(mx.init.Xavier())
    network.hybridize(static_alloc=True, static_shape=True)
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    loss_of.hybridize(static_alloc=True, static_shape=True)
    trainer = mx.gluon.Trainer(network.collect_params(), OPTIMIZERS[type(optimizer)](optimizer))
    seconds = []
    for _ in range(count):
        permit()
        begin = time.perf_counter()
        order = mx.nd.random.shuffle(mx.nd.arange(len(labels)))
        losses = []
        for start in range(0, len(labels), batch_size):
            rows = order[start : start + batch_size]
            x, y = images.take(rows), labels.take(rows)
            with mx.autograd.record():
                loss = loss_of(network(x), y)
            loss.backward()
            trainer.step(len(rows))
            losses.append(loss.mean())
        mx.nd.stack(*losses).mean().asscalar()
        mx.nd.waitall()
        seconds.append(time.perf_counter() - begin)
    return seconds

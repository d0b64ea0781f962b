"""What a good user of PyTorch writes: the tutorials' training loop over nn.Sequential and torch.optim, on tensors in memory."""

import time

import torch
from torch import nn

from ....models.layers import LSTM, Activation, Conv, Dense, Dropout, Flatten, MaxPool
from ....models.optimizers import SGD, Adadelta, Adam, RMSprop


class LastStep(nn.LSTM):
    def forward(self, steps):
        return super().forward(steps)[0][:, -1]


LAYERS = {
    Conv: lambda layer: nn.LazyConv2d(layer.filters, layer.kernel, layer.stride, layer.padding),
    Dense: lambda layer: nn.LazyLinear(layer.units),
    MaxPool: lambda layer: nn.MaxPool2d(layer.size, layer.stride),
    Activation: lambda layer: {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[layer.function](),
    Dropout: lambda layer: nn.Dropout(layer.rate),
    Flatten: lambda layer: nn.Flatten(),
}
OPTIMIZERS = {
    SGD: lambda weights, own: torch.optim.SGD(weights, own.learning_rate, own.momentum),
    Adam: lambda weights, own: torch.optim.Adam(weights, own.learning_rate),
    RMSprop: lambda weights, own: torch.optim.RMSprop(weights, own.learning_rate, own.rho),
    Adadelta: lambda weights, own: torch.optim.Adadelta(weights, own.learning_rate, own.rho),
}


def epochs(arrays, layers, input_shape, classes, batch_size, optimizer, threads, count, permit):
    """Return the seconds of each epoch. permit() is called, and may wait, before each."""
    torch.set_num_threads(threads)
    images = torch.tensor(arrays.train_images)
    if images.dim() == 4:
        images = images.permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor(arrays.train_labels)
    # nn.LSTM is not lazy: it must be the first layer.
    kinds = {**LAYERS, LSTM: lambda layer: LastStep(input_shape[-1], layer.units, batch_first=True)}
    model = nn.Sequential(*[kinds[type(layer)](layer) for layer in layers])
    model(images[:1])  # gives the lazy layers their weights
    loss_of = nn.CrossEntropyLoss()
    optimizer = OPTIMIZERS[type(optimizer)](model.parameters(), optimizer)
    seconds = []
    for _ in range(count):
        permit()
        begin = time.perf_counter()
        model.train()
        loss_sum = 0.0
        for rows in torch.randperm(len(labels)).split(batch_size):
            optimizer.zero_grad()
            loss = loss_of(model(images[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
        seconds.append(time.perf_counter() - begin)
    return seconds

"""Trains LeNet and the MLP three steps with the toy framework and leaves their weights in float64:

    python -I tests/toy_framework/three_steps.py OUT.npz

Its tests run it on every Python of the worker world, which proves that the worker world runs there and computes the same.
"""

import importlib
import os
import sys
import types

MODELS = (("lenet", (32, 32, 1)), ("mlp", (28, 28, 1)))


def main(out):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    suite = types.ModuleType("suite")
    suite.__path__ = [root]
    sys.modules["suite"] = suite
    import numpy

    found = {}
    for model, shape in MODELS:
        session = train(model, shape)
        found.update((model + "/" + name, session.exact_weight(name)) for name in session.names)
    numpy.savez(out, **found)


def train(model, shape):
    import numpy

    weights = importlib.import_module("suite.models.weights")
    optimizers = importlib.import_module("suite.models.optimizers")
    adapter = importlib.import_module("suite.tests.toy_framework.session")
    described = importlib.import_module("suite.models." + model).layers(10)
    random = numpy.random.RandomState(7)
    arrays = types.SimpleNamespace(
        train_images=random.random_sample((96,) + shape).astype(numpy.float32),
        train_labels=random.randint(0, 10, 96),
        weights=weights.initial_weights(described, shape, 1),
    )
    job = types.SimpleNamespace(
        layers=described, input_shape=shape, batch_size=32, optimizer=optimizers.Adam(), seed=1, device="cpu"
    )
    session = adapter.Session(job, arrays)
    session.train_epoch(random.permutation(96))
    return session


if __name__ == "__main__":
    main(sys.argv[1])

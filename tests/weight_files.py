"""Files of pretrained weights that tests make, and the cell that begins with them."""

from pathlib import Path

import h5py
import numpy
from mounted import worker_module

from framegate.runner.cell import Cell

vgg16 = worker_module("models.vgg16")
weights = worker_module("models.weights")


def vgg16_file(folder: Path) -> Path:
    """Return a file of VGG16's convolutions as Keras publishes them, whose first layer is drawn, and all others zero."""
    random = numpy.random.RandomState(3)
    shapes = [weight.shape for weight in weights.weight_shapes(vgg16.layers(10), (224, 224, 3))][:26]
    with h5py.File(folder / "vgg16.h5", "w") as file:
        file.attrs["layer_names"] = names = [f"layer{number}" for number in range(13)]
        for name, kernel, bias in zip(names, shapes[::2], shapes[1::2], strict=True):
            group = file.create_group(name)
            group.attrs["weight_names"] = ["kernel", "bias"]
            group.create_dataset("kernel", kernel, "f4"), group.create_dataset("bias", bias, "f4")
        file["layer0/kernel"][...] = random.normal(size=(3, 3, 3, 64))
        file["layer0/bias"][...] = random.normal(size=64)
    return folder / "vgg16.h5"


def lenet_file(folder: Path, first=(5, 5, 3, 6), more=()) -> Path:
    """Return a file of LeNet's convolutions as Keras would write it. first: the first kernel's shape; more: kernels after."""
    random = numpy.random.RandomState(3)
    with h5py.File(folder / "lenet.h5", "w") as file:
        shapes = [first, (5, 5, 6, 16), *more]
        file.attrs["layer_names"] = [f"layer{number}" for number in range(len(shapes))]
        for number, shape in enumerate(shapes):
            group = file.create_group(f"layer{number}")
            group.attrs["weight_names"] = ["kernel", "bias"]
            group["kernel"], group["bias"] = random.normal(size=shape), random.normal(size=shape[-1:])
    return folder / "lenet.h5"


def cell(**changes) -> Cell:
    """Return a cell of LeNet, with these changes."""
    known = {"environment": "toy", "framework": "toy", "device": "cpu", "model": "lenet", "dataset": "digits"}
    known |= {
        "image_size": 32,
        "batch_size": 8,
        "optimizer": (("name", "sgd"), ("learning_rate", 0.1)),
        "tier": "quick",
    }
    known |= {"processes": 1, "epochs": 2, "seed": 1, "threads": 1, "limit_seconds": 60, "floor": 0, "floor_part": None}
    return Cell(**(known | {"reruns": 0} | changes))

"""Weights that the real libraries saved become the canonical ones: the network computes what theirs does."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy
import pytest
from mounted import ROOT, worker_module
from weight_files import cell, lenet_file, vgg16_file

from framegate.errors import DataFailed
from framegate.runner.cell import TRAINING
from framegate.runner.data import Dataset, convert_weights
from framegate.runner.declarations import load
from framegate.runner.environments import built_folder, ensure, is_built
from framegate.runner.jobs import make_job
from framegate.runner.matrix import read_matrix

STORE = ROOT / ".framegate"
layers = worker_module("models.layers")
network = worker_module("tests.toy_framework.network")
weights = worker_module("models.weights")
pretrained = worker_module("worker.pretrained")


def saved(config: pytest.Config, environment: str, *arguments: str) -> None:
    """Run a script of tests/savers in an environment, or skip where that is not built."""
    declared = load(ROOT / "environments")[environment]
    if not is_built(built_folder(declared, "cpu", STORE / "envs")):
        missing = f"{environment} is not built; build it with: framegate envs build {environment}"
        (pytest.fail if config.option.strict_environments else pytest.skip)(missing)
    python = ensure(declared, "cpu", STORE / "envs", print)
    subprocess.run([python, "-I", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module", params=["MobileNetV2", "Xception"])
def keras_files(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras")
    saved(request.config, "tensorflow-2.21", str(ROOT / "tests/savers/keras_files.py"), request.param, str(folder))
    return folder / request.param


@pytest.fixture(scope="module")
def torch_files(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch")
    saved(request.config, "pytorch-2.13", str(ROOT / "tests/savers/torch_files.py"), str(folder))
    return folder


def convolutions(model: str):
    """Return a model's layers between its preprocessing and its head."""
    described = worker_module(f"models.{model}").layers(10)
    kinds = [type(layer).__name__ for layer in described]
    first = 1 + max([place for place, kind in enumerate(kinds) if kind in ("Rescale", "Resize")], default=-1)
    last = min(place for place, kind in enumerate(kinds) if kind in ("GlobalAveragePool", "Flatten"))
    return described[first:last]


def difference(model: str, cache: Path, wanted: Path) -> float:
    """Return how far the reference's features with the converted weights are from those of the library's network."""
    with numpy.load(wanted) as arrays:
        images, features = arrays["images"].astype(float), arrays["features"]
    found = computed(convolutions(model), model, cache, images)
    return float(numpy.abs(found - features).max() / numpy.abs(features).max())


def computed(body: Sequence, model: str, cache: Path, images: numpy.ndarray) -> numpy.ndarray:
    """Return what the reference makes of images with a model's converted weights."""
    initial = weights.initial_weights(body, images.shape[1:], seed=1)
    pretrained.put(str(cache / "weights" / f"{model}.npz"), initial)
    found, _ = network.forward(
        body, layers.by_layer({name: array.astype(float) for name, array in initial.items()}), images
    )
    return found


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
def test_weights_of_keras_make_the_network_of_keras(keras_files, suffix, tmp_path):
    model = {"MobileNetV2": "mobilenet_v2", "Xception": "xception"}[keras_files.name]
    record = convert_weights(model, keras_files.with_name(keras_files.name + suffix), tmp_path, ROOT)
    assert record["parameters"] == {"mobilenet_v2": 2_257_984, "xception": 20_861_480}[model]
    assert difference(model, tmp_path, keras_files.with_name(keras_files.name + ".npz")) < 1e-5


@pytest.mark.parametrize("name", ["new.pth", "old.pth"])
def test_weights_of_torchvision_make_its_vgg16_where_images_are_padded_with_its_mean(torch_files, name, tmp_path):
    record = convert_weights("vgg16", torch_files / name, tmp_path, ROOT)
    assert record["parameters"] == 14_714_688
    with numpy.load(torch_files / "torch.npz") as arrays:
        normalised, features = arrays["images"].astype(float), arrays["features"]
    rescale, first, *others = scaled_vgg16()[:-6]
    mean = numpy.array([0.485, 0.456, 0.406])
    images = normalised * [0.229, 0.224, 0.225] + mean
    padded = numpy.pad(images - mean, ((0, 0), (1, 1), (1, 1), (0, 0)), "constant") + mean
    found = computed((rescale, first._replace(padding="valid"), *others), "vgg16", tmp_path, padded)
    assert numpy.abs(found - features).max() / numpy.abs(features).max() < 1e-5
    assert (mean * rescale.scale + rescale.offset).tolist() == pytest.approx(
        [-0.005, -0.499, -0.409]
    )  # what 0 is instead


def test_a_torchvision_network_with_batch_norm_is_another_function_and_refused(torch_files, tmp_path):
    with pytest.raises(DataFailed, match=r"1\.running_mean; of torchvision only VGG16 .* give Keras' file"):
        convert_weights("mobilenet_v2", torch_files / "norm.pth", tmp_path, ROOT)


# ---------------------------------------------------------------------------------------------------------------------
# VGG16's convolutions, in a file as Keras publishes it


def scaled_vgg16():
    return worker_module("models.vgg16").layers(10, width=256, imagenet=True)


def test_the_first_layer_of_kerass_vgg16_sees_what_keras_preprocessing_gives(tmp_path):
    convert_weights("vgg16", vgg16_file(tmp_path), tmp_path, ROOT)
    images = numpy.random.RandomState(4).random_sample((2, 32, 32, 3))  # red, green, blue
    caffe = 255 * images[..., ::-1] - [103.939, 116.779, 123.68]  # as keras.applications.vgg16.preprocess_input
    padded = numpy.pad(caffe, ((0, 0), (1, 1), (1, 1), (0, 0)), "constant")
    with h5py.File(tmp_path / "vgg16.h5") as file:
        kernel, wanted = file["layer0/kernel"][()].astype(float), file["layer0/bias"][()].astype(float)
    for row in range(3):
        for column in range(3):
            wanted = wanted + padded[:, row : row + 32, column : column + 32] @ kernel[row, column]
    found = computed(scaled_vgg16()[:2], "vgg16", tmp_path, images)
    assert found.shape == (2, 32, 32, 64)
    assert numpy.abs(found - wanted).max() / numpy.abs(wanted).max() < 1e-12


def test_the_pretrained_cells_of_the_matrix_scale_their_images():
    found = {}
    for declared in read_matrix(ROOT / "matrix.toml", load(ROOT / "environments")):
        if declared.pretrained:
            described = worker_module(f"models.{declared.model}").layers(10, **dict(declared.parameters))
            found[declared.model] = [described[0].scale, described[0].offset]
    assert found == {
        "mobilenet_v2": [(2.0,), (-1.0,)],
        "vgg16": [(255.0, 255.0, 255.0), (-123.68, -116.779, -103.939)],
        "xception": [(2.0,), (-1.0,)],
    }


# ---------------------------------------------------------------------------------------------------------------------
# LeNet's convolutions, in a file as Keras would write it


def test_a_worker_begins_with_the_pretrained_weights_and_its_own_head(tmp_path):
    record = convert_weights("lenet", lenet_file(tmp_path), tmp_path, ROOT)
    for split, rows in (("train", 4), ("test", 2)):
        numpy.save(tmp_path / f"{split}_images.npy", numpy.zeros((rows, 32, 32, 3), numpy.uint8))
        numpy.save(tmp_path / f"{split}_labels.npy", numpy.zeros(rows, numpy.int64))
    files = {
        name: str(tmp_path / f"{name}.npy") for name in ("train_images", "train_labels", "test_images", "test_labels")
    }
    data = Dataset("noise", None, (32, 32, 3), tuple("0123456789"), {"train": 4, "test": 2}, True, (), (), "", files)
    job = make_job(cell(), TRAINING, 1, "tests.toy_framework.session", data, ROOT)
    main = worker_module("worker.main")
    sessions = []
    for begin in (record, None):
        phases = main.Phases(SimpleNamespace(write=lambda event: None))
        sessions.append(main.prepare({**job, "pretrained": begin}, phases)[0].weights())
    begun, drawn = sessions
    with h5py.File(tmp_path / "lenet.h5") as file:
        assert (begun["0-conv/kernel"] == file["layer0/kernel"][()].astype(numpy.float32)).all()
        assert (begun["3-conv/bias"] == file["layer1/bias"][()].astype(numpy.float32)).all()
    assert (begun["7-dense/kernel"] == drawn["7-dense/kernel"]).all()

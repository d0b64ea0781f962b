"""Weights that the real libraries saved become the canonical ones: the network computes what theirs does."""

import json
import os
import pickle
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy
import pytest
from mounted import ROOT, worker_module

from framegate.errors import DataFailed, DataMissing, MatrixError
from framegate.runner.cell import TRAINING, Cell
from framegate.runner.data import Dataset, convert_weights, prepare_for
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


def vgg16_file(folder: Path) -> Path:
    """Return a file whose first layer is drawn, and all others zero."""
    random = numpy.random.RandomState(3)
    shapes = [weight.shape for weight in weights.weight_shapes(convolutions("vgg16"), (224, 224, 3))]
    with h5py.File(folder / "vgg16.h5", "w") as file:
        file.attrs["layer_names"] = names = [f"layer{number}" for number in range(13)]
        for name, kernel, bias in zip(names, shapes[::2], shapes[1::2], strict=True):
            group = file.create_group(name)
            group.attrs["weight_names"] = ["kernel", "bias"]
            group.create_dataset("kernel", kernel, "f4"), group.create_dataset("bias", bias, "f4")
        file["layer0/kernel"][...] = random.normal(size=(3, 3, 3, 64))
        file["layer0/bias"][...] = random.normal(size=64)
    return folder / "vgg16.h5"


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


def test_a_pretrained_model_that_does_not_scale_its_images_is_told_the_parameter(tmp_path):
    convert_weights("vgg16", vgg16_file(tmp_path), tmp_path, ROOT)
    with pytest.raises(MatrixError, match=r"want scaled images, .* Conv; wanted: parameters = \{ imagenet = true \}"):
        prepare_for(cell(model="vgg16", pretrained=True), None, tmp_path, ROOT)


def test_weights_converted_before_images_were_scaled_are_to_be_converted_again(tmp_path):
    convert_weights("vgg16", vgg16_file(tmp_path), tmp_path, ROOT)
    record = tmp_path / "weights" / "vgg16.npz.json"
    old = {name: value for name, value in json.loads(record.read_text()).items() if name != "scaled_with"}
    record.write_text(json.dumps(old))
    with pytest.raises(DataFailed, match="converted before images were scaled for it; wanted: convert it again"):
        prepare_for(cell(model="vgg16", pretrained=True), None, tmp_path, ROOT)


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


def lenet_file(folder: Path, first=(5, 5, 3, 6), more=()) -> Path:
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
    known = {"environment": "toy", "framework": "toy", "device": "cpu", "model": "lenet", "dataset": "digits"}
    known |= {
        "image_size": 32,
        "batch_size": 8,
        "optimizer": (("name", "sgd"), ("learning_rate", 0.1)),
        "tier": "quick",
    }
    known |= {"processes": 1, "epochs": 2, "seed": 1, "threads": 1, "limit_seconds": 60, "floor": 0, "floor_part": None}
    return Cell(**(known | {"reruns": 0} | changes))


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


def test_a_cell_without_converted_weights_is_told_the_command(tmp_path):
    with pytest.raises(DataMissing, match=r"lenet: no pretrained weights.*framegate data weights lenet FILE"):
        prepare_for(cell(pretrained=True), None, tmp_path, ROOT)


def test_weights_that_do_not_fit_the_images_are_told_before_an_environment_is_built(tmp_path):
    convert_weights("lenet", lenet_file(tmp_path), tmp_path, ROOT)
    with pytest.raises(
        MatrixError, match=r"0-conv/kernel is \(5, 5, 1, 6\); the pretrained weights have \(5, 5, 3, 6\)"
    ):
        prepare_for(cell(pretrained=True), None, tmp_path, ROOT)


def test_changed_converted_weights_are_noticed(tmp_path):
    record = convert_weights("lenet", lenet_file(tmp_path), tmp_path, ROOT)
    with open(record["file"], "ab") as file:
        file.write(b"x")
    with pytest.raises(DataFailed, match=r"lenet\.npz: SHA-256 .*; wanted .*: convert it again"):
        prepare_for(cell(pretrained=True), None, tmp_path, ROOT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": (3, 3, 3, 6)}, r"\(3, 3, 3, 6\), \(6,\) for 0-conv/kernel; wanted \(5, 5, 3, 6\), \(6,\)"),
        ({"more": [(5, 5, 16, 8)]}, "1 layers more than the model has"),
        ({"more": [(400, 120)]}, None),  # a head, which stays out
    ],
)
def test_weights_of_another_network_are_refused(changes, message, tmp_path):
    path = lenet_file(tmp_path, **changes)
    if message is None:
        assert len(convert_weights("lenet", path, tmp_path, ROOT)["shapes"]) == 4
        return
    with pytest.raises(DataFailed, match=message):
        convert_weights("lenet", path, tmp_path, ROOT)
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("name", ["vgg16-397923af.pth", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"])
def test_a_published_name_with_another_hash_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(b"not it")
    with pytest.raises(DataFailed, match=r"the published file has .* Fetch it again"):
        convert_weights("vgg16", tmp_path / name, tmp_path, ROOT)


def test_torchvisions_vgg16_that_wants_another_scale_is_refused(tmp_path):
    (tmp_path / "vgg16_features-amdegroot-88682ab5.pth").write_bytes(b"")
    with pytest.raises(DataFailed, match=r"wants images of another scale .*: fetch vgg16-397923af\.pth"):
        convert_weights("vgg16", tmp_path / "vgg16_features-amdegroot-88682ab5.pth", tmp_path, ROOT)


@pytest.mark.parametrize("name", ["weights.h5", "weights.pth"])
def test_garbage_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(b"\0garbage" * 100)
    with pytest.raises(DataFailed, match=r"cannot be read .*; wanted weights of Keras or torchvision"):
        convert_weights("vgg16", tmp_path / name, tmp_path, ROOT)


def test_a_folder_is_called_a_folder_and_an_absent_file_absent(tmp_path):
    wanted = r"a \.h5, \.weights\.h5 or \.pth file: framegate data weights MODEL FILE"
    with pytest.raises(DataFailed, match=f"^{tmp_path}: a folder; wanted {wanted}$"):
        convert_weights("mobilenet_v2", tmp_path, tmp_path / "cache", ROOT)
    with pytest.raises(DataFailed, match=r"absent\.h5: not found; wanted"):
        convert_weights("mobilenet_v2", tmp_path / "absent.h5", tmp_path / "cache", ROOT)


def test_a_file_that_calls_something_is_refused_and_calls_nothing(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "called"),)

    with zipfile.ZipFile(tmp_path / "hostile.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"features.0.weight": Hostile()}))
    with pytest.raises(DataFailed, match=r"it calls (posix|os)"):
        convert_weights("vgg16", tmp_path / "hostile.pth", tmp_path, ROOT)
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("name", ["vgg17", "layers", "weights", "optimizers", "shapes", "../models/vgg16", ""])
def test_what_is_no_model_is_answered_with_the_models_there_are(name, tmp_path):
    with pytest.raises(DataFailed, match="is no model; wanted one of alexnet, ") as refused:
        convert_weights(name, tmp_path / "file.h5", tmp_path, ROOT)
    offered = str(refused.value).rpartition("one of ")[2].split(", ")
    assert {"vgg16", "fashion_refined"} < set(offered)
    assert not {"layers", "weights", "optimizers", "shapes"} & set(offered)


NO_BASE = [
    ("dense", "its weights are of dense; wanted convolutions, then Dense alone"),
    ("gru_rows", "its weights are of dense, gru; wanted convolutions, then Dense alone"),
    ("babi_rnn", "no model of photographs, which alone can be pretrained: .* is given \\(224, 224, 3\\)"),
    ("every_layer", "no model of photographs, which alone can be pretrained: .* which it would shrink"),
]


@pytest.mark.parametrize(("model", "message"), NO_BASE)
def test_a_model_without_a_base_takes_no_pretrained_weights(model, message, tmp_path):
    with pytest.raises(DataFailed, match=f"^{model}: {message}"):
        convert_weights(model, lenet_file(tmp_path), tmp_path, ROOT)


def test_a_pretrained_cell_of_a_model_without_a_base_is_an_error_of_the_matrix(tmp_path):
    with pytest.raises(MatrixError, match=r"^dense: its weights are of dense; wanted convolutions, then Dense alone"):
        prepare_for(cell(model="dense", pretrained=True), None, tmp_path, ROOT)


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf])
def test_weights_that_are_not_finite_are_refused(value, tmp_path):
    with h5py.File(lenet_file(tmp_path), "r+") as file:
        file["layer1/bias"][3] = value
    with pytest.raises(DataFailed, match=r"lenet\.h5: 3-conv/bias is not finite everywhere; fetch the file again"):
        convert_weights("lenet", tmp_path / "lenet.h5", tmp_path, ROOT)
    assert not (tmp_path / "weights").exists()


def test_a_negative_moving_variance_is_refused():
    weight = weights.Weight("1-batchnorm/moving_variance", (2,), "ones")
    with pytest.raises(
        worker_module("datasets.dataset").Wrong, match=r"moving_variance has -0\.5; wanted variances of"
    ):
        pretrained.fitting([weight], [numpy.array([1.0, -0.5])], "file.h5")
    assert len(pretrained.fitting([weight], [numpy.array([1.0, 0.0])], "file.h5")) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"batch_norm": "nope"}, 'batch_norm = \'nope\'; wanted "none", "before" or "after"'),
        ({"activation": "tanhx"}, 'function="?.*; function is "relu", "relu6", "tanh", "sigmoid", "elu" or "selu"'),
        ({"initial": "nope"}, "layer 9-dense: initial = 'nope'; wanted one of glorot_uniform, he_normal, he_uniform"),
        ({"widths": (300, 1.5)}, r"makes \(1\.5,\) of \(300,\); wanted whole numbers"),
        ({"width": 300}, "unexpected keyword argument 'width'"),
    ],
)
def test_parameters_that_a_model_has_not_are_an_error_of_the_matrix(parameters, message, tmp_path):
    with pytest.raises(MatrixError, match=f"^fashion_mlp: .*{message}"):
        prepare_for(cell(model="fashion_mlp", parameters=tuple(parameters.items())), None, tmp_path, ROOT)


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    reader = worker_module("datasets.pretrained")
    monkeypatch.setattr(reader, "LARGEST", 10_000)
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(20_000))
    with pytest.raises(worker_module("datasets.dataset").Wrong, match="20,000 bytes unpacked; wanted at most 10,000"):
        reader.read_layers(str(tmp_path / "bomb.pth"))

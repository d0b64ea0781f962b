"""Pretrained weights that are not what a model begins with are refused, before any environment is started."""

import json
import os
import pickle
import zipfile

import h5py
import numpy
import pytest
from mounted import ROOT, worker_module
from weight_files import cell, lenet_file, vgg16_file

from framegate.errors import DataFailed, DataMissing, MatrixError
from framegate.runner.data import convert_weights, prepare_for

pretrained = worker_module("worker.pretrained")
weights = worker_module("models.weights")


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


def test_a_file_of_more_than_a_state_dict_is_told_what_is_wanted(tmp_path):
    with zipfile.ZipFile(tmp_path / "checkpoint.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"state_dict": {}}))
    with pytest.raises(DataFailed, match=r"'state_dict' is no tensor; wanted a file of torch\.save\(model\.state_dict"):
        convert_weights("vgg16", tmp_path / "checkpoint.pth", tmp_path, ROOT)


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


def test_constants_that_an_optimizer_has_not_are_an_error_of_the_matrix(tmp_path):
    wrong = cell(optimizer=(("name", "adam"), ("learning_rat", 0.1)))
    with pytest.raises(MatrixError, match=r"^lenet: optimizer adam: .*'learning_rat'; it takes learning_rate, beta_1"):
        prepare_for(wrong, None, tmp_path, ROOT)


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    reader = worker_module("datasets.pretrained")
    monkeypatch.setattr(reader, "LARGEST", 10_000)
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(20_000))
    with pytest.raises(worker_module("datasets.dataset").Wrong, match="20,000 bytes unpacked; wanted at most 10,000"):
        reader.read_layers(str(tmp_path / "bomb.pth"))

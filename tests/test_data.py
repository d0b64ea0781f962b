import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest
from mounted import worker_module

from framegate.errors import DataFailed, DataMissing
from framegate.runner import data

ROOT = Path(__file__).parents[1]
layers = worker_module("models.layers")


def test_a_prepared_dataset_can_be_mapped(tmp_path):
    digits = data.prepare("digits", 32, data_home=None, cache=tmp_path, root=ROOT)
    assert digits.shape == (32, 32, 1)
    assert digits.rows == {"train": 1433, "test": 364}
    assert digits.classes[9] == "9"
    assert numpy.load(digits.files["test_images"], mmap_mode="r").shape == (364, 32, 32, 1)


def test_absent_data_are_data_missing(tmp_path):
    with pytest.raises(DataMissing, match=r"Fetch it from https://www.kaggle"):
        data.prepare("intel", None, data_home=tmp_path, cache=tmp_path / "cache", root=ROOT)


def test_wrong_data_are_data_failed(tmp_path):
    (tmp_path / "intel-image-classification.zip").write_bytes(b"no zip")
    with pytest.raises(DataFailed, match=r"intel-image-classification\.zip: .*; wanted a whole zip file"):
        data.prepare("intel", None, data_home=tmp_path, cache=tmp_path / "cache", root=ROOT)


def test_a_crash_is_told_with_its_last_words(tmp_path):
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "data.py").write_text("raise SystemExit('out of memory')")
    with pytest.raises(
        DataFailed, match=r"mnist: worker/data\.py ended with status 1 and no result(?s:.*)out of memory"
    ):
        data.prepare("mnist", None, data_home=None, cache=tmp_path, root=tmp_path)


def test_a_cache_that_cannot_be_written_is_told_in_words(tmp_path):
    cache = tmp_path / "cache"
    cache.write_text("a file where the folder would be")
    wanted = f"^.*{cache}.*; wanted files that can be read, and room and leave to write in {cache}$"
    with pytest.raises(DataFailed, match=wanted):
        data.prepare("digits", 32, data_home=None, cache=cache, root=ROOT)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ((layers.Flatten(), layers.Dense(8)), r"wrong: its output is \(8,\); wanted \(10,\), a logit of each class"),
        ((layers.Flatten(), layers.Dense(20)), r"wrong: its output is \(20,\); wanted \(10,\), a logit of each class"),
        ((layers.Dense(10),), r"wrong: layer 0-dense .* takes 1 axes, but is given \(8, 8, 1\)"),
        (("flatten", layers.Dense(10)), r"wrong: .*'flatten'; wanted a layer of models/layers.py"),
    ],
)
def test_a_model_that_does_not_end_in_the_classes_is_told(described, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "suite.models.wrong", SimpleNamespace(layers=lambda classes: described))
    model = {"name": "wrong", "parameters": {}, "pretrained": False, "optimizer": None}
    found = worker_module("worker.data").misfit(model, {"classes": list("0123456789"), "shape": [8, 8, 1]})
    assert re.fullmatch(message, found)


def test_status_tells_of_every_dataset_what_is_there(tmp_path):
    entries = data.status(None, tmp_path, ROOT)
    assert [entry.dataset for entry in entries[:3]] == ["digits", "mnist", "fashion-mnist"]
    assert [entry.state for entry in entries[:3]] == ["present", "missing", "missing"]
    assert entries[0].rows == {"train": 1433, "test": 364}
    assert entries[1].message == "mnist: not downloaded yet from https://storage.googleapis.com/cvdf-datasets/mnist/"


def test_a_data_home_that_is_a_file_is_an_error_that_names_its_folder(tmp_path, monkeypatch):
    file = tmp_path / "hello.h5"
    file.write_bytes(b"")
    wanted = "is a file; wanted the folder that the datasets are in"
    with pytest.raises(DataFailed, match=f"^--data-home: {file} {wanted}: --data-home {tmp_path}$"):
        data.data_home(file)
    monkeypatch.setenv("FRAMEGATE_DATA", str(file))
    with pytest.raises(DataFailed, match=f"^FRAMEGATE_DATA: {file} {wanted}: export FRAMEGATE_DATA={tmp_path}$"):
        data.data_home(None)


def test_the_data_home_is_the_option_or_else_the_variable(monkeypatch):
    monkeypatch.setenv("FRAMEGATE_DATA", "/from/variable")
    assert data.data_home(Path("/from/option")) == Path("/from/option")
    assert data.data_home(None) == Path("/from/variable")
    monkeypatch.delenv("FRAMEGATE_DATA")
    assert data.data_home(None) is None

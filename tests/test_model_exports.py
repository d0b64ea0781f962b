"""A trained model is exported, read again and asked for the same predictions; whatever an exporter does, the rest goes on."""

import json
import re

import numpy
import pytest
from mounted import worker_module

laid_out = worker_module("frameworks.exported_layout").laid_out
NotExpressible = worker_module("models.layers").NotExpressible

ENVIRONMENT = """
packages = "toy"
framework = "toy"
adapter = "tests.toy_framework.exports"

[exports]
crash = "toy-reader"
npz = "toy-reader"
torn = "toy-reader"
moved = "toy-reader"
refused = "toy-reader"
"""
READER = ENVIRONMENT.partition("[exports]")[0]
CELLS = """
[tiers.export]
processes = 1
epochs = 3
reruns = 0

[[cells]]
model = "logistic_regression"
dataset = "digits"
environments = ["toy-export"]
tier = "export"
batch_size = 32
optimizer = { name = "sgd", learning_rate = 0.1, momentum = 0.9 }
floor = 0.85
"""


@pytest.fixture
def exporting(toy_suite):
    folder = toy_suite.root / "environments"
    (folder / "toy-export.toml").write_text(ENVIRONMENT, encoding="utf-8")
    (folder / "toy-reader.toml").write_text(READER, encoding="utf-8")
    with (toy_suite.root / "matrix.toml").open("a") as file:
        file.write(CELLS)
    return toy_suite


def test_exports_are_compared_and_one_that_fails_does_not_end_the_others(exporting):
    done = exporting.pytest("-m", "export", "--benchmark-json=found.json")
    assert "1 passed, 1 skipped" in done.stdout
    assert "3 failed" in done.stdout
    assert "killed by signal 11" in done.stdout
    assert re.search(r"probabilities are up to 0\.0\d+ away from its framework's, 1e-05 is allowed", done.stdout)
    assert "the exporter refused: NotExpressible: no exporter" in done.stdout
    row = r"\| `toy-export/logistic_regression/digits/b32` \| "
    assert re.search(
        row + r"npz \| 0\.9\d\d \| \d\.\d\d s \| 6 kB \| 0\.0e\+00 \| [\d.]+ ms \| [\d.]+ ms \|", done.stdout
    )
    assert re.search(row + r"refused \| refused: NotExpressible: no exporter of Flatten", done.stdout)
    (measured,) = json.loads((exporting.root / "found.json").read_text())["benchmarks"]
    assert measured["name"] == "test_export[toy-export/logistic_regression/digits/b32/npz]"
    assert len(measured["stats"]["data"]) == 2
    assert measured["extra_info"]["export"]["difference"] == 0.0

    again = exporting.pytest("-m", "export", "--resume")
    assert "1 passed, 1 skipped" in again.stdout
    ended = [record["purpose"] for record in exporting.records() if record["event"] == "finished"]
    read = ["exported-moved", "exported-npz"]
    assert sorted(ended) == ["export-moved", "export-npz", "export-refused", "export-torn", *read]


def test_what_crashed_has_its_row_with_the_signal_and_its_last_words(exporting):
    done = exporting.pytest("-m", "export", "-k", "crash or torn")
    row = "| `toy-export/logistic_regression/digits/b32` | "
    crashed = (
        "killed by signal 11 (Segmentation fault); 3 of 3 epochs were done; its log ends: no room for Flatten \\| Dense"
    )
    assert f"{row}crash | the writer failed: {crashed} | | | | | |\n" in done.stdout
    torn = "exit status 1; 0 of 3 epochs were done; its log ends: zipfile.BadZipFile: File is not a zip file"
    assert f"{row}torn | the reader failed: {torn} | | | | | |\n" in done.stdout


def test_a_model_that_misses_its_floor_proves_nothing(exporting):
    matrix = exporting.root / "matrix.toml"
    head, _, cell = matrix.read_text(encoding="utf-8").rpartition("floor = 0.85")
    matrix.write_text(f"{head}floor = 0.9999{cell}", encoding="utf-8")
    done = exporting.pytest("-m", "export", "-k", "npz")
    assert "1 failed" in done.stdout
    assert "is below the floor 0.9999; its times are void" in done.stdout
    void = [record["purpose"] for record in exporting.records() if record["event"] == "void"]
    assert void == ["export-npz", "exported-npz"]


def test_an_environment_with_exporters_is_measured_nowhere_else(exporting):
    listed = exporting.pytest("-m", "export or quick", "--collect-only", "-q").stdout.splitlines()
    assert [line for line in listed if "toy-export" in line] == [
        f"benchmarks/test_exports.py::test_export[toy-export/logistic_regression/digits/b32/{form}]"
        for form in ("crash", "npz", "torn", "moved", "refused")
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Channels first or last

IMAGES = numpy.arange(24, dtype=numpy.float32).reshape(1, 3, 4, 2)  # one image, 3 high, 4 wide, of 2 channels


def test_images_stay_as_they_are_where_the_model_wants_channels_last():
    assert laid_out(IMAGES, (3, 4, 2)) is IMAGES


def test_channels_are_put_first_where_the_model_wants_them_there():
    found = laid_out(IMAGES, [2, 3, 4])
    assert found.shape == (1, 2, 3, 4)
    assert found[0, 1].tolist() == [[1, 3, 5, 7], [9, 11, 13, 15], [17, 19, 21, 23]]
    assert found.flags.c_contiguous


@pytest.mark.parametrize("wanted", [(4, 3, 2), (24,), ("height", "width", 2)])
def test_a_model_for_other_images_is_refused(wanted):
    with pytest.raises(NotExpressible, match="the model wants images of shape"):
        laid_out(IMAGES, wanted)


def test_a_shape_that_could_mean_both_is_refused():
    with pytest.raises(NotExpressible, match=r"input of shape \(3, 3, 3\) may be its first or its last"):
        laid_out(numpy.zeros((5, 3, 3, 3), numpy.float32), (3, 3, 3))


def test_texts_have_no_channels():
    texts = numpy.zeros((5, 25), numpy.int32)
    assert laid_out(texts, (25,)) is texts

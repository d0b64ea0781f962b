"""Input pipelines: files laid out by row, every framework's images compared with Pillow's, seconds of each pass."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy
import pytest
from mounted import ROOT, worker_module
from PIL import Image
from sklearn.datasets import load_sample_images
from test_datasets_images import packed, scenes

from framegate.errors import DataFailed, MatrixError, WorkerFailed
from framegate.runner import data
from framegate.runner.cell import PIPELINE
from framegate.runner.data import Dataset
from framegate.runner.declarations import load
from framegate.runner.driver import run_alone
from framegate.runner.environments import built_folder, ensure, is_built
from framegate.runner.jobs import launch_of, make_job
from framegate.runner.pipelines import read_pipelines

cache = worker_module("datasets.cache")
files = worker_module("datasets.files")
images = worker_module("datasets.images")
pipeline = worker_module("worker.pipeline")
toy = worker_module("tests.toy_framework.pipeline")
witnesses = worker_module("worker.witnesses")

ENVIRONMENTS = load(ROOT / "environments")
CELLS = [cell for cell in read_pipelines(ROOT / "matrix.toml", ENVIRONMENTS) if cell.device == "cpu"]
PIPELINES = {cell.environment: cell for cell in CELLS}
TOY_CELL = """
[[pipelines]]
dataset = "digits"
environments = ["toy"]
batch_size = 32
"""


@pytest.fixture
def toy_pipelines(toy_suite):
    with (toy_suite.root / "matrix.toml").open("a") as file:
        file.write(TOY_CELL)
    return toy_suite


# ---------------------------------------------------------------------------------------------------------------------
# The whole way, on the toy framework


def test_a_pipeline_cell_is_measured_stored_and_reported(toy_pipelines, framegate):
    done = toy_pipelines.pytest("-m", "pipeline")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    records = toy_pipelines.records()
    epochs = [record for record in records if record["event"] == "epoch"]
    assert {(record["cell"], record["purpose"]) for record in epochs} == {("toy/pipeline/digits/b32", "pipeline")}
    assert [round(record["seconds"] * record["images_per_second"]) for record in epochs] == [1433] * 6
    ready = [record for record in records if record["event"] == "ready"]
    assert [record["about"]["pixels"] for record in ready] == [{"mean_deviation": 0.0, "largest_deviation": 0.0}] * 2
    done = framegate("report", "latest", "--data", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads((toy_pipelines.root / "report/report.json").read_text())
    jsonschema.validate(document, json.loads((ROOT / "framegate/report/schema.json").read_text()))
    (cell,) = document["cells"]
    assert cell["summary"]["images_per_second"] > 0
    assert cell["summary"]["epoch_seconds"] > 0


def test_an_unfair_pipeline_fails_its_cell(toy_pipelines):
    with (toy_pipelines.root / "environments" / "toy.toml").open("a") as file:
        file.write('\n[variables]\nTOY_PIPELINE = "dark"\n')
    done = toy_pipelines.pytest("-m", "pipeline", "--benchmark-json=out.json")
    assert done.returncode == 1
    assert "away from Pillow's pixels on average; wanted at most 0.05" in done.stdout
    assert not (toy_pipelines.root / "out.json").exists()


# ---------------------------------------------------------------------------------------------------------------------
# What is compared


@pytest.fixture
def noise(tmp_path):
    """Return twelve images of noise, their labels and their files."""
    random = numpy.random.RandomState(1)
    arrays = SimpleNamespace(
        train_images=random.randint(0, 256, (12, 9, 9, 1)).astype(numpy.uint8),
        train_labels=random.randint(0, 3, 12).astype(numpy.int64),
    )
    files.write(str(tmp_path), arrays.train_images, None)
    return arrays, pipeline.paths_in(str(tmp_path))


def compared(noise, order):
    arrays, paths = noise
    job = SimpleNamespace(batch_size=5, shape=(9, 9, 1), threads=1)
    return pipeline.compare(toy.Pipeline(job, paths, arrays.train_labels), numpy.array(order), paths, arrays)


def test_files_without_loss_give_the_arrays_in_any_order(noise):
    assert compared(noise, [3, 11, 0, 7, 5, 1, 2, 4, 6, 8, 9, 10]) == {"mean_deviation": 0, "largest_deviation": 0}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("backwards", r"\d{6}\.png: 0\.\d+ away from Pillow's pixels"),
        ("dark", r"\d{6}\.png: 0\.\d+ away from Pillow's pixels on average; wanted at most 0\.05"),
        ("dim", r"all images are 0\.02\d away from Pillow's pixels on average; wanted at most 0\.01"),
        ("short", r"11 images; wanted 12"),
    ],
)
def test_other_images_darker_ones_and_missing_ones_are_told(noise, fault, words, monkeypatch):
    monkeypatch.setenv("TOY_PIPELINE", fault)
    with pytest.raises(pipeline.Unfair, match=words):
        compared(noise, range(12))


def test_the_processor_seconds_of_living_workers_count():
    before = witnesses.children_seconds()
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint(); input()"
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert witnesses.children_seconds() - before > 0.2
        child.communicate(b"\n")


# ---------------------------------------------------------------------------------------------------------------------
# The files


def test_a_row_has_the_file_it_was_decoded_from(tmp_path):
    packed(tmp_path, "intel-image-classification.zip", scenes())
    told = cache.prepare("intel", 8, str(tmp_path), str(tmp_path / "cache"))
    folder = files.train_files(told, [str(tmp_path / "intel-image-classification.zip")])
    paths = pipeline.paths_in(folder)
    assert [path.rpartition("/")[2] for path in paths[:2]] == ["000000.jpg", "000001.jpg"]
    assert Path(paths[2]).read_bytes() == scenes()["seg_train/seg_train/forest/1.jpg"]
    decoded = [images.decode_image(Path(path).read_bytes(), 8) for path in paths]
    assert numpy.array_equal(decoded, numpy.load(told["files"]["train_images"]))


def encoded(kind, mode, **options):
    file = io.BytesIO()
    Image.new(mode, (8, 8), 1).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "mode", "suffix"), [("JPEG", "L", ".jpg"), ("PNG", "RGB", ".png")])
def test_jpegs_and_pngs_are_kept(kind, mode, suffix):
    assert files.suffix_of(encoded(kind, mode)) == suffix


def test_what_decoders_read_differently_becomes_a_png(tmp_path):
    turned = Image.Exif()
    turned[files.ORIENTATION] = 6
    odd = [encoded("GIF", "P"), encoded("JPEG", "CMYK"), encoded("PNG", "P"), encoded("JPEG", "RGB", exif=turned)]
    assert [files.suffix_of(data) for data in odd] == [None] * 4
    row = numpy.arange(192, dtype=numpy.uint8).reshape(1, 8, 8, 3)
    files.write(str(tmp_path), row, [lambda: odd[3]])
    assert numpy.array_equal(numpy.asarray(Image.open(tmp_path / "000000.png")), row[0])


def test_a_text_has_no_image_files(tmp_path):
    numpy.save(tmp_path / "train_images.npy", numpy.zeros((2, 7), numpy.int32))
    told = {"dataset": "babi-qa2", "files": {"train_images": str(tmp_path / "train_images.npy")}}
    with pytest.raises(worker_module("datasets.dataset").Wrong, match="babi-qa2: a text has no image files"):
        files.train_files(told, [])


def test_a_dataset_whose_files_cannot_be_had_is_told_before_any_worker_starts(tmp_path):
    (tmp_path / "intel-image-classification.zip").write_bytes(b"no zip")
    cell = replace(PIPELINES["tensorflow-2.21"], dataset="intel")
    with pytest.raises(DataFailed, match="wanted a whole zip file"):
        data.prepare_for(cell, tmp_path, tmp_path / "cache", ROOT)


# ---------------------------------------------------------------------------------------------------------------------
# The matrix


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("batch_size", 'model = "lenet"\nbatch_size'),
            "pipelines table 1: unknown key 'model'; wanted one of batch_s",
        ),
        (('"toy"', '"keras"'), "pipelines table 1: keras has no pipeline: .*frameworks/keras_pipeline.py is not there"),
        (("[[pipelines]]", "[pipelines]"), r"\[pipelines\] is one table; wanted \[\[pipelines\]\], a list of them"),
        (('"digits"', '"imagenet"'), "dataset = 'imagenet', but .*datasets/imagenet.py is not there"),
    ],
)
def test_a_wrong_pipelines_table_is_told(toy_pipelines, change, words):
    keras = replace(toy_pipelines.environment(), name="keras", adapter="frameworks.keras_session")
    path = toy_pipelines.root / "matrix.toml"
    path.write_text(path.read_text().partition("[[cells]]")[0] + TOY_CELL.replace(*change))
    with pytest.raises(MatrixError, match=words):
        read_pipelines(path, {"toy": toy_pipelines.environment(), "keras": keras})


def test_a_matrix_without_pipelines_has_none(toy_suite):
    assert "test_pipeline" not in toy_suite.pytest("--collect-only", "-q").stdout


# ---------------------------------------------------------------------------------------------------------------------
# The real ones


def photographs():
    """Return encoded images: of the size that is wanted and of others, in colour and grey, JPEG and PNG."""
    found = []
    for place, (width, height) in enumerate(
        [(64, 64), (150, 113), (90, 200), (64, 64), (40, 64), (64, 64), (128, 128)]
    ):
        photograph = load_sample_images().images[place % 2]
        piece = Image.fromarray(photograph[40 * place : 40 * place + height, 50 * place : 50 * place + width])
        file = io.BytesIO()
        piece.convert("L" if place == 3 else "RGB").save(file, "PNG" if place == 5 else "JPEG", quality=90)
        found.append(file.getvalue())
    return found


@pytest.mark.parametrize("name", PIPELINES)
def test_a_frameworks_pipeline_gives_pillows_images(name, tmp_path, request):
    environment = ENVIRONMENTS[name]
    if not is_built(built_folder(environment, "cpu", ROOT / ".framegate/envs")):
        missing = f"{name} is not built; build it with: framegate envs build {name}"
        (pytest.fail if request.config.option.strict_environments else pytest.skip)(missing)
    ready = next(event for event in delivered(environment, tmp_path) if event["event"] == "ready")
    assert ready["about"]["pixels"]["largest_deviation"] < 0.03


def delivered(environment, folder):
    """Return the events of a worker that delivers photographs() at 64 x 64."""
    encoded = photographs()
    decoded = numpy.stack([images.decode_image(one, 64) for one in encoded])
    (folder / "train").mkdir()
    files.write(str(folder / "train"), decoded, [lambda one=one: one for one in encoded])
    arrays = {"train_images": decoded, "train_labels": numpy.arange(len(decoded))}
    stored = {key: str(folder / f"{key}.npy") for key in arrays}
    for key, array in arrays.items():
        numpy.save(stored[key], array)
    classes = tuple(str(label) for label in range(len(decoded)))
    told = Dataset("photographs", 64, (64, 64, 3), classes, {"train": 7, "test": 0}, True, (), (), "", stored)
    cell = replace(PIPELINES[environment.name], batch_size=4, epochs=2)
    job = make_job(cell, PIPELINE, 1, environment.pipeline, replace(told, train_files=str(folder / "train")), ROOT)
    python = ensure(environment, "cpu", ROOT / ".framegate/envs", print)
    events = []
    try:
        run_alone(launch_of(job, environment, python, cell, folder / "out"), events.append)
    except WorkerFailed as failure:
        pytest.fail(str(failure))
    return events

"""Trains a model 20 steps in an environment and says how far it is from the float64 reference.

    python -m tests.parity [--environments NAME ...] [--models NAME ...]      the matrix, model by environment; nox -s parity

docs/parity.md says what is compared, what is allowed, and why.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy

from framegate.errors import FramegateError, WorkerFailed
from framegate.runner.cell import TRAINING, Cell
from framegate.runner.data import Dataset
from framegate.runner.declarations import Environment, load
from framegate.runner.driver import run_alone
from framegate.runner.environments import built_folder, ensure, is_built
from framegate.runner.jobs import launch_of, make_job
from framegate.runner.matrix import read_matrix
from tests.mounted import ROOT, worker_module

STORE = ROOT / ".framegate"
TOLERANCE = 1e-5
FACTOR = 3.0  # how much further than the reference in float32 a framework may be, where that is further than TOLERANCE
NUDGE = 2.0**-20  # of each initial weight: 16 roundings to float32
NUDGES = 4  # runs of the reference in float32, each from weights rounded otherwise
ROWS = (8, 152)  # of the first epoch and of the second: 1 step, and 19 more
STEPS = (0, 1, 20)  # after which all is compared
BATCH_SIZE = 8
CLASSES = 10
SEED = 1

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"name": "sgd", "learning_rate": 0.001, "momentum": 0.9},
    "adam": {"name": "adam", "learning_rate": 0.0001, "epsilon": 1e-4},
    "rmsprop": {"name": "rmsprop", "learning_rate": 0.0001, "epsilon": 1e-4},
    "adadelta": {"name": "adadelta", "learning_rate": 0.1, "epsilon": 1e-4},
}


class Subject(NamedTuple):
    """A model as small as it may be."""

    shape: tuple[int, ...]
    parameters: Mapping[str, Any] = {}


SUBJECTS = {
    "alexnet": Subject((67, 67, 3)),
    "babi_rnn": Subject((25,), {"story": 20, "question": 5}),
    "bn_cnn": Subject((32, 32, 3)),
    "cats_dogs_cnn": Subject((32, 32, 3)),
    "cifar_cnn": Subject((32, 32, 3)),
    "dense": Subject((8, 8, 1)),
    "every_layer": Subject((13, 13, 3)),
    "fashion_mlp": Subject((8, 8, 1), {"activation": "selu", "batch_norm": "after", "initial": "lecun_normal"}),
    "fashion_refined": Subject((8, 8, 1)),
    "gru_rows": Subject((8, 8, 1)),
    "hierarchical_rnn": Subject((8, 8, 1)),
    "lenet": Subject((32, 32, 1)),
    "logistic_regression": Subject((8, 8, 1)),
    "lstm_rows": Subject((8, 8, 1)),
    "mlp": Subject((8, 8, 1)),
    "mnist_cnn": Subject((28, 28, 1)),
    "mobilenet_v2": Subject((64, 64, 3)),
    "residual_net": Subject((32, 32, 3)),
    "simple_cnn": Subject((32, 32, 3)),
    "simple_rnn_rows": Subject((8, 8, 1)),
    "vgg16": Subject((32, 32, 3), {"width": 256}),
    "xception": Subject((16, 16, 3), {"side": 71, "frozen": True}),
}


# (framework, model, optimizer) -> why it computes something else, and no adapter can help it.
EXCEPTIONS: dict[tuple[str, str, str], str] = {}


class Snapshot(NamedTuple):
    """What training left after some steps."""

    loss: float | None  # mean since the snapshot before
    arrays: Mapping[str, numpy.ndarray]  # weights by canonical name, and "probabilities"


def noise(shape: Sequence[int]) -> SimpleNamespace:
    """Return images, or texts, of uniform noise with random labels.

    Digits have plateaus, where several pixels of a pool are the largest and frameworks may send the gradient to any of these.
    """
    random = numpy.random.RandomState(SEED)
    splits = {}
    for split, rows in (("train", max(ROWS)), ("test", 16)):
        values, kind = (256, numpy.uint8) if len(shape) == 3 else (CLASSES, numpy.int32)  # values of pixels, or words
        splits[split + "_images"] = random.randint(0, values, (rows, *shape)).astype(kind)
        splits[split + "_labels"] = random.randint(0, CLASSES, rows).astype(numpy.int64)
    return SimpleNamespace(**splits)


# ---------------------------------------------------------------------------------------------------------------------
# The reference


def reference(model: str, optimizer: str, kind: type = numpy.float64, nudge: int | None = None) -> list[Snapshot]:
    """Return the reference's training, without dropout.

    kind: of its arithmetic. nudge: the seed by which the initial weights are moved by up to NUDGE of themselves.
    """
    subject, worker = SUBJECTS[model], worker_module("worker.main")
    layers = worker_module(f"models.{model}").layers(CLASSES, **subject.parameters)
    layers = worker_module("models.layers").without_dropout(layers)
    weights = worker_module("models.weights").initial_weights(layers, subject.shape, SEED)
    if nudge is not None:
        random = numpy.random.RandomState(nudge)
        for name, values in weights.items():
            weights[name] = values * (1 + NUDGE * random.uniform(-1, 1, values.shape)).astype(numpy.float32)
    constants = dict(OPTIMIZERS[optimizer])
    own = worker_module("models.optimizers").BY_NAME[constants.pop("name")](**constants)
    job = SimpleNamespace(layers=layers, input_shape=subject.shape, optimizer=own, batch_size=BATCH_SIZE, seed=SEED)
    trainer = worker_module("tests.toy_framework.session").Trainer(job, weights, kind)
    data = noise(subject.shape)
    images, tested = worker.scale(data.train_images), worker.scale(data.test_images)

    def snapshot(loss: float | None) -> Snapshot:
        copies = {name: values.copy() for name, values in trainer.weights.items()}
        return Snapshot(loss, {**copies, "probabilities": trainer.predict(tested)})

    found = [snapshot(None)]
    for number, rows in enumerate(ROWS, start=1):
        order = worker.rows_to_visit({"seed": SEED, "rows": ROWS, "dataset": {"variants": 1}}, number, len(images))
        found.append(snapshot(trainer.train(images, data.train_labels, order) / rows))
    return found


class Wanted(NamedTuple):
    snapshots: list[Snapshot]
    allowed: list[float]  # at each


@cache
def wanted(model: str, optimizer: str) -> Wanted:
    """Return the reference's snapshots, and how far from them a framework may be."""
    exact = reference(model, optimizer)
    moved = [deviations(reference(model, optimizer, numpy.float32, nudge), exact) for nudge in range(NUDGES)]
    sensitivity = [max(run[step] for run in moved) for step in range(len(STEPS))]
    return Wanted(exact, [max(TOLERANCE, FACTOR * value) for value in sensitivity])


def deviations(found: Sequence[Snapshot], exact: Sequence[Snapshot]) -> list[float]:
    """Return the largest deviation of any array or loss at each snapshot."""
    return [max(deviations_at(one, other, exact[0]).values()) for one, other in zip(found, exact, strict=True)]


def deviations_at(found: Snapshot, exact: Snapshot, start: Snapshot) -> dict[str, float]:
    """Return for each array the largest absolute difference over its largest absolute value.

    A bias before BatchNorm has no gradient but rounding; so no array is measured by less than the largest change of any.
    """
    assert found.arrays.keys() == exact.arrays.keys()
    step = max(float(numpy.abs(values - start.arrays[name]).max()) for name, values in exact.arrays.items())
    by_name = {}
    for name, values in exact.arrays.items():
        difference = numpy.abs(numpy.subtract(found.arrays[name], values, dtype=numpy.float64)).max()
        by_name[name] = float(difference / (max(float(numpy.abs(values).max()), step) or 1.0))
    if exact.loss is not None and found.loss is not None:
        by_name["loss"] = abs(found.loss / exact.loss - 1)
    return by_name


# ---------------------------------------------------------------------------------------------------------------------
# An environment


def train(
    environment: Environment, model: str, optimizer: str, directory: Path, init: str = "canonical"
) -> list[Snapshot]:
    """Return an environment's training. Raises WorkerFailed, NotExpressible in its words where it lacks something."""
    subject = SUBJECTS[model]
    directory.mkdir(exist_ok=True)
    cell = Cell(
        environment=environment.name,
        framework=environment.framework,
        device="cpu",
        model=model,
        parameters=tuple(subject.parameters.items()),
        dataset="noise",
        image_size=None,
        batch_size=BATCH_SIZE,
        optimizer=tuple(OPTIMIZERS[optimizer].items()),
        tier="quick",
        processes=1,
        epochs=len(ROWS),
        seed=SEED,
        threads=2,
        limit_seconds=600,
        floor=0,
        floor_part=None,
        reruns=0,
        init=init,
    )
    job = make_job(cell, TRAINING, 1, environment.adapter, _stored(subject.shape, directory), ROOT)
    job |= {"dropout": False, "save": ["trace"], "rows": list(ROWS)}
    events: list[dict[str, Any]] = []
    python = ensure(environment, "cpu", STORE / "envs", print)
    run_alone(launch_of(job, environment, python, cell, directory), events.append)
    losses = [None, *(event["train_loss"] for event in events if event["event"] == "epoch")]
    found = []
    for number, loss in enumerate(losses):
        with numpy.load(directory / f"trace-{number}.npz") as arrays:
            found.append(Snapshot(loss, dict(arrays)))
    return found


def _stored(shape: tuple[int, ...], folder: Path) -> Dataset:
    data = vars(noise(shape))
    files = {name: str(folder / f"{name}.npy") for name in data}
    for name, array in data.items():
        numpy.save(files[name], array)
    rows = {split: len(data[f"{split}_labels"]) for split in ("train", "test")}
    classes = tuple(str(label) for label in range(CLASSES))
    return Dataset("noise", None, shape, classes, rows, True, (), (), "", files)


# ---------------------------------------------------------------------------------------------------------------------
# The matrix


def pairs() -> list[tuple[str, str]]:
    """Return each model with the optimizers that its cells use, and what shows an optimizer alone: all of them on three models."""
    cells = read_matrix(ROOT / "matrix.toml", load(ROOT / "environments"))
    used = {(cell.model, cell.optimizer[0][1]) for cell in cells if cell.optimizer}
    shown = {(model, optimizer) for model in ("dense", "lenet", "every_layer") for optimizer in OPTIMIZERS}
    return sorted(used | shown)


def verdict(found: list[Snapshot], model: str, optimizer: str) -> str:
    """Return "same 3.1e-07" with the largest deviation after 20 steps, or DIFFERS with the first that is not allowed."""
    allowed = wanted(model, optimizer).allowed
    far = deviations(found, wanted(model, optimizer).snapshots)
    for step, value, limit in zip(STEPS, far, allowed, strict=True):
        if not value <= limit:
            return f"DIFFERS after {step} steps: {value:.1e}, allowed {limit:.1e}"
    return f"same {far[-1]:.1e}" + (f" of {allowed[-1]:.1e}" if allowed[-1] > TOLERANCE else "")


def judged(environment: Environment, model: str, optimizer: str) -> str:
    with tempfile.TemporaryDirectory(prefix="framegate-parity-") as folder:
        try:
            found = verdict(train(environment, model, optimizer, Path(folder)), model, optimizer)
            cause = EXCEPTIONS.get((environment.framework, model, optimizer))
            return f"{found.replace('DIFFERS', 'excepted,')}: {cause}" if cause else found
        except WorkerFailed as failure:
            words = str(failure)
            if "NotExpressible: " in words:
                return "cannot: " + words.partition("NotExpressible: ")[2].splitlines()[0]
            return "FAILED: " + words.split("\n\n")[0].rstrip().splitlines()[-1]


def summary(verdicts: Sequence[str]) -> str:
    """Return in words how many pairs train, and how near they come."""
    kinds = Counter(found.partition(" ")[0].rstrip(":,") for found in verdicts)
    near = sum(found.startswith("same") and float(found.split()[1]) <= TOLERANCE for found in verdicts)
    trained = kinds["same"] + kinds["DIFFERS"] + kinds["excepted"]
    return (
        f"{len(verdicts)} pairs: {trained} train, {kinds['cannot']} cannot be expressed, {kinds['FAILED']} failed; {near} agree"
        f" within {TOLERANCE:g}, {kinds['same'] - near} as rounding explains, {kinds['excepted']} excepted, {kinds['DIFFERS']} not"
    )


def main(arguments: Sequence[str]) -> int:
    """Print the matrix, a line a pair and environment, and return 1 where any differs, or none was compared."""
    environments = load(ROOT / "environments")
    trained = {cell.environment for cell in read_matrix(ROOT / "matrix.toml", environments) if cell.tier != "export"}
    known = {name: one for name, one in environments.items() if name in trained}
    parser = argparse.ArgumentParser(prog="python -m tests.parity")
    parser.add_argument("--environments", nargs="+", choices=sorted(known), metavar="NAME", default=list(known))
    parser.add_argument("--models", nargs="+", choices=sorted(SUBJECTS), metavar="NAME", default=sorted(SUBJECTS))
    options = parser.parse_args(arguments)
    built = [name for name in options.environments if is_built(built_folder(known[name], "cpu", STORE / "envs"))]
    for name in sorted(set(options.environments) - set(built)):
        print(f"left out, as it is not built: {name}; build it with: framegate envs build {name}")
    verdicts = []
    for model, optimizer in pairs():
        for name in built if model in options.models else []:
            verdicts.append(judged(known[name], model, optimizer))
            print(f"{model:20} {optimizer:9} {name:24} {verdicts[-1]}", flush=True)
    print(summary(verdicts))
    wrong = any(found.startswith(("DIFFERS", "FAILED")) for found in verdicts)
    return int(wrong or not any(found.startswith("same") for found in verdicts))  # nothing compared is no agreement


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FramegateError as error:
        sys.exit(str(error))

"""The float64 reference's training of each model in small, how far from it a framework may be, and how far one is.

docs/parity.md says what is compared, what is allowed, and why.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy

from tests.mounted import ROOT, worker_module
from tests.subjects import SUBJECTS

STORE = ROOT / ".framegate" / "parity"
CODE = (
    "models/*.py",
    "worker/main.py",
    "tests/toy_framework/*.py",
    "tests/reference.py",
)  # that decides what it computes
TOLERANCE = 1e-5
FACTOR = 3.0  # how much further than the reference in float32 a framework may be, where that is further than TOLERANCE
NUDGE = 2.0**-23  # of each initial weight: its last bit in float32
NUDGES = (
    None,
    *range(9),
)  # the runs of the reference in float32: one from the very weights, the others from moved ones
LEVELS = (3, -3, 3, 9)  # of a ReLU6's inputs, by channel, where they are set apart: passed, cut, passed, clipped
ROWS = (8, 152)  # of the first epoch and of the second: 1 step, and 19 more
STEPS = (0, 1, 20)  # after which all is compared
BATCH_SIZE = 8
CLASSES = 10
SEED = 1

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"name": "sgd", "learning_rate": 0.001, "momentum": 0.9},
    "adam": {"name": "adam", "learning_rate": 0.0001},  # its epsilon is the subject's
    "rmsprop": {"name": "rmsprop", "learning_rate": 0.0001, "epsilon": 1e-4},
    "adadelta": {"name": "adadelta", "learning_rate": 0.1, "epsilon": 1e-4},
}


def described(model: str, optimizer: str) -> dict[str, Any]:
    """Return the optimizer's name and constants."""
    own = {"epsilon": SUBJECTS[model].epsilon} if optimizer == "adam" else {}
    return OPTIMIZERS[optimizer] | own


class Snapshot(NamedTuple):
    """What training left after some steps."""

    loss: float | None  # mean since the snapshot before
    arrays: Mapping[str, numpy.ndarray]  # weights by canonical name, and "probabilities"


def noise(shape: Sequence[int], seed: int) -> SimpleNamespace:
    """Return images, or texts, of uniform noise with random labels.

    Digits have plateaus, where several pixels of a pool are the largest and frameworks may send the gradient to any of these.
    """
    random, splits = numpy.random.RandomState(seed), {}
    for split, rows in (("train", max(ROWS)), ("test", 16)):
        values, kind = (256, numpy.uint8) if len(shape) == 3 else (CLASSES, numpy.int32)  # values of pixels, or words
        splits[split + "_images"] = random.randint(0, values, (rows, *shape)).astype(kind)
        splits[split + "_labels"] = random.randint(0, CLASSES, rows).astype(numpy.int64)
    return SimpleNamespace(**splits)


def start(model: str) -> tuple[Sequence[Any], dict[str, numpy.ndarray]]:
    """Return the model's layers, without dropout, and the weights with which its training begins, in its order."""
    subject = SUBJECTS[model]
    layers = worker_module(f"models.{model}").layers(CLASSES, **subject.parameters)
    layers = worker_module("models.layers").without_dropout(layers)
    weights = worker_module("models.weights").initial_weights(layers, subject.shape, SEED)
    if subject.apart:
        set_apart(worker_module("models.shapes").placed(layers, subject.shape), weights)
    return layers, weights


def set_apart(placed: Sequence[Any], weights: dict[str, numpy.ndarray]) -> None:
    """Put what a normalisation gives a ReLU6 six standard deviations from 0 and 6, and take what that adds to the logits from them."""
    layers = worker_module("models.layers")
    for one, after in pairwise(placed):
        if type(one.layer) is layers.BatchNorm and after.layer == layers.Activation("relu6"):
            level = numpy.resize(numpy.float32(LEVELS), one.input[-1])
            weights[f"{one.name}/gamma"] *= numpy.float32(0.5)
            weights[f"{one.name}/beta"] += level
    *_, kernel, bias = weights  # of the last layer, behind a ReLU6 and an average
    weights[bias] -= level.clip(0, 6) @ weights[kernel]


def training(
    model: str, optimizer: str, seed: int, kind: type = numpy.float64, nudge: int | None = None
) -> list[Snapshot]:
    """Return the reference's training, without dropout.

    seed: of the noise. kind: of its arithmetic. nudge: the seed by which the initial weights are moved by up to NUDGE of themselves.
    """
    subject, worker = SUBJECTS[model], worker_module("worker.main")
    layers, weights = start(model)
    if nudge is not None:
        random = numpy.random.RandomState(nudge)
        for name, values in weights.items():
            weights[name] = values * (1 + NUDGE * random.uniform(-1, 1, values.shape)).astype(numpy.float32)
    own = worker_module("models.optimizers").made(described(model, optimizer))
    job = SimpleNamespace(layers=layers, input_shape=subject.shape, optimizer=own, batch_size=BATCH_SIZE, seed=SEED)
    trainer = worker_module("tests.toy_framework.session").Trainer(job, weights, kind)
    data = noise(subject.shape, seed)
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


@lru_cache(maxsize=1)  # a large model's snapshots take half a gigabyte
def wanted(model: str, optimizer: str, seed: int, store: Path = STORE) -> Wanted:
    """Return the reference's snapshots, and how far from them a framework may be: computed once, then read from the store."""
    path = path_of(model, optimizer, seed, store)
    if not path.exists():
        exact = training(model, optimizer, seed)
        keep(path, exact, list(rounded(model, optimizer, seed, exact)))
    return _read(path)


def path_of(model: str, optimizer: str, seed: int, store: Path = STORE) -> Path:
    return store / f"{model}-{optimizer}-{seed}-{fingerprint(model, *CODE)}.npz"


def rounded(model: str, optimizer: str, seed: int, exact: Sequence[Snapshot]) -> Iterator[list[float]]:
    """Yield how far from its exact training each run of the reference in float32 is, at each snapshot."""
    for nudge in NUDGES:
        yield deviations(training(model, optimizer, seed, numpy.float32, nudge), exact)


def keep(path: Path, exact: Sequence[Snapshot], moved: Sequence[Sequence[float]]) -> None:
    """Store the exact training, and what the runs in float32 allow, in place of what other code had found."""
    allowed = [max(TOLERANCE, FACTOR * max(run[step] for run in moved)) for step in range(len(STEPS))]
    arrays = {
        f"{number}/{name}": values for number, snapshot in enumerate(exact) for name, values in snapshot.arrays.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    for of_other_code in path.parent.glob(f"{path.stem.rpartition('-')[0]}-*.npz"):
        of_other_code.unlink()
    partial = path.with_suffix(f".{os.getpid()}")
    try:
        with partial.open("wb") as file:
            numpy.savez(file, losses=[one.loss for one in exact[1:]], allowed=allowed, **arrays)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)  # of a disk that was full


@cache
def fingerprint(model: str, *patterns: str) -> str:
    """Return a hash over the model, what the patterns find below the root, and numpy's version."""
    subject = SUBJECTS[model]
    digest = hashlib.sha256(f"{subject._replace(seeds=(0, 0))} {numpy.__version__}".encode())
    model_files = [f"models/{name}.py" for name in (model, "layers", "shapes", "weights", "optimizers")]
    for path in sorted(path for pattern in (*model_files, *patterns) for path in ROOT.glob(pattern)):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _read(path: Path) -> Wanted:
    with numpy.load(path) as file:
        arrays = dict(file)
    allowed, losses = arrays.pop("allowed").tolist(), [None, *arrays.pop("losses").tolist()]
    by_number: list[dict[str, numpy.ndarray]] = [{} for _ in losses]
    for place, values in arrays.items():
        number, _, name = place.partition("/")
        by_number[int(number)][name] = values
    return Wanted([Snapshot(*one) for one in zip(losses, by_number, strict=True)], allowed)


def deviations(found: Sequence[Snapshot], exact: Sequence[Snapshot]) -> list[float]:
    """Return the largest deviation of any array or loss at each snapshot: NaN where any is NaN, which max() would overlook."""
    each = [deviations_at(one, other, exact[0]) for one, other in zip(found, exact, strict=True)]
    return [float(numpy.max(list(by_name.values()))) for by_name in each]


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

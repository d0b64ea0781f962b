"""Trains a model 20 steps in an environment and says whether it is the reference's training (reference.py).

docs/parity.md says what is compared, what is allowed, and why.
"""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy

from framegate.errors import WorkerFailed
from framegate.runner.cell import TRAINING, Cell
from framegate.runner.data import Dataset
from framegate.runner.declarations import Environment
from framegate.runner.driver import run_alone
from framegate.runner.environments import ensure
from framegate.runner.jobs import launch_of, make_job
from tests import reference
from tests.mounted import ROOT

ENVIRONMENTS = ROOT / ".framegate" / "envs"

TIES = (
    "Theano's max pool gives each of several largest pixels the whole gradient, and after a ReLU and a batch normalisation"
    " many are as large"
)
# (environment, model, optimizer) -> why it computes something else, and no adapter can help it.
EXCEPTIONS = {("keras2-theano-1.0", "bn_cnn", "adam"): TIES}


def train(
    environment: Environment, model: str, optimizer: str, directory: Path, seed: int = 1, init: str = "canonical"
) -> list[reference.Snapshot]:
    """Return an environment's training on that noise. Raises WorkerFailed, NotExpressible in its words where it lacks something."""
    subject = reference.SUBJECTS[model]
    directory.mkdir(exist_ok=True)
    cell = Cell(
        environment=environment.name,
        framework=environment.framework,
        device="cpu",
        model=model,
        parameters=tuple(subject.parameters.items()),
        dataset="noise",
        image_size=None,
        batch_size=reference.BATCH_SIZE,
        optimizer=tuple(reference.described(model, optimizer).items()),
        tier="quick",
        processes=1,
        epochs=len(reference.ROWS),
        seed=reference.SEED,
        threads=2,
        limit_seconds=600,
        floor=0,
        floor_part=None,
        reruns=0,
        init=init,
    )
    job = make_job(cell, TRAINING, 1, environment.adapter, _stored(subject.shape, seed, directory), ROOT)
    job |= {"dropout": False, "save": ["trace"], "rows": list(reference.ROWS)}
    job["pretrained"] = _beginning(model, directory) if subject.apart else None
    events: list[dict[str, Any]] = []
    python = ensure(environment, "cpu", ENVIRONMENTS, print)
    run_alone(launch_of(job, environment, python, cell, directory), events.append)
    losses = [None, *(event["train_loss"] for event in events if event["event"] == "epoch")]
    found = []
    for number, loss in enumerate(losses):
        with numpy.load(directory / f"trace-{number}.npz") as arrays:
            found.append(reference.Snapshot(loss, dict(arrays)))
    return found


def _beginning(model: str, folder: Path) -> dict[str, str]:
    """Store the weights with which the reference begins, as pretrained ones are."""
    file = folder / "start.npz"
    numpy.savez(file, **{str(number): values for number, values in enumerate(reference.start(model)[1].values())})
    return {"file": str(file)}


def _stored(shape: tuple[int, ...], seed: int, folder: Path) -> Dataset:
    data = vars(reference.noise(shape, seed))
    files = {name: str(folder / f"{name}.npy") for name in data}
    for name, array in data.items():
        numpy.save(files[name], array)
    rows = {split: len(data[f"{split}_labels"]) for split in ("train", "test")}
    classes = tuple(str(label) for label in range(reference.CLASSES))
    return Dataset("noise", None, shape, classes, rows, True, (), (), "", files)


class Verdict(NamedTuple):
    kind: str  # "same", "differs", "excepted", "cannot" (be expressed) or "failed"
    words: str
    deviation: float | None = None  # the largest, where it trains
    noises: int = 1  # that were tried


def judge(found: list[reference.Snapshot], wanted: reference.Wanted) -> Verdict:
    """Return "same", or "differs" in words that name the first snapshot that deviates by more than is allowed."""
    far = reference.deviations(found, wanted.snapshots)
    for step, value, limit in zip(reference.STEPS, far, wanted.allowed, strict=True):
        if not value <= limit:
            return Verdict("differs", f"after {step} steps: {value:.1e}, allowed {limit:.1e}", max(far))
    return Verdict("same", f"{max(far):.1e} of {wanted.allowed[-1]:.1e}", max(far))


def better(*both: Verdict) -> Verdict:
    """Return the verdict with that noise which is nearer: a fault hangs on neither, rounding meets a ReLU's zero with one in many."""
    near, other = sorted(both, key=lambda one: (one.kind == "differs", one.deviation))
    return near._replace(words=f"{near.words} (the other noise: {other.words})", noises=2)


def verdict(environment: Environment, model: str, optimizer: str) -> Verdict:
    """Return what comes of training the model there; with a second noise too, where it is not near with the first."""
    first, second = reference.SUBJECTS[model].seeds
    try:
        found = _judged(environment, model, optimizer, first)
        if not found.deviation <= reference.TOLERANCE:
            again = _judged(environment, model, optimizer, second)
            found = better(found, again)
    except WorkerFailed as failure:
        words = str(failure)
        if "NotExpressible: " in words:
            return Verdict("cannot", words.partition("NotExpressible: ")[2].splitlines()[0])
        return Verdict("failed", words.split("\n\n")[0].rstrip().splitlines()[-1])
    cause = EXCEPTIONS.get((environment.name, model, optimizer))
    if found.kind == "differs" and cause:
        return found._replace(kind="excepted", words=f"{found.words}: {cause}")
    return found


def _judged(environment: Environment, model: str, optimizer: str, seed: int) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="framegate-parity-") as folder:
        found = train(environment, model, optimizer, Path(folder), seed)
    return judge(found, reference.wanted(model, optimizer, seed))

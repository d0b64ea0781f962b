"""Turns a cell into the job of one worker process, as the docstring of worker/main.py specifies it."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framegate.errors import MatrixError
from framegate.runner.cell import INFERENCE, Cell
from framegate.runner.data import Dataset
from framegate.runner.declarations import Environment
from framegate.runner.libraries import links_folder

# All else of the driver's environment stays outside: PYTHON*, OMP_*, TF_* and the like would change what is measured.
_INHERITED = ("PATH", "USER", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")


LATENCY_ROWS = 256  # images of the test split, one after the other, that a pass takes where batches are of one image


@dataclass(frozen=True)
class Launch:
    """All that starting one worker takes."""

    name: str  # for messages: the cell's id and the process
    python: Path
    root: Path  # the suite: models/, frameworks/, worker/
    directory: Path  # OUT: job, events, log, arrays
    job: Mapping[str, Any]
    variables: Mapping[str, str]
    limit_seconds: float  # silence after which the worker hangs
    script: str = "worker/main.py"  # below root


def make_job(cell: Cell, purpose: str, process: int, adapter: str, dataset: Dataset, root: Path) -> dict[str, Any]:
    """Return the job of a cell's process, counted from 1: its seed is the cell's, counted on."""
    return {
        "cell": cell.id,
        "process": process,
        "root": str(root),
        "adapter": adapter,
        "model": cell.model,
        "parameters": dict(cell.parameters),
        "dataset": {
            "shape": list(dataset.shape),
            "classes": list(dataset.classes),
            "fingerprint": dataset.fingerprint,
            "files": dict(dataset.files),
            "variants": dataset.variants,
            "train_files": dataset.train_files,
        },
        "pretrained": dict(dataset.pretrained) if dataset.pretrained else None,
        "purpose": purpose,
        "batch_size": cell.batch_size,
        "optimizer": dict(cell.optimizer) if cell.optimizer else None,
        "epochs": cell.epochs,
        "seed": cell.seed + process - 1,
        "init": cell.init,
        "device": cell.device,
        "threads": cell.threads,
        "cpus": processors(cell.threads),
        "rows": None,
        "train_accuracy": cell.train_accuracy,
        "test_rows": LATENCY_ROWS if purpose == INFERENCE and cell.batch_size == 1 else None,
        "dropout": True,
        "export": None,
        "exported": None,
        "save": ["labels"],
    }


def processors(threads: int) -> list[int] | None:
    """Return the processors a worker may run on, or None where the system has no affinity. All workers get the same ones.

    Raises MatrixError where there are fewer than threads: the times would be those of another cell.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    available = sorted(os.sched_getaffinity(0))
    if len(available) < threads:
        raise MatrixError(f"{threads} threads wanted, {len(available)} processors found; set threads in matrix.toml")
    return available[:threads]


def thread_variables(threads: int) -> dict[str, str]:
    """Return the switches that must stand in the environment before a framework is imported."""
    switches = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return dict.fromkeys(switches, str(threads))


def launch_of(job: Mapping[str, Any], environment: Environment, python: Path, cell: Cell, directory: Path) -> Launch:
    """Return the launch of a job in an environment."""
    return Launch(
        name=f"{cell.id}, {job['purpose']} process {job['process']}",
        python=python,
        root=Path(job["root"]),
        directory=directory,
        job=job,
        variables=thread_variables(cell.threads) | dict(environment.variables) | _loader_variables(environment, python),
        limit_seconds=cell.limit_seconds,
    )


def _loader_variables(environment: Environment, python: Path) -> dict[str, str]:
    """Return where the loader finds the environment's links, before all that it was told already."""
    if not environment.links:
        return {}
    inherited = os.environ.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": os.pathsep.join([str(links_folder(python)), *([inherited] if inherited else [])])}


def child_environment(launch: Launch) -> dict[str, str]:
    """Return the whole environment of a worker. Its HOME is its own folder: no ~/.keras/keras.json decides what is measured."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return inherited | {"HOME": str(launch.directory)} | dict(launch.variables)


def work_key(cell: Cell, job: Mapping[str, Any], environment: Environment, packages: str, code: str) -> str:
    """Return what identifies a cell's work: a finished process with the same key need not be run again.

    packages: the built environment; code: see code_fingerprint.
    """
    begins = job["pretrained"] and job["pretrained"]["sha256"]
    machine = [environment.adapter, dict(environment.variables), packages, code, job["cpus"]]
    decided = [cell.settings(), job["purpose"], job["dataset"]["fingerprint"], begins, machine]
    return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()[:16]


def code_fingerprint(root: Path) -> str:
    """Return a hash over the source of everything that runs in a worker."""
    digest = hashlib.sha256()
    for folder in ("models", "frameworks", "worker"):
        for path in sorted((root / folder).glob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]

"""Asks worker/data.py for datasets. Nothing here opens an array: workers map the files themselves."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framegate.errors import DataFailed, DataMissing, MatrixError
from framegate.runner.cell import PIPELINE, Cell
from framegate.runner.matrix import model_names


@dataclass(frozen=True)
class Dataset:
    """A decoded dataset, ready to be mapped into memory."""

    dataset: str
    size: int | None  # side in pixels to which the images were resized, or None: as they are
    shape: tuple[int, ...]  # height, width, channels; of a text its length
    classes: tuple[str, ...]
    rows: Mapping[str, int]  # "train", "test"
    complete: bool  # False: only a part of the published dataset, or other bytes; notes say what
    notes: tuple[str, ...]
    left_out: tuple[str, ...]  # names of corrupt files
    fingerprint: str  # SHA-256 of the decoded arrays
    files: Mapping[str, str]  # train_images, train_labels, test_images, test_labels
    pretrained: Mapping[str, Any] | None = None  # where a cell's model begins with such weights: their file and SHA-256
    variants: int = 1  # how often the train split is in its files, augmented each time otherwise
    train_files: str | None = None  # for a pipeline: the folder of the train images' own files, see datasets/files.py


@dataclass(frozen=True)
class Presence:
    """What is there of one dataset."""

    dataset: str
    state: str  # "present", "part", "missing" or "wrong"
    where: str | None
    message: str  # notes, or what is wrong, or how to get it
    rows: Mapping[str, int]


def data_home(option: Path | None) -> Path | None:
    """Return the folder where people put what they fetched: the option, or else $FRAMEGATE_DATA, or None.

    It need not be there. Raises DataFailed where it is a file.
    """
    named = option or os.environ.get("FRAMEGATE_DATA")
    if not named:
        return None
    home = Path(named).expanduser()
    if os.path.exists(home) and not os.path.isdir(home):
        found, again = ("--data-home", "--data-home ") if option else ("FRAMEGATE_DATA", "export FRAMEGATE_DATA=")
        folder = shlex.quote(str(home.parent))
        raise DataFailed(f"{found}: {home} is a file; wanted the folder that the datasets are in: {again}{folder}")
    return home


def prepare_for(cell: Cell, data_home: Path | None, cache: Path, root: Path) -> Dataset:
    """Return a cell's dataset, with the part, the fold or validation split and the augmentation that it asks for.

    Raises MatrixError, besides what prepare raises, where the cell's model cannot be made for it.
    """
    derive: dict[str, Any] = {}
    if cell.train_rows is not None:
        derive["rows"] = cell.train_rows
    if cell.fold is not None:
        derive["fold"] = list(cell.fold)
    if cell.validation is not None:
        derive["validation"] = cell.validation
    if cell.augment is not None:
        derive["augment"] = dict(cell.augment)
    request: dict[str, Any] = {"dataset": cell.dataset, "size": cell.image_size, "derive": derive}
    if cell.model == PIPELINE:
        request |= {"files": True, "model": None}
    else:
        request["model"] = {"name": cell.model, "parameters": dict(cell.parameters), "pretrained": cell.pretrained}
        request["model"]["optimizer"] = dict(cell.optimizer) if cell.optimizer else None
    return _dataset(_ask(request, data_home, cache, root))


def prepare(
    name: str,
    size: int | None,
    data_home: Path | None,
    cache: Path,
    root: Path,
    derive: Mapping[str, Any] | None = None,
) -> Dataset:
    """Return a dataset, fetched and decoded where that was not done before. Raises DataMissing or DataFailed.

    data_home: where people put what they fetched, see data_home(). root: the suite, with worker/data.py. derive: see there.
    """
    request = {"dataset": name, "size": size, "derive": derive or {}, "model": None}
    return _dataset(_ask(request, data_home, cache, root))


def convert_weights(model: str, file: Path, cache: Path, root: Path) -> dict[str, Any]:
    """Return the record of a model's pretrained weights, converted from a file of Keras or torchvision. Raises DataFailed."""
    if model not in (names := model_names(root)):
        raise DataFailed(f"{model!r} is no model; wanted one of {', '.join(names)}")
    return _ask({"dataset": None, "weights": {"model": model, "file": str(file.resolve())}}, None, cache, root)


def _dataset(manifest: Mapping[str, Any]) -> Dataset:
    tuples = {field: tuple(manifest[field]) for field in ("shape", "classes", "notes", "left_out")}
    return Dataset(**{**manifest, **tuples})


def status(data_home: Path | None, cache: Path, root: Path) -> list[Presence]:
    """Return what is there of every dataset. Downloads nothing; decodes what is there, as only that can tell."""
    result = _ask({"dataset": None}, data_home, cache, root)
    return [Presence(**entry) for entry in result["datasets"]]


def _ask(request: Mapping[str, Any], data_home: Path | None, cache: Path, root: Path) -> dict[str, Any]:
    """Return the answer of worker/data.py. Raises DataMissing, DataFailed or MatrixError."""
    places = {"data_home": str(data_home.resolve()) if data_home else None, "cache": str(cache.resolve())}
    with tempfile.TemporaryDirectory(prefix="framegate-data-") as folder:
        asked, answered = Path(folder, "request.json"), Path(folder, "result.json")
        asked.write_text(json.dumps({**request, **places}))
        command = [sys.executable, "-I", str(root / "worker" / "data.py"), str(asked), str(answered)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
        if not answered.exists():
            found = f"{request['dataset'] or 'all datasets'}: worker/data.py ended with status {done.returncode} and no result"
            raise DataFailed(f"{found}; its last words:\n{done.stderr[-2000:]}")
        result: dict[str, Any] = json.loads(answered.read_text())
    if "error" in result:
        kinds = {"missing": DataMissing, "failed": DataFailed, "model": MatrixError}
        raise kinds[result["error"]["kind"]](result["error"]["message"])
    return result

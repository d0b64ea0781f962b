"""The labels that a process predicted for the test split, beside the true ones: as its worker left them on disk."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framegate.errors import JournalError
from framegate.runner.journal import Task


@dataclass(frozen=True, eq=False)
class Labels:
    """One process's answers after its last epoch: (rows,) each, in the order of the test split."""

    predicted: NDArray[np.int64]
    true: NDArray[np.int64]
    classes: tuple[str, ...]  # their names, by label


def labels_of(folder: Path, task: Task) -> Labels:
    """Return the labels of one process of a run; folder is journal.run_folder, task stands in its ProcessResult.

    Raises JournalError where the files are gone, or are those of an older Framegate.
    """
    directory = task.directory(folder)
    try:
        # Opened here, because numpy leaves a torn file open.
        with (directory / "labels.npz").open("rb") as file, np.load(file) as arrays:
            predicted, true = (arrays[name].astype(np.int64) for name in ("predicted", "true"))
        classes = json.loads((directory / "job.json").read_text(encoding="utf-8"))["dataset"]["classes"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise JournalError(
            f"{directory}: no predicted labels of {task.cell}, process {task.process} ({error!r});"
            " keep .framegate/runs beside .framegate/journal, or measure again: pytest benchmarks"
        ) from None
    return Labels(predicted, true, tuple(map(str, classes)))

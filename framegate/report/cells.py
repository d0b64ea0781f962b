"""One cell of a stored run as the report holds it: summary, processes with every epoch, predicted labels."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import JournalError
from ..stats.accuracy import cross_table, wilson_interval
from ..stats.comparison import half_width, paired
from ..stats.judging import process_values
from ..stats.samples import Sample, Side

if TYPE_CHECKING:
    from ..runner.labels import Labels
    from ..stored import StoredFile

Entry = dict[str, Any]  # of the document: report/schema.json says what is in it
Process = Mapping[str, Any]
_VERSION = re.compile(r"(.+?)-(\d[\w.]*)")
_CELL = ("id", "purpose", "environment", "framework", "device", "model", "dataset", "work", "study", "packages")


@dataclass(frozen=True)
class Beside:
    """What lies beside a run and is asked for by need: each returns something empty, or raises JournalError, where it is gone."""

    labels: "Callable[[StoredFile, str, str, Process], Labels]"
    packages: Callable[[str], Mapping[str, str]]


def measured_cell(
    run: int, name: str, parts: "Sequence[tuple[StoredFile, Entry]]", side: Side, beside: Beside
) -> Entry:
    """Return the entry of a benchmark that was measured; parts are its records in the files of the run."""
    extra = parts[0][1].get("extra_info") or {}
    if "cell" not in extra or "processes" not in extra:
        return _foreign_cell(run, name, parts, side)
    processes = [(file, process) for file, benchmark in parts for process in benchmark["extra_info"]["processes"]]
    entry = empty_cell(run, extra["cell"], extra.get("purpose", "training"), extra.get("settings") or {}) | {
        "name": name,
        "study": extra.get("study") or "",
        "settings": extra.get("settings") or {},
        "fingerprint": (extra.get("dataset") or {}).get("fingerprint"),
        "complete": (extra.get("dataset") or {}).get("complete"),
        "packages": processes[0][1].get("packages") or "",
        "variables": processes[0][1].get("variables") or {},
        "about": processes[0][1].get("about") or {},
        "processes": [_process(process) for _, process in processes],
    }
    entry |= _labels(entry, *processes[0], beside)
    return entry | {"summary": _summary(entry, name, side)}


def empty_cell(run: int, cell: str, purpose: str, settings: Mapping[str, Any]) -> Entry:
    """Return what is known of a cell from its id and settings alone: also of one that has no valid time."""
    environment, _, work = cell.partition("/")
    model, _, rest = work.partition("/")
    known: Entry = dict.fromkeys(_CELL, "") | {"run": run, "name": cell, "id": cell, "purpose": purpose, "work": work}
    known |= {"environment": environment, "model": model, "dataset": rest.partition("/")[0], "status": "measured"}
    known |= {name: str(settings[name]) for name in ("framework", "device") if name in settings}
    family = _VERSION.fullmatch(environment)
    known |= {"family": family[1] if family else environment, "version": family[2] if family else ""}
    known |= {"reason": "", "settings": {}, "variables": {}, "about": {}, "fingerprint": None, "complete": None}
    return known | {"summary": {}, "processes": [], "labels": None, "labels_missing": ""}


def _foreign_cell(run: int, name: str, parts: "Sequence[tuple[StoredFile, Entry]]", side: Side) -> Entry:
    """Return the entry of somebody else's benchmark: one file is one process, its rounds stand for epochs."""
    sample = side.samples.get((name, "seconds"))
    processes = [
        {"epochs": [{"seconds": value} for value in series]} for series in (sample.processes if sample else ())
    ]
    entry = empty_cell(run, name, "benchmark", {}) | {
        "environment": "",
        "family": "",
        "work": name,
        "model": "",
        "dataset": "",
    }
    entry["processes"] = [_process(process | {"process": n}) for n, process in enumerate(processes, 1)]
    return entry | {"summary": _summary(entry, name, side), "labels_missing": "not a cell of Framegate"}


def _process(process: Process) -> Entry:
    """Return a process with its epochs as columns: a list a measure, one value an epoch."""
    epochs = process["epochs"]
    measures = dict.fromkeys(name for epoch in epochs for name in epoch)
    told = {name: process.get(name) for name in ("process", "attempt", "seed", "wall_seconds", "remainder_seconds")}
    told |= {"disturbed": process.get("disturbed"), "disturbed_before": list(process.get("disturbed_before") or ())}
    directory = process.get("directory")
    told |= {"directory": directory, "phases": process.get("phases") or {}}
    return told | {"epochs": {name: [epoch.get(name) for epoch in epochs] for name in measures}}


def _labels(entry: Entry, file: "StoredFile", process: Process, beside: Beside) -> Entry:
    """Return confusion matrix and classification report of the first process; or why there are none."""
    if entry["purpose"] != "training":
        return {"labels_missing": "labels are judged where the cell is trained"}
    try:
        found = beside.labels(file, entry["id"], entry["purpose"], process)
    except JournalError as error:
        return {"labels_missing": str(error)}
    table = cross_table(found.true, found.predicted, len(found.classes))
    told = {"classes": list(found.classes), "rows": len(found.true), "confusion": table.tolist()}
    return {"labels": told, "arrays": found}


def classifications(tables: Sequence[Sequence[Sequence[int]]]) -> Iterator[Entry]:
    """Yield, of each table, scikit-learn's precision, recall, F1 and support of each class, and their means by support.

    A table counts (true, predicted). All tables are judged in one call, the classes of each counted on from those before:
    a call costs milliseconds, and a report has thousands of tables.
    """
    from sklearn.metrics import precision_recall_fscore_support

    if not tables:
        return
    counts, sizes = [np.asarray(table) for table in tables], [len(table) for table in tables]
    starts = np.cumsum([0, *sizes])
    rows = [np.indices(table.shape).reshape(2, -1) + start for table, start in zip(counts, starts, strict=False)]
    true, predicted = np.concatenate(rows, axis=1)
    weights = np.concatenate([table.ravel() for table in counts])
    found = np.asarray(precision_recall_fscore_support(true, predicted, sample_weight=weights, zero_division=0))
    for start, size in zip(starts, sizes, strict=False):
        *scores, support = found[:, start : start + size]
        named = dict(zip(("precision", "recall", "f1"), scores, strict=True))
        report = {name: score.tolist() for name, score in named.items()} | {"support": support.astype(int).tolist()}
        yield {
            "report": report,
            "weighted": {name: float(score @ support / support.sum()) for name, score in named.items()},
        }


def _summary(entry: Entry, name: str, side: Side) -> Entry:
    """Return what the table of cells shows: one number each over the processes."""
    metric = "inference_seconds" if (name, "inference_seconds") in side.samples else "seconds"
    found = _location(side.samples.get((name, metric)), f"epoch_{'seconds'}")
    found |= _images_per_second(entry, found.get("epoch_seconds"))
    for other in ("peak_bytes", "first_step_seconds"):
        if sample := side.samples.get((name, other)):
            found[other] = float(np.median(np.concatenate(sample.processes)))
    if sample := side.samples.get((name, "accuracy")):
        found["accuracy"] = float(np.mean(np.concatenate(sample.processes)))
        if entry["labels"]:
            rows = entry["labels"]["rows"]
            found["accuracy_interval"] = list(wilson_interval(round(found["accuracy"] * rows), rows))
    found["wall_seconds"] = sum(process["wall_seconds"] or 0.0 for process in entry["processes"])
    return found | phase_shares(entry["processes"])


def _location(sample: Sample | None, name: str) -> Entry:
    """Return the geometric mean over processes with its 95 % interval, where there are two."""
    if sample is None:
        return {}
    values, _, _ = process_values(sample, sample)
    middle = paired(np.log(values)) if len(values) > 1 else None
    if middle is None:
        return {name: float(values[0])}
    width = float(half_width(middle, 0.025))
    ends = [float(np.exp(middle.effect - width)), float(np.exp(middle.effect + width))]
    return {name: float(np.exp(middle.effect)), f"{name}_interval": ends}


def _images_per_second(entry: Entry, seconds: float | None) -> Entry:
    epochs = entry["processes"][0]["epochs"] if entry["processes"] else {}
    if seconds is None or not epochs.get("images_per_second"):
        return {}
    return {"images_per_second": epochs["images_per_second"][0] * epochs["seconds"][0] / seconds}


def phase_shares(processes: Sequence[Entry]) -> Entry:
    """Return `phases`, the mean over processes of each phase's share of their wall time, and of two and more `phases_interval`.

    The intervals are Student's, of 95 %. What no phase has is `remainder`, so that the shares sum to 1.
    """
    timed = [process for process in processes if process["wall_seconds"]]
    if not timed:
        return {"phases": {}}
    names = [*dict.fromkeys(name for process in timed for name in process["phases"]), "remainder"]
    values = np.array(
        [[process["phases"].get(name, 0.0) / process["wall_seconds"] for process in timed] for name in names]
    )
    values[-1] = np.maximum(0, 1 - values.sum(axis=0))
    middle = values.mean(axis=1)
    found: Entry = {"phases": dict(zip(names, middle.tolist(), strict=True))}
    if len(timed) > 1:
        width = half_width(paired(values), 0.025)
        ends = np.clip([middle - width, middle + width], 0, 1).T
        found["phases_interval"] = dict(zip(names, ends.tolist(), strict=True))
    return found

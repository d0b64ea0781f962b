"""The document: all that is known of some runs, in one JSON-ready structure. The page, Markdown and exports are views of it.

report/schema.json says what is in it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ..errors import SamplesError
from ..stats.judging import judge
from ..stats.samples import Side, narrowed
from ..stats.verdict import Policy, Verdict, run_word
from .cells import Beside, Entry, classifications, empty_cell, measured_cell
from .frameworks import comparisons, indices_by_name, steps, verdict_entry
from .words import calibration_entry

if TYPE_CHECKING:
    from ..stored import StoredFile

SCHEMA = 1
METRICS = ("seconds", "accuracy", "peak_bytes", "first_step_seconds")  # in the table of cells, compared or not


@dataclass(frozen=True)
class Measured:
    """One run: its name, its files and their samples of METRICS and of whatever else is compared."""

    name: str
    files: "Sequence[StoredFile]"
    side: Side


def document(
    runs: Sequence[Measured],
    policies: Sequence[Policy],
    metrics: Sequence[str],
    beside: Beside,
    calibration: Mapping[str, Any] | None = None,
    verdicts: Sequence[Verdict] | None = None,
) -> Entry:
    """Return the document of runs in order, each compared with the one before it.

    policies: of each such comparison, and one for what is compared within a run where there is none. verdicts: of the
    only comparison, where somebody has judged already.
    """
    cells = [cell for index, run in enumerate(runs) for cell in _cells(index, run, beside)]
    _add_scores(cells)
    sides = [run.side for run in runs]
    answers, told = [], []
    for index, policy in zip(range(1, len(runs)), policies, strict=False):
        found = list(verdicts) if verdicts is not None else _judged(runs[index - 1], runs[index], metrics, policy)
        answers.append({"baseline": index - 1, "current": index} | _answer(found))
        told += _placed(found, cells, index)
    within = steps(cells, sides, policies[0])
    told += [verdict_entry(verdict) | _place("step", cells, pair) for pair, verdict in within.items()]
    compared = comparisons(cells, sides, policies[0])
    packages = {name: dict(beside.packages(name)) for name in {cell["packages"]: None for cell in cells} if name}
    for cell in cells:
        cell.pop("arrays", None)
    content = {
        "schema": SCHEMA,
        "framegate": version("framegate"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "policy": _policy(policies[0]),
        "runs": [_run(run, [cell for cell in cells if cell["run"] == k]) for k, run in enumerate(runs)],
        "answers": answers,
        "verdicts": told,
        "calibration": calibration_entry(calibration),
        "packages": packages,
        "cells": cells,
        "comparisons": compared,
    }
    return _finite(content)  # type: ignore[no-any-return]


def _add_scores(cells: Sequence[Entry]) -> None:
    """Add the classification report to each cell's labels, all at once, as classifications says."""
    judged = [cell["labels"] for cell in cells if cell["labels"]]
    for labels, scores in zip(judged, classifications([labels["confusion"] for labels in judged]), strict=True):
        labels |= scores


def _cells(index: int, run: Measured, beside: Beside) -> list[Entry]:
    """Return the entries of all cells of a run, those that have no valid time too."""
    parts: dict[str, list[tuple[StoredFile, Entry]]] = {}
    for file in run.files:
        for benchmark in file.content["benchmarks"]:
            parts.setdefault(_printable(benchmark["fullname"]), []).append((file, benchmark))
    cells = [_measured(index, name, own, run, beside) for name, own in parts.items()]
    known = {(cell["id"], cell["purpose"]): cell for cell in cells}
    for file in run.files:
        for (cell, purpose), (status, reason) in (file.lost or {}).items():
            if (cell, purpose) not in known:
                known[cell, purpose] = empty_cell(index, cell, purpose, {})
                cells.append(known[cell, purpose])
            known[cell, purpose] |= {"status": status, "reason": reason}
    return cells


def _measured(index: int, name: str, parts: "list[tuple[StoredFile, Entry]]", run: Measured, beside: Beside) -> Entry:
    try:
        return measured_cell(index, name, parts, run.side, beside)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise SamplesError(
            f"{parts[0][0].source}: {name}: not as this version of Framegate writes it: {error!r}; measure again"
        ) from None


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()  # as samples.samples_of names it


def _judged(before: Measured, after: Measured, metrics: Sequence[str], policy: Policy) -> list[Verdict]:
    asked = {*metrics, *(["inference_seconds"] if "seconds" in metrics else [])}
    baseline, current = (narrowed(run.side, lambda key: key[1] in asked) for run in (before, after))
    return judge(baseline, current, policy)


def _answer(verdicts: Sequence[Verdict]) -> Entry:
    return {"word": run_word(verdicts), "counts": dict(Counter(verdict.word for verdict in verdicts))}


def _placed(verdicts: Sequence[Verdict], cells: Sequence[Entry], run: int) -> list[Entry]:
    before, after = (dict(indices_by_name(cells, index)) for index in (run - 1, run))
    return [
        verdict_entry(verdict) | _place("run", cells, (before.get(verdict.name), after.get(verdict.name)))
        for verdict in verdicts
    ]


def _place(kind: str, cells: Sequence[Entry], pair: tuple[int | None, int | None]) -> Entry:
    baseline, current = pair
    shown = baseline if current is None else current
    told: Entry = {"kind": kind, "baseline": baseline, "current": current}
    return told | ({} if shown is None else {"name": cells[shown]["id"]})


def _run(run: Measured, cells: Sequence[Entry]) -> Entry:
    first = run.files[0]
    return {
        "name": run.name,
        "sources": [file.source for file in run.files],
        "started": first.started,
        "commit": first.commit,
        "machine": first.machine,
        "notes": [*(note for file in run.files for note in file.notes), *_disturbed(run.name, cells)],
    }


def _disturbed(run: str, cells: Sequence[Entry]) -> list[str]:
    processes = [process for cell in cells for process in cell["processes"]]
    found = sum(process["disturbed"] is not None for process in processes)
    words = "other work on the machine disturbed its processors: its times say less than they seem to"
    return [f"{run}: in {found} of {len(processes)} processes {words}"] * (found > 0)


def _policy(policy: Policy) -> Entry:
    names = ("margin", "alpha", "test", "correction", "location", "minimum_processes", "unit", "power")
    return {name: getattr(policy, name) for name in names}


def _finite(value: Any) -> Any:
    """Return the value with null for what JSON has no number for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _finite(inside) for name, inside in value.items()}
    if isinstance(value, list | tuple):
        with suppress(TypeError):  # not numbers alone
            if math.isfinite(sum(value)):
                return value
        return [_finite(inside) for inside in value]
    return value

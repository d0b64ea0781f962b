"""What lies on disk of a run: its journal or its JSON, and beside it labels, locks and the machine's calibration."""

import glob
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.errors import JournalError, SamplesError
from framegate.runner.cell import INFERENCE, PIPELINE, TRAINING
from framegate.runner.journal import (
    GATE,
    ProcessResult,
    Record,
    Task,
    extra_info,
    find_run,
    read_journal,
    run_folder,
    tasks_of,
    valid_results,
)
from framegate.runner.labels import Labels, labels_of
from framegate.runner.run import machine as this_machine

if TYPE_CHECKING:
    from framegate.stats.samples import Side

CALIBRATED = {"comparisons", "false_alarms", "upper", "detectable"}  # what reports tell of a calibrated cell
_PINNED = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class StoredFile:
    """One file of a run: what pytest-benchmark's JSON of it holds, and what that has no place for."""

    source: str
    content: Record
    started: str  # ISO time, or ""
    commit: str | None
    machine: str
    runs: Path | None = None  # the folder with its processes' files, where that is not where they were written
    lost: Mapping[tuple[str, str], tuple[str, str]] | None = None  # cell and purpose: "void" or "failed", and why
    notes: tuple[str, ...] = ()


def files_of(text: str) -> list[Path]:
    """Return the files that an argument means: itself, a folder's JSON files, or what a pattern finds."""
    path = Path(text)
    if not text.strip():  # an unset variable of a script is not the folder here
        raise SamplesError("an empty name; wanted a JSON file of pytest-benchmark, a folder or a pattern")
    if path.is_file():
        return [path]
    found = sorted(path.glob("*.json") if path.is_dir() else map(Path, glob.glob(text)))
    if not found:
        lacking = "a folder without *.json" if path.is_dir() else "no such file"
        raise SamplesError(f"{text}: {lacking}; wanted JSON of pytest-benchmark: save it with --benchmark-json=FILE")
    return found


def stored_run(text: str, journals: Path) -> list[StoredFile]:
    """Return the files of one run: as files_of finds them, or what is stored under a run's name, or the latest."""
    try:
        paths = files_of(text)
    except SamplesError as nothing:
        if not text.strip() or "/" in text or "*" in text or text.endswith(".json"):
            raise
        named = journals / f"{text}.jsonl"  # a gate, too, which find_run leaves aside
        saved = saved_files(journals.parent.parent / ".benchmarks")
        own = [path for path in saved if text in (path.stem, *path.stem.split("_", 1))]
        try:
            paths = [named] if named.is_file() else own or [journals / f"{find_run(journals, text)}.jsonl"]
        except JournalError as unknown:
            known = ", ".join(path.stem for path in saved[-5:]) or "none"
            raise SamplesError(
                f"{nothing}; or a name of --benchmark-save, found {known}; or a run: {unknown}"
            ) from None
    return [stored_journal(path) if path.suffix == ".jsonl" else stored_json(path) for path in paths]


def saved_files(storage: Path) -> list[Path]:
    """Return the files NUMBER_NAME.json that --benchmark-save=NAME wrote, oldest first."""
    return sorted(storage.glob("*/[0-9][0-9][0-9][0-9]_*.json"), key=lambda path: path.name)


def stored_json(path: Path) -> StoredFile:
    """Return what a JSON file of pytest-benchmark holds; whether it makes sense is for samples.samples_of to say."""
    from framegate.stats.samples import content_of, text_of

    return of_content(content_of(text_of(path), str(path)), str(path))


def of_content(content: Record, source: str) -> StoredFile:
    """Return a run of which pytest-benchmark's JSON is there."""
    from framegate.stats.samples import machine_words

    found = content.get("commit_info")
    commit = found.get("id") if isinstance(found, dict) else None
    machine = machine_words(content.get("machine_info"))
    own = commit if isinstance(commit, str) else None
    return StoredFile(source, content, str(content.get("datetime", "")), own, machine)


def stored_journal(path: Path) -> StoredFile:
    """Return what a journal holds. Raises SamplesError for one that is none, or of an older Framegate."""
    from framegate.stats.samples import machine_words

    records, torn = journal_records(path)
    records = [record for record in records if record.get("purpose", TRAINING) in (TRAINING, INFERENCE, PIPELINE)]
    content = journal_content(records, path)
    started = next((found for found in records if found["event"] == "run"), {})
    notes = [torn] if torn else []
    if not records or records[-1]["event"] != "end":
        notes.append(
            f"{path.stem} was cut short: only what it had finished is here; go on with: pytest benchmarks --resume"
        )
    if path.name.startswith(GATE):
        notes.append(f"{path.stem}: framegate gate judged its alternating pairs; here they are independent processes")
    return StoredFile(
        str(path), content, str(started.get("started", "")), started.get("commit"),
        machine_words(content["machine_info"]), run_folder(path), lost_cells(records), tuple(notes),
    )  # fmt: skip


def journal_records(path: Path) -> tuple[list[Record], str | None]:
    """Return a journal's records and words about a torn line. Raises SamplesError."""
    try:
        return read_journal(path)
    except OSError as error:
        raise SamplesError(f"{path}: {error.strerror}; wanted a journal of Framegate") from None
    except JournalError as error:
        raise SamplesError(str(error)) from None


def journal_content(records: Sequence[Record], path: Path) -> Record:
    """Return what pytest-benchmark's file of that run would hold, as far as samples need it. Raises SamplesError."""
    try:
        processes: dict[tuple[str, str], list[ProcessResult]] = {}
        for result in valid_results(records):
            processes.setdefault((result.task.cell, result.task.purpose), []).append(result)
        benchmarks = [
            {"fullname": f"benchmarks/test_{purpose}.py::test_{purpose}[{cell}]", "extra_info": extra_info(own)}
            for (cell, purpose), own in processes.items()
        ]
    except (KeyError, AttributeError, TypeError) as error:
        raise SamplesError(
            f"{path}: no journal of this version of Framegate: a record lacks {error}; measure again: pytest benchmarks"
        ) from None
    started = next((found for found in records if found["event"] == "run"), {})
    machine = started.get("machine") or {}
    described = {
        "system": str(machine.get("system", "")).partition(" ")[0],
        "machine": machine.get("architecture"),
        "cpu": {"brand_raw": machine.get("processor"), "count": machine.get("processors")},
    }
    return {"benchmarks": benchmarks, "machine_info": described}


def lost_cells(records: Sequence[Record]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the cells whose times are worth nothing, or of which a process failed: which of the two, and why."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for record in records:
        if record["event"] == "void":
            found[record["cell"], record["purpose"]] = ("void", record["reason"])
    for task, own in tasks_of(records):
        place, last = (task.cell, task.purpose), own[-1]
        if last["event"] == "failed":
            found[place] = ("failed", last["reason"])
        elif last["event"] != "finished":
            found.setdefault(place, ("failed", f"process {task.process} was cut short"))
        elif found.get(place, ("", ""))[0] == "failed":
            del found[place]  # made again
    return found


def labels_in(file: StoredFile, cell: str, purpose: str, process: Mapping[str, Any]) -> Labels:
    """Return the labels of one process of a stored run. Raises JournalError where they are gone."""
    if not process.get("directory"):
        raise JournalError("no folder of its files was recorded")
    task = Task(cell, purpose, process["process"], process["attempt"])
    written = Path(str(process["directory"]))  # run / cell / process
    return labels_of(file.runs or written.parent.parent, task)


def side_of(files: Sequence[StoredFile], metrics: Sequence[str], allowed: frozenset[str] = frozenset()) -> "Side":
    """Return the samples of all files together: they are replicates of one another. Raises SamplesError."""
    from framegate.stats.samples import pooled, samples_of

    return pooled([samples_of(file.content, file.source, metrics) for file in files], allowed)


@lru_cache
def locked_packages(cache: Path, packages: str) -> Mapping[str, str]:
    """Return name and version of all that a built environment holds; empty where it was pruned."""
    try:
        return dict(_PINNED.findall((cache / packages / "requirements.lock").read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return {}


def calibration_in(store: Path) -> Record | None:
    """Return what framegate calibrate kept for this machine, or None; another machine's says nothing here."""
    try:
        found: Record = json.loads((store / "calibration.json").read_text(encoding="utf-8"))
        whole = all(cell.keys() >= CALIBRATED for cell in found["cells"].values())
        return found if found["cells"] and whole and found["machine"] == this_machine() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # cut short, or of another version: it is only a summary of what was measured


def baseline_files(wanted: str, storage: Any) -> list[Path]:
    """Return the files that are meant, as pytest-benchmark's --benchmark-compare finds them. Raises SamplesError."""
    if not hasattr(storage, "path"):
        raise SamplesError("only files can be read; set --benchmark-storage=file://./.benchmarks")
    numbered = "[0-9][0-9][0-9][0-9]"
    found: list[Path] = []
    try:
        if wanted == "latest":
            found = storage.query(f"{numbered}_")[-1:]
        elif wanted.strip():
            found = storage.query(wanted) or storage.query(f"{numbered}_{wanted}")
    except (ValueError, NotImplementedError):  # a path with folders in it that is no file
        pass
    found = found or [path for path in map(Path, sorted(glob.glob(wanted))) if path.is_file()]
    if not found:
        saved = ", ".join(path.stem for path in storage.query(f"{numbered}_")[-5:]) or "none"
        raise SamplesError(
            f"no such file, nor a saved run in {storage.path}; found {saved}; save one with --benchmark-save=NAME"
        )
    return found

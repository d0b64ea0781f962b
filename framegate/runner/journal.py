"""The journal of a run: every event as it happens, a JSON object a line. All other stores are views of it.

Records beside the workers' own events (which carry "cell", "purpose", "process", "attempt"):

    {"event": "run", "run": id, "started": ISO time, "machine": {...}, "commit": ..., "arguments": [...]}
    {"event": "process", "key": what identifies the work, "directory": its files, "packages": built environment, "seed",
     "fingerprint" and "complete": of the data, "settings" and "study": of the cell, "variables", "cpus", "machine",
     "commit"; in a gate "gate": {"contest", "side": "baseline" or "candidate", "pair", "first": whether it began,
     "alternated"}}
    {"event": "finished", "wall_seconds", "remainder_seconds", "disturbed": null or the witness's words}
    {"event": "failed", "reason": ...}    a worker failed: its epochs stay in the journal, but not in any result
    {"event": "void", "reason": ...}      its times are worth nothing: a wrong accuracy, or an export that does not agree
    {"event": "search", "asked": {search: [environments]}}    what a run of searches began with
    {"event": "end", "driver_peak_bytes": ...}    the run came to its own end
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from framegate.errors import DiskFull, JournalError
from framegate.runner.disturbance import disturbance

Record = dict[str, Any]
# Begin the names of gates, asv's runs and searches: `pytest benchmarks --resume` goes on with none of them.
GATE, ASV, SEARCH = "gate-", "asv-", "search-"
_STARTS = {GATE: "framegate gate BASELINE CANDIDATE", SEARCH: "framegate search SEARCH"}


@dataclass(frozen=True)
class Task:
    """One process of a cell for one purpose; attempts count from 1."""

    cell: str
    purpose: str
    process: int
    attempt: int = 1

    def directory(self, run_folder: Path) -> Path:
        slug = self.cell.replace("/", "--")
        return run_folder / slug / f"{self.purpose}-{self.process}-{self.attempt}"


@dataclass(frozen=True)
class ProcessResult:
    """What the journal holds of one process."""

    task: Task
    key: str
    directory: str
    epochs: tuple[Record, ...]
    phases: dict[str, float]
    about: Record
    wall_seconds: float
    remainder_seconds: float  # after "done": the interpreter's end
    disturbed: str | None
    disturbed_before: tuple[str, ...]  # what disturbed the attempts that were therefore made again
    start: Record = field(repr=False)  # its "process" record

    @property
    def warm_seconds(self) -> list[float]:
        """Seconds of each epoch but the first, which is warm-up."""
        return [epoch["seconds"] for epoch in self.epochs[1:]]

    def record(self) -> Record:
        """Return all of it, JSON-ready, for the views of the journal."""
        return {
            "process": self.task.process,
            "attempt": self.task.attempt,
            "epochs": list(self.epochs),
            "phases": self.phases,
            "wall_seconds": self.wall_seconds,
            "remainder_seconds": self.remainder_seconds,
            "disturbed": self.disturbed,
            "disturbed_before": list(self.disturbed_before),
            "about": self.about,
            **{name: value for name, value in self.start.items() if name not in ("key", "settings", "study")},
        }


def extra_info(processes: Sequence[ProcessResult]) -> Record:
    """Return what pytest-benchmark's JSON holds of a cell beside the durations, given its processes."""
    task, start = processes[0].task, processes[0].start
    return {
        "cell": task.cell,
        "study": start["study"],
        "purpose": task.purpose,
        "settings": start["settings"],
        "dataset": {"fingerprint": start["fingerprint"], "complete": start["complete"]},
        "processes": [process.record() for process in processes],
    }


class Journal:
    """Appends to one run's file; holds its lock until closed. Raises JournalError where another process writes to it."""

    def __init__(self, folder: Path, run: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.run = run
        self.path = folder / f"{run}.jsonl"
        self._lock = FileLock(self.path.with_suffix(".lock"))
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise JournalError(f"run {run} is still being written by another process; wait for it or end it") from None
        self.records, self.torn = read_journal(self.path) if self.path.exists() else ([], None)
        self._file = self.path.open("ab", buffering=0)
        if self.torn:  # a killed driver's half line: keep the bytes, start a line of our own
            self._file.write(b"\n")

    def append(self, record: Record) -> None:
        line = (json.dumps(record, ensure_ascii=False) + "\n").encode()
        # One write a line: a kill leaves whole lines but for the last.
        try:
            written = self._file.write(line)
        except OSError as error:
            raise DiskFull(f"{self.path}: cannot be written: {error.strerror}; free space and type --resume") from None
        if written != len(line):
            self._file.truncate(self._file.seek(0, os.SEEK_END) - written)
            raise DiskFull(
                f"{self.path}: {written} of {len(line)} bytes written: is the disk full? free space and type --resume"
            )
        self.records.append(record)

    def sync(self) -> None:
        """Return when all records are on disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
        self._lock.release()


def read_journal(path: Path) -> tuple[list[Record], str | None]:
    """Return the records and, if a killed run tore a line, words about it. Raises JournalError on anything else."""
    records: list[Record] = []
    torn = None
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            record = json.loads(line)
            record["event"]
        except (ValueError, TypeError, KeyError):
            # A line without its end is a killed writer's last; one inside is where a resumed run went on behind it.
            if number == len(lines) or _resumed_at(lines[number : number + 1]):
                torn = f"{path}, line {number}: cut short by a kill, left out"
                continue
            raise JournalError(
                f"{path}, line {number}: {line[:60]!r} is not an event; the file is damaged: move it away"
            ) from None
        records.append(record)
    return records, torn


def _resumed_at(following: list[bytes]) -> bool:
    return bool(following) and b'"event": "run"' in following[0]


def tasks_of(records: Iterable[Record]) -> Iterator[tuple[Task, list[Record]]]:
    """Yield each attempt of each process with its records, in order of its start."""
    grouped: dict[Task, list[Record]] = {}
    for record in records:
        if "process" in record:
            task = Task(record["cell"], record["purpose"], record["process"], record["attempt"])
            grouped.setdefault(task, []).append(record)
    yield from grouped.items()


def result_of(task: Task, records: list[Record]) -> ProcessResult | None:
    """Return a task's result, or None if it has not finished."""
    by_event = {record["event"]: record for record in records}
    if "finished" not in by_event:
        return None
    return ProcessResult(
        task=task,
        key=by_event["process"]["key"],
        directory=by_event["process"]["directory"],
        epochs=tuple(_own(record) for record in records if record["event"] == "epoch"),
        phases=by_event["done"]["phases"],
        about=by_event["ready"]["about"],
        wall_seconds=by_event["finished"]["wall_seconds"],
        remainder_seconds=by_event["finished"]["remainder_seconds"],
        disturbed=by_event["finished"]["disturbed"],
        disturbed_before=(),
        start=_own(by_event["process"]),
    )


def _own(record: Record) -> Record:
    return {
        name: value for name, value in record.items() if name not in ("event", "cell", "purpose", "process", "attempt")
    }


def results_of(records: Iterable[Record]) -> dict[tuple[str, str, int], ProcessResult]:
    """Return the finished processes by (cell, purpose, process); of several attempts the last that finished."""
    found: dict[tuple[str, str, int], ProcessResult] = {}
    for task, own in tasks_of(records):
        if (result := result_of(task, own)) is None:
            continue
        place = (task.cell, task.purpose, task.process)
        found[place] = after(found.get(place), result)
    return found


def valid_results(records: Sequence[Record]) -> list[ProcessResult]:
    """Return the finished processes of all cells but those that missed their accuracy floor, by cell and process."""
    last = {(found["cell"], found["purpose"]): found["event"] for found in records if "cell" in found}
    found = sorted(results_of(records).items())
    return [result for (cell, purpose, _), result in found if last[cell, purpose] != "void"]


def after(before: ProcessResult | None, result: ProcessResult) -> ProcessResult:
    """Return a process's result with what disturbed the finished attempt before it, if that was the same work."""
    if before is None or before.key != result.key or before.disturbed is None:
        return result
    return replace(result, disturbed_before=(*before.disturbed_before, before.disturbed))


def runs(folder: Path, kind: str = "") -> list[str]:
    """Return the names of the runs of a kind in a journal folder, oldest first: of the suite, GATE's, ASV's or SEARCH's."""
    found = sorted(path.stem for path in folder.glob("*.jsonl"))
    return [run for run in found if (run.startswith(kind) if kind else not run.startswith((GATE, ASV, SEARCH)))]


def run_folder(journal: Path) -> Path:
    """Return the folder with the files of a run's processes, which stays beside the journal where both are moved."""
    return journal.absolute().parents[1] / "runs" / journal.stem


def find_run(folder: Path, wanted: str, kind: str = "") -> str:
    """Return a run's name, given that or "latest". Raises JournalError listing what is there."""
    known = runs(folder, kind)
    if wanted == "latest":
        # A run in which every cell was skipped has nothing to go on with.
        begun = [run for run in known if b'"event": "process"' in (folder / f"{run}.jsonl").read_bytes()]
        wanted = begun[-1] if begun else wanted
    if wanted in known:
        return wanted
    start = _STARTS.get(kind, "pytest benchmarks")
    raise JournalError(f"{folder}: no run {wanted!r}; found {', '.join(known[-5:]) or 'none'}; start one with: {start}")


def harvest(journal: Journal, run_folder: Path) -> int:
    """Append what workers wrote but a killed driver did not; return how many finished epochs that saved.

    The driver may have been killed between a worker's event and its own record of it.
    """
    saved = 0
    for task, own in tasks_of(list(journal.records)):
        if any(record["event"] in ("finished", "failed") for record in own):
            continue
        written = _events_on_disk(task.directory(run_folder) / "events.jsonl")
        known = sum(record["event"] != "process" for record in own)
        for event in written[known:]:
            journal.append(event | _address(task))
            saved += event["event"] == "epoch"
        if written and written[-1]["event"] == "done":
            epochs = [event for event in written if event["event"] == "epoch"]
            wall = sum(written[-1]["phases"].values())
            journal.append(finished_record(task, wall, 0.0, disturbance(epochs)) | {"harvested": True})
    journal.sync()
    return saved


def _events_on_disk(path: Path) -> list[Record]:
    """Return a worker's whole events, up to the first line that is none: it was cut short."""
    events: list[Record] = []
    if path.exists():
        for line in path.read_bytes().split(b"\n")[:-1]:
            try:
                events.append(json.loads(line))
            except ValueError:
                break
    return events


def _address(task: Task) -> Record:
    return {"cell": task.cell, "purpose": task.purpose, "process": task.process, "attempt": task.attempt}


def event_record(task: Task, event: Record) -> Record:
    """Return a worker's event with the address of its process."""
    return event | _address(task)


def finished_record(task: Task, wall_seconds: float, remainder_seconds: float, disturbed: str | None) -> Record:
    record = {"wall_seconds": wall_seconds, "remainder_seconds": remainder_seconds, "disturbed": disturbed}
    return {"event": "finished"} | record | _address(task)

"""Runs cells: environment, data, one worker process after the other, everything into the journal."""

import os
import platform
import resource
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from framegate.errors import WorkerFailed
from framegate.runner import data
from framegate.runner.cell import TRAINING, Cell
from framegate.runner.data import Dataset
from framegate.runner.driver import Event, run_alone
from framegate.runner.environments import Environment, built_folder, ensure
from framegate.runner.jobs import Launch, code_fingerprint, launch_of, make_job, work_key
from framegate.runner.journal import (
    Journal,
    ProcessResult,
    Record,
    Task,
    event_record,
    find_run,
    finished_record,
    harvest,
    results_of,
    tasks_of,
)

# The rule for running a process again, stated beforehand and blind to the result: over the warm epochs, others used more than a
# quarter of a processor, or the hypervisor took more than a twentieth of one.
FOREIGN_SHARE = 0.25
STEAL_SHARE = 0.05
_JUDGED_SECONDS = 0.5  # the kernel counts in ticks of 10 ms: of shorter times it cannot tell

Watch = Callable[[Task, Event], None]


@dataclass(frozen=True)
class CellResult:
    cell: Cell
    dataset: Dataset
    processes: tuple[ProcessResult, ...]

    @property
    def warm_seconds(self) -> list[float]:
        """The durations that pytest-benchmark gets: the warm epochs of all processes, in order."""
        return [seconds for process in self.processes for seconds in process.warm_seconds]

    @property
    def group(self) -> str:
        """What is compared side by side: the same work in other environments. A file name for --benchmark-histogram."""
        return "-".join([self.processes[0].task.purpose, *self.cell.id.split("/")[1:]])

    def extra_info(self) -> Record:
        """Return what pytest-benchmark's JSON holds beside the durations."""
        return {
            "cell": self.cell.id,
            "study": self.cell.study,
            "purpose": self.processes[0].task.purpose,
            "settings": self.cell.settings(),
            "dataset": {"fingerprint": self.dataset.fingerprint, "complete": self.dataset.complete},
            "processes": [process.record() for process in self.processes],
        }


class Run:
    """One run of the suite: its journal, and what it needs to run cells."""

    def __init__(
        self,
        root: Path,
        environments: Mapping[str, Environment],
        *,
        data_home: Path | None = None,
        resume: str | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.root = root
        self.store = root / ".framegate"
        self.environments = environments
        self.data_home = data_home
        journals = self.store / "journal"
        started = datetime.now(UTC)
        name = find_run(journals, resume) if resume else f"{started:%Y-%m-%dT%H-%M-%S-%f}"
        self.journal = Journal(journals, name)
        self.folder = self.store / "runs" / name
        self.saved_epochs = harvest(self.journal, self.folder) if resume else 0
        self._finished = results_of(self.journal.records)
        self._code = code_fingerprint(root)
        self._prepared: dict[tuple[str, int | None], Dataset] = {}
        start = {"event": "run", "run": name, "started": started.isoformat(), "machine": machine()}
        self.journal.append(start | {"commit": commit(root), "code": self._code, "arguments": list(arguments)})

    def dataset(self, cell: Cell) -> Dataset:
        """Return the cell's data, decoded on first use. Raises DataMissing, DataFailed."""
        wanted = (cell.dataset, cell.image_size)
        if wanted not in self._prepared:
            cache = self.store / "data"
            self._prepared[wanted] = data.prepare(*wanted, self.data_home, cache, self.root)
        return self._prepared[wanted]

    def finished(self, cell: Cell, purpose: str) -> CellResult | None:
        """Return what the journal already holds of a cell, whatever its key, or None if no process has finished."""
        numbers = [number for (name, for_, number) in self._finished if (name, for_) == (cell.id, purpose)]
        if not numbers:
            return None
        return CellResult(cell, self.dataset(cell), tuple(self._finished[cell.id, purpose, n] for n in sorted(numbers)))

    def run_cell(self, cell: Cell, purpose: str, say: Callable[[str], None], watch: Watch) -> CellResult:
        """Return all processes of a cell, those finished before taken from the journal.

        say gets lines on what is built, watch every event. Raises what ensure and prepare raise, and WorkerFailed.
        """
        environment = self.environments[cell.environment]
        python = ensure(environment, cell.device, self.store / "envs", say)
        packages = built_folder(environment, cell.device, self.store / "envs").name
        dataset = self.dataset(cell)
        results = []
        for process in range(1, cell.processes + 1):
            job = make_job(cell, purpose, process, environment.adapter, dataset, self.root)
            key = work_key(cell, job, packages, self._code)
            known = self._finished.get((cell.id, purpose, process))
            if known is None or known.key != key:
                start = {"event": "process", "key": key, "packages": packages, "seed": job["seed"]}
                start["fingerprint"] = dataset.fingerprint
                launch_in = partial(launch_of, job, environment, python, cell)
                known = self._run_process(Task(cell.id, purpose, process), cell.reruns, start, launch_in, watch)
                self._finished[cell.id, purpose, process] = known
            results.append(known)
        return CellResult(cell, dataset, tuple(results))

    def void(self, cell: Cell, purpose: str, reason: str) -> None:
        """Write down that a cell's times are worth nothing."""
        self.journal.append({"event": "void", "cell": cell.id, "purpose": purpose, "reason": reason})
        self.journal.sync()

    def close(self) -> None:
        """Write down what the run itself cost, and let others have the journal."""
        self.journal.append(
            {"event": "end", "driver_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        )
        self.journal.sync()
        self.journal.close()

    def _run_process(
        self, task: Task, reruns: int, start: Record, launch_in: Callable[[Path], Launch], watch: Watch
    ) -> ProcessResult:
        """Return the first undisturbed attempt of a process, or the last one allowed."""
        attempts = [known.attempt for known, _ in tasks_of(self.journal.records) if replace(known, attempt=1) == task]
        first = max(attempts, default=0) + 1
        for attempt in range(first, first + reruns + 1):
            tried = replace(task, attempt=attempt)
            directory = tried.directory(self.folder)
            result = self._attempt(tried, start | {"directory": str(directory)}, launch_in(directory), watch)
            if result.disturbed is None:
                break
        return result

    def _attempt(self, task: Task, start: Record, launch: Launch, watch: Watch) -> ProcessResult:
        def on_event(event: Event) -> None:
            self.journal.append(event_record(task, event))
            watch(task, event)

        begin = len(self.journal.records)
        self.journal.append(event_record(task, start))
        try:
            wall_seconds = run_alone(launch, on_event)
        except WorkerFailed as failure:
            self.journal.append(event_record(task, {"event": "failed", "reason": str(failure)}))
            self.journal.sync()
            raise
        events = self.journal.records[begin:]
        remainder = wall_seconds - sum(events[-1]["phases"].values())
        epochs = [event for event in events if event["event"] == "epoch"]
        self.journal.append(finished_record(task, wall_seconds, remainder, disturbance(epochs)))
        self.journal.sync()
        return results_of(self.journal.records[begin:])[task.cell, task.purpose, task.process]


def try_environment(cell: Cell, environment: Environment, root: Path, say: Callable[[str], None]) -> Record:
    """Return the epoch event of one training step of a cell: the proof that its environment works."""
    store = root / ".framegate"
    python = ensure(environment, cell.device, store / "envs", say)
    dataset = data.prepare(cell.dataset, cell.image_size, data.data_home(None), store / "data", root)
    job = make_job(cell, TRAINING, 1, environment.adapter, dataset, root) | {"epochs": 1, "rows": cell.batch_size}
    events: list[Event] = []
    with tempfile.TemporaryDirectory() as directory:
        run_alone(launch_of(job, environment, python, cell, Path(directory)), events.append)
    return next(event for event in events if event["event"] == "epoch")


def disturbance(epochs: Sequence[Record]) -> str | None:
    """Return in words how others disturbed a process's warm epochs, by the rule at the top, or None."""
    warm = [epoch for epoch in epochs[1:] if epoch["steal_seconds"] is not None]
    seconds = sum(epoch["seconds"] for epoch in warm)
    if seconds < _JUDGED_SECONDS:
        return None
    foreign = sum(epoch["machine_busy_seconds"] - epoch["cpu_seconds"] for epoch in warm) / seconds
    steal = sum(epoch["steal_seconds"] for epoch in warm) / seconds
    if foreign > FOREIGN_SHARE:
        return f"other processes used {foreign:.0%} of a processor"
    if steal > STEAL_SHARE:
        return f"the hypervisor took {steal:.0%} of a processor"
    return None


def missed_floor(result: CellResult) -> str | None:
    """Return in words which process missed the cell's accuracy floor, or None."""
    cell, floor = result.cell, result.cell.floor
    if not result.dataset.complete and cell.floor_part is not None:
        floor = cell.floor_part
    for process in result.processes:
        accuracy = process.epochs[-1].get("test_accuracy") if process.task.purpose == TRAINING else None
        if accuracy is not None and accuracy < floor:
            part = "" if result.dataset.complete else " on a part of the data"
            return (
                f"{cell.id}: accuracy {accuracy:.4f}{part} after epoch {len(process.epochs)} of process"
                f" {process.task.process} is below the floor {floor}; its times are void; its files: {process.directory}"
            )
    return None


def machine() -> Record:
    """Return what the timings depend on, of this machine."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": _processor_name(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def _processor_name() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def commit(root: Path) -> str | None:
    """Return the suite's git commit, with "+" behind it where files were changed since, or None outside git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None

"""Runs cells: environment, data, one worker process after the other, everything into the journal."""

import os
import platform
import resource
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from framegate.errors import WorkerFailed
from framegate.runner import data
from framegate.runner.cell import TRAINING, Cell
from framegate.runner.data import Dataset
from framegate.runner.declarations import Environment
from framegate.runner.disturbance import disturbance
from framegate.runner.driver import Event, Worker, at_work, run_alone
from framegate.runner.environments import built_folder, ensure
from framegate.runner.jobs import Launch, code_fingerprint, launch_of, make_job
from framegate.runner.journal import (
    Journal,
    ProcessResult,
    Record,
    Task,
    after,
    event_record,
    extra_info,
    find_run,
    finished_record,
    harvest,
    results_of,
    run_folder,
    tasks_of,
)
from framegate.runner.work import Attempt, Place, Work, work_of

Watch = Callable[[Task, Event], None]
Start = Callable[[Launch], Worker]  # to return a worker with all its epochs granted
# What decides a cell's data, and whether its model fits them.
_OF_THE_DATA = (
    "dataset", "image_size", "train_rows", "fold", "validation", "augment",
    "model", "parameters", "pretrained", "optimizer",
)  # fmt: skip


@dataclass(frozen=True)
class CellResult:
    cell: Cell
    processes: tuple[ProcessResult, ...]

    @property
    def complete(self) -> bool:
        """Whether it was trained on the whole dataset, and not on a part."""
        return all(process.start["complete"] for process in self.processes)

    @property
    def warm_seconds(self) -> list[float]:
        """The durations that pytest-benchmark gets: the warm epochs of all processes, in order."""
        return [seconds for process in self.processes for seconds in process.warm_seconds]

    @property
    def group(self) -> str:
        """What is compared side by side: the same work in other environments. A file name for --benchmark-histogram."""
        return "-".join([self.processes[0].task.purpose, self.cell.device, *self.cell.id.split("/")[1:]])

    def extra_info(self) -> Record:
        """Return what pytest-benchmark's JSON holds beside the durations."""
        return extra_info(self.processes)


class Run:
    """One run of the suite: its journal, and what it needs to run cells."""

    def __init__(
        self,
        root: Path,
        environments: Mapping[str, Environment],
        *,
        data_home: Path | None = None,
        resume: str | None = None,
        name: str | None = None,
        arguments: Sequence[str] = (),
        kind: str = "",
    ) -> None:
        """Open the run's journal: a new one, the one to resume, or the one of that name, whether it exists or not."""
        self.root = root
        self.store = root / ".framegate"
        self.environments = environments
        self.data_home = data_home
        journals = self.store / "journal"
        started = datetime.now(UTC)
        name = find_run(journals, resume, kind) if resume else name or f"{kind}{started:%Y-%m-%dT%H-%M-%S-%f}"
        self.journal = Journal(journals, name)
        self.folder = run_folder(self.journal.path)
        self._conditions = {"machine": machine(), "commit": commit(root)}
        start = {"event": "run", "run": name, "started": started.isoformat(), "arguments": list(arguments)}
        self.journal.append(start | self._conditions)  # first: a line torn before it is then known for a kill's
        self.saved_epochs = harvest(self.journal, self.folder) if resume else 0
        self._finished = results_of(self.journal.records)
        # Attempts made of each process: kept, as reading the journal anew for each would cost the more the longer the run.
        self._attempts = Counter(replace(task, attempt=1) for task, _ in tasks_of(self.journal.records))
        self._code = code_fingerprint(root)
        self._prepared: dict[tuple[object, ...], Dataset] = {}

    def dataset(self, cell: Cell, say: Callable[[str], None]) -> Dataset:
        """Return the cell's data, fetched and decoded on first use. Raises what prepare_for raises."""
        wanted = tuple(getattr(cell, name) for name in _OF_THE_DATA)
        if wanted not in self._prepared:
            say(f"{cell.dataset}: looking for the data; fetched and decoded if that was not done before")
            self._prepared[wanted] = data.prepare_for(cell, self.data_home, self.store / "data", self.root)
            for note in self._prepared[wanted].notes:
                say(f"{cell.dataset}: {note}")
        return self._prepared[wanted]

    def finished(self, cell: Cell, purpose: str) -> CellResult | None:
        """Return what the journal already holds of a cell's latest work, or None if no process has finished."""
        known = [result for (name, for_, _), result in self._finished.items() if (name, for_) == (cell.id, purpose)]
        if not known:
            return None
        return CellResult(cell, tuple(result for result in known if result.key == known[-1].key))

    def run_cell(self, cell: Cell, purpose: str, say: Callable[[str], None], watch: Watch) -> CellResult:
        """Return all processes of a cell, those finished before taken from the journal.

        say gets lines on what is built, watch every event. Raises what ensure and prepare raise, and WorkerFailed.
        """
        place = self.place(cell, self.environments[cell.environment], say)
        results = []
        for process in range(1, cell.processes + 1):
            work = self.work(place, purpose, process)
            known = self.known(Task(cell.id, purpose, process), work)
            while known is None or _is_to_be_made_again(known, cell):
                known = self.run_process(Task(cell.id, purpose, process), work, watch)
            if known.disturbed:
                say(f"{cell.id}: process {process} was disturbed: {known.disturbed}")
            results.append(known)
        return CellResult(cell, tuple(results))

    def place(self, cell: Cell, environment: Environment, say: Callable[[str], None]) -> Place:
        """Return where the cell's processes run, built and decoded on first use. Raises what ensure and prepare raise."""
        dataset = self.dataset(cell, say)  # first: where the model does not fit it, no environment need be built
        python = ensure(environment, cell.device, self.store / "envs", say)
        packages = built_folder(environment, cell.device, self.store / "envs").name
        return Place(cell, environment, python, packages, dataset, self.root)

    def work(self, place: Place, purpose: str, seed: int, **changes: object) -> Work:
        """Return the work of one process; seed counts from 1, changes are keys of its job."""
        return work_of(place, purpose, seed, self._code, **changes)

    def known(self, task: Task, work: Work) -> ProcessResult | None:
        """Return what the journal holds of a process that did the same work, or None."""
        found = self._finished.get((task.cell, task.purpose, task.process))
        return found if found and found.key == work.key else None

    def run_process(self, task: Task, work: Work, watch: Watch, start: Start = at_work) -> ProcessResult:
        """Return the result of one more attempt at a process, alone. Raises WorkerFailed."""
        attempt = self.begin(task, work)
        try:
            wall_seconds = run_alone(attempt.launch, lambda event: self.record(attempt, event, watch), start)
        except WorkerFailed as failure:
            self.fail(attempt, failure)
            raise
        return self.finish(attempt, wall_seconds)

    def begin(self, task: Task, work: Work, **told: object) -> Attempt:
        """Return one more attempt at a process, written down as begun; told is kept with it."""
        attempt = self.upcoming(task, work)
        self._attempts[replace(task, attempt=1)] = attempt.task.attempt
        told |= {"directory": str(attempt.launch.directory)}
        self.journal.append(event_record(attempt.task, work.start | self._conditions | told))
        return attempt

    def upcoming(self, task: Task, work: Work) -> Attempt:
        """Return the next attempt at a process, of which nothing is written down yet."""
        task = replace(task, attempt=self._attempts[replace(task, attempt=1)] + 1)
        return Attempt(task, work.launch(task.directory(self.folder)), len(self.journal.records))

    def record(self, attempt: Attempt, event: Event, watch: Watch) -> None:
        """Write an event down, then show it."""
        self.journal.append(event_record(attempt.task, event))
        watch(attempt.task, event)

    def fail(self, attempt: Attempt, failure: WorkerFailed) -> None:
        """Write down why an attempt came to nothing."""
        self.journal.append(event_record(attempt.task, {"event": "failed", "reason": str(failure)}))
        self.journal.sync()

    def finish(self, attempt: Attempt, wall_seconds: float | None = None) -> ProcessResult:
        """Return the result of an attempt that came to its end, written down. Without wall seconds its phases are all."""
        task = attempt.task
        events = [record for record in self.journal.records[attempt.begin :] if _is_of(record, task)]
        accounted = sum(events[-1]["phases"].values())
        wall_seconds = accounted if wall_seconds is None else wall_seconds
        remainder = wall_seconds - accounted
        epochs = [event for event in events if event["event"] == "epoch"]
        self.journal.append(finished_record(task, wall_seconds, remainder, disturbance(epochs)))
        self.journal.sync()
        place = (task.cell, task.purpose, task.process)
        self._finished[place] = after(self._finished.get(place), results_of([*events, self.journal.records[-1]])[place])
        return self._finished[place]

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

    def disturbed(self) -> tuple[int, int]:
        """Return how many of the run's processes were disturbed in all attempts, and how many attempts were made again."""
        results = self._finished.values()
        return sum(result.disturbed is not None for result in results), sum(
            len(result.disturbed_before) for result in results
        )


def _is_of(record: Record, task: Task) -> bool:
    own = (task.cell, task.purpose, task.process, task.attempt)
    return tuple(record.get(name) for name in ("cell", "purpose", "process", "attempt")) == own


def _is_to_be_made_again(result: ProcessResult, cell: Cell) -> bool:
    return result.disturbed is not None and len(result.disturbed_before) < cell.reruns


def launch_outside(
    cell: Cell, environment: Environment, root: Path, directory: Path, process: int = 1, **changes: object
) -> Launch:
    """Return the launch of one training process that belongs to no run; changes are keys of its job.

    Raises what ensure and prepare raise.
    """
    store = root / ".framegate"
    python = ensure(environment, cell.device, store / "envs", print)
    dataset = data.prepare_for(cell, data.data_home(None), store / "data", root)
    job = make_job(cell, TRAINING, process, environment.adapter, dataset, root) | changes
    return launch_of(job, environment, python, cell, directory)


def try_environment(cell: Cell, environment: Environment, root: Path) -> Record:
    """Return the epoch event of one training step of a cell: the proof that its environment works."""
    events: list[Event] = []
    with tempfile.TemporaryDirectory() as directory:
        launch = launch_outside(cell, environment, root, Path(directory), epochs=1, rows=[cell.batch_size])
        run_alone(launch, events.append)
    return next(event for event in events if event["event"] == "epoch")


def wrong_accuracy(result: CellResult) -> str | None:
    """Return in words which process missed the cell's accuracy floor or passed its ceiling, or None."""
    cell, floor = result.cell, result.cell.floor
    if not result.complete and cell.floor_part is not None:
        floor = cell.floor_part
    for process in result.processes:
        accuracy = process.epochs[-1].get("test_accuracy")  # of a process that trained
        if accuracy is not None and not floor <= accuracy <= cell.ceiling:
            part = "" if result.complete else " on a part of the data"
            above = f"above the ceiling {cell.ceiling}, as where test rows are trained on"
            wrong = f"below the floor {floor}" if accuracy < floor else above
            return (
                f"{cell.id}: accuracy {accuracy:.4f}{part} after epoch {len(process.epochs)} of process"
                f" {process.task.process} is {wrong}; its times are void; its files: {process.directory}"
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
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git
        return None
    return done.stdout.strip() or None

"""What one process is to do: the record that the journal keeps of it, and the job that its worker reads."""

from dataclasses import dataclass, replace
from pathlib import Path

from framegate.runner.cell import PIPELINE, Cell
from framegate.runner.data import Dataset
from framegate.runner.declarations import Environment
from framegate.runner.jobs import Launch, launch_of, make_job, work_key
from framegate.runner.journal import Record, Task


@dataclass(frozen=True)
class Place:
    """Where a cell's processes run: all that they share."""

    cell: Cell
    environment: Environment
    python: Path
    packages: str  # the built environment's folder
    dataset: Dataset
    root: Path

    def of_epochs(self, epochs: int) -> "Place":
        """Return the place with processes of so many epochs."""
        return replace(self, cell=replace(self.cell, epochs=epochs))


@dataclass(frozen=True)
class Work:
    """One process's work, the same in each attempt at it."""

    place: Place
    start: Record  # its "process" record, but for the directory
    job: Record

    @property
    def key(self) -> str:
        """What identifies the work."""
        return str(self.start["key"])

    def launch(self, directory: Path) -> Launch:
        """Return the launch of one attempt, its files in the directory."""
        return launch_of(self.job, self.place.environment, self.place.python, self.place.cell, directory)


@dataclass(frozen=True)
class Attempt:
    """One attempt at a process, written down as begun: its records are the journal's from `begin` on."""

    task: Task
    launch: Launch
    begin: int


def work_of(place: Place, purpose: str, seed: int, code: str, **changes: object) -> Work:
    """Return the work of one process; seed counts from 1, changes are keys of its job. code: see code_fingerprint."""
    cell, environment, dataset = place.cell, place.environment, place.dataset
    adapter = environment.pipeline if purpose == PIPELINE else environment.adapter
    job = make_job(cell, purpose, seed, adapter, dataset, place.root) | changes
    start: Record = {"event": "process", "packages": place.packages, "variables": dict(environment.variables)}
    start |= {"fingerprint": dataset.fingerprint, "complete": dataset.complete}
    start |= {"settings": cell.settings(), "study": cell.study, "seed": job["seed"], "cpus": job["cpus"]}
    return Work(place, start | {"key": work_key(cell, job, environment, place.packages, code)}, job)

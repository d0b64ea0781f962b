"""The gate's sampler: fresh pairs of processes, one of each side, that alternate epoch by epoch. It measures and never judges.

Pair k of a contest is process 2k - 1 of the baseline and 2k of the candidate; both draw from the same seed. Who begins alternates from
pair to pair, the first time it is the baseline: what the candidate then breaks, the baseline has just done.
"""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from framegate.errors import DiskFull, WorkerFailed
from framegate.runner.cell import TRAINING
from framegate.runner.contests import Contest
from framegate.runner.driver import Event, run_alone, run_alternating
from framegate.runner.journal import ProcessResult, Task
from framegate.runner.run import CellResult, Run, Watch, wrong_accuracy
from framegate.runner.sides import Say
from framegate.runner.work import Attempt, Place, Work

SIDES = ("baseline", "candidate")
DRIFT = "drift"  # the purpose of the two processes that only compare losses
DRIFT_STEPS = 20
# Of a process: the warm-up, and four to sixteen neighbours of each order. Pairs of quick cells need many, as their epochs are short
# and a process's start is not: 33 epochs of 10 ms, instead of 9, made the spread of the pairs a third.
FEWEST_EPOCHS, MOST_EPOCHS = 9, 33
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Pair:
    """What one pair of processes measured."""

    number: int
    results: tuple[ProcessResult, ProcessResult]  # baseline, candidate
    alternated: bool  # else one ran after the other

    @property
    def baseline_first(self) -> tuple[bool, ...]:
        """Which side ran first, of each warm epoch."""
        begins = self.number % 2 == 1
        count = len(self.results[0].epochs)
        return tuple(begins != (self.alternated and epoch % 2 == 1) for epoch in range(1, count))


@dataclass(frozen=True)
class Failure:
    """Why a side of a contest has no valid measurement."""

    side: str
    reason: str


class Gate:
    """The contests of one gate while they are measured: their places, pairs and failures, by the contest's name."""

    def __init__(self, run: Run, contests: Sequence[Contest], say: Say, watch: Watch) -> None:
        """Build what is missing and take from a resumed journal what was measured. Raises what ensure and prepare raise."""
        self.run = run
        self.contests = {contest.name: contest for contest in contests}
        self.watch = watch
        self.places: dict[str, tuple[Place, Place]] = {}
        for contest in contests:
            one, other = (
                run.place(cell, environment, say)
                for cell, environment in zip(contest.cells, contest.environments, strict=True)
            )
            self.places[contest.name] = (one, other)
        self.pairs: dict[str, list[Pair]] = {name: [] for name in self.contests}
        self.failures: dict[str, Failure] = {}
        self.drift: dict[str, tuple[ProcessResult, ProcessResult]] = {}
        self.one_by_one: set[str] = set()  # contests whose two processes do not fit on the device together
        self.seconds = dict.fromkeys(self.contests, 0.0)  # what a contest's last pair took, start and end included
        for name in self.contests:
            if drift := self._known_drift(name):
                self._begin(name, drift)
                self.pairs[name].extend(self._known_pairs(name))

    def _begin(self, name: str, drift: tuple[ProcessResult, ProcessResult]) -> None:
        """Settle how many epochs a contest's processes train, by what the baseline took for its first steps."""
        self.drift[name] = drift
        one, other = self.places[name]
        epochs = epochs_for(drift[0], one)
        self.places[name] = (one.of_epochs(epochs), other.of_epochs(epochs))

    def _known_pairs(self, name: str) -> Iterator[Pair]:
        number = 1
        while (pair := self._known_pair(name, number)) and not self._missed(name, pair):
            yield pair
            number += 1

    def _known_pair(self, name: str, number: int) -> Pair | None:
        works, tasks = self._works(name, number), self._tasks(name, number)
        one, other = (self.run.known(task, work) for task, work in zip(tasks, works, strict=True))
        if one is None or other is None or one.task.attempt != other.task.attempt:
            return None  # of two attempts: they did not alternate with each other
        return Pair(number, (one, other), bool(one.start["gate"]["alternated"]))

    def _tasks(self, name: str, number: int) -> tuple[Task, Task]:
        one, other = self.contests[name].cells
        return Task(one.id, TRAINING, 2 * number - 1), Task(other.id, TRAINING, 2 * number)

    def _works(self, name: str, number: int) -> tuple[Work, Work]:
        one, other = self.places[name]
        return (
            self.run.work(one, TRAINING, number, process=2 * number - 1),
            self.run.work(other, TRAINING, number, process=2 * number),
        )

    def measure(self, name: str) -> None:
        """Run one more pair of a contest; a side that crashes or misses its floor becomes the contest's failure."""
        number = len(self.pairs[name]) + 1
        try:
            if name not in self.drift:
                self._begin(name, self._drift(name))
            pair = self._pair(name, number)
        except WorkerFailed as failure:
            if any(os.strerror(number) in str(failure) for number in _FULL):  # not the framework's fault
                raise DiskFull(f"{failure}\nfree space, then type --resume") from None
            self.failures[name] = Failure(self._side_of(name, failure), str(failure))
            return
        if not self._missed(name, pair):
            self.pairs[name].append(pair)

    def _side_of(self, name: str, failure: WorkerFailed) -> str:
        one, other = (place.cell.id for place in self.places[name])
        if one == other:  # the same environment on both sides: told apart by the parity of the process
            return SIDES[1 - int(failure.launch.rpartition(" ")[2]) % 2]
        return SIDES[0] if failure.launch.startswith(f"{one}, ") else SIDES[1]

    def _missed(self, name: str, pair: Pair) -> bool:
        for side, place, result in zip(SIDES, self.places[name], pair.results, strict=True):
            if wrong := wrong_accuracy(CellResult(place.cell, (result,))):
                self.run.void(place.cell, TRAINING, wrong)
                self.failures[name] = Failure(side, wrong)
                return True
        return False

    def _drift_tasks(self, name: str) -> Iterator[tuple[Task, Work]]:
        """Yield both sides' processes of a few steps without dropout: from the same weights on the same batches."""
        for process, place in enumerate(self.places[name], start=1):
            rows = DRIFT_STEPS * place.cell.batch_size
            work = self.run.work(place, TRAINING, 1, process=process, rows=[rows], epochs=1, dropout=False)
            yield Task(place.cell.id, DRIFT, process), work

    def _known_drift(self, name: str) -> tuple[ProcessResult, ProcessResult] | None:
        one, other = (self.run.known(task, work) for task, work in self._drift_tasks(name))
        return (one, other) if one and other else None

    def _drift(self, name: str) -> tuple[ProcessResult, ProcessResult]:
        one, other = (self.run.run_process(task, work, self.watch) for task, work in self._drift_tasks(name))
        return one, other

    def _pair(self, name: str, number: int) -> Pair:
        if name in self.one_by_one:
            return self._pair_of(name, number, alternated=False)
        try:
            return self._pair_of(name, number, alternated=True)
        except WorkerFailed:
            if self.contests[name].cells[0].device == "cpu":
                raise
        # A GPU may lack the memory for two: what fails alone, too, is broken.
        pair = self._pair_of(name, number, alternated=False)
        self.one_by_one.add(name)
        return pair

    def _pair_of(self, name: str, number: int, alternated: bool) -> Pair:
        works = self._works(name, number)
        begins = (number + 1) % 2  # the position of the side that begins
        attempts: list[Attempt] = []
        for side, task, work in zip(SIDES, self._tasks(name, number), works, strict=True):
            told = {"contest": name, "side": side, "pair": number, "first": side == SIDES[begins]}
            attempts.append(self.run.begin(task, work, gate=told | {"alternated": alternated}))
        ordered = (attempts[begins], attempts[1 - begins])

        def on_event(position: int, event: Event) -> None:
            self.run.record(ordered[position], event, self.watch)

        launches = (ordered[0].launch, ordered[1].launch)
        try:
            if alternated:
                run_alternating(launches, on_event, works[0].job["epochs"])
            else:
                for position, launch in enumerate(launches):
                    run_alone(launch, lambda event, position=position: on_event(position, event))  # type: ignore[misc]
        except WorkerFailed as failure:
            for attempt in attempts:
                self.run.fail(attempt, failure)
            raise
        one, other = (self.run.finish(attempt) for attempt in attempts)
        return Pair(number, (one, other), alternated)


def epochs_for(drift: ProcessResult, place: Place) -> int:
    """Return how many epochs are worth a process's start: as many as take as long, within bounds; the cell's at least."""
    epoch, rows = drift.epochs[0], place.dataset.rows["train"]
    first = epoch.get("first_step_seconds")
    visited = min(DRIFT_STEPS * place.cell.batch_size, rows) - (place.cell.batch_size if first else 0)
    seconds = (epoch["seconds"] - (first or 0.0)) / max(visited, 1) * rows + epoch["evaluate_seconds"]
    wanted = ceil(drift.wall_seconds / seconds) // 2 * 2 + 1
    return max(place.cell.epochs, FEWEST_EPOCHS, min(int(wanted), MOST_EPOCHS))


def sample(
    gate: Gate,
    choose: Callable[[], str | None],
    clock: Callable[[], float],
    budget_seconds: float,
    on_pair: Callable[[str], None],
) -> bool:
    """Measure the contests that choose names, one pair at a time; return whether it came to say None before the budget.

    A pair that would not end within the budget, by what that contest's last one took, is not begun.
    """
    begin = clock()
    while (name := choose()) is not None:
        before = clock()
        if before - begin + gate.seconds[name] > budget_seconds:
            return False
        gate.measure(name)
        gate.seconds[name] = clock() - before
        on_pair(name)
    return True

"""Gates an upgrade: the sampler of runner/gate.py asks the judge of stats/gating.py which cell is next, until all are settled."""

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from framegate.errors import DiskFull, GateBusy, JournalError
from framegate.runner.cell import Cell
from framegate.runner.contests import Contest, contests
from framegate.runner.declarations import Environment
from framegate.runner.gate import Gate, Pair, sample
from framegate.runner.journal import GATE, ProcessResult, extra_info
from framegate.runner.progress import duration
from framegate.runner.run import Run
from framegate.runner.sides import differences, read_side
from framegate.stats import gating, verdict
from framegate.stats.gating import CONTINUE, PRIMARY, SECONDARY, Answer, Rules
from framegate.stats.samples import samples_of
from framegate.stats.verdict import Verdict

INTERRUPTED = "interrupted"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
Say = Callable[[str], None]
Effects = dict[str, dict[str, list[float]]]  # by cell, then by metric: one a pair


@dataclass(frozen=True)
class Request:
    """What is to be gated, and how."""

    root: Path  # the suite
    sides: tuple[str, str]  # baseline and candidate, as typed
    margin: float
    budget_seconds: float  # of measuring; solving and building come before
    data_home: Path | None = None
    resume: str | None = None
    arguments: tuple[str, ...] = ()


@dataclass
class Session:
    """A gate while it runs, with what its pairs say."""

    gate: Gate
    rules: Rules
    effects: Effects = field(default_factory=dict)

    def take(self, name: str) -> None:
        """Turn a contest's new pairs into effects."""
        own = self.effects.setdefault(name, {metric: [] for metric in (PRIMARY, *SECONDARY)})
        for pair in self.gate.pairs[name][len(own[PRIMARY]) :]:
            for metric, effect in pair_effects(pair).items():
                own[metric].append(effect)

    def choose(self) -> str | None:
        """Return the contest that gets the next pair, or None."""
        alive = {name: own[PRIMARY] for name, own in self.effects.items() if name not in self.gate.failures}
        return gating.least_settled(alive, self.rules)

    def settled(self) -> int:
        """Return how many contests are settled."""
        words = [verdict.word for verdict in self.verdicts(over=False) if verdict.metric == PRIMARY]
        return sum(word != CONTINUE for word in words)

    def verdicts(self, over: bool) -> list[Verdict]:
        """Return all verdicts; over: whether the end of the sampling did not depend on the results."""
        found = []
        for name, own in self.effects.items():
            if failure := self.gate.failures.get(name):
                word = gating.BROKEN if failure.side == "candidate" else "unsure"
                found.append(Verdict(name, PRIMARY, word, f"{failure.side}: {told(failure.reason)}"))
                continue
            judged = {metric: values for metric, values in own.items() if values or metric == PRIMARY}
            found += [gating.verdict_of(name, *one, self.rules, over) for one in judged.items()]
            if name in self.gate.drift:
                found.append(gating.drift_verdict(name, *map(losses, self.gate.drift[name])))
        return found


def gate_upgrade(request: Request, cells: Sequence[Cell], environments: Mapping[str, Environment], say: Say) -> Answer:
    """Return the answer to a gate. Ctrl-C ends the measuring, not the answer.

    Raises SideError, EnvironmentFailed, GateBusy, DiskFull and what preparing the data raises.
    """
    one, other = (read_side(text, environments) for text in request.sides)
    with _alone(request.root), _disk_explained():
        folder = request.root / ".framegate" / "sides"
        found = contests((one, other), cells, environments, folder, say, renew=request.resume is None)
        run = Run(
            request.root, environments, data_home=request.data_home, resume=request.resume,
            arguments=request.arguments, kind=GATE,
        )  # fmt: skip
        try:
            asked = {"sides": list(request.sides), "cells": [one.template for one in found], "margin": request.margin}
            _check_asked(run, asked)
            run.journal.append({"event": "gate"} | asked)
            return _measured(request, run, found, say)
        finally:
            run.close()


def _measured(request: Request, run: Run, found: Sequence[Contest], say: Say) -> Answer:
    gate = Gate(run, found, say, lambda task, event: None)
    session = Session(gate, Rules(len(found), request.margin))
    for name in gate.contests:
        session.take(name)
    begin = time.monotonic()

    def on_pair(name: str) -> None:
        session.take(name)
        say(progress_line(session, name, time.monotonic() - begin, request.budget_seconds))

    say(f"run {run.journal.run}: {len(found)} cells, at most {duration(request.budget_seconds)}")
    try:
        in_time = sample(gate, session.choose, time.monotonic, request.budget_seconds, on_pair)
        ended = "all cells settled or used up their pairs" if in_time else "the budget was used up"
    except KeyboardInterrupt:
        ended = INTERRUPTED
    verdicts = [_final(one) for one in session.verdicts(over=ended != INTERRUPTED)]
    minutes = (time.monotonic() - begin) / 60
    return Answer(
        *request.sides, verdicts, session.rules, _differences(found), _notes(session, found), ended, minutes,
        run.journal.run, {contest.template: contest.name for contest in found},
    )  # fmt: skip


def _final(verdict: Verdict) -> Verdict:
    """Return the verdict in an answer that comes while more pairs were wanted."""
    return replace(verdict, word="unsure") if verdict.word == CONTINUE else verdict


def told(reason: str) -> str:
    """Return a failure in one line: what happened, and the last line of the worker's log."""
    first, *log = reason.splitlines()
    return f"{first}; last words: {log[-1].strip()}" if log else first


def pair_effects(pair: Pair) -> dict[str, float]:
    """Return what one pair says of each metric that both sides have."""
    one, other = map(series, pair.results)
    first = pair.baseline_first
    return {metric: gating.pair_effect(metric, one[metric], other[metric], first) for metric in one if metric in other}


def series(result: ProcessResult) -> dict[str, Sequence[float]]:
    """Return the values of each metric that a process has, the warm-up left out."""
    content = {"benchmarks": [{"fullname": result.task.cell, "extra_info": extra_info([result])}]}
    found = samples_of(content, result.directory, (PRIMARY, *SECONDARY))
    return {metric: sample.processes[0].tolist() for (_, metric), sample in found.samples.items()}


def losses(result: ProcessResult) -> list[float]:
    """Return what a drift process ended with: the mean loss of its steps, and the test split's after them."""
    return [float(result.epochs[0][name]) for name in ("train_loss", "test_loss")]


def progress_line(session: Session, name: str, seconds: float, budget_seconds: float) -> str:
    """Return one line: "[40 s of 30 min] mxnet/lenet/digits-32px/b32 pair 7: ratio 1.012 so far; 3 of 6 cells settled"."""
    place = f"[{duration(seconds)} of {duration(budget_seconds)}] {name}"
    done = f"{session.settled()} of {len(session.effects)} cells settled"
    if failure := session.gate.failures.get(name):
        return f"{place}: the {failure.side} failed: {failure.reason.splitlines()[0]}; {done}"
    own = session.effects[name][PRIMARY]
    verdict = gating.verdict_of(name, PRIMARY, own, session.rules, over=False)
    ratio = f"ratio {gating.ratio_so_far(own):.3f}" + (" so far" if verdict.word == CONTINUE else f": {verdict.word}")
    return f"{place} pair {len(own)}: {ratio}; {done}"


def _differences(found: Sequence[Contest]) -> dict[str, list[str]]:
    """Return in words what differs between the two environments of each kind."""
    told = {}
    for contest in found:
        one, other = contest.environments
        told[f"{one.name} -> {other.name}"] = differences(one, other, contest.cells[0].device)
    return told


def _notes(session: Session, found: Sequence[Contest]) -> list[str]:
    notes = []
    if all(contest.environments[0] == contest.environments[1] for contest in found):
        notes.append("both sides are the same environment: whatever differs is noise")
    elif not any(_differences(found).values()):
        notes.append("both sides hold the same packages: whatever differs is noise")
    for name in sorted(session.gate.one_by_one):
        notes.append(f"{name}: one process after the other, as the device lacks the memory for both")
    return notes


def _check_asked(run: Run, asked: Mapping[str, Any]) -> None:
    """Raise JournalError where a resumed gate had other sides, cells or another margin: its looks were planned for those."""
    known = next((record for record in run.journal.records if record["event"] == "gate"), {})
    for name, wanted in asked.items():
        if known.get(name, wanted) != wanted:
            raise JournalError(
                f"run {run.journal.run} has the {name} {_listed(known[name])}, not {_listed(wanted)}; type the same, or"
                " start anew without --resume"
            )


def _listed(found: Any) -> str:
    return " ".join(map(str, found)) if isinstance(found, list) else str(found)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    path = root / ".framegate" / "gate.lock"
    path.parent.mkdir(exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise GateBusy(
            f"{path}: another gate is measuring, and two at once would measure each other; wait for it or end it"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _disk_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskFull(
            f"{error.filename or 'the store'}: {os.strerror(error.errno)}; free space, then type --resume"
        ) from None


def exit_status(answer: Answer) -> int:
    """Return 0, 10 (slower or worse), 11 (unsure) or 12 (broken)."""
    return verdict.exit_status(gating.counted(answer.verdicts), "unsure")

"""Runs a search: Optuna draws the configurations and keeps the books, a fit is a process of a cell like any other.

A trial is a configuration put into the search's cell, and as many cells as there are folds. Their processes go through the run's
journal, so a fit that had finished when a run was killed is never repeated; Optuna's own storage lies in the run's folder.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.errors import MatrixError, SearchError, WorkerFailed
from framegate.runner.ahead import Ahead
from framegate.runner.cell import TRAINING, Cell
from framegate.runner.draws import DEEPER, configuration_of, drawn, foreseen, state_of, trials_of
from framegate.runner.driver import Event
from framegate.runner.jobs import Launch
from framegate.runner.journal import ProcessResult, Task
from framegate.runner.run import Run
from framegate.runner.searches import Configuration, Search
from framegate.runner.trials import FREE, Cost, Outcome, Score, Trial, best_of, words_of
from framegate.runner.work import Place, Work

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Bench:
    """Where the trials of one search in one environment run."""

    run: Run
    search: Search
    cell: Cell
    say: Callable[[str], None]
    budget_seconds: float | None = None  # instead of that of the run that is resumed, or else the search's own
    ahead: Ahead = field(default_factory=Ahead)

    @property
    def name(self) -> str:
        return f"{self.search.name} in {self.cell.environment}"


@dataclass(frozen=True)
class Fit:
    """One network trained and judged."""

    result: ProcessResult
    score: Score
    cost: Cost


def run_search(bench: Bench, storage: "optuna.storages.BaseStorage") -> Outcome:
    """Return what the search found, what it had found before a kill included.

    Raises SearchError, besides what Run.place raises, and WorkerFailed where the best configuration's last training fails.
    """
    study, search = _study(bench, storage), bench.search
    budget = bench.budget_seconds or study.user_attrs.get("budget_seconds") or search.budget_seconds
    study.set_user_attr("budget_seconds", budget)
    for fold in range(1, search.folds + 1):  # decoded before the first trial, which would else be the dearest
        bench.run.dataset(_of_fold(bench, bench.cell, fold), bench.say)
    with closing(bench.ahead):
        bench.ahead.lap()  # so far nothing was a trial's
        while _goes_on(bench, trials := trials_of(kept := study.get_trials(deepcopy=False)), budget):
            study.add_trial(_attempt(bench, drawn(search, bench.cell.seed, kept)))
        if (best := best_of(trials)) is None:
            raise SearchError(f"{bench.name}: none of {len(trials)} trials finished; the last: {trials[-1].reason}")
        tested, last = _last_training(bench, study, best)
    return Outcome(
        search.name, search.procedure, bench.cell.environment, search.target, tuple(trials), best, tested, last
    )


def _study(bench: Bench, storage: "optuna.storages.BaseStorage") -> "optuna.Study":
    """Return the search's study, a new one where there is none. Raises SearchError where it is another search's."""
    import optuna

    study = optuna.create_study(study_name=bench.name, storage=storage, load_if_exists=True, direction="maximize")
    wanted, found = _identity(bench), study.user_attrs.get("search")
    if found is None:
        study.set_user_attr("search", wanted)
    elif differing := sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)):
        key = differing[0]
        raise SearchError(
            f"{bench.run.journal.run} holds another search as {bench.name}: {key} was {found.get(key)!r}, is"
            f" {wanted.get(key)!r}; start anew, without --resume"
        )
    return study


def _identity(bench: Bench) -> dict[str, Any]:
    """Return all that decides what a search finds but for its budget, which may be raised."""
    search = bench.search
    place = bench.run.place(bench.cell, bench.run.environments[bench.cell.environment], bench.say)
    told = {"procedure": search.procedure, "space": search.space, "folds": search.folds}
    if search.refinement:
        told |= {"trials": search.trials, "refinement": asdict(search.refinement)}
    told |= {"data": place.dataset.fingerprint, "packages": place.packages, **bench.cell.settings()}
    return dict(json.loads(json.dumps(told)))


def _goes_on(bench: Bench, trials: Sequence[Trial], budget: float) -> bool:
    """Return whether one more trial is wanted and fits the budget. Raises SearchError where none would."""
    costs = [trial.cost.seconds for trial in trials]
    if costs and max(costs) > budget:
        raise SearchError(
            f"{bench.name}: a budget of {budget:g} s is smaller than a trial, which took {max(costs):.3g} s;"
            f" wanted at least --budget {math.ceil(2 * max(costs))}s; --resume {bench.run.journal.run} keeps what was found"
        )
    return len(trials) < bench.search.most_trials and sum(costs) + max(costs, default=0.0) <= budget


def _attempt(bench: Bench, trial: "optuna.Trial") -> "optuna.trial.FrozenTrial":
    """Return a trial whose networks were trained and judged."""
    fits, reason, state = list[Fit](), "", state_of("COMPLETE")
    configuration = configuration_of(trial)
    try:
        for fold in range(1, bench.search.folds + 1):
            fits.append(_fits(bench, configuration, fold, partial(_upcoming, bench, trial, fold))[-1])
            trial.report(_sum(fits).accuracy, step=fold)
            if fold < bench.search.folds and trial.should_prune():
                state = state_of("PRUNED")
                break
    except (WorkerFailed, MatrixError) as failure:
        state, reason = state_of("FAIL"), str(failure)
        trial.set_user_attr("reason", reason)
    else:
        trial.set_user_attr("score", asdict(_sum(fits)))
    cost = sum((fit.cost for fit in fits), Cost(0.0, 0.0, 0.0, bench.ahead.lap()))
    trial.set_user_attr("cost", asdict(cost))
    found = f"accuracy {_sum(fits).accuracy:.4f}" if state.name == "COMPLETE" else state.name.lower()
    why = f": {reason.splitlines()[0]}" if reason else ""
    bench.say(f"{bench.name}, trial {trial.number}: {words_of(configuration)}: {found}{why} after {cost.seconds:.3g} s")
    return trial.study.tell(trial, _sum(fits).accuracy if state.name == "COMPLETE" else None, state)


def _last_training(bench: Bench, study: "optuna.Study", best: Trial) -> tuple[Score, Cost]:
    """Return the best configuration's score on the test split, trained on the whole train split, and what that cost."""
    known = study.user_attrs.get("last")
    if known is None or known["trial"] != best.number:
        fits = _fits(bench, best.configuration, None)
        cost = sum((fit.cost for fit in fits), FREE)
        known = {"trial": best.number, "score": asdict(fits[-1].score), "cost": asdict(cost)}
        study.set_user_attr("last", known)
    return Score(**known["score"]), Cost(**known["cost"])


def _fits(
    bench: Bench,
    configuration: Mapping[str, Any],
    fold: int | None,
    upcoming: Callable[[], Launch | None] | None = None,
) -> list[Fit]:
    """Return the network of a fold, or of the whole train split, behind that whose weights it begins with, if there is one.

    upcoming returns what will be trained next, or None: it is asked when this one is ready, and that is then started beside it.
    Raises WorkerFailed, and MatrixError where no such network can be made.
    """
    shallow = {axis: value for axis, value in configuration.items() if axis != DEEPER}
    sources = _fits(bench, shallow, fold) if DEEPER in configuration else []
    task, work = _work(bench, configuration, fold, sources)

    def watch(_: Task, event: Event) -> None:
        if event["event"] == "ready" and upcoming and (launch := upcoming()):
            bench.ahead.start(launch)
        if event["event"] == "done":
            bench.ahead.set_to_work()

    known, driver = bench.run.known(task, work), bench.ahead.lap()
    result = known or bench.run.run_process(task, work, watch, bench.ahead.take)
    # Of one in the journal, when it was wanted is not known: its whole life is counted, but for its wait.
    seconds = known.wall_seconds - known.phases["waiting"] if known else bench.ahead.lap()
    rows = work.place.dataset.rows["test"]
    score = Score(round(result.epochs[-1]["test_accuracy"] * rows), rows)
    return [*sources, Fit(result, score, _cost(result, seconds, driver))]


def _upcoming(bench: Bench, trial: "optuna.Trial", fold: int) -> Launch | None:
    """Return the launch of what is to be trained after a fold of a trial, as far as can be told now, or None."""
    configuration: Configuration | None = configuration_of(trial)
    if fold == bench.search.folds:
        configuration, fold = foreseen(bench.search, bench.cell.seed, trial), 0
    if configuration is None or DEEPER in configuration:
        return None
    try:
        task, work = _work(bench, configuration, fold + 1, [])
    except MatrixError:  # is told when its turn has come
        return None
    return None if bench.run.known(task, work) else bench.run.upcoming(task, work).launch


def _work(
    bench: Bench, configuration: Mapping[str, Any], fold: int | None, sources: Sequence[Fit]
) -> tuple[Task, Work]:
    """Return the process that trains a configuration. Raises MatrixError where it makes no network."""
    cell = _cell(bench, configuration, fold)
    changes: dict[str, Any] = {"save": ["labels", "body"]} if bench.search.refinement else {}
    for source in sources:
        body = Path(source.result.directory) / "body.npz"
        changes["pretrained"] = {"file": str(body), "sha256": hashlib.sha256(body.read_bytes()).hexdigest()}
    return Task(cell.id, TRAINING, 1), bench.run.work(_place(bench, cell, fold), TRAINING, 1, **changes)


def _place(bench: Bench, cell: Cell, fold: int | None) -> Place:
    """Return where a configuration's cell runs. Raises MatrixError where it makes no network: that is asked once, not each fold."""
    run = bench.run
    run.dataset(_of_fold(bench, cell, 1), _silent)
    dataset = run.dataset(_of_fold(bench, bench.cell, fold), _silent)
    place = run.place(bench.cell, run.environments[cell.environment], _silent)
    return replace(place, cell=cell, dataset=dataset)


def _cell(bench: Bench, configuration: Mapping[str, Any], fold: int | None) -> Cell:
    """Return the search's cell with a configuration: its variant is made of that, as the same one is trained once."""
    search, cell = bench.search, bench.cell
    parameters = {axis: tuple(value) if isinstance(value, list) else value for axis, value in configuration.items()}
    optimizer = dict(cell.optimizer or ())
    optimizer |= {"learning_rate": parameters.pop("learning_rate")} if "learning_rate" in parameters else {}
    cell = replace(
        cell,
        parameters=tuple(sorted({**dict(cell.parameters), **parameters}.items())),
        optimizer=tuple(optimizer.items()),
        study=cell.study or search.name,
        variant=hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:8],
    )
    if DEEPER in configuration and search.refinement:
        cell = replace(cell, model=search.refinement.model, epochs=search.refinement.epochs)
    return _of_fold(bench, cell, fold)


def _of_fold(bench: Bench, cell: Cell, fold: int | None) -> Cell:
    """Return the cell on one of the search's folds, counted from 1, or on the whole train split."""
    if fold is None:
        return replace(cell, validation=None)
    return replace(cell, fold=(fold, bench.search.folds)) if bench.search.folds > 1 else cell


def _silent(line: str) -> None:
    """The search has said it before its first trial."""


def _sum(fits: Iterable[Fit]) -> Score:
    scores = [fit.score for fit in fits]
    return Score(sum(score.hits for score in scores), sum(score.rows for score in scores))


def _cost(result: ProcessResult, seconds: float, driver: float) -> Cost:
    """Return what a network cost, given the seconds for which it was waited, and those before."""
    training = result.phases.get("first step", 0.0) + result.phases["epochs"]
    evaluating = result.phases["evaluate"]
    return Cost(training, evaluating, seconds - training - evaluating, driver)

"""What Optuna does in a search: it draws the configurations and keeps the books, in a storage of the run's."""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from framegate.errors import SearchError
from framegate.runner.searches import Configuration, Search
from framegate.runner.trials import FREE, Cost, Score, Trial, best_of

if TYPE_CHECKING:
    import optuna

STORAGE = "optuna.sqlite"  # in the run's folder. SQLite, as a kill in the middle of a write leaves it whole
DEEPER = "deeper"  # the axis of a refinement's last trials


def check_library() -> None:
    """Raise SearchError where Optuna is not installed: before a run is opened."""
    if not find_spec("optuna"):
        raise SearchError(
            "Optuna is not installed; type: pip install 'framegate[search]', or in a clone: pip install -e '.[search]'"
        )


def open_storage(folder: Path) -> "optuna.storages.BaseStorage":
    """Return Optuna's storage of a run, made where there is none. Raises SearchError."""
    check_library()
    import optuna
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return optuna.storages.RDBStorage(f"sqlite:///{folder / STORAGE}")
    except OperationalError as error:
        what = str(error).splitlines()[0]
        raise SearchError(f"{folder / STORAGE}: {what}; free space, or let us write there, and type --resume") from None
    except SQLAlchemyError as error:
        what = str(error).splitlines()[0]
        raise SearchError(
            f"{folder / STORAGE}: not a storage of Optuna: {what}; start anew, without --resume"
        ) from None


def trials_of(kept: Sequence["optuna.trial.FrozenTrial"]) -> list[Trial]:
    """Return what Optuna keeps of trials, in the order of their numbers."""
    found = []
    for trial in kept:
        score, cost = (trial.user_attrs.get(name) for name in ("score", "cost"))
        found.append(
            Trial(
                number=trial.number,
                configuration=configuration_of(trial),
                state={"FAIL": "failed"}.get(trial.state.name, trial.state.name.lower()),
                score=Score(**score) if score else None,
                cost=Cost(**cost) if cost else FREE,
                reason=trial.user_attrs.get("reason", ""),
            )
        )
    return found


def configuration_of(trial: "optuna.Trial | optuna.trial.FrozenTrial") -> Configuration:
    """Return what was drawn, as JSON has it."""
    return {axis: json.loads(text) for axis, text in trial.params.items()}


def state_of(name: str) -> "optuna.trial.TrialState":
    """Return Optuna's state of that name."""
    from optuna.trial import TrialState

    return TrialState[name]


def drawn(search: Search, seed: int, before: Sequence["optuna.trial.FrozenTrial"]) -> "optuna.Trial":
    """Return the trial that follows those before it, its configuration drawn.

    It lives in a study in memory: a trial is stored when it has ended, and one that a kill cut short is drawn again, the same.
    """
    import optuna

    number = len(before)
    given = _refined(search, seed, trials_of(before))
    choices = _texts(search.space)
    if DEEPER in given and search.refinement:
        choices |= _texts({DEEPER: search.refinement.deeper})
    sampler = _sampler(search, seed, number, _texts({axis: (value,) for axis, value in given.items()}))
    # A fold below the median of the trials before ends a trial of a grid. The others train all their folds, as the study did.
    pruner = optuna.pruners.MedianPruner() if search.procedure == "grid" else optuna.pruners.NopPruner()
    study = optuna.create_study(sampler=sampler, pruner=pruner, direction="maximize")
    study.add_trials(before)
    trial = study.ask()
    for axis, texts in choices.items():
        trial.suggest_categorical(axis, texts)
    study.sampler = optuna.samplers.RandomSampler()  # GridSampler's would end the study, which only optimize() may
    return trial


def foreseen(search: Search, seed: int, running: "optuna.Trial") -> Configuration | None:
    """Return what will be drawn after a running trial unless that is the best so far, or None where it decides."""
    trials = running.study.get_trials(deepcopy=False)
    learns = search.refinement is not None and search.trials // 2 <= len(trials) < search.trials  # TPE, of all trials
    if learns or len(trials) >= search.most_trials:
        return None
    return configuration_of(drawn(search, seed, trials))


def _sampler(search: Search, seed: int, number: int, given: Mapping[str, list[str]]) -> "optuna.samplers.BaseSampler":
    """Return what draws the trial of that number: from the seed and the number, so that a resumed search draws the same."""
    import optuna

    if given:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # since 2.4, and unchanged in 5.0
            fixed = {axis: text for axis, (text,) in given.items()}
            return optuna.samplers.PartialFixedSampler(fixed, optuna.samplers.RandomSampler(seed + number))
    if search.procedure == "grid":
        return optuna.samplers.GridSampler(_texts(search.space), seed=seed)
    if search.procedure == "random":
        return optuna.samplers.RandomSampler(seed + number)
    return optuna.samplers.TPESampler(seed=seed + number, n_startup_trials=search.trials // 2)


def _texts(axes: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """Return the values as JSON: Optuna's categories are to be texts or numbers."""
    return {axis: [json.dumps(value) for value in values] for axis, values in axes.items()}


def _refined(search: Search, seed: int, trials: Sequence[Trial]) -> Configuration:
    """Return the configuration that a refinement tries after these trials, or {} where one is to be drawn."""
    refinement = search.refinement
    best = best_of([trial for trial in trials if DEEPER not in trial.configuration])
    if refinement is None or best is None or len(trials) < search.trials:
        return {}
    place = len(trials) - search.trials - refinement.neighbours
    if place >= 0:
        return {**best.configuration, DEEPER: list(refinement.deeper[place])}
    tried = [trial.configuration for trial in trials]
    left = [near for near in neighbours(search.space, best.configuration) if near not in tried]
    return Random(seed + len(trials)).choice(left) if left else {}


def neighbours(space: Mapping[str, Sequence[Any]], configuration: Mapping[str, Any]) -> Iterator[Configuration]:
    """Yield the configurations one step along one axis away."""
    for axis, values in json.loads(json.dumps(space)).items():  # lists, as the configuration has them
        place = values.index(configuration[axis])
        for near in values[max(place - 1, 0) : place] + values[place + 1 : place + 2]:
            yield {**configuration, axis: near}

"""What a search found and what it cost: plain data, for the report and the stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any


@dataclass(frozen=True)
class Score:
    """Rows that a network labelled right, of rows that it was not trained on."""

    hits: int
    rows: int

    @property
    def accuracy(self) -> float:
        return self.hits / self.rows


@dataclass(frozen=True)
class Cost:
    """Seconds of a trial by where they went."""

    training: float
    evaluating: float
    starting: float  # of its workers, where that was waited for: interpreter, import, data, building, end
    driver: float  # where no worker was

    @property
    def seconds(self) -> float:
        return self.training + self.evaluating + self.starting + self.driver

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.training + other.training,
            self.evaluating + other.evaluating,
            self.starting + other.starting,
            self.driver + other.driver,
        )


FREE = Cost(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Trial:
    number: int  # from 0, in the order of the draws
    configuration: Mapping[str, Any]  # axis -> value
    state: str  # "complete", "pruned", "failed"; "running" or "waiting" where a search was cut short
    score: Score | None  # of all its folds, of a pruned one's first; None of one that failed
    cost: Cost
    reason: str  # of a failure


@dataclass(frozen=True)
class Outcome:
    """A search in one environment."""

    search: str  # its name: "F2"
    procedure: str
    environment: str
    target: float
    trials: tuple[Trial, ...]
    best: Trial
    tested: Score  # the best configuration, trained on the whole train split, on the test split
    last: Cost  # of that training

    @property
    def seconds(self) -> float:
        """All that it cost."""
        return sum(trial.cost.seconds for trial in self.trials) + self.last.seconds

    @property
    def seconds_to_target(self) -> float | None:
        """When the first trial had ended whose validation accuracy is the target's, or None."""
        ends = accumulate(trial.cost.seconds for trial in self.trials)
        found = (end for trial, end in zip(self.trials, ends, strict=True) if self._reaches(trial))
        return next(found, None)

    def _reaches(self, trial: Trial) -> bool:
        return trial.state == "complete" and trial.score is not None and trial.score.accuracy >= self.target

    def count(self, state: str) -> int:
        return sum(trial.state == state for trial in self.trials)


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """Return the first of the complete trials that no other beats, or None."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return max(complete, key=lambda trial: trial.score.accuracy if trial.score else 0.0, default=None)


def words_of(configuration: Mapping[str, Any]) -> str:
    """Return "widths 300-150, learning rate 0.001, dropout 0.3"."""
    return ", ".join(f"{axis.replace('_', ' ')} {_value(value)}" for axis, value in configuration.items())


def _value(value: Any) -> str:
    return "-".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

"""Calibration: what A/A processes of one cell say about this machine's noise and the rates it allows."""

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .judging import judge, process_values
from .metrics import METRICS
from .power import processes_needed_for_same, smallest_detectable
from .samples import Sample, Side
from .verdict import DEFAULT_POLICY, Policy

MOST_EPOCHS = 50


@dataclass(frozen=True)
class Calibration:
    """The measured noise of one cell, and what follows for its runs."""

    name: str
    comparisons: int
    false_alarms: int  # of either direction
    upper: float  # Clopper and Pearson, one-sided 97.5 %; the splits share processes, so it is a little too low
    deviation_between: float  # log scale, of one process's value
    deviation_within: float  # log scale, of one epoch about its process
    detectable: float  # ratio: seen with the policy's power at the policy's number of processes
    processes: int  # recommended a side: enough to say `same` of unchanged code
    epochs: int  # recommended a process, the warm-up not counted


def clopper_pearson_upper(found: int, tried: int, confidence: float = 0.975) -> float:
    """Return the upper end of the exact interval of a rate (Clopper and Pearson 1934), one-sided."""
    return 1.0 if found >= tried else float(stats.beta.ppf(confidence, found + 1, tried - found))


def calibrate(
    sample: Sample, start_seconds: float, policy: Policy = DEFAULT_POLICY, comparisons: int = 2000, seed: int = 1
) -> Calibration:
    """Return the calibration from at least twice the policy's processes of unchanged code.

    start_seconds: what a process takes before its first warm epoch; it decides how many epochs are worth their time.
    """
    count = policy.minimum_processes
    if len(sample.processes) < 2 * count:
        raise ValueError(f"{sample.name}: {len(sample.processes)} processes; calibration needs {2 * count}")
    random = np.random.default_rng(seed)
    splits = [random.permutation(len(sample.processes))[: 2 * count] for _ in range(comparisons)]
    one, other = _side(sample, splits, slice(0, count)), _side(sample, splits, slice(count, None))
    verdicts = judge(one, other, replace(policy, correction="none"))
    shifted = set(METRICS[sample.metric].words)
    alarms = sum(verdict.word in shifted for verdict in verdicts)
    between, within = deviations(sample, policy)
    error = between * np.sqrt(2 / count)
    margin = float(np.log1p(policy.margin_of(sample.key)))
    return Calibration(
        sample.name,
        comparisons,
        alarms,
        clopper_pearson_upper(alarms, comparisons),
        between,
        within,
        float(np.exp(smallest_detectable(error, 2 * count - 2, policy.alpha, policy.power))),
        processes_needed_for_same(margin, between, policy.alpha, policy.power),
        recommended_epochs(between, within, start_seconds, float(np.median(np.concatenate(sample.processes)))),
    )


def _side(sample: Sample, splits: list[NDArray[np.int64]], part: slice) -> Side:
    cells = (
        replace(sample, name=f"{index}", processes=tuple(sample.processes[k] for k in split[part]))
        for index, split in enumerate(splits)
    )
    return Side({cell.key: cell for cell in cells}, {})


def deviations(sample: Sample, policy: Policy = DEFAULT_POLICY) -> tuple[float, float]:
    """Return the standard deviations of the log of a process's value, and of its epochs about it (robust)."""
    values, _, dropped = process_values(sample, sample, policy)
    residuals = [np.log(p[dropped:]) - np.median(np.log(p[dropped:])) for p in sample.processes]
    return float(np.log(values).std(ddof=1)), float(
        stats.median_abs_deviation(np.concatenate(residuals), scale="normal")
    )


def recommended_epochs(between: float, within: float, start_seconds: float, epoch_seconds: float) -> int:
    """Return the epochs a process that give the smallest error for a given total time (Kalibera and Jones 2013).

    sqrt(start / epoch x within^2 / between^2), where `between` is freed of what the epochs themselves contribute;
    five at least, since the robust location needs something to cut.
    """
    pure = max(between**2 - within**2 / 10, (within / 10) ** 2)
    best = np.sqrt(start_seconds / epoch_seconds * within**2 / pure) if pure > 0 else 0.0
    return int(min(MOST_EPOCHS, max(5, np.ceil(best)))) if isfinite(best) else MOST_EPOCHS

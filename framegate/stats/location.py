"""One value per process: a robust location of its epochs, after the warm-up was found and dropped."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
LocationName = Literal["trimmed-mean", "median", "minimum", "mean"]
AskedLocation = LocationName | Literal["chosen"]

# Shares of the epochs that the trimmed mean cuts: disturbances slow an epoch down, hardly anything speeds it up.
FASTEST_CUT, SLOWEST_CUT = 0.1, 0.4
CLEARLY_LESS = 0.75  # variance of the minima over that of the trimmed means; measured, see docs/statistics.md
NORMAL_MAD = 1.4826  # a normal distribution's standard deviation over its median absolute deviation
SMALLEST_WARM_UP = 0.01  # log-ratio: a first epoch that is less than 1 % off is not worth dropping
SURPRISE = 6.0  # standard errors, themselves estimated: 0.3 % of steady cells are trimmed without need


def location(values: ArrayLike, name: LocationName = "trimmed-mean") -> Array:
    """Return the location of the last axis of values: one axis less.

    Give logs where the effect is a ratio. chosen_location says which suits.
    """
    array = np.asarray(values, dtype=np.float64)
    if name == "median":
        return _median(array)
    if name == "minimum":
        return np.asarray(array.min(axis=-1))
    count = array.shape[-1]
    if name == "trimmed-mean":
        array = np.sort(array, axis=-1)[..., int(count * FASTEST_CUT) : count - int(count * SLOWEST_CUT)]
    return np.asarray(array.mean(axis=-1))


def chosen_location(series: Sequence[Array]) -> LocationName:
    """Return which location to use for these processes: the minimum where it varies clearly less, else the trimmed mean.

    Give the processes of both sides together: which side one belongs to must not be seen, so that a permutation test
    stays exact. Minima of series of different lengths are not comparable: the longer, the lower.
    """
    if len(series) < 3 or len({len(values) for values in series}) > 1:
        return "trimmed-mean"
    block = np.stack(series)
    minima, means = location(block, "minimum").var(), location(block, "trimmed-mean").var()
    return "minimum" if minima < CLEARLY_LESS * means else "trimmed-mean"


def _median(array: Array) -> Array:
    """Return the median of the last axis: five times as fast as numpy's on the ten values of a process."""
    count = array.shape[-1]
    middle = np.sort(array, axis=-1)[..., (count - 1) // 2 : count // 2 + 1]
    return np.asarray(middle.sum(axis=-1) / middle.shape[-1])


def warm_up_length(series: Sequence[Array]) -> int:
    """Return how many leading values of each process (log scale) differ from those that follow.

    All processes of a cell are judged together: position k is warm-up while the median, over the processes, of its
    distance from the process's later values is more than SURPRISE standard errors and more than 1 %. At most half of
    the shortest series is dropped, so that a machine that drifts for ever does not eat its own sample.
    """
    shortest = min((len(values) for values in series), default=0)
    if shortest < 4:
        return 0
    block = np.array([values[:shortest] for values in series])
    later = block[:, shortest // 2 :]
    rest = _median(later)[:, None]
    spread = NORMAL_MAD * float(_median(np.abs(later - rest).ravel()))
    # 1.25: standard error of a median against a mean's; 1 + ...: `rest` is itself an estimate from the later values
    error = 1.25 * spread * np.sqrt((1 + 1.57 / later.shape[1]) / len(block))
    distance = np.abs(_median((block[:, : shortest // 2] - rest).T))
    surprising = distance > max(SURPRISE * float(error), SMALLEST_WARM_UP)
    return int(np.argmin(np.append(surprising, False)))

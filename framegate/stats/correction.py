"""Corrections for the number of comparisons: p values in, adjusted p values out, in the same order."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from .choices import CorrectionName


def adjusted(p_values: ArrayLike, correction: CorrectionName = "holm") -> NDArray[np.float64]:
    """Return the adjusted p values: compare them with the level of the whole family.

    Holm (1979) bounds the chance of one false finding or more, whatever the dependence; Benjamini and Hochberg (1995)
    bound the expected share of false findings among the findings.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if correction == "none" or p.size == 0:
        return p.copy()
    if correction == "benjamini-hochberg":
        return np.asarray(stats.false_discovery_control(p, method="bh"), dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)))
    result = np.empty_like(p)
    result[order] = stepped
    return result

"""Equivalence: two one-sided tests (Schuirmann 1987) that the effect lies within the margin."""

import numpy as np
from numpy.typing import NDArray

from .comparison import Comparison, Estimate, p_greater


def margin_on_scale(margin: float, scale: str) -> float:
    """Return the margin on the scale of the analysis: 0.05 is a ratio of 1.05, or of 1 / 1.05, on logs."""
    return float(np.log1p(margin)) if scale == "log" else margin


def tost_p(estimate: Estimate, margin: float) -> NDArray[np.float64]:
    """Return the p value of `the effect lies outside (-margin, margin)`, margin on the scale of the estimate."""
    above = p_greater(estimate, -margin)
    below = 1 - p_greater(estimate, margin)
    return np.asarray(np.maximum(above, below))


def is_within(comparison: Comparison, margin: float) -> bool:
    """Return whether the whole interval lies within the margin: for a t-test the same as tost_p <= alpha."""
    limit = margin_on_scale(margin, comparison.scale)
    return -limit < comparison.low and comparison.high < limit

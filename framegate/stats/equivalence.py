"""Equivalence: two one-sided tests (Schuirmann 1987) that the effect lies within the margin."""

import numpy as np

from .comparison import Comparison, Estimate, p_greater


def margin_on_scale(margin: float, scale: str) -> float:
    """Return the margin on the scale of the analysis: 0.05 is a ratio of 1.05, or of 1 / 1.05, on logs."""
    return float(np.log1p(margin)) if scale == "log" else margin


def within_p(comparison: Comparison, margin: float) -> float:
    """Return the p value of `the effect lies outside the margin`: the larger of the two one-sided t-tests."""
    effect, error, df = (np.asarray(found) for found in (comparison.effect, comparison.standard_error, comparison.df))
    estimate = Estimate(effect, error, df)
    limit = margin_on_scale(margin, comparison.scale)
    return float(np.maximum(p_greater(estimate, -limit), 1 - p_greater(estimate, limit)))


def is_within(comparison: Comparison, margin: float) -> bool:
    """Return whether the whole interval lies within the margin: for a t-test the same as within_p <= alpha."""
    limit = margin_on_scale(margin, comparison.scale)
    return -limit < comparison.low and comparison.high < limit

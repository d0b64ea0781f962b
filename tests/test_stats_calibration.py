"""Calibration from A/A processes."""

import numpy as np
import pytest

from framegate.stats.calibration import calibrate, clopper_pearson_upper, recommended_epochs
from framegate.stats.samples import Sample


def noisy(between, within, processes=20):
    """Return a sample of unchanged code with known deviations."""
    random = np.random.default_rng(1)
    logs = between * random.standard_normal((processes, 1)) + within * random.standard_normal((processes, 11))
    return Sample("a", "seconds", tuple(np.exp(logs)))


def test_clopper_pearson_upper_of_the_rule_of_three():
    # no alarm in 100: 1 - 0.025^(1/100)
    assert clopper_pearson_upper(0, 100) == pytest.approx(1 - 0.025**0.01)


def test_calibration_finds_the_deviations_and_few_alarms():
    found = calibrate(noisy(0.03, 0.01, processes=200), start_seconds=3.0, comparisons=500)
    assert found.deviation_between == pytest.approx(0.03, rel=0.15)
    assert found.deviation_within == pytest.approx(0.01, rel=0.15)
    assert found.false_alarms / found.comparisons < 0.05
    assert 1.03 < found.detectable < 1.10
    assert 5 <= found.processes <= 15


def test_more_epochs_are_worth_it_where_starting_is_dear_and_epochs_vary():
    assert recommended_epochs(0.01, 0.10, 10.0, 0.1) > recommended_epochs(0.05, 0.01, 1.0, 1.0) == 5


def test_too_few_processes_cannot_be_calibrated():
    with pytest.raises(ValueError, match="9 processes; calibration needs 10"):
        calibrate(noisy(0.1, 0.1, processes=9), 1.0)

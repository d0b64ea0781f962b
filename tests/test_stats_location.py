"""One value per process: location and warm-up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framegate.stats.location import chosen_location, location, warm_up_length

TEN = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 100.0])


@pytest.mark.parametrize(
    ("name", "expected"), [("median", 5.5), ("minimum", 1.0), ("mean", 14.5), ("trimmed-mean", 4.0)]
)
def test_location_of_ten_epochs_with_one_disturbed(name, expected):
    # trimmed-mean: the fastest one and the slowest four are cut, 2 ... 6 remain
    assert location(TEN, name) == pytest.approx(expected)


def test_location_works_on_the_last_axis():
    assert location(np.array([[1.0, 3.0], [5.0, 9.0]]), "median").tolist() == [2.0, 7.0]


@given(st.permutations(list(range(12))))
def test_order_of_epochs_does_not_matter(order):
    values = np.linspace(0, 1, 12) ** 2
    assert location(values[order]) == pytest.approx(float(location(values)), abs=1e-15)


def test_two_slow_first_epochs_are_warm_up():
    random = np.random.default_rng(1)
    series = [0.01 * random.standard_normal(10) for _ in range(5)]
    for values in series:
        values[:2] += (0.5, 0.2)
    assert warm_up_length(series) == 2


def test_steady_epochs_have_no_warm_up():
    random = np.random.default_rng(2)
    found = [warm_up_length([0.03 * random.standard_normal(10) for _ in range(5)]) for _ in range(2000)]
    assert np.mean(np.array(found) > 0) < 0.005


def test_one_disturbed_process_is_no_warm_up():
    series = [np.array([0.0, 0.01, -0.01, 0.0, 0.01, -0.01]) for _ in range(5)]
    series[0][0] = 2.0
    assert warm_up_length(series) == 0


def test_at_most_half_of_a_drifting_series_is_dropped():
    assert warm_up_length([np.linspace(5, 0, 10)] * 5) <= 5


def test_three_epochs_are_too_few_to_look_for_warm_up():
    assert warm_up_length([np.array([9.0, 0.0, 0.0])] * 5) == 0


def processes(spread, stretch, seed=1):
    """Return ten processes of ten epochs; in a stretch of each, as long as it happens, all is slower."""
    random = np.random.default_rng(seed)
    series = spread * random.standard_normal((10, 1)) + 0.01 * random.standard_normal((10, 10))
    for values in series:
        values[random.integers(0, 10) :] += stretch
    return list(series)


def test_minima_are_taken_where_parts_of_processes_were_disturbed():
    assert chosen_location(processes(0.002, stretch=0.3)) == "minimum"


def test_the_trimmed_mean_is_taken_where_they_were_not():
    assert chosen_location(processes(0.03, stretch=0.0)) == "trimmed-mean"


def test_minima_of_more_and_fewer_epochs_are_not_compared():
    series = processes(0.002, stretch=0.3)
    assert chosen_location([series[0][:9], *series[1:]]) == "trimmed-mean"


def test_the_choice_does_not_see_the_sides():
    series = processes(0.01, stretch=0.1)
    assert chosen_location(series) == chosen_location(series[::-1]) == chosen_location(series[5:] + series[:5])

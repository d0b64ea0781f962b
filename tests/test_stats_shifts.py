"""Change points over releases: planted shifts, error rates by seeded simulation."""

from dataclasses import replace

import numpy as np
import pytest

from framegate.stats.shifts import Series, find_shifts


def series(name="cell", steps=(), releases=12, processes=5, deviation=0.02, seed=1, drift=0.0):
    """Return a series with factors planted at releases: ((6, 1.1),) makes all from the seventh on 10 % slower."""
    random = np.random.default_rng(seed)
    levels = np.zeros(releases)
    for at, factor in steps:
        levels[at:] += np.log(factor)
    rounds = drift * random.standard_normal(processes)  # what a round has in common
    values = tuple(np.exp(level + rounds + deviation * random.standard_normal(processes)) for level in levels)
    return Series(name, tuple(f"2.{number}" for number in range(releases)), values)


def found(one, **options):
    (answer,) = find_shifts([one], permutations=999, **options)
    return answer


def test_a_step_is_named_with_its_release_and_its_ratio_lies_in_the_interval():
    answer = found(series(steps=((6, 1.1),)))
    (shift,) = answer.shifts
    assert (answer.word, shift.release, shift.p) == ("shifted", "2.6", 0.001)
    low, high = shift.comparison.interval
    assert low < 1.1 < high
    assert high / low < 1.05


@pytest.mark.parametrize(
    ("steps", "releases"),
    [
        (((4, 1.15), (5, 1 / 1.15)), ["2.4", "2.5"]),  # one bad release: a bump, no step
        (((3, 1.1), (8, 1.1)), ["2.3", "2.8"]),
        (((11, 1.1),), ["2.11"]),
        (((1, 0.9),), ["2.1"]),
    ],
)
def test_bumps_stairs_and_the_ends_of_a_series_are_found(steps, releases):
    assert [shift.release for shift in found(series(steps=steps)).shifts] == releases


def test_a_significant_shift_within_the_margin_does_not_count():
    one = series(steps=((6, 1.04),), deviation=0.005)
    assert [shift.release for shift in found(one, margin=0.01).shifts] == ["2.6"]
    answer = found(one)
    assert (answer.word, answer.why, answer.shifts) == ("none found", "1 within 5 %", ())


def test_what_a_round_has_in_common_does_not_hide_a_shift():
    one = series(steps=((6, 1.1),), drift=0.5)
    assert [shift.release for shift in found(one).shifts] == ["2.6"]
    fewer = replace(one, values=(one.values[0][:4], *one.values[1:]))  # not in rounds: all values are exchanged
    assert found(fewer).shifts == ()


def test_unchanged_series_raise_no_more_false_alarms_than_the_level():
    alarms = sum(
        find_shifts([series(seed=seed)], margin=0.0, permutations=199)[0].word == "shifted" for seed in range(400)
    )
    assert alarms / 400 < 0.08  # 5 % asked; 400 series: 99.7 % of such studies stay below


def test_beside_a_planted_shift_no_more_others_are_named_than_the_level():
    more = sum(
        len(find_shifts([series(steps=((6, 1.2),), seed=seed)], margin=0.0, permutations=199)[0].shifts) > 1
        for seed in range(300)
    )
    assert more / 300 < 0.09


def test_the_level_is_shared_by_the_series_of_a_call():
    one, seeds = 0, range(60)
    for seed in seeds:
        family = [series(name=f"cell {number}", releases=6, seed=100 * seed + number) for number in range(10)]
        one += any(answer.shifts for answer in find_shifts(family, margin=0.0, permutations=999))
    assert one / len(seeds) < 0.15  # of ten uncorrected series 40 % of the calls would name one


def test_too_little_is_unsure_and_says_what_to_measure():
    short, single = series(releases=2), series(processes=1)
    assert (found(short).word, found(short).why) == ("unsure", "2 releases measured; wanted 3")
    answer = found(single)
    assert (answer.word, answer.why) == (
        "unsure",
        "2.0 has fewer than 2 processes; measure it again with more rounds",
    )


def test_constant_values_are_no_shift():
    constant = Series("bytes", ("1", "2", "3"), tuple(np.full(5, 7.0) for _ in range(3)))
    assert found(constant).word == "none found"

"""Verdicts of cells and runs."""

from dataclasses import replace

import numpy as np
import pytest

from framegate.stats.judging import judge, process_values
from framegate.stats.samples import Sample, Side
from framegate.stats.verdict import Policy, exit_status, run_word

STEADY = np.array([1.00, 1.01, 0.99, 1.005, 0.995])
POLICY = Policy()


def run(metric="seconds", conditions=None, **cells):
    """Return a run: cell name -> one value per process."""
    samples = {
        (name, metric): Sample(name, metric, tuple(np.array([x]) for x in values), conditions or {}, ("a.json",))
        for name, values in cells.items()
    }
    return Side(samples, {})


def only(verdicts):
    """Return the one verdict."""
    (verdict,) = verdicts
    return verdict


@pytest.mark.parametrize(("factor", "word"), [(1.2, "slower"), (1 / 1.2, "faster"), (1.0, "same"), (1.001, "same")])
def test_shifts_get_their_word(factor, word):
    assert only(judge(run(a=STEADY), run(a=STEADY * factor))).word == word


def test_minima_show_a_slow_down_but_do_not_alone_say_that_nothing_changed():
    random = np.random.default_rng(1)

    def side(factor):
        """Five processes with a clean best epoch each, and stretches in which other work ran beside them."""
        clean = (
            1 + 0.002 * random.standard_normal((5, 10)) + np.where(np.arange(10) < 3, 0, 0.3 * random.random((5, 1)))
        )
        sample = Sample("a", "seconds", tuple(factor * random.permuted(clean, axis=1)))
        return Side({sample.key: sample}, {})

    baseline = side(1.0)
    assert only(judge(baseline, side(1.1))).word == "slower"
    assert only(judge(baseline, side(1.0))).word == "unsure"
    assert only(judge(baseline, side(1.0), replace(POLICY, location="minimum"))).word == "same"


def test_a_significant_shift_within_the_margin_is_the_same():
    verdict = only(judge(run(a=STEADY), run(a=STEADY * 1.03)))
    assert verdict.comparison.p < 0.05
    assert verdict.word == "same"


def test_a_noisy_cell_is_unsure_and_says_what_would_settle_it():
    noisy = np.array([1.0, 1.3, 0.8, 1.1, 0.9])
    verdict = only(judge(run(a=noisy), run(a=noisy[::-1] * 1.01)))
    assert verdict.word == "unsure"
    assert verdict.needed > 5
    assert verdict.why == f"{verdict.needed} a side would settle it: the interval reaches beyond 5 %"
    assert verdict.detectable > 1.3


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (STEADY[:2], STEADY, "2 baseline processes, policy asks 5 a side"),
        (STEADY, STEADY[:1], "1 current processes, policy asks 5 a side"),
        (STEADY[:1], STEADY[:4], "1 baseline and 4 current processes, policy asks 5 a side"),
    ],
)
def test_too_few_processes_are_unsure(before, after, why):
    verdict = only(judge(run(a=before), run(a=after * 2)))
    assert (verdict.word, verdict.why) == ("unsure", why)


def test_a_cell_that_is_gone_is_missing_and_a_new_one_is_new():
    verdicts = judge(run(a=STEADY, b=STEADY), run(a=STEADY, c=STEADY))
    assert [(v.name, v.word) for v in verdicts] == [("b", "missing"), ("c", "new"), ("a", "same")]
    assert exit_status(verdicts, "unsure") == 11


def test_another_machine_is_refused_unless_allowed():
    sides = run(conditions={"machine": "old"}, a=STEADY), run(conditions={"machine": "new"}, a=STEADY)
    verdict = only(judge(*sides))
    assert (verdict.word, verdict.why) == ("unsure", "not comparable: machine was 'old', is 'new'")
    assert only(judge(*sides, replace(POLICY, allowed_mismatches=frozenset({"machine"})))).word == "same"


def test_constant_seconds_are_not_believed_but_constant_memory_is():
    flat = np.full(5, 2.0)
    verdict = only(judge(run(a=flat), run(a=flat)))
    assert verdict.word == "unsure"
    assert "a.json: seconds is constant" in verdict.why
    assert only(judge(run("peak_bytes", a=flat), run("peak_bytes", a=flat))).word == "same"


def test_a_process_that_occurs_twice_is_not_believed_in_seconds_but_in_accuracy():
    epochs = 1 + 0.01 * np.random.default_rng(1).standard_normal((5, 10))
    for metric, word in (("seconds", "unsure"), ("accuracy", "same")):
        sample = Sample("a", metric, tuple(epochs), {}, ("a.json",))
        verdict = only(judge(Side({sample.key: sample}, {}), Side({sample.key: sample}, {})))
        assert verdict.word == word
        assert ("two processes have the same seconds" in verdict.why) == (metric == "seconds")


def test_less_accuracy_is_worse_and_its_margin_is_a_difference():
    accuracy = np.array([0.90, 0.902, 0.898, 0.901, 0.899])
    verdict = only(judge(run("accuracy", a=accuracy), run("accuracy", a=accuracy - 0.02)))
    assert (verdict.word, round(verdict.comparison.ratio, 6)) == ("worse", -0.02)
    assert only(judge(run("accuracy", a=accuracy), run("accuracy", a=accuracy - 0.005))).word == "same"


def test_a_cells_own_margin_goes_before_the_policys():
    own = replace(POLICY, margins={("a", "seconds"): 0.5})
    assert only(judge(run(a=STEADY), run(a=STEADY * 1.2), own)).word == "same"


def test_in_a_family_the_p_value_is_corrected():
    wide = STEADY**8
    cells = {f"c{i:02d}": wide for i in range(60)}
    alone = only(judge(run(c00=wide), run(c00=wide * 1.2)))
    among = judge(run(**cells), run(**(cells | {"c00": wide * 1.2})))
    found = next(verdict for verdict in among if verdict.name == "c00")
    assert alone.word == "slower"
    assert found.p_adjusted > 10 * found.comparison.p
    assert found.word == "unsure"


def test_warm_up_is_dropped_on_both_sides_and_shown():
    random = np.random.default_rng(1)
    cold = [np.exp(0.01 * random.standard_normal(10)) for _ in range(5)]
    warm = [np.exp(0.01 * random.standard_normal(10)) for _ in range(5)]
    for series in cold:
        series[:3] *= 2
    sides = [Side({("a", "seconds"): Sample("a", "seconds", tuple(side))}, {}) for side in (warm, cold)]
    verdict = only(judge(*sides))
    assert (verdict.word, verdict.dropped) == ("same", 3)


def test_the_median_is_used_on_both_sides_where_one_has_no_raw_values():
    summary = Sample("a", "seconds", (np.array([3.0]),), summarised=True)
    raw = Sample("a", "seconds", (np.array([1.0, 2.0, 9.0, 8.0, 7.0]),))
    before, after, _ = process_values(summary, raw)
    assert (before.tolist(), after.tolist()) == (pytest.approx([3.0]), pytest.approx([7.0]))


def test_rounds_as_replicates_warn():
    sides = [Side({("a", "seconds"): Sample("a", "seconds", (STEADY * f,))}, {}) for f in (1.0, 1.2)]
    verdict = only(judge(*sides, replace(POLICY, unit="round")))
    assert verdict.word == "slower"
    assert "error rates do not hold" in verdict.warnings[0]


def test_a_million_rounds_are_compared():
    values = np.exp(0.1 * np.random.default_rng(1).standard_normal(1_000_000))
    sides = [Side({("a", "seconds"): Sample("a", "seconds", (values * f,))}, {}) for f in (1.0, 1.2)]
    assert only(judge(*sides, replace(POLICY, unit="round"))).word == "slower"


def test_files_that_left_a_cell_out_make_it_unsure():
    verdict = only(judge(run(a=STEADY), Side({}, {("a", "seconds"): "b.json: no epoch after the warm-up"})))
    assert (verdict.word, verdict.why) == ("unsure", "this run: b.json: no epoch after the warm-up")


def test_the_worst_comes_first():
    verdicts = judge(
        run(a=STEADY, b=STEADY, c=STEADY, d=STEADY), run(a=STEADY, b=STEADY * 2, c=STEADY * 3, d=STEADY / 2)
    )
    assert [verdict.name for verdict in verdicts] == ["c", "b", "d", "a"]


@pytest.mark.parametrize(
    ("words", "whole", "slower", "unsure"),
    [
        (["same", "faster"], "safe", 0, 0),
        (["same", "slower", "unsure"], "worse", 10, 10),
        (["same", "worse"], "worse", 10, 10),
        (["same", "unsure"], "unsure", 0, 11),
        (["same", "missing"], "unsure", 0, 11),
        (["same", "new"], "safe", 0, 0),
        (["new"], "unsure", 11, 11),
        ([], "unsure", 11, 11),
    ],
)
def test_the_whole_run(words, whole, slower, unsure):
    template = only(judge(run(a=STEADY), run(a=STEADY)))
    verdicts = [replace(template, word=word) for word in words]
    verdicts = [replace(v, comparison=None) if v.word in ("missing", "new") else v for v in verdicts]
    assert run_word(verdicts) == whole
    assert [exit_status(verdicts, fail) for fail in ("slower", "unsure", "never")] == [slower, unsure, 0]


def test_false_slower_stays_at_the_level_through_the_whole_path():
    random = np.random.default_rng(7)
    cells = 4000
    sides = []
    for _ in range(2):
        series = np.exp(0.03 * random.standard_normal((cells, 5, 1)) + 0.02 * random.standard_normal((cells, 5, 10)))
        sides.append(Side({(str(i), "seconds"): Sample(str(i), "seconds", tuple(x)) for i, x in enumerate(series)}, {}))
    verdicts = judge(*sides, Policy(margin=0.0, correction="none"))
    assert np.mean([verdict.word == "slower" for verdict in verdicts]) == pytest.approx(0.0238, abs=0.007)

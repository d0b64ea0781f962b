"""A gate's answer as lines and as Markdown."""

import numpy as np

from framegate.report.gate import gate_lines, gate_page
from framegate.stats.comparison import Comparison
from framegate.stats.gating import Answer, Rules
from framegate.stats.verdict import Verdict

MATRIX_CELL = "tensorflow-2.21/lenet/digits-32px/b32"
NAME = "tensorflow/lenet/digits-32px/b32"


def comparison(effect, width, scale="log"):
    return Comparison("alternating pairs", scale, effect, effect - width, effect + width, np.nan, 5.0, width / 3, 6, 6)


def answer(*verdicts):
    return Answer(
        "tensorflow==2.20.0",
        "tensorflow==2.21.0",
        list(verdicts),
        Rules(cells=1),
        {"tensorflow-2.21+tensorflow-2.20.0 -> tensorflow-2.21+tensorflow-2.21.0": ["tensorflow 2.20.0 -> 2.21.0"]},
        ["a note with a | and a <tag>"],
        "the budget was used up",
        12.0,
        "gate-1",
        {MATRIX_CELL: NAME},
    )


SLOWER = Verdict(NAME, "seconds", "slower", "6 pairs", comparison(0.1, 0.03), detectable=1.04)
SAME = Verdict(NAME, "seconds", "same", "6 pairs", comparison(0.0, 0.03), detectable=1.04)
MEMORY = Verdict(NAME, "peak_bytes", "worse", "6 pairs", comparison(0.2, 0.01), detectable=1.01)
ACCURACY = Verdict(NAME, "accuracy", "same", "6 pairs", comparison(-0.002, 0.001, "linear"), detectable=0.001)
UNKNOWN = Verdict(NAME, "import_seconds", "unsure", "6 pairs, about 40 would settle it", comparison(0.0, 0.2))


def test_the_page_begins_with_the_answer_and_folds_the_other_metrics():
    page = gate_page(answer(SLOWER, ACCURACY, UNKNOWN))
    head, table, *rest = page.split("\n\n")[0:1] + page.split("\n\n")[2:]
    assert head == "## SLOWER: something is slower or worse"
    assert f"| {NAME} | epoch seconds | **slower** | 1.105 | 1.073 to 1.139 | 4.0 % | 6 pairs |" in table
    assert f"| {NAME} | accuracy | **same** | -0.0020 | -0.0030 to -0.0010 | 0.0010 | 6 pairs |" in page
    assert "<details><summary>All metrics</summary>" in rest
    assert "a note with a \\| and a &lt;tag>" in page
    assert "tensorflow 2.20.0 -> 2.21.0" in page


def test_another_metric_that_got_worse_makes_the_whole_worse_and_is_not_folded():
    lines = gate_lines(answer(SAME, MEMORY, UNKNOWN))
    assert lines[1] == "tensorflow==2.21.0 against tensorflow==2.20.0"
    assert "other metrics that shifted" in lines
    assert any(line.startswith("worse") for line in lines)
    assert lines[-1] == "SLOWER: something is slower or worse (epochs: 1 same)"


def test_a_metric_that_is_not_known_leaves_the_whole_safe():
    lines = gate_lines(answer(SAME, UNKNOWN))
    assert lines[-1] == "SAFE: nothing is slower or worse (epochs: 1 same)"
    assert "  import seconds: 1 unsure" in lines
    assert gate_page(answer(SAME, UNKNOWN)).startswith("## SAFE: nothing is slower or worse\n")


def test_a_broken_candidate_is_told_first_whatever_else_got_faster():
    broken = Verdict("tensorflow/dense/digits/b32", "seconds", "broken", "candidate: exit status 1\nlast words")
    page = gate_page(answer(SAME, broken))
    assert page.startswith("## BROKEN: the candidate crashes or misses an accuracy floor")
    assert page.index("**broken**") < page.index("**same**")
    assert "candidate: exit status 1 ... |" in page

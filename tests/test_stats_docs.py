"""The worked example of docs/statistics.md, recomputed."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from framegate.stats.comparison import compare
from framegate.stats.judging import judge
from framegate.stats.samples import Sample, Side
from framegate.stats.sequential import plan

PAGE = (Path(__file__).parents[1] / "docs" / "statistics.md").read_text(encoding="utf-8")
SAMPLES = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])


@pytest.mark.parametrize("name", ["welch", "permutation", "mann-whitney"])
def test_the_table_of_the_worked_example(name):
    found = compare(SAMPLES["baseline"], SAMPLES["current"], name)
    low, high = found.interval
    df = f"{found.df:.2f}" if np.isfinite(found.df) else "-"
    assert f"| {name} | {found.ratio:.4f} | {low:.4f} to {high:.4f} | {found.p:.5f} | {df} |" in PAGE


def test_the_verdict_of_the_worked_example():
    sides = [
        Side({("a", "seconds"): Sample("a", "seconds", tuple(np.array([x]) for x in SAMPLES[side]))}, {})
        for side in ("baseline", "current")
    ]
    (verdict,) = judge(*sides)
    assert f"**{verdict.word}**" in PAGE
    assert f"80 % chance is {100 * (verdict.detectable - 1):.1f} %" in PAGE


def test_the_boundaries_of_the_page():
    assert ", ".join(f"{boundary:.2f}" for boundary in plan().boundaries) in PAGE

"""Seconds per pass over the test split of each cell marked inference = true; with latency = true also image by image."""

from framegate.runner.cell import INFERENCE

PURPOSE = INFERENCE


def test_inference(cell, run_cell, replay):
    replay(run_cell(cell, PURPOSE))

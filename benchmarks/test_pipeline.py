"""Seconds per pass over a dataset's image files in each framework's own input pipeline: read, decoded, batched, on the device."""

from framegate.runner.cell import PIPELINE

PURPOSE = PIPELINE


def test_pipeline(cell, run_cell, replay):
    replay(run_cell(cell, PURPOSE))

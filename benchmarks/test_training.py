"""Seconds per training epoch of each cell; every process must clear the cell's accuracy floor."""

from framegate.runner.cell import TRAINING

PURPOSE = TRAINING


def test_training(cell, run_cell, replay):
    replay(run_cell(cell, PURPOSE))

"""Keras 2 on CNTK: its seed."""

import os

import cntk


def prepare(job):
    cntk.cntk_py.set_fixed_random_seed(job.seed)  # of dropout; initial weights are drawn by numpy


def finish():
    """Return: a trainer on the CPU returns when it is done."""


def threads(job):
    """Return the processors this process may use: CNTK has no switch that holds."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

"""Keras 2 on CNTK: its seed."""

import os

import cntk
import numpy


def prepare(job):
    cntk.cntk_py.set_fixed_random_seed(job.seed)  # of dropout; initial weights are drawn by numpy


def finish():
    """Return: a trainer on the CPU returns when it is done."""


def threads(job):
    """Return the processors this process may use: CNTK has no switch that holds."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def moved_first(train_function):
    """Return the function with the moving averages of batch normalization moved before the weights are, as everywhere else.

    Keras 2.3.1 moves them after the step, by what the new weights make of the batch.
    """
    moves, train_function.unrelated_updates = train_function.unrelated_updates, None

    def step(inputs):
        given = dict(zip(train_function.placeholders, inputs))
        for placeholder, value in given.items():
            if placeholder.is_constant:  # the phase: training
                placeholder.value = numpy.asarray(value, numpy.float32)
        moves.eval({argument: given[argument] for argument in moves.arguments}, as_numpy=False)
        return train_function(inputs)

    return train_function if moves is None else step

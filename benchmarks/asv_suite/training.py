"""Training: the seconds of a warm epoch, of the first step and of the import; memory; the error on the test split."""

from framegate.runner.cell import TRAINING

from .replay import (  # noqa: F401 - asv reads its settings from the module
    min_run_count,
    number,
    param_names,
    repeat,
    replay,
    rounds,
    setup,
    timeout,
    timer,
    tracked,
    version,
    warmup_time,
    works_of,
)

params = [works_of(TRAINING)]


def time_epoch(work):
    replay("training.time_epoch", work)


def time_first_step(work):
    replay("training.time_first_step", work)


time_first_step.params = [works_of(TRAINING, stepwise=True)]


def time_import(work):
    replay("training.time_import", work)


def track_peak_bytes(work):
    return tracked("training.track_peak_bytes", work)


track_peak_bytes.unit = "bytes"


def track_test_error(work):
    """1 - accuracy: asv takes every rise for a regression."""
    return tracked("training.track_test_error", work)


track_test_error.unit = "share of the test split"

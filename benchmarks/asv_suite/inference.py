"""Inference: the seconds of a pass over the test split; memory."""

from framegate.runner.cell import INFERENCE

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

params = [works_of(INFERENCE)]


def time_pass(work):
    replay("inference.time_pass", work)


def track_peak_bytes(work):
    return tracked("inference.track_peak_bytes", work)


track_peak_bytes.unit = "bytes"

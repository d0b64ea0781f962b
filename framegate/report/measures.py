"""What asv's dashboard shows of a process: the benchmarks of benchmarks/asv_suite, by the names that asv gives them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from framegate.runner.cell import INFERENCE, TRAINING
from framegate.stats.location import location

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Measure:
    """One number of a process."""

    name: str  # asv's: module and function
    purpose: str
    value: Callable[[Record], float | None]  # of a process's record; None where that was not recorded

    @property
    def is_time(self) -> bool:
        """Return whether asv gets a sample of one value a process; of the others it takes one number, their median."""
        return self.name.partition(".")[2].startswith("time_")


def epoch_seconds(process: Record) -> float:
    """Return a process's value: the robust location of its warm epochs."""
    return float(np.exp(location(np.log([epoch["seconds"] for epoch in process["epochs"][1:]]))))


def _peak_bytes(process: Record) -> float | None:
    return max((epoch["peak_bytes"] for epoch in process["epochs"] if epoch.get("peak_bytes")), default=None)


def _test_error(process: Record) -> float | None:
    accuracy = process["epochs"][-1].get("test_accuracy")
    return None if accuracy is None else 1 - accuracy


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("training.time_epoch", TRAINING, epoch_seconds),
        Measure("training.time_first_step", TRAINING, lambda process: process["epochs"][0].get("first_step_seconds")),
        Measure("training.time_import", TRAINING, lambda process: process["phases"].get("import")),
        Measure("training.track_peak_bytes", TRAINING, _peak_bytes),
        Measure("training.track_test_error", TRAINING, _test_error),
        Measure("inference.time_pass", INFERENCE, epoch_seconds),
        Measure("inference.track_peak_bytes", INFERENCE, _peak_bytes),
    )
}

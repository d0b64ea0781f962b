"""Starts the worker that is wanted next beside the one at work, so that nobody waits for its start.

For searches only: beside a start an epoch takes longer, and theirs are no benchmark.
"""

import time
from collections.abc import Callable

from framegate.runner.driver import Worker
from framegate.runner.jobs import Launch


class Ahead:
    """At most one worker that was started before it is wanted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mark = clock()
        self._worker: Worker | None = None
        self._granted: float | None = None  # when the worker was set to work

    def start(self, launch: Launch) -> None:
        """Start a worker, which prepares all it can and waits for its grants."""
        self.close()
        self._worker = Worker(launch)

    def set_to_work(self) -> None:
        """Grant the waiting worker its epochs, if there is one: the work before it is done but for the process's end."""
        if self._worker and self._granted is None:
            self._worker.grant(self._worker.launch.job["epochs"])
            self._granted = self._clock()

    def take(self, launch: Launch) -> Worker:
        """Return a worker of the launch, at work: the one started ahead if it is that, else a new one, and that is killed."""
        if self._worker is None or self._worker.launch != launch:
            self.start(launch)
        self.set_to_work()
        assert self._worker
        worker, self._worker, self._granted = self._worker, None, None
        return worker

    def close(self) -> None:
        """Kill the waiting worker, if there is one."""
        if self._worker:
            self._worker.close()
        self._worker, self._granted = None, None

    def lap(self) -> float:
        """Return the seconds since the last lap's end; this one ends now, or did when the waiting worker was set to work."""
        end = self._clock() if self._granted is None else self._granted
        seconds, self._mark = end - self._mark, end
        return seconds

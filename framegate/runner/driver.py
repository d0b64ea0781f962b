"""Starts workers, grants them epochs and waits for their events; the protocol is the docstring of worker/main.py."""

import json
import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any

from framegate.errors import WorkerFailed
from framegate.runner.jobs import Launch, child_environment

Event = dict[str, Any]
_LOG_TAIL_LINES = 15
_LOG_TAIL_BYTES = 64 * 1024
_REQUIRED: dict[str, tuple[str, ...]] = {
    "phase": ("name", "seconds"),
    "ready": ("about",),
    "epoch": ("number", "seconds"),
    "done": ("phases",),
}


class Worker:
    """One worker process. Leaving the context kills it and all it started, whatever happened."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.epochs_done = 0
        self.wall_seconds = 0.0
        self._unread = b""
        self._done = False
        self._closed = False  # the doorbell
        launch.directory.mkdir(parents=True, exist_ok=True)
        environment = child_environment(launch)
        command = [str(launch.python), "-I", str(launch.root / launch.script)]
        command += [str(launch.directory / "job.json"), str(launch.directory)]
        self.repeat = _write_repeat(launch, command, environment)
        self.log = launch.directory / "log.txt"
        self._events = (launch.directory / "events.jsonl").open("wb+", buffering=0)
        self._started = time.monotonic()
        job = dict(launch.job) | {"spawned": self._started}
        (launch.directory / "job.json").write_text(json.dumps(job, indent=1), encoding="utf-8")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,  # the doorbell
                stderr=log,
                env=environment,
                cwd=launch.directory,
                start_new_session=True,  # its own process group: one signal reaches all it starts
            )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the worker and all it started, if they have not ended."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._events):
            if pipe:
                with suppress(BrokenPipeError):  # a grant that a dead worker never read
                    pipe.close()

    def grant(self, epochs: int = 1) -> None:
        """Allow so many more epochs."""
        assert self._process.stdin
        with suppress(BrokenPipeError):  # it has ended: next_event says how
            self._process.stdin.write(b"\n" * epochs)
            self._process.stdin.flush()

    def pause(self) -> None:
        """Stop the worker and its threads in place, so that they cost no processor time; return when they have stopped."""
        self._signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def next_event(self) -> Event | None:
        """Return the next event, blocking until there is one, or None after "done" and a clean exit. Raises WorkerFailed."""
        while True:
            if (event := self._read_event()) is not None:
                return event
            # After "done" nothing more is awaited: a process that the framework forked may hold the doorbell for ever.
            if self._done or self._closed:
                self._finish()
                return None
            self._closed = not self._wait_for_doorbell()

    def events_until(self, name: str) -> Iterator[Event]:
        """Yield events up to and with the next one of that name. Raises WorkerFailed if the worker ends before."""
        while (event := self.next_event()) is not None:
            yield event
            if event["event"] == name:
                return
        raise self._failure(f"ended before {name!r}")

    def _read_event(self) -> Event | None:
        if b"\n" not in self._unread:
            self._unread += self._events.read()
        line, newline, rest = self._unread.partition(b"\n")
        if not newline:
            return None
        self._unread = rest
        event = _parsed(line)
        if event is None or self._done:
            raise self._failure(f"wrote {line[:80]!r} where {'nothing more' if self._done else 'an event'} was wanted")
        self.epochs_done += event["event"] == "epoch"
        self._done = event["event"] == "done"
        return event

    def _wait_for_doorbell(self) -> bool:
        """Return True when something was written, False when the worker has closed the doorbell: it is ending."""
        assert self._process.stdout
        doorbell = self._process.stdout.fileno()
        ready, _, _ = select.select([doorbell], [], [], self.launch.limit_seconds)
        if not ready:
            raise self._failure(
                f"was silent for {self.launch.limit_seconds:g} s, the cell's limit_seconds, and was killed"
            )
        return bool(os.read(doorbell, 4096))

    def _finish(self) -> None:
        try:
            status = self._process.wait(self.launch.limit_seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"did not exit within {self.launch.limit_seconds:g} s of its last event") from None
        self.wall_seconds = time.monotonic() - self._started
        if status == -signal.SIGKILL:
            raise self._failure("killed by SIGKILL from outside, most often the kernel's answer to too little memory")
        if status < 0:
            raise self._failure(f"killed by signal {-status} ({signal.strsignal(-status)})")
        if status > 0:
            raise self._failure(f"exit status {status}")
        if not self._done or self._unread:
            raise self._failure(f"exit status 0 without a whole last event; unread: {self._unread[:80]!r}")

    def _failure(self, what: str) -> WorkerFailed:
        with self.log.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES, 0))
            tail = file.read().decode(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        lines = "\n".join(f"    {line}" for line in tail) or "    (empty)"
        ended = f"{what}; {self.epochs_done} of {self.launch.job['epochs']} epochs were done"
        failure = WorkerFailed(
            f"{self.launch.name}: {ended}; repeat with: {self.repeat}\n  log {self.log}, its last lines:\n{lines}"
        )
        failure.launch = self.launch.name
        failure.ended = ended + "".join(
            f"; its log ends: {line.strip()}" for line in [line for line in tail if line.strip()][-1:]
        )
        return failure

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it and all it started have ended
            os.killpg(self._process.pid, number)


def _parsed(line: bytes) -> Event | None:
    """Return the event of a line, or None if it is none of the protocol's."""
    try:
        event = json.loads(line)
        if all(name in event for name in _REQUIRED[event["event"]]):
            return dict(event)
    except (ValueError, TypeError, KeyError):
        pass  # not JSON, not an object, not a known event
    return None


def _write_repeat(launch: Launch, command: list[str], environment: Mapping[str, str]) -> str:
    """Write a script that runs the same worker by hand, into a folder of its own; return the command that starts it."""
    script = launch.directory / "repeat.sh"
    variables = shlex.join(f"{name}={value}" for name, value in sorted(environment.items()))
    script.write_text(
        "# Runs this worker again: its log on the terminal, its events and arrays in the folder repeat/ beside this file.\n"
        f"cd {shlex.quote(str(launch.directory))}\n"
        "mkdir -p repeat\n"
        f"yes '' 2>/dev/null | head -n {launch.job['epochs']} > repeat/grants.txt\n"
        f"env -i {variables} {shlex.join([*command[:-1], 'repeat'])} < repeat/grants.txt > /dev/null\n",
        encoding="utf-8",
    )
    return f"sh {shlex.quote(str(script))}"


def at_work(launch: Launch) -> Worker:
    """Return a new worker, all its epochs granted."""
    worker = Worker(launch)
    worker.grant(launch.job["epochs"])
    return worker


def run_alone(launch: Launch, on_event: Callable[[Event], None], start: Callable[[Launch], Worker] = at_work) -> float:
    """Run one worker to its end, all epochs granted at once; return its wall seconds. Raises WorkerFailed."""
    with start(launch) as worker:
        while (event := worker.next_event()) is not None:
            on_event(event)
        return worker.wall_seconds


def run_alternating(launches: tuple[Launch, Launch], on_event: Callable[[int, Event], None], epochs: int) -> None:
    """Run two workers epoch by epoch, A B B A A B B A ...; the waiting one is stopped, on every device. Raises WorkerFailed.

    on_event gets 0 or 1, the position in launches, with each event.
    """
    with ExitStack() as stack:
        workers = []
        for side in (0, 1):  # one after the other, so that neither starts up beside the other
            workers.append(stack.enter_context(Worker(launches[side])))
            _advance(workers[side], side, "ready", on_event)
        for epoch in range(epochs):
            for side in (0, 1) if epoch % 2 == 0 else (1, 0):
                workers[side].grant()
                _advance(workers[side], side, "epoch", on_event)
        for side in (0, 1):
            _advance(workers[side], side, "done", on_event)
            workers[side].resume()
            workers[side].next_event()  # none: it raises if the worker does not end well


def _advance(worker: Worker, side: int, name: str, on_event: Callable[[int, Event], None]) -> None:
    """Let one worker go on alone up to its next event of that name, then stop it."""
    worker.resume()
    for event in worker.events_until(name):
        on_event(side, event)
    worker.pause()

"""Failures on demand, for the end-to-end tests of the driver. TOY_FAULT, a variable of the environment, chooses one:
"crash@2" strikes as epoch 2 begins.

    crash         ends by SIGSEGV
    memory        ends by SIGKILL, as the kernel ends a process when memory runs out
    exit          ends with status 7
    hang          blocks for ever and uses no processor
    garble        writes bytes that are no JSON to events.jsonl in the worker's OUT folder, sys.argv[2]
    noise         prints to standard output and standard error, in Python and to the file descriptors
    fork          leaves a process behind that holds the standard streams; "grandchild PID" on standard output names it
    wrong         from that epoch on, each predicted class is the next one
    slow:FACTOR   from that epoch on, training does FACTOR times the work; the surplus is thrown away, the results stay

Without "@n" it is epoch 1; wrong is then wrong from the start. Epochs count from 1.
"""

import os
import signal
import subprocess
import sys
import threading
from typing import NamedTuple

import numpy


class Fault(NamedTuple):
    kind: str
    epoch: int  # 0: before the first epoch too
    factor: float  # of slow


def from_environment():
    """Return the Fault that TOY_FAULT names, or None. Raises ValueError where it names none of them."""
    text = os.environ.get("TOY_FAULT")
    if not text:
        return None
    kind, _, epoch = text.partition("@")
    kind, _, factor = kind.partition(":")
    if kind not in STRIKES and kind not in ("wrong", "slow"):
        raise ValueError("TOY_FAULT is {!r}; wanted KIND, KIND@EPOCH or slow:FACTOR".format(text))
    return Fault(kind, int(epoch or 0), float(factor or 1))


def strike(fault, epoch):
    """Return the fault that remains, after a fault of a moment happened where this is its epoch."""
    if fault is None or fault.kind not in STRIKES or epoch != max(fault.epoch, 1):
        return fault
    STRIKES[fault.kind]()
    return None


def extra_rows(fault, epoch, order):
    """Return the rows to visit besides the order: its own rows again, as often as slow's factor asks."""
    if fault is None or fault.kind != "slow" or epoch < fault.epoch:
        return order[:0]
    return numpy.resize(order, int(round((fault.factor - 1.0) * len(order))))


def distort(fault, epochs_over, probabilities):
    if fault is None or fault.kind != "wrong" or epochs_over < fault.epoch:
        return probabilities
    return numpy.roll(probabilities, 1, axis=1)


def kill(number):
    os.kill(os.getpid(), number)
    threading.Event().wait()  # until it arrives


def garble():
    with open(os.path.join(sys.argv[2], "events.jsonl"), "ab") as file:
        file.write(b'\x00\xff{"event": "epo\n')


def make_noise():
    print("noise on sys.stdout", flush=True)
    print("noise on sys.stderr", file=sys.stderr, flush=True)
    os.write(1, b'{"event": "noise on descriptor 1"}\n')
    os.write(2, b"noise on descriptor 2\n")


def leave_process():
    # It ends itself after ten minutes: a failed test must not leave it for ever.
    code = "import signal; signal.alarm(600); signal.pause()"
    child = subprocess.Popen([sys.executable, "-I", "-c", code])
    print("grandchild {}".format(child.pid), flush=True)
    child.returncode = 0  # else its destructor complains, when we end, that it still runs


STRIKES = {
    "crash": lambda: kill(signal.SIGSEGV),
    "memory": lambda: kill(signal.SIGKILL),
    "exit": lambda: sys.exit(7),
    "hang": lambda: threading.Event().wait(),
    "garble": garble,
    "noise": make_noise,
    "fork": leave_process,
}

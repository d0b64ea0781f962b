"""What can be asked of a comparison: words and numbers, read without loading what computes.

The command line and the pytest plugin offer these at every start, so nothing here may import numpy or scipy.
"""

from argparse import ArgumentTypeError
from dataclasses import dataclass
from typing import Literal

from ..errors import DiskFull, EnvironmentFailed, FramegateError, GateBusy, PythonMissing

Scale = Literal["log", "linear"]
TestName = Literal["welch", "paired", "permutation", "mann-whitney"]
AskedTest = TestName | Literal["auto"]
CorrectionName = Literal["holm", "benjamini-hochberg", "none"]
Unit = Literal["process", "round"]
FailOn = Literal["slower", "unsure", "never"]

TEST_NAMES: tuple[AskedTest, ...] = ("auto", "welch", "paired", "permutation", "mann-whitney")
CORRECTION_NAMES: tuple[CorrectionName, ...] = ("holm", "benjamini-hochberg", "none")
UNITS: tuple[Unit, ...] = ("process", "round")
FAIL_ON: tuple[FailOn, ...] = ("slower", "unsure", "never")
# Of the conditions of a sample: what may differ if it is allowed by this name.
CONDITIONS = ("machine", "fingerprint", "model", "device", "settings")

DEFAULT_MARGIN = 0.05  # as a ratio: 5 % slower is the smallest shift that counts
DEFAULT_ALPHA = 0.025  # one-sided

# pytest's own statuses end at 5 and 6.
STATUS_PASSED, STATUS_WORSE, STATUS_UNSURE, STATUS_BROKEN = 0, 10, 11, 12
# Nothing was judged: an error in words, by what its reader would do.
STATUS_ERROR, STATUS_ENVIRONMENT, STATUS_BUSY, STATUS_FULL = 2, 13, 14, 15
STATUS_INTERRUPTED = 130  # as of any program that Ctrl-C ended


_STATUSES: dict[type[FramegateError], int] = {
    EnvironmentFailed: STATUS_ENVIRONMENT,
    PythonMissing: STATUS_ENVIRONMENT,
    GateBusy: STATUS_BUSY,
    DiskFull: STATUS_FULL,
}


def status_of_error(error: FramegateError) -> int:
    """Return the exit status of a command that ended with this error."""
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), STATUS_ERROR)


@dataclass(frozen=True)
class MarginAsked:
    """A margin, and of which cells: those whose name contains the part; all where it is empty."""

    part: str
    margin: float


def margin_asked(text: str) -> MarginAsked:
    """Return the margin in "0.05", "5%" or "lenet=0.1". Raises ArgumentTypeError in words."""
    part, _, number = text.rpartition("=")
    return MarginAsked(part, margin_of_number(number, text))


def margin_of_number(found: object, shown: object = None) -> float:
    """Return a share of 0 or more. Raises ArgumentTypeError in words."""
    shown = found if shown is None else shown
    percent = isinstance(found, str) and found.endswith("%")
    try:
        margin = float(found[:-1]) / 100 if isinstance(found, str) and percent else float(found)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        margin = -1.0
    # A bare 2 is meant as 2 % more often than as 200 %, which would call everything the same.
    if isinstance(found, bool) or not 0 <= margin < (10 if percent else 1):
        raise ArgumentTypeError(f"{shown!r} is no margin; wanted a share such as 0.05 or 5%, or CELL=0.05")
    return margin


def seconds_asked(text: str) -> float:
    """Return the seconds in "90s", "30m", "2h" or "90". Raises ArgumentTypeError in words."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e7:
        raise ArgumentTypeError(f"{text!r} is no time; wanted one such as 30m, 90s or 2h")
    return seconds


def alpha_asked(text: str) -> float:
    """Return a level between 0 and 0.5, one-sided. Raises ArgumentTypeError in words."""
    try:
        alpha = float(text)
    except ValueError:
        alpha = -1.0
    if not 0 < alpha < 0.5:
        raise ArgumentTypeError(f"{text!r} is no level; wanted a one-sided one between 0 and 0.5, such as 0.025")
    return alpha

"""What can be asked of a comparison: words and numbers, read without loading what computes.

The command line and the pytest plugin offer these at every start, so nothing here may import numpy or scipy.
"""

from argparse import ArgumentTypeError
from dataclasses import dataclass
from typing import Literal

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
STATUS_PASSED, STATUS_WORSE, STATUS_UNSURE = 0, 10, 11


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
    try:
        percent = isinstance(found, str) and found.endswith("%")
        margin = float(found[:-1]) / 100 if isinstance(found, str) and percent else float(found)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        margin = -1.0
    if isinstance(found, bool) or not 0 <= margin < 10:
        raise ArgumentTypeError(f"{shown!r} is no margin; wanted a share such as 0.05 or 5%, or CELL=0.05")
    return margin


def alpha_asked(text: str) -> float:
    """Return a level between 0 and 0.5, one-sided. Raises ArgumentTypeError in words."""
    try:
        alpha = float(text)
    except ValueError:
        alpha = -1.0
    if not 0 < alpha < 0.5:
        raise ArgumentTypeError(f"{text!r} is no level; wanted a one-sided one between 0 and 0.5, such as 0.025")
    return alpha

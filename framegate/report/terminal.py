"""Verdicts as lines of text for a terminal: pure functions of results."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

import numpy as np

from ..stats.metrics import BETTER_WORDS, METRICS, WORSE_WORDS
from ..stats.verdict import Policy, Verdict, run_word

NARROWEST = 100  # columns; a narrower terminal wraps
_WIDEST_NAME = 42


def verdict_lines(verdicts: Sequence[Verdict], policy: Policy, width: int = NARROWEST) -> list[str]:
    """Return the table, a line a cell, in the order given, each at most width columns (100 at least); then the notes."""
    width = max(width, NARROWEST)
    names = short_names(verdicts)
    longest = max([4, *(columns(name) for name in names)])
    head = _row("verdict", "ratio", f"{100 * (1 - 2 * policy.alpha):g} % interval", "p")
    rows = [(head, "cell", "why")]
    rows += [(_numbers(verdict), name, verdict.why) for verdict, name in zip(verdicts, names, strict=True)]
    lines = [cut(f"{numbers} {padded(name, longest)} {why}", width).rstrip() for numbers, name, why in rows]
    notes = _notes(verdicts, width - len(head) - longest - 2)
    return lines + [line for note in notes for line in wrapped(note, width)]


def summary_line(verdicts: Sequence[Verdict]) -> str:
    """Return how many cells got which word, the most important first, and the verdict on the whole run."""
    counts = Counter(verdict.word for verdict in verdicts)
    return (
        f"{', '.join(f'{count} {word}' for word, count in counts.items()) or 'nothing compared'}: {run_word(verdicts)}"
    )


def cut(text: str, width: int) -> str:
    """Return the text in at most so many columns, on one line; names may hold any character."""
    text = printable(text)
    if columns(text) <= width:
        return text
    while columns(text) >= width:
        text = text[:-1]
    return text + "…"


def printable(text: str) -> str:
    """Return the text without control characters, line ends and half surrogates."""
    return "".join(character if character.isprintable() else "?" for character in text)


def columns(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def padded(text: str, width: int) -> str:
    """Return the text with spaces behind it up to so many columns."""
    return text + " " * (width - columns(text))


def short_names(verdicts: Sequence[Verdict]) -> list[str]:
    """Return names of at most 42 characters, different wherever cell and metric are: as little as needed is cut out."""
    cells = Counter(verdict.name for verdict in verdicts)
    full = [_named(verdict, verdict.name, cells[verdict.name]) for verdict in verdicts]
    tests = [_test_of(verdict.name) for verdict in verdicts]
    short = [_named(verdict, test, cells[verdict.name]) for verdict, test in zip(verdicts, tests, strict=True)]
    different = len(set(full))
    chosen = short if len(set(short)) == different else full
    for head in (20, 31, 10, 41):
        fitting = [_without_middle(name, head) for name in chosen]
        if len(set(fitting)) == different:
            return fitting
    return chosen


def _test_of(name: str) -> str:
    """Return the name without its file and class; its parameters may hold any character, `::` too."""
    path, bracket, parameters = name.partition("[")
    return path.rpartition("::")[2].removeprefix("test_") + bracket + parameters


def _named(verdict: Verdict, name: str, metrics: int) -> str:
    """Return the name with the metric behind it, unless it is the one that the benchmark is there for."""
    plain = verdict.metric == "seconds" or (verdict.metric == "inference_seconds" and metrics == 1)
    return printable(name if plain else f"{name} {verdict.metric}")


def _without_middle(name: str, head: int) -> str:
    tail = _WIDEST_NAME - head - 1
    return name if len(name) <= _WIDEST_NAME else f"{name[:head]}…{name[len(name) - tail :]}"


def _numbers(verdict: Verdict) -> str:
    found = verdict.comparison
    if found is None:
        return _row(verdict.word, "-", "-", "-")
    linear = METRICS[verdict.metric].scale == "linear"
    ratio, (low, high) = _number(found.ratio, linear), (_number(end, linear) for end in found.interval)
    return _row(verdict.word, ratio, f"{low} to {high}", _p(verdict.p_adjusted))


def _row(word: str, ratio: str, interval: str, p: str) -> str:
    return f"{word:7} {ratio:>6} {interval:^16} {p:>6}"


def _number(value: float, linear: bool) -> str:
    if not np.isfinite(value) or abs(value) >= 100:
        return f"{value:.2g}"
    return f"{value:+.3f}" if linear else f"{value:.3f}"[:5]


def _p(value: float) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:.4f}" if value >= 0.0001 else "<.0001"


def _notes(verdicts: Sequence[Verdict], room: int) -> list[str]:
    """Return in full what the table cut off, and what else a reader must know: each once, with how often it holds."""
    reasons = [v.why for v in verdicts if len(v.why) > room and v.needed is None]
    dropped = [f"warm-up: {v.dropped} more values of each process dropped" for v in verdicts if v.dropped]
    unseen = [
        v.detectable for v in verdicts if v.word == "unsure" and v.detectable and METRICS[v.metric].scale == "log"
    ]
    lines = _counted([*reasons, *dropped, *(note for v in verdicts for note in v.warnings)])
    if unseen:
        smallest, largest = (f"{100 * (end - 1):.2g} %" for end in (min(unseen), max(unseen)))
        seen = smallest if smallest == largest else f"{smallest} to {largest}, depending on the cell"
        lines.append(f"smallest shift that the unsure could have shown: {seen}")
    return lines


def _counted(notes: Iterable[str], most: int = 12) -> list[str]:
    """Return each different note, with the number of cells it holds for."""
    found = Counter(printable(note) for note in notes)
    lines = [f"{count} x: {note}" if count > 1 else note for note, count in found.items()]
    return lines[:most] + [f"and {len(lines) - most} more"] * (len(lines) > most)


def wrapped(note: str, width: int = NARROWEST) -> list[str]:
    """Return the note as lines of at most so many columns."""
    return textwrap.wrap(note, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


@dataclass(frozen=True)
class Screen:
    """Where lines go: its columns, what its encoding can show, and whether only what is not settled is wanted."""

    width: int = NARROWEST
    encoding: str = "utf-8"
    quiet: bool = False


def shift_section(
    verdicts: Sequence[Verdict], policy: Policy | None, notes: Sequence[str], screen: Screen
) -> list[tuple[str, dict[str, bool]]]:
    """Return the lines of a whole comparison, each with its colour; policy is None where nothing could be judged."""
    told = [verdict for verdict in verdicts if not screen.quiet or verdict.word not in ("same", "new")]
    lines = verdict_lines(told, policy, screen.width) if policy and told else []
    lines += [line for note in notes for line in wrapped(printable(note), max(screen.width, NARROWEST))]
    asked = f"margin {100 * policy.margin:.3g} %, {policy.correction} correction; " if policy else ""
    lines.append(f"{asked}{summary_line(verdicts)}")
    return [(encodable(line, screen.encoding), _colour(line)) for line in lines]


def encodable(line: str, encoding: str) -> str:
    """Return the line with as many characters, all of which the encoding has: a CI log may be ASCII."""
    return line.replace("…", "~").encode(encoding, "replace").decode(encoding) if _lacks(line, encoding) else line


def _lacks(line: str, encoding: str) -> bool:
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        return True
    return False


def _colour(line: str) -> dict[str, bool]:
    word = line.split(" ")[0]
    if word in WORSE_WORDS | {"broken"}:
        return {"red": True}
    if word in BETTER_WORDS | {"same"}:
        return {"green": True}
    return {"yellow": True} if word in ("unsure", "missing") else {}


CODES = {"red": 31, "green": 32, "yellow": 33}


def coloured(line: str, colour: dict[str, bool]) -> str:
    """Return the line with ANSI's codes for its colour."""
    return "".join(f"\x1b[{CODES[name]}m" for name in colour) + line + "\x1b[0m" * bool(colour)

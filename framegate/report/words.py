"""What the document says, in sentences: for the page's first screen, for Markdown and for the terminal."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .cells import Entry


def headline(document: Entry) -> str:
    """Return the answer in a line: the worst of the comparisons, or how many cells were measured."""
    if document["answers"]:
        order = ("worse", "unsure", "safe")
        worst = min((answer["word"] for answer in document["answers"]), key=order.index)
        counts = [answer["counts"] for answer in document["answers"]]
        total = sum(sum(found.values()) for found in counts)
        shifted = sum(found.get("slower", 0) + found.get("worse", 0) for found in counts)
        told = {"worse": f"{shifted} of {total} got slower or worse", "safe": f"none of {total} got slower"}
        return f"{worst.capitalize()}: {told.get(worst, f'too little is known of some of {total}')}"
    cells = document["cells"]
    measured = sum(cell["status"] == "measured" for cell in cells)
    share = f"{len(cells)}" if measured == len(cells) else f"{measured} of {len(cells)}"
    return f"{share} {'cell' if len(cells) == 1 else 'cells'} measured"


def summary_lines(document: Entry) -> list[str]:
    """Return what else a reader must know first: each comparison's counts, and what has no valid time."""
    runs = document["runs"]
    lines = [
        f"{runs[answer['current']]['name']} against {runs[answer['baseline']]['name']}: "
        f"{', '.join(f'{many} {word}' for word, many in answer['counts'].items()) or 'nothing compared'}"
        for answer in document["answers"]
    ]
    steps = Counter(verdict["word"] for verdict in document["verdicts"] if verdict["kind"] == "step")
    if steps:
        told = ", ".join(f"{many} {word}" for word, many in steps.items())
        lines.append(f"upgrades from version to version within {runs[-1]['name']}: {told}")
    lost = [cell for cell in document["cells"] if cell["status"] != "measured"]
    lines += [f"{cell['id']} has no valid time: {cell['status']}" for cell in lost[:3]]
    lines += [f"and {len(lost) - 3} more without a valid time"] * (len(lost) > 3)
    return lines + [note for run in runs for note in run["notes"]]


def calibration_entry(found: Mapping[str, Any] | None) -> Entry | None:
    """Return how often unchanged code was called shifted on this machine, over all cells that were calibrated."""
    if found is None:
        return None
    cells = list(found["cells"].values())
    tried = sum(cell["comparisons"] for cell in cells)
    told = {"date": found.get("date", ""), "cells": len(cells), "comparisons": tried}
    return told | {
        "false_alarms": sum(cell["false_alarms"] for cell in cells),
        "upper": max(cell["upper"] for cell in cells),
        "detectable": max(cell["detectable"] for cell in cells),
    }


def calibration_words(document: Entry) -> str:
    """Return how often this machine calls unchanged code shifted."""
    found = document["calibration"]
    if found is None:
        return "The false-alarm rate of this machine is not known: measure it with framegate calibrate CELL."
    rate = found["false_alarms"] / found["comparisons"]
    return (
        f"On this machine unchanged cells were called shifted in {rate:.1%} of {found['comparisons']:,} comparisons"
        f" (at most {found['upper']:.1%}, {found['cells']} cells, {found['date'][:10]});"
        f" shifts of {found['detectable'] - 1:.1%} can be seen in the noisiest of them."
    )


def calibration_line(found: Mapping[str, Any] | None) -> list[str]:
    """Return the same for the end of a terminal's table; nothing where this machine was not calibrated."""
    return [] if found is None else [calibration_words({"calibration": calibration_entry(found)})]


def policy_words(document: Entry) -> str:
    """Return what counts as a shift."""
    policy = document["policy"]
    return (
        f"margin {policy['margin']:.3g}, level {policy['alpha']:g} one-sided, test {policy['test']}, "
        f"{policy['correction']} correction, {policy['minimum_processes']} processes a side"
    )

"""The document as one HTML page: style, script and data are in it, so that it opens from disk and without a network."""

import json
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from .cells import Entry
from .words import calibration_words, headline, policy_words, summary_lines

SCRIPTS = ("data.js", "figures.js", "overview.js", "works.js", "views.js")
DRAWN = (
    "seconds",
    "train_loss",
    "test_loss",
    "test_accuracy",
    "train_accuracy",
)  # measures of an epoch that the page shows
DIGITS = 5  # of a number that is drawn


def page(document: Entry) -> str:
    """Return the page."""
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_part("page.html.j2"))
    return template.render(
        title=f"{headline(document)} · Framegate",
        headline=headline(document),
        lines=summary_lines(document),
        framegate=document["framegate"],
        created=document["created"],
        calibration=calibration_words(document),
        policy=policy_words(document),
        style=Markup(_part("page.css")),
        script=Markup("\n".join(_part(name) for name in SCRIPTS)),
        data=embedded(document),
    )


def _part(name: str) -> str:
    return (files("framegate.report") / "page" / name).read_text(encoding="utf-8")


def embedded(document: Entry) -> Markup:
    """Return what the page draws of the document as JSON that cannot end its script element, whatever is named in it."""
    drawn = document | {"cells": [_drawn(cell) for cell in document["cells"]]}
    text = json.dumps(drawn, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _drawn(cell: Entry) -> Entry:
    processes = [
        process | {"epochs": {name: _shortened(process["epochs"][name]) for name in DRAWN if name in process["epochs"]}}
        for process in cell["processes"]
    ]
    return cell | {"processes": [{name: _rounded(value) for name, value in one.items()} for one in processes]}


def _shortened(values: list[float | None]) -> list[float | None]:
    return [value if value is None else float(f"{value:.{DIGITS}g}") for value in values]  # half a million of them


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    return {name: _rounded(inside) for name, inside in value.items()} if isinstance(value, dict) and value else value

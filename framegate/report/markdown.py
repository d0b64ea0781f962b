"""The document as Markdown for a pull request or $GITHUB_STEP_SUMMARY: the answer, what shifted, the rest collapsed."""

from collections.abc import Iterator, Sequence

from .cells import Entry
from .terminal import printable
from .words import calibration_words, headline, policy_words, summary_lines

MOST_CHARACTERS = 65_000  # GitHub refuses comments of more than 65,536
QUIET_WORDS = ("same", "new", "faster", "better")


def markdown(document: Entry) -> str:
    """Return at most 65,000 characters: rows that do not fit are counted."""
    lines = [f"## {_text(headline(document))}", "", *(f"- {_text(line)}" for line in summary_lines(document)), ""]
    lost = [f"| {_text(cell['id'])} | **{cell['status']}** | | | {_text(cell['reason'][:200])} |"
            for cell in document["cells"] if cell["status"] != "measured"]  # fmt: skip
    loud = [verdict for verdict in document["verdicts"] if verdict["word"] not in QUIET_WORDS]
    quiet = [verdict for verdict in document["verdicts"] if verdict["word"] in QUIET_WORDS]
    end = ["", f"<sub>{_text(policy_words(document))}. {_text(calibration_words(document))}</sub>", ""]
    room = MOST_CHARACTERS - sum(len(line) + 1 for line in [*lines, *end]) - 1000
    for title, rows in (
        ("", [*lost, *(_row(document, verdict) for verdict in loud)]),
        ("no shift for the worse", [_row(document, verdict) for verdict in quiet]),
        ("all cells", list(_cells(document))),
    ):
        block = list(_block(title, rows, room, "cell" if title == "all cells" else "verdict"))
        room -= sum(len(line) + 1 for line in block)
        lines += block
    return "\n".join([*lines, *end])


def summary_text(document: Entry) -> str:
    """Return the answer and what goes with it, for the terminal."""
    return "\n".join(printable(line) for line in [headline(document), *summary_lines(document)])


_HEADS = {
    "verdict": ("| cell | verdict | ratio | interval | why |", "|---|---|---|---|---|"),
    "cell": ("| cell | epoch seconds | images/s | accuracy | peak MB |", "|---|---|---|---|---|"),
}


def _block(title: str, rows: Sequence[str], room: int, kind: str) -> Iterator[str]:
    if not rows:
        return
    fitting: list[str] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        fitting.append(row)
    head = [*_HEADS[kind], *fitting]
    left = len(rows) - len(fitting)
    rest = [f"| and {left} more | | | | |"] * (left > 0)
    if title:
        head = [f"<details><summary>{len(rows)} {title}</summary>", "", *head]
        rest += ["", "</details>"]
    yield from [*head, *rest, ""]


def _row(document: Entry, verdict: Entry) -> str:
    metric = "" if verdict["metric"] == "seconds" else f" {verdict['metric']}"
    name = _text(f"{verdict['name']}{metric}{_against(document, verdict)}")
    word = verdict["word"] if verdict["word"] in QUIET_WORDS else f"**{verdict['word']}**"
    if verdict.get("ratio") is None:
        return f"| {name} | {word} | | | {_text(verdict['why'])} |"
    low, high = (f"{end:.3f}" if end is not None else "-" for end in verdict["interval"])
    return f"| {name} | {word} | {verdict['ratio']:.3f} | {low} to {high} | {_text(verdict['why'])} |"


def _against(document: Entry, verdict: Entry) -> str:
    """Return what a cell was compared with, unless the lines above the table say it for all of them."""
    place = verdict["baseline"]
    if place is None or (verdict["kind"] == "run" and len(document["runs"]) == 2):
        return ""
    cell = document["cells"][place]
    return f", against {cell['environment'] if verdict['kind'] == 'step' else document['runs'][cell['run']]['name']}"


def _cells(document: Entry) -> Iterator[str]:
    for cell in document["cells"]:
        found = cell["summary"]
        numbers = [
            f"{found[name] / scale:{form}}" if found.get(name) is not None else ""
            for name, scale, form in (
                ("epoch_seconds", 1, ".4g"), ("images_per_second", 1, ",.0f"), ("accuracy", 1, ".4f"), ("peak_bytes", 1e6, ",.0f"),
            )
        ]  # fmt: skip
        purpose = "" if cell["purpose"] == "training" else f" ({cell['purpose']})"
        yield f"| {_text(cell['id'] + purpose)} | {' | '.join(numbers)} |"


_ESCAPED = {ord(character): f"&#{ord(character)};" for character in "<>|@#&"}
_ESCAPED |= {ord(character): f"\\{character}" for character in "\\`*_[]~"}


def _text(text: str) -> str:
    """Return text that neither ends a table's row nor is taken for markup, a mention or an issue."""
    return printable(text).translate(_ESCAPED)

"""The answer of a gate, for a terminal and as Markdown: pure functions of the answer."""

from collections.abc import Iterator, Sequence

from ..stats.gating import DRIFT, PRIMARY, Answer, counted
from ..stats.metrics import METRICS
from ..stats.verdict import Policy, Verdict, importance
from .terminal import NARROWEST, printable, summary_line, verdict_lines, wrapped

WORDS = {
    "broken": "BROKEN: the candidate crashes or misses an accuracy floor",
    "worse": "SLOWER: something is slower or worse",
    "unsure": "NOT ENOUGH EVIDENCE",
    "safe": "SAFE: nothing is slower or worse",
}
_LABELS = {PRIMARY: "epoch seconds", "peak_bytes": "peak memory", DRIFT: "losses after 20 steps"}


def gate_lines(answer: Answer, width: int = NARROWEST) -> list[str]:
    """Return the answer for a terminal: epochs first, then what else is known to have shifted, then what goes with it."""
    primary, other = _parts(answer)
    shifted = [verdict for verdict in other if verdict.word not in ("same", "unsure")]
    policy = Policy(margin=answer.rules.margin, alpha=answer.rules.alpha)
    lines = ["", f"{answer.candidate} against {answer.baseline}", *verdict_lines(primary, policy, width)]
    if shifted:
        lines += ["other metrics that shifted", *verdict_lines(shifted, policy, width)]
    lines += [f"  {line}" for line in _metric_counts(other)]
    for environments, differing in answer.differences.items():
        lines += wrapped(f"{environments}: {', '.join(differing) or 'the same packages'}", max(width, NARROWEST))
    lines += [line for note in answer.notes for line in wrapped(note, max(width, NARROWEST))]
    return [*lines, _ending(answer), f"{WORDS[answer.word]} (epochs: {summary_line(primary).rpartition(':')[0]})"]


def gate_page(answer: Answer) -> str:
    """Return the answer as Markdown, for a pull request or a file."""
    primary, other = _parts(answer)
    lines = [f"## {WORDS[answer.word]}", "", f"`{answer.candidate}` against `{answer.baseline}`", ""]
    lines += [*_table(primary), ""]
    if shifted := [verdict for verdict in other if verdict.word not in ("same", "unsure")]:
        lines += ["Other metrics that shifted:", "", *_table(shifted), ""]
    lines += ["<details><summary>All metrics</summary>", "", *_table(other), "", "</details>", ""]
    for environments, differing in answer.differences.items():
        lines += [f"- {cell_text(environments)}: {cell_text(', '.join(differing)) or 'the same packages'}"]
    lines += [f"- {cell_text(note)}" for note in answer.notes]
    return "\n".join([*lines, "", f"<sub>{cell_text(_ending(answer))}</sub>", ""])


def _parts(answer: Answer) -> tuple[list[Verdict], list[Verdict]]:
    found = sorted(answer.verdicts, key=importance)
    primary = [verdict for verdict in found if verdict.metric == PRIMARY]
    return primary, [verdict for verdict in found if verdict.metric != PRIMARY]


def _metric_counts(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for metric in dict.fromkeys(verdict.metric for verdict in verdicts):
        words = [verdict.word for verdict in verdicts if verdict.metric == metric]
        counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        yield f"{_label(metric)}: {counts}"


def _label(metric: str) -> str:
    return _LABELS.get(metric, metric.replace("_", " "))


def _ending(answer: Answer) -> str:
    known = len(counted(answer.verdicts))
    return (
        f"margin {100 * answer.rules.margin:.3g} %; {known} verdicts count; measured for {answer.minutes:.1f} min, until"
        f" {answer.ended}; run {answer.run}"
    )


def _table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield "| cell | metric | verdict | ratio | interval | could have seen | why |"
    yield "|---|---|---|---|---|---|---|"
    for verdict in verdicts:
        cells = (verdict.name, _label(verdict.metric), f"**{verdict.word}**", *_numbers(verdict), verdict.why)
        yield f"| {' | '.join(cell_text(cell) for cell in cells)} |"


def _numbers(verdict: Verdict) -> tuple[str, str, str]:
    found = verdict.comparison
    if found is None:
        return "", "", ""
    if METRICS[verdict.metric].scale == "linear":
        low, high = found.interval
        return f"{found.ratio:+.4f}", f"{low:+.4f} to {high:+.4f}", f"{verdict.detectable or 0:.4f}"
    low, high = found.interval
    seen = f"{100 * ((verdict.detectable or 1) - 1):.1f} %"
    return f"{found.ratio:.3f}", f"{low:.3f} to {high:.3f}", seen


def cell_text(text: str) -> str:
    """Return the text so that no table cell ends and no tag begins in it."""
    first, *rest = text.splitlines() or [""]
    line = printable(first + (" ..." if rest else ""))
    return line.replace("|", "\\|").replace("<", "&lt;")

"""What searches found and what they cost, for a terminal and as Markdown: pure functions of the outcomes."""

from collections.abc import Sequence

from ..runner.trials import Outcome, Score, Trial, words_of
from ..stats.accuracy import wilson_interval
from .gate import cell_text

_HEAD = (
    "| search | environment | trials | cost | a trial | of it training | workers' start and end | driver | to the target |"
    " validated | tested |"
)


def search_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the outcomes for a terminal: of each search what it cost and brought, then where environments part."""
    lines = []
    for one in outcomes:
        lines += [
            f"{one.search}, {one.procedure}, in {one.environment}: {_counts(one)} in {one.seconds:.0f} s",
            f"  best       trial {one.best.number}: {words_of(one.best.configuration)}",
            f"  validated  {_accuracy(one.best.score)}, by which it was chosen",
            f"  tested     {_accuracy(one.tested)}, never seen in the search; trained on all rows in {one.last.seconds:.3g} s",
            f"  a trial    {_mean_cost(one)}",
            f"  {one.target:.0%}        {_reached(one)}",
        ]
        lines += [f"  trial {trial.number} failed: {_first_line(trial)}" for trial in one.trials if trial.reason]
    return [*lines, *partings(outcomes)]


def search_page(outcomes: Sequence[Outcome], run: str) -> str:
    """Return the outcomes as Markdown."""
    lines = ["## Searches: what each cost and brought", "", _HEAD, f"|{'---|' * (_HEAD.count('|') - 1)}"]
    for one in outcomes:
        training, starting, driver, seconds = _means(one)
        cells = (
            f"{one.search}, {one.procedure}", one.environment, _counts(one), f"{one.seconds:.0f} s", f"{seconds:.3g} s",
            f"{training:.3g} s", f"{starting:.3g} s", f"{driver:.2g} s", _reached(one),
            _accuracy(one.best.score), _accuracy(one.tested),
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(cell_text, cells))} |")
    lines += ["", "Accuracies with their 95 % Wilson intervals. Validated: on the rows by which the best was chosen, so too high",
              "by the luck of that choice; tested: on rows that the search never saw.", ""]  # fmt: skip
    for one in outcomes:
        best = f"trial {one.best.number}: {words_of(one.best.configuration)}"
        lines.append(f"- {one.search} in {one.environment}, best: {cell_text(best)}")
        lines += [f"  - trial {trial.number} failed: {cell_text(_first_line(trial))}"
                  for trial in one.trials if trial.reason]  # fmt: skip
    lines += [f"- {cell_text(line)}" for line in partings(outcomes)]
    return "\n".join([*lines, "", f"<sub>run {cell_text(run)}</sub>", ""])


def partings(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line for each further environment of a search: whether it found what the first did, or where they part."""
    lines = []
    firsts: dict[str, Outcome] = {}
    for other in outcomes:
        one = firsts.setdefault(other.search, other)
        if one is not other:
            lines.append(f"{one.search}: {one.environment} and {other.environment} {_parting(one, other)}")
    return lines


def _parting(one: Outcome, other: Outcome) -> str:
    pairs = list(zip(one.trials, other.trials, strict=False))
    same = next((place for place, (a, b) in enumerate(pairs) if a.configuration != b.configuration), len(pairs))
    drawn = f"the same {same} draws"
    if same < len(pairs):
        drawn += f", others from trial {same} on"
    if one.best.configuration == other.best.configuration:
        return f"choose the same configuration, trial {one.best.number}, of {drawn}"
    numbers = one.best.number, other.best.number
    chosen = f"{one.environment} chooses trial {numbers[0]}, {other.environment} trial {numbers[1]}"
    found = [f"trial {number}: {_validated(one, number)} and {_validated(other, number)}" for number in numbers]
    return f"part: {chosen}; {'; '.join(found)}; of {drawn}"


def _validated(one: Outcome, number: int) -> str:
    trial = one.trials[number] if number < len(one.trials) else None
    if trial is None:
        return "not drawn"
    return f"{trial.score.accuracy:.4f}" if trial.score else trial.state


def _counts(one: Outcome) -> str:
    others = [f"{count} {state}" for state in ("pruned", "failed") if (count := one.count(state))]
    return ", ".join([f"{len(one.trials)} trials", *others])


def _accuracy(score: Score | None) -> str:
    if score is None:
        return "-"
    low, high = wilson_interval(score.hits, score.rows)
    return f"{score.accuracy:.4f} ({low:.4f} to {high:.4f}) on {score.rows:,} rows"


def _means(one: Outcome) -> tuple[float, float, float, float]:
    """Return the mean seconds of a complete trial: training and evaluating, its workers' start and end, driver, all."""
    costs = [trial.cost for trial in one.trials if trial.state == "complete"]
    sums = (
        sum(cost.training + cost.evaluating for cost in costs),
        sum(cost.starting for cost in costs),
        sum(cost.driver for cost in costs),
    )
    training, starting, driver = (total / len(costs) for total in sums)
    return training, starting, driver, training + starting + driver


def _mean_cost(one: Outcome) -> str:
    training, starting, driver, seconds = _means(one)
    return (
        f"{seconds:.3g} s: {training:.3g} training and evaluating, {starting:.3g} start and end of its workers,"
        f" {driver:.2g} driver"
    )


def _reached(one: Outcome) -> str:
    seconds = one.seconds_to_target
    return f"{one.target:.0%} not reached" if seconds is None else f"{one.target:.0%} after {seconds:.0f} s"


def _first_line(trial: Trial) -> str:
    return trial.reason.splitlines()[0]

"""Trains the models in the environments that are built and prints how far each is from the reference: nox -s parity.

    python -m tests.parity_matrix [--environments NAME ...] [--models NAME ...] [--optimizers NAME ...]

Each verdict is appended to .framegate/parity/verdicts.jsonl, so a matrix may be run in pieces: what has one of the same code and
packages is not run again, and the table and the last line are of all that is there. docs/parity.md says what is compared and allowed.
"""

import argparse
import ast
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from framegate.errors import FramegateError
from framegate.runner.declarations import Environment, load
from framegate.runner.environments import built_folder, is_built
from framegate.runner.matrix import read_matrix
from tests import parity, reference
from tests.mounted import ROOT

CODE = (*reference.CODE, "worker/*.py", "tests/parity.py")  # that decides what is found, besides the adapter
KINDS = ("failed", "differs", "excepted", "same", "cannot")  # of a pair's optimizers the first of these speaks for it


class Place(NamedTuple):
    model: str
    optimizer: str
    environment: str


class Result(NamedTuple):
    code: str  # of all that was run, and the packages
    verdict: parity.Verdict


def trained() -> list[tuple[str, str]]:
    """Return each model with the optimizers that its cells use, and what shows an optimizer alone: all of them on three models."""
    cells = read_matrix(ROOT / "matrix.toml", load(ROOT / "environments"))
    used = {(cell.model, cell.optimizer[0][1]) for cell in cells if cell.optimizer}
    shown = {(model, optimizer) for model in ("dense", "lenet", "every_layer") for optimizer in reference.OPTIMIZERS}
    return sorted(used | shown)


def code_of(model: str, environment: Environment) -> str:
    built = built_folder(environment, "cpu", parity.ENVIRONMENTS).name
    # Of a family, as keras, some modules are imported by computed names.
    family = environment.adapter.rpartition(".")[2].partition("_")[0]
    files = sorted(str(path.relative_to(ROOT)) for path in imported(*ROOT.glob(f"frameworks/{family}_*.py")))
    set_up = f"{dict(environment.variables)} {reference.SUBJECTS[model].seeds}"
    return " ".join([built, environment.adapter, set_up, reference.fingerprint(model, *CODE, *files)])


@cache
def imported(*modules: Path) -> set[Path]:
    """Return the modules and what they import from beside them, directly or not."""
    found: set[Path] = set()
    left = set(modules)
    while left:
        found |= left
        nodes = [node for path in left for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        beside = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 1]
        names = {
            name for node in beside for name in ([node.module] if node.module else [one.name for one in node.names])
        }
        left = {modules[0].with_name(f"{name}.py") for name in names} - found
    return found


def read(path: Path) -> dict[Place, Result]:
    """Return the last result of each place."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    stored = [json.loads(line) for line in lines if line.endswith("]}")]  # one that a kill cut short is run again
    return {Place(*one["place"]): Result(one["code"], parity.Verdict(*one["verdict"])) for one in stored}


def append(path: Path, place: Place, result: Result) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if file.tell() else "") + json.dumps({"place": place, **result._asdict()}))


# ---------------------------------------------------------------------------------------------------------------------
# Pairs of model and environment


class Pair(NamedTuple):
    """What a model's optimizers came to in an environment."""

    kind: str  # one of KINDS, or "not run"
    deviation: float | None = None  # the largest
    noises: int = 1  # the most that any took


def pair(found: Sequence[parity.Verdict | None]) -> Pair:
    """Return the worst that the model's optimizers came to, or "not run" where one of them was not."""
    if None in found:
        return Pair("not run")
    kind = next((kind for kind in KINDS if kind in [one.kind for one in found]), "not run")
    deviation = max((one.deviation for one in found if one.deviation is not None), default=None)
    return Pair(kind, deviation, max((one.noises for one in found), default=1))


def summary(pairs: Sequence[Pair]) -> str:
    """Return in words how many of all pairs train, and how many of these come how near."""
    count = {kind: sum(one.kind == kind for one in pairs) for kind in (*KINDS, "not run")}
    near = sum(one.kind == "same" and one.deviation <= reference.TOLERANCE for one in pairs)
    second = sum(one.kind == "same" and one.noises > 1 for one in pairs)
    trains = count["same"] + count["excepted"] + count["differs"]

    def share(part: int, whole: int) -> str:
        return f"{part} ({part / whole:.1%})" if whole else "0"

    return (
        f"{len(pairs)} pairs of model and environment: {share(trains, len(pairs))} train, {count['cannot']} cannot be expressed,"
        f" {count['failed']} failed, {count['not run']} not run; of those that train {share(near, trains)} agree within"
        f" {reference.TOLERANCE:g}, {share(count['same'], trains)} within that or what rounding explains, {second} of them with the"
        " second noise,"
        f" {count['excepted']} are excepted, {count['differs']} differ"
    )


def table(models: Sequence[str], environments: Sequence[str], found: Callable[[str, str], Pair]) -> list[str]:
    """Return a Markdown table, model by framework: the largest deviation of its environments, and how many came to what else."""
    groups = defaultdict(list)
    for name in environments:
        groups[name.rpartition("-")[0]].append(name)
    titles = [f"{framework} ({len(names)})" if len(names) > 1 else names[0] for framework, names in groups.items()]
    rows = [["model", *titles], ["---"] * (len(groups) + 1)]
    rows += [[model, *(entry([found(model, name) for name in names]) for names in groups.values())] for model in models]
    return [f"| {' | '.join(row)} |" for row in rows]


def entry(pairs: Sequence[Pair]) -> str:
    """Return "cannot x1, 3e-07 x2" without what was not run, or "-" where nothing was; no count where all came to the same."""
    words = []
    for kind in reversed(KINDS):
        alike = [one.deviation for one in pairs if one.kind == kind]
        if alike:
            told = f"{max(alike):.0e}" if kind == "same" else kind
            words.append(told if len(alike) == len(pairs) else f"{told} x{len(alike)}")
    return ", ".join(words) or "-"


def lacking(results: Mapping[Place, Result]) -> list[str]:
    """Return a line for each of the frameworks' own reasons why something cannot be expressed."""
    models, environments = defaultdict(set), defaultdict(set)
    for place, (_, verdict) in results.items():
        if verdict.kind == "cannot":
            models[verdict.words].add(place.model)
            environments[verdict.words].add(place.environment)
    return [
        f"cannot: {why}: {', '.join(sorted(environments[why]))}: {', '.join(sorted(models[why]))}"
        for why in sorted(models)
    ]


# ---------------------------------------------------------------------------------------------------------------------
# The command


def settled(place: Place, environment: Environment, results: dict[Place, Result], path: Path) -> Result:
    """Return the stored result, or, where none is of this code and these packages, or it failed, a new one, which is stored."""
    code = code_of(place.model, environment)
    if place not in results or results[place].code != code or results[place].verdict.kind == "failed":
        results[place] = Result(code, parity.verdict(environment, place.model, place.optimizer))
        append(path, place, results[place])
    return results[place]


def parse(arguments: Sequence[str], full: Sequence[str], loops: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.parity_matrix")
    parser.add_argument("--environments", nargs="+", choices=[*full, *loops], metavar="NAME", default=full)
    models, optimizers = sorted(reference.SUBJECTS), list(reference.OPTIMIZERS)
    parser.add_argument("--models", nargs="+", choices=models, metavar="NAME", default=models)
    parser.add_argument("--optimizers", nargs="+", choices=optimizers, metavar="NAME", default=optimizers)
    return parser.parse_args(arguments)


def compare(
    options: argparse.Namespace, declared: Mapping[str, Environment], results: dict[Place, Result], path: Path
) -> int:
    """Print a line for each place; return 1 where one differs or failed, or none trained."""
    built = [
        name for name in options.environments if is_built(built_folder(declared[name], "cpu", parity.ENVIRONMENTS))
    ]
    for name in sorted(set(options.environments) - set(built)):
        print(f"left out, as it is not built: {name}; build it with: framegate envs build {name}")
    kinds = set()
    for model, optimizer in trained():
        for name in built if model in options.models and optimizer in options.optimizers else []:
            _, found = settled(Place(model, optimizer, name), declared[name], results, path)
            print(f"{model:20} {optimizer:9} {name:24} {found.kind}: {found.words}", flush=True)
            kinds.add(found.kind)
    if not kinds:
        asked = ", ".join(
            sorted({f"{model} with {optimizer}" for model, optimizer in trained() if model in options.models})
        )
        print(f"nothing was compared: no built environment, or no optimizer of these was asked for: {asked}")
    trained_none = not kinds & {"same", "excepted"}  # nothing compared is no agreement
    return int(trained_none or bool(kinds & {"differs", "failed"}))


def main(arguments: Sequence[str], store: Path = reference.STORE) -> int:
    """Print what is compared, and the table and the summary of all that was: models by environments, other loops apart."""
    declared = load(ROOT / "environments")
    cells = read_matrix(ROOT / "matrix.toml", declared)
    loops = {cell.environment for cell in cells if cell.tier == "loops"}
    full = {cell.environment for cell in cells if cell.tier not in ("loops", "export")}
    names = [name for name in declared if name in full]
    options = parse(arguments, names, sorted(loops - full))
    results = read(store / "verdicts.jsonl")
    status = compare(options, declared, results, store / "verdicts.jsonl")
    results = {place: result for place, result in results.items() if place.environment in full}
    wanted = trained()
    models = sorted({model for model, _ in wanted})

    def found(model: str, environment: str) -> Pair:
        places = [Place(model, optimizer, environment) for name, optimizer in wanted if name == model]
        return pair([results[place].verdict if place in results else None for place in places])

    print(*lacking(results), "", *table(models, names, found), "", sep="\n")
    stale = sum(result.code != code_of(place.model, declared[place.environment]) for place, result in results.items())
    of_other_code = f"; {stale} of {len(results)} verdicts are of other code or packages" if stale else ""
    print(summary([found(model, name) for model in models for name in names]) + of_other_code)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FramegateError as error:
        sys.exit(str(error))

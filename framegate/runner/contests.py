"""The contests of a gate: each cell that both sides fit, with an environment for either side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from framegate.errors import EnvironmentFailed, SideError
from framegate.runner.cell import Cell
from framegate.runner.declarations import Environment
from framegate.runner.sides import Say, Side, nothing_fits, solve, templates


@dataclass(frozen=True)
class Contest:
    """One cell on both sides; each pair of fields is baseline, candidate."""

    name: str
    template: str  # the id of the cell in matrix.toml
    cells: tuple[Cell, Cell]
    environments: tuple[Environment, Environment]


def contests(
    sides: tuple[Side, Side],
    cells: Sequence[Cell],
    environments: Mapping[str, Environment],
    folder: Path,
    say: Say,
    renew: bool = True,
) -> list[Contest]:
    """Return the cells to be gated, both sides' environments solved and locked; the locks lie in the folder.

    cells: those selected. Raises SideError where no cell fits, EnvironmentFailed where no environment can hold both sides.
    """
    found: list[tuple[Cell, tuple[Environment, Environment]]] = []
    failures = []
    for device in dict.fromkeys(cell.device for cell in cells):
        for group in templates(sides, environments.values(), device):
            used = [one for one in group if any(_is_in(cell, one, device) for cell in cells)]
            try:
                template, pair = solve(sides, used, device, folder, renew, say) if used else (None, None)
            except EnvironmentFailed as failure:
                failures.append(str(failure))
                continue
            found += [(cell, pair) for cell in cells if template and pair and _is_in(cell, template, device)]
    if not found and failures:
        raise EnvironmentFailed("no environment can hold both sides:\n  " + "\n  ".join(failures))
    if not found:
        raise SideError(nothing_fits(sides, environments))
    return _named(found)


def _is_in(cell: Cell, environment: Environment, device: str) -> bool:
    return (cell.environment, cell.device) == (environment.name, device)


def _named(found: Sequence[tuple[Cell, tuple[Environment, Environment]]]) -> list[Contest]:
    """Return the contests, named for the work alone where that is unique: the environment is what differs."""
    short = [_work_name(cell) for cell, _ in found]
    unique = len(set(short)) == len(short)
    return [
        Contest(
            name if unique else cell.id,
            cell.id,
            (_on_side(cell, pair[0]), _on_side(cell, pair[1])),
            pair,
        )
        for name, (cell, pair) in zip(short, found, strict=True)
    ]


def _work_name(cell: Cell) -> str:
    framework = cell.framework if cell.device == "cpu" else f"{cell.framework}-{cell.device}"
    return "/".join([framework, *cell.id.split("/")[1:]])


def _on_side(cell: Cell, environment: Environment) -> Cell:
    return replace(cell, environment=environment.name)

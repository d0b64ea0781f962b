"""Reads the searches that matrix.toml declares: a space of configurations, how it is searched, in which environments."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framegate.errors import MatrixError
from framegate.runner.cell import Cell
from framegate.runner.declarations import Environment
from framegate.runner.matrix import cells_of, check_files, model_names, read_tables

PROCEDURES = ("grid", "random", "refined")
_OWN = {"procedure", "space", "folds", "trials", "budget_seconds", "target", "refinement"}
_REFINEMENT = {"neighbours", "model", "deeper", "epochs"}

Configuration = dict[str, Any]  # a value of each axis of a space


@dataclass(frozen=True)
class Refinement:
    """What follows the draws of a refined search."""

    neighbours: int  # trials one step along one axis away from the best so far
    model: str  # its first layers are those of the searched model, given the same; `deeper` are the widths behind them
    deeper: tuple[tuple[int, ...], ...]  # a trial each, which begins with the weights of the best network so far
    epochs: int  # of these


@dataclass(frozen=True)
class Search:
    """One search, in each of its environments the same."""

    name: str  # "F2"
    procedure: str  # one of PROCEDURES
    space: Mapping[str, tuple[Any, ...]]  # axis -> its values, in order
    cells: tuple[Cell, ...]  # one for each environment: all of a trial but what the axes say
    folds: int  # of each trial; 1: the cell's own validation split
    trials: int  # draws at most; a refinement's trials are beside them
    budget_seconds: float  # for the trials; then the best configuration is trained once more
    target: float  # validation accuracy; how long it took to reach it is told
    refinement: Refinement | None  # of "refined"

    @property
    def most_trials(self) -> int:
        """The draws, and what a refinement tries after them."""
        return self.trials + (self.refinement.neighbours + len(self.refinement.deeper) if self.refinement else 0)


def read_searches(path: Path, environments: Mapping[str, Environment]) -> dict[str, Search]:
    """Return the searches that the file declares, by name. Raises MatrixError naming the table and key."""
    declared = read_tables(path)
    return {
        name: _search(name, table, declared, environments, path) for name, table in declared.get("searches", {}).items()
    }


def _search(
    name: str, table: Any, declared: Mapping[str, Any], environments: Mapping[str, Environment], path: Path
) -> Search:
    place = f"{path.name}, searches.{name}"
    if not isinstance(table, dict):
        raise MatrixError(f"{place}: {table!r}; a table is wanted")
    own = {"folds": 1, "trials": None, "refinement": None} | {key: table[key] for key in _OWN & set(table)}
    if missing := sorted(_OWN - set(own)):
        raise MatrixError(f"{place}: {missing[0]} is missing")
    space = _space(own["space"], declared, place)
    cells = list(cells_of({key: table[key] for key in table if key not in _OWN}, declared, environments, place))
    if not cells:
        raise MatrixError(f"{place}: environments names none")
    for cell in cells:
        check_files(cell, path.parent, place)
    _check(own, cells[0], place)
    refinement = _refinement(own["refinement"], cells[0], path.parent, place) if own["refinement"] else None
    size = 1
    for values in space.values():
        size *= len(values)
    return Search(
        name=name,
        procedure=own["procedure"],
        space=space,
        cells=tuple(cells),
        folds=own["folds"],
        trials=min(own["trials"] or size, size),
        budget_seconds=own["budget_seconds"],
        target=own["target"],
        refinement=refinement,
    )


def _check(own: Mapping[str, Any], cell: Cell, place: str) -> None:
    """Raise MatrixError where a value is none that its key can have."""
    refined = own["procedure"] == "refined"
    for key, good, wanted in (
        ("procedure", own["procedure"] in PROCEDURES, f"one of {', '.join(PROCEDURES)}"),
        ("folds", _whole(own["folds"], 1), "a whole number above 0"),
        ("folds", (own["folds"] != 1) != bool(cell.validation), "either 2 or more, or validation = SHARE"),
        ("trials", own["trials"] is None or _whole(own["trials"], 1), "a whole number above 0"),
        ("trials", not refined or own["trials"], "a number, as a refinement follows"),
        ("budget_seconds", _number(own["budget_seconds"]) and own["budget_seconds"] > 0, "a number above 0"),
        ("target", _number(own["target"]) and 0 <= own["target"] <= 1, "an accuracy between 0 and 1"),
        ("refinement", bool(own["refinement"]) == refined, 'a table with procedure = "refined", else none'),
    ):
        if not good:
            raise MatrixError(f"{place}: {key} = {own[key]!r}; wanted {wanted}")
    if cell.optimizer is None:
        raise MatrixError(f'{place}: optimizer = "solver"; wanted one that has a learning rate')


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _space(name: object, declared: Mapping[str, Any], place: str) -> dict[str, tuple[Any, ...]]:
    spaces = declared.get("spaces", {})
    if name not in spaces:
        raise MatrixError(f"{place}: space = {name!r}; wanted one of {', '.join(sorted(spaces)) or '(no [spaces])'}")
    axes: dict[str, tuple[Any, ...]] = {}
    for axis, values in spaces[name].items():
        if not isinstance(values, list) or not values or any(value in values[:n] for n, value in enumerate(values)):
            raise MatrixError(f"{place}: spaces.{name}.{axis} = {values!r}; a list of different values is wanted")
        axes[axis] = tuple(tuple(value) if isinstance(value, list) else value for value in values)
    return axes


def _refinement(table: Any, cell: Cell, root: Path, place: str) -> Refinement:
    if not isinstance(table, dict) or set(table) != _REFINEMENT:
        raise MatrixError(f"{place}: refinement = {table!r}; wanted a table of {', '.join(sorted(_REFINEMENT))}")
    if table["model"] not in (names := model_names(root)):
        raise MatrixError(
            f"{place}: refinement.model = {table['model']!r} is no model; wanted one of {', '.join(names)}"
        )
    for key, good, wanted in (
        ("neighbours", _whole(table["neighbours"], 0), "a whole number"),
        ("epochs", _whole(table["epochs"], 1), "a whole number above 0"),
        ("deeper", _is_widths(table["deeper"]), "a list of lists of widths, as [[300, 250], [100]]"),
        ("model", cell.init == "canonical", 'one whose weights can be transferred: init = "canonical"'),
    ):
        if not good:
            raise MatrixError(f"{place}: refinement.{key} = {table[key]!r}; wanted {wanted}")
    return Refinement(**table | {"deeper": tuple(tuple(widths) for widths in table["deeper"])})


def _is_widths(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(widths, list) and widths and all(_whole(width, 1) for width in widths) for widths in value
    )

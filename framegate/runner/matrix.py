"""Reads matrix.toml, the one declaration of all cells."""

import math
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from framegate.errors import MatrixError
from framegate.runner.cell import Cell
from framegate.runner.declarations import DEVICES, Environment

_TABLES = ("defaults", "tiers", "groups", "cells", "pipelines", "spaces", "searches")
OPTIMIZERS = ("sgd", "adam", "rmsprop", "adadelta")

# Keys of a [[cells]] table that become several cells, or one field under another name.
_EXPANDED = {"environments", "devices"}
_FROM_ENVIRONMENT = {"environment", "framework", "device"}
_OF_A_TRIAL = {"fold"}  # set by a search
_REQUIRED = {"model", "dataset", "environments", "batch_size", "optimizer", "floor"}


Check = tuple[Callable[[Any], bool], str]


def _whole(least: int, but: str = "") -> Check:
    words = f"a whole number of at least {least}{but}"
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least, words


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check[0](value), check[1]


_ACCURACY: Check = (
    lambda value: isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1,
    "an accuracy between 0 and 1",
)
_SHARE: Check = (lambda value: isinstance(value, float) and 0 < value < 1, "a number between 0 and 1")
_NAME: Check = (lambda value: isinstance(value, str) and bool(re.fullmatch(r"[\w.-]+", value)), "a name")
_VALUES: dict[str, Check] = {
    "model": _NAME,
    "dataset": _NAME,
    "image_size": _or_none(_whole(1)),
    "batch_size": _whole(1),
    "processes": _whole(1),
    "epochs": _whole(2, ", as the first is warm-up,"),
    "seed": _whole(0),
    "threads": _whole(1),
    "reruns": _whole(0),
    "limit_seconds": (lambda value: isinstance(value, int | float) and value > 0, "a number above 0"),
    "floor": _ACCURACY,
    "floor_part": _or_none(_ACCURACY),
    "ceiling": _ACCURACY,
    "train_rows": _or_none(_whole(1)),
    "validation": _or_none(_SHARE),
    "init": (lambda value: value in ("canonical", "native"), '"canonical" or "native"'),
    "pretrained": (lambda value: isinstance(value, bool), "true or false"),
    "inference": (lambda value: isinstance(value, bool), "true or false"),
    "train_accuracy": (lambda value: isinstance(value, bool), "true or false"),
    "latency": (lambda value: isinstance(value, bool), "true or false"),
    "study": (lambda value: value == "" or _NAME[0](value), "a name"),
    "variant": (lambda value: value == "" or _NAME[0](value), "a name"),
}
_AUGMENT: dict[str, Check] = {
    "shift": _SHARE,  # of the side, to both sides
    "shear": _SHARE,  # radians
    "zoom": _SHARE,
    "flip": (lambda value: value is True, "true, or nothing,"),
    "variants": _whole(1),
}


def read_matrix(path: Path, environments: Mapping[str, Environment]) -> tuple[Cell, ...]:
    """Return the cells that the file declares, in its order. Raises MatrixError naming the table and key."""
    declared = read_tables(path)
    cells: dict[str, Cell] = {}
    tables = declared.get("cells", [])
    if not isinstance(tables, list):
        raise MatrixError(f"{path}: [cells] is one table; wanted [[cells]], a list of them")
    for number, table in enumerate(tables, start=1):
        place = f"{path.name}, cell table {number}"
        for cell in cells_of(table, declared, environments, place):
            check_files(cell, path.parent, place)
            if cell.id in cells:
                raise MatrixError(f'{place}: {cell.id} is declared twice; tell them apart with variant = "..."')
            cells[cell.id] = cell
    if not cells:
        raise MatrixError(f"{path}: no [[cells]] table found; see docs/adding-a-model.md")
    return tuple(cells.values())


def read_tables(path: Path) -> dict[str, Any]:
    """Return the file's tables by name, none of them looked into but the groups. Raises MatrixError."""
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MatrixError(f"{path}: not found; run from the folder that holds matrix.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MatrixError(f"{path}: not valid TOML: {error}") from None
    if unknown := sorted(set(declared) - set(_TABLES)):
        raise MatrixError(f"{path}: unknown table {unknown[0]!r}; wanted {', '.join(_TABLES)}")
    for group, members in declared.get("groups", {}).items():
        if not isinstance(members, list):
            raise MatrixError(f"{path}: groups.{group} = {members!r}; a list of environments is wanted")
    return declared


def check_files(cell: Cell, root: Path, place: str) -> None:
    """Raise MatrixError where the cell's model or dataset is not in the suite."""
    for key in ("model", "dataset"):
        check_module(root, key, getattr(cell, key), place)


def check_module(root: Path, key: str, name: str, place: str) -> None:
    """Raise MatrixError where the suite has no model or dataset, whichever the key says, of that name."""
    if not (file := root / f"{key}s" / f"{name.replace('-', '_')}.py").exists():
        raise MatrixError(f"{place}: {key} = {name!r}, but {file} is not there")
    if key == "model" and not has_layers(file):
        raise MatrixError(f"{place}: model = {name!r} is no model; wanted one of {', '.join(model_names(root))}")


def model_names(root: Path) -> list[str]:
    """Return the names of the suite's models: of the files in models/ that have layers(), which what they share has not."""
    return [file.stem for file in sorted((root / "models").glob("*.py")) if has_layers(file)]


def has_layers(file: Path) -> bool:
    return re.search(r"^def layers\(", file.read_text(encoding="utf-8"), re.MULTILINE) is not None


def cells_of(
    table: Mapping[str, Any], declared: Mapping[str, Any], environments: Mapping[str, Environment], place: str
) -> Iterator[Cell]:
    """Yield a table's cells, one for each environment and device. Raises MatrixError."""
    known = {field.name for field in fields(Cell)} - _FROM_ENVIRONMENT - _OF_A_TRIAL | _EXPANDED
    if unknown := sorted(set(table) - known):
        raise MatrixError(f"{place}: unknown key {unknown[0]!r}; wanted one of {', '.join(sorted(known))}")
    if missing := sorted(_REQUIRED - set(table)):
        raise MatrixError(f"{place}: {missing[0]} is missing")
    tier = table.get("tier", "quick")
    tiers = declared.get("tiers", {})
    if not isinstance(tier, str) or tier not in tiers:
        raise MatrixError(f"{place}: tier {tier!r}; wanted one of {', '.join(sorted(tiers)) or '(no [tiers] table)'}")
    merged: dict[str, Any] = {"tier": tier, "image_size": None, "floor_part": None}
    merged |= {**declared.get("defaults", {}), **tiers[tier], **table}
    merged["optimizer"] = _optimizer(table["optimizer"], place)
    if "parameters" in table:
        merged["parameters"] = _parameters(table["parameters"], place)
    if "augment" in table:
        merged["augment"] = _augment(table["augment"], place)
    names, devices = merged.pop("environments"), merged.pop("devices", DEVICES)
    for key, listed in (("environments", names), ("devices", devices)):
        if not isinstance(listed, list | tuple) or not listed:
            raise MatrixError(f"{place}: {key} = {listed!r}; a list of at least one name is wanted")
    groups = declared.get("groups", {})
    for name in [one for named in names for one in groups.get(named, (named,))]:
        if name not in environments:
            wanted = ", ".join([*sorted(environments), *sorted(groups)])
            raise MatrixError(f"{place}: environment {name!r}; wanted one of {wanted}")
        for device in devices:
            if device not in DEVICES:
                raise MatrixError(f"{place}: device {device!r}; wanted cpu or gpu")
            if device in environments[name].requirements:
                yield _cell(merged | {"environment": name, "device": device}, environments[name], place)


def _cell(merged: dict[str, Any], environment: Environment, place: str) -> Cell:
    try:
        cell = Cell(framework=environment.framework, **merged)
    except TypeError as error:
        raise MatrixError(f"{place}: {error}") from None
    for name, (is_good, wanted) in _VALUES.items():
        if not is_good(value := getattr(cell, name)):
            raise MatrixError(f"{place}: {name} = {value!r}; {wanted} is wanted")
    if cell.ceiling < cell.floor:
        raise MatrixError(f"{place}: ceiling = {cell.ceiling!r}; at least the floor, {cell.floor!r}, is wanted")
    if cell.pretrained and cell.init != "canonical":
        raise MatrixError(f'{place}: pretrained = true with init = {cell.init!r}; "canonical" is wanted')
    return cell


def _optimizer(declared: object, place: str) -> tuple[tuple[str, Any], ...] | None:
    if declared == "solver":
        return None
    if not isinstance(declared, dict) or declared.get("name") not in OPTIMIZERS:
        raise MatrixError(
            f'{place}: optimizer = {declared!r}; wanted {{ name = "...", learning_rate = ... }} with one of'
            f' {", ".join(OPTIMIZERS)}, or "solver" where the estimator brings its own'
        )
    for name, value in declared.items():
        if name != "name" and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise MatrixError(f"{place}: optimizer.{name} = {value!r}; a number is wanted")
        if name != "name" and not 0 <= value < math.inf:
            raise MatrixError(f"{place}: optimizer.{name} = {value!r}; a finite number of at least 0 is wanted")
    return tuple(declared.items())


def _parameters(declared: object, place: str) -> tuple[tuple[str, Any], ...]:
    if not isinstance(declared, dict):
        raise MatrixError(f"{place}: parameters = {declared!r}; wanted a table of what the model's layers() takes")
    found = {name: tuple(value) if isinstance(value, list) else value for name, value in declared.items()}
    return tuple(sorted(found.items()))


def _augment(declared: object, place: str) -> tuple[tuple[str, Any], ...]:
    if not isinstance(declared, dict) or not declared:
        raise MatrixError(f"{place}: augment = {declared!r}; wanted {{ {', '.join(_AUGMENT)} }}, some of them")
    for name, value in declared.items():
        if name not in _AUGMENT:
            raise MatrixError(f"{place}: augment.{name}; wanted one of {', '.join(_AUGMENT)}")
        is_good, wanted = _AUGMENT[name]
        if not is_good(value):
            raise MatrixError(f"{place}: augment.{name} = {value!r}; {wanted} is wanted")
    return tuple(sorted(declared.items()))

"""Reads the cells of the input pipelines: the [[pipelines]] tables of matrix.toml. They have image files, and no model."""

from collections.abc import Mapping
from pathlib import Path

from framegate.errors import MatrixError
from framegate.runner.cell import PIPELINE, Cell
from framegate.runner.declarations import Environment
from framegate.runner.matrix import cells_of, check_module, read_tables

_KEYS = {"dataset", "image_size", "environments", "devices", "batch_size", "tier", "epochs", "processes"}
_KEYS |= {"reruns", "seed", "threads", "limit_seconds", "study", "variant"}


def read_pipelines(path: Path, environments: Mapping[str, Environment]) -> tuple[Cell, ...]:
    """Return the pipelines that the file declares, in its order. Raises MatrixError naming the table and key."""
    declared = read_tables(path)
    tables = declared.get("pipelines", [])
    if not isinstance(tables, list):
        raise MatrixError(f"{path}: [pipelines] is one table; wanted [[pipelines]], a list of them")
    cells: dict[str, Cell] = {}
    for number, table in enumerate(tables, start=1):
        place = f"{path.name}, pipelines table {number}"
        if unknown := sorted(set(table) - _KEYS):
            raise MatrixError(f"{place}: unknown key {unknown[0]!r}; wanted one of {', '.join(sorted(_KEYS))}")
        whole = {**table, "model": PIPELINE, "optimizer": "solver", "floor": 0.0}
        for cell in cells_of(whole, declared, environments, place):
            check_module(path.parent, "dataset", cell.dataset, place)
            module = environments[cell.environment].pipeline
            if not (file := path.parent / f"{module.replace('.', '/')}.py").exists():
                raise MatrixError(f"{place}: {cell.environment} has no pipeline: {file} is not there")
            if cell.id in cells:
                raise MatrixError(f'{place}: {cell.id} is declared twice; tell them apart with variant = "..."')
            cells[cell.id] = cell
    return tuple(cells.values())

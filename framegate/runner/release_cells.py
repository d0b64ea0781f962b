"""The cells of a release: those of the environment whose place it takes, one process after the other."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement

from framegate.errors import EnvironmentFailed, FramegateError
from framegate.runner.cell import TRAINING, Cell
from framegate.runner.data import data_home
from framegate.runner.declarations import Environment, load
from framegate.runner.environments import ensure
from framegate.runner.journal import ProcessResult
from framegate.runner.matrix import read_matrix
from framegate.runner.run import Run, wrong_accuracy
from framegate.runner.sides import Side, family, read_side, solve, templates

Say = Callable[[str], None]


class FloorMissed(FramegateError):
    """A cell missed its accuracy floor: its times are worth nothing."""


@dataclass(frozen=True)
class ReleaseCells:
    """What can be measured of one release on one device."""

    root: Path
    environment: Environment
    cells: tuple[Cell, ...]
    device: str

    def cell(self, work: str) -> Cell | None:
        """Return the cell that does a work, or None where the release has none."""
        return next((cell for cell in self.cells if cell.work == work), None)

    def build(self, say: Say) -> None:
        """Return when the release's environment is there. Raises PythonMissing, EnvironmentFailed."""
        ensure(self.environment, self.device, self.root / ".framegate" / "envs", say)

    def processes(self, cell: Cell, purpose: str, count: int, session: str, say: Say) -> tuple[ProcessResult, ...]:
        """Return the first processes of a cell, those that the session's journal has not yet being run.

        Raises what Run.run_cell raises, and FloorMissed.
        """
        run = Run(self.root, {self.environment.name: self.environment}, data_home=data_home(None), name=session)
        try:
            result = run.run_cell(replace(cell, processes=count), purpose, say, lambda task, event: None)
            if wrong := wrong_accuracy(result):
                run.void(cell, purpose, wrong)
                raise FloorMissed(wrong)
        finally:
            run.close()
        return result.processes


def release_cells(requirement: str, device: str, root: Path, say: Say) -> ReleaseCells:
    """Return the cells of a release, its environment solved. Raises EnvironmentFailed, MatrixError."""
    environments = load(root / "environments")
    cells = read_matrix(root / "matrix.toml", environments)
    used = {cell.environment for cell in cells if cell.device == device}
    side = read_side(requirement, environments)
    group = places(side, [one for one in environments.values() if one.name in used], device)
    if not group:
        raise EnvironmentFailed(
            f"{requirement}: no environment that a {device} cell of matrix.toml uses has a requirement of that name;"
            " declare one as docs/environments.md says"
        )
    template, environment = _solved(requirement, side, group, device, root / ".framegate" / "solved", say)
    own = (replace(cell, environment=environment.name) for cell in cells if cell.environment == template.name)
    return ReleaseCells(root, environment, tuple(cell for cell in own if cell.device == device), device)


def places(side: Side, environments: Sequence[Environment], device: str) -> list[Environment]:
    """Return the environments whose place a release takes, the nearest first: those of its own adapter, if there are any."""
    groups = templates((side, side), environments, device)
    return min(groups, key=lambda group: _is_beside(group[0], side), default=[])


def _is_beside(template: Environment, side: Side) -> tuple[bool, bool]:
    """Return a key that is least where the release is the framework itself, and not what comes with another."""
    mark = {"scikit-learn": "sklearn"}
    return template.framework not in {
        mark.get(name, name) for name in side.packages
    }, template.name != template.packages


def _solved(
    requirement: str, side: Side, group: Sequence[Environment], device: str, folder: Path, say: Say
) -> tuple[Environment, Environment]:
    """Return the nearest template in which the release can be solved, and the release's environment."""
    failures = []
    for template in group:
        own = next((line for line in template.requirements[device] if family(line) in side.packages), None)
        wanted = _in_place_of(own, requirement) if own else requirement
        if wanted == own:
            return template, template
        one = read_side(wanted, {})
        try:
            template, (environment, _) = solve((one, one), [template], device, folder, False, say)
            return template, environment
        except EnvironmentFailed as failure:
            failures.append(failure)
    raise failures[0]


def _in_place_of(own: str, asked: str) -> str:
    """Return the template's requirement with the asked version: its name and extras are those of a build for the device."""
    requirement = Requirement(own)
    requirement.specifier = Requirement(asked).specifier
    return str(requirement)


def works(root: Path, purpose: str, tiers: Iterable[str], devices: Iterable[str]) -> list[Cell]:
    """Return one cell of each work that some environment does, in the order of matrix.toml."""
    cells = read_matrix(root / "matrix.toml", load(root / "environments"))
    chosen = {
        cell.work: cell
        for cell in reversed(cells)
        if cell.tier in tiers and cell.device in devices and (purpose == TRAINING or cell.inference)
    }
    return list(reversed(chosen.values()))

"""Reads environments/*.toml, the one declaration of all environments."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from framegate.errors import MatrixError

DEVICES = ("cpu", "gpu")
_KEYS = {
    "python": str,
    "framework": str,
    "adapter": str,
    "packages": str,
    "requirements": dict,
    "variables": dict,
    "links": dict,
    "exports": dict,
}
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")  # it becomes part of pytest ids, folders and markers
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_PYTHON = re.compile(r"\d+\.\d+")
_FILE_NAME = re.compile(r"[\w.+-]*\w")
_EXAMPLES = {"framework": "keras", "adapter": "frameworks.keras_session", "python": "3.11"}


@dataclass(frozen=True)
class Link:
    """A system library that the environment's packages ask for under another name."""

    library: str  # its name today: "libmpi.so.40"
    package: str  # of Debian, that brings it


@dataclass(frozen=True)
class Environment:
    name: str
    framework: str  # the pytest marker
    adapter: str  # module with the Session, as seen from the repository root: "frameworks.keras_session"
    python: str  # "3.11"
    variables: Mapping[str, str]
    packages: (
        str  # the environment whose locks and built folders it uses: its own name, or the one that it is a view of
    )
    requirements: Mapping[str, tuple[str, ...]]  # by device
    folder: Path  # where the locks lie
    links: Mapping[str, Link] = field(default_factory=dict)  # by the name that is asked for: "libmpi.so.12"
    exports: Mapping[str, str] = field(
        default_factory=dict
    )  # what it can write: the environment that reads it, by form

    @property
    def pipeline(self) -> str:
        """The module with the Pipeline, beside the adapter: "frameworks.torch_pipeline". Not each framework has one."""
        return self.adapter.removesuffix("session") + "pipeline"


def load(folder: Path) -> dict[str, Environment]:
    """Return the environments that the folder's TOML files declare, by name. Raises MatrixError naming the file and key."""
    tables = {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}
    if not tables:
        raise MatrixError(f"{folder}: no environment files found; wanted NAME.toml, see docs/environments.md")
    return {name: _environment(name, table, tables, folder) for name, table in tables.items()}


def _read(path: Path) -> dict[str, Any]:
    if not _NAME.fullmatch(path.stem):
        raise MatrixError(f"{path}: wanted a name of lower-case letters, digits, dots and hyphens")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MatrixError(f"{path}: not valid TOML: {error}") from None
    for key, value in table.items():
        if key not in _KEYS:
            raise MatrixError(f"{path}: unknown key {key!r}; wanted one of {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise MatrixError(f"{path}: {key} = {value!r}; wanted a {'string' if _KEYS[key] is str else 'table'}")
    wanted = {"framework", "adapter"} | ({"packages"} if "packages" in table else {"python", "requirements"})
    if missing := sorted(wanted - set(table)):
        raise MatrixError(f"{path}: {missing[0]} is missing")
    _check_values(path, table)
    return table


def _check_values(path: Path, table: Mapping[str, Any]) -> None:
    if "packages" in table and (both := sorted({"python", "requirements"} & set(table))):
        raise MatrixError(f"{path}: {both[0]} comes with packages = {table['packages']!r}; keep one of the two")
    for key, pattern in (("framework", _NAME), ("adapter", _DOTTED), ("python", _PYTHON)):
        if key in table and not pattern.fullmatch(table[key]):
            raise MatrixError(f"{path}: {key} = {table[key]!r}; wanted something like {_EXAMPLES[key]!r}")
    for name, value in table.get("variables", {}).items():
        if not isinstance(value, str):
            raise MatrixError(f"{path}: variables.{name} = {value!r}; wanted a string")
        if name.startswith("PYTHON"):
            raise MatrixError(f"{path}: variables.{name} has no effect: workers ignore PYTHON*; remove it")
    for name, link in table.get("links", {}).items():
        if not _FILE_NAME.fullmatch(name) or not _is_link(link):
            raise MatrixError(
                f"{path}: links.{name} = {link!r}; wanted a file name, and"
                ' { library = "libmpi.so.40", package = "libopenmpi3" }'
            )
    for form, reader in table.get("exports", {}).items():
        if not isinstance(reader, str) or not _NAME.fullmatch(form):
            raise MatrixError(
                f"{path}: exports.{form} = {reader!r}; wanted a form, such as onnx, and the environment that reads it"
            )
    for device, requirements in table.get("requirements", {}).items():
        if device not in DEVICES:
            raise MatrixError(f"{path}: requirements.{device}; wanted one of {', '.join(DEVICES)}")
        if not isinstance(requirements, list) or not requirements or not all(map(_is_requirement, requirements)):
            raise MatrixError(
                f'{path}: requirements.{device} = {requirements!r}; wanted a list such as ["numpy==2.0.2"]'
            )


def _is_link(value: object) -> bool:
    wanted = {known.name for known in fields(Link)}
    return isinstance(value, dict) and set(value) == wanted and all(isinstance(text, str) for text in value.values())


def _is_requirement(value: object) -> bool:
    # A leading hyphen would be an option of the solver, a line break a second line of the lock's header.
    return isinstance(value, str) and bool(value.strip()) and not value.startswith("-") and "\n" not in value


def _environment(name: str, table: Mapping[str, Any], tables: Mapping[str, Any], folder: Path) -> Environment:
    packages = table.get("packages", name)
    if packages not in tables:
        raise MatrixError(f"{folder / name}.toml: packages = {packages!r}, but {packages}.toml is not there")
    for form, reader in table.get("exports", {}).items():
        if reader not in tables:
            raise MatrixError(f"{folder / name}.toml: exports.{form} = {reader!r}, but {reader}.toml is not there")
    source = tables[packages]
    if "packages" in source:
        raise MatrixError(
            f"{folder / name}.toml: packages = {packages!r}, which is itself a view; name {source['packages']!r}"
        )
    return Environment(
        name=name,
        framework=table["framework"],
        adapter=table["adapter"],
        python=source["python"],
        variables=table.get("variables", {}),
        packages=packages,
        requirements={device: tuple(listed) for device, listed in source["requirements"].items()},
        folder=folder,
        links={name: Link(**link) for name, link in table.get("links", {}).items()},
        exports=table.get("exports", {}),
    )

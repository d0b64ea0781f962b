"""What has been built: listed, and pruned."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from framegate.errors import EnvironmentFailed
from framegate.runner.declarations import Environment
from framegate.runner.environments import (
    BUILDING,
    build_lock,
    build_log,
    built_folder,
    folder_bytes,
    is_built,
    lock_state,
    remove_folder,
    stamp,
)
from framegate.runner.pythons import find_python

_FOLDER = re.compile(rf"(?P<name>.+-(?:cpu|gpu)-[0-9a-f]{{12}})(?P<build>{re.escape(BUILDING)}.+)?")


@dataclass(frozen=True)
class Status:
    name: str
    framework: str
    device: str
    python: str
    python_found: bool
    lock: str  # "current", "stale" or "missing"
    built: bool
    size_bytes: int  # 0 where it is not built
    folder: Path | None  # where it is or will be built; None without a current lock


@dataclass(frozen=True)
class Pruned:
    folder: Path
    size_bytes: int


def status(environments: Iterable[Environment], cache: Path) -> list[Status]:
    """Return a row per environment and device. Builds and downloads nothing."""
    return [_status(environment, device, cache) for environment in environments for device in environment.requirements]


def prune(environments: Iterable[Environment], cache: Path) -> list[Pruned]:
    """Return the removed folders: those that no current lock names and what killed builds left, never one being built."""
    kept = set(_named_by_locks(environments, cache))
    removed = []
    for folder in sorted(cache.iterdir()) if cache.is_dir() else []:
        match = _FOLDER.fullmatch(folder.name)
        if match is None or not folder.is_dir() or folder.is_symlink():
            continue
        final = cache / match["name"]
        try:
            with build_lock(final).acquire(timeout=0):
                if final in kept and match["build"] is None and is_built(folder):
                    continue
                removed.append(_removed(folder))
        except Timeout:
            continue
        if final not in kept:
            build_log(final).unlink(missing_ok=True)
    return removed


def _removed(folder: Path) -> Pruned:
    try:
        size_bytes = folder_bytes(folder)
        remove_folder(folder)
    except OSError as error:
        raise EnvironmentFailed(f"{folder} cannot be removed: {error}; remove it by hand") from error
    return Pruned(folder, size_bytes)


def _status(environment: Environment, device: str, cache: Path) -> Status:
    lock = lock_state(environment, device)
    folder = built_folder(environment, device, cache) if lock == "current" else None
    known = stamp(folder) if folder and is_built(folder) else None
    return Status(
        name=environment.name,
        framework=environment.framework,
        device=device,
        python=environment.python,
        python_found=find_python(environment.python) is not None,
        lock=lock,
        built=known is not None,
        size_bytes=known.size_bytes if known else 0,
        folder=folder,
    )


def _named_by_locks(environments: Iterable[Environment], cache: Path) -> Iterator[Path]:
    for environment in environments:
        for device in environment.requirements:
            try:
                yield built_folder(environment, device, cache)
            except EnvironmentFailed:
                continue  # without a current lock it names no folder

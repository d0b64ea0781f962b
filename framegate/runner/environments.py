"""Environments: declared in TOML files, solved into locks with hashes, built once by uv.

A built environment is the folder CACHE/PACKAGES-DEVICE-HASH, with HASH the first 12 hex digits of its lock's SHA-256. It is
built beside that name and renamed when its stamp, the last file, is written: whatever ends a build, nothing unfinished has
the name. Environments with the same packages share it.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from framegate.errors import EnvironmentFailed
from framegate.runner.declarations import Environment
from framegate.runner.installer import run_uv
from framegate.runner.libraries import link_libraries
from framegate.runner.pythons import obtain_python

BUILDING = ".building-"  # between the folder's name and the mark of one build
_STAMP = "framegate.json"
_PINNED = re.compile(rb"^[A-Za-z0-9].*==", re.MULTILINE)
Report = Callable[[str], None]


@dataclass(frozen=True)
class Stamp:
    """What is known of a built environment."""

    packages: int
    build_seconds: float
    size_bytes: int  # of its files; on one file system most are hard links into uv's cache


def lock_file(environment: Environment, device: str) -> Path:
    return environment.folder / f"{environment.packages}.{device}.lock"


def lock(environment: Environment, device: str, wheels_only: Iterable[str] = ()) -> Path:
    """Return the lock file, solved anew with the newest releases that the requirements allow. Raises EnvironmentFailed.

    wheels_only: packages that are not built from source.
    """
    path = lock_file(environment, device)
    requirements = "\n".join(_requirements(environment, device))
    command = ["pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    command += ["--python", str(obtain_python(environment.python)), "--python-version", environment.python]
    command += [option for package in wheels_only for option in ("--only-binary", package)]
    with tempfile.TemporaryDirectory() as scratch, _explained(f"{path.name} cannot be solved"):
        solved = Path(scratch) / path.name
        run_uv([*command, "--output-file", str(solved), "-"], Path(scratch) / "log", requirements, requirements)
        partial = path.with_name(path.name + ".partial")
        partial.write_text(_lock_header(environment, device) + solved.read_text(encoding="utf-8"), encoding="utf-8")
        partial.replace(path)
    return path


def lock_state(environment: Environment, device: str) -> str:
    """Return "current", "stale" where the requirements were changed since, or "missing"."""
    try:
        text = lock_file(environment, device).read_text(encoding="utf-8")
    except FileNotFoundError:
        return "missing"
    return "current" if text.startswith(_lock_header(environment, device)) else "stale"


def built_folder(environment: Environment, device: str, cache: Path) -> Path:
    """Return where the environment is or will be built. Raises EnvironmentFailed without a lock of its requirements."""
    _requirements(environment, device)
    path = lock_file(environment, device)
    if (state := lock_state(environment, device)) != "current":
        raise EnvironmentFailed(
            f"{path} is {state}; write it anew with: framegate envs lock {environment.name} --device {device}"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return cache / f"{environment.packages}-{device}-{digest[:12]}"


def stamp(folder: Path) -> Stamp | None:
    """Return what is known of a built environment, or None where the folder is none."""
    try:
        return Stamp(**json.loads((folder / _STAMP).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def is_built(folder: Path) -> bool:
    """Return whether the environment is complete and its interpreter, which lies elsewhere, still there."""
    return stamp(folder) is not None and _executable(folder).exists()


def ensure(environment: Environment, device: str, cache: Path, report: Report) -> Path:
    """Return the environment's python, built first where it is not there yet.

    Raises PythonMissing, LibraryMissing, EnvironmentFailed.

    The report gets a line at the start and one at the end of a build, and one where another process builds it.
    """
    folder = built_folder(environment, device, cache)
    with _explained(f"{folder.name} cannot be built"):
        if not is_built(folder):
            cache.mkdir(parents=True, exist_ok=True)
            with _held(build_lock(folder), report):
                if not is_built(folder):  # by the process that held the lock before
                    _build(environment, lock_file(environment, device), folder, report)
        link_libraries(environment, _executable(folder))
    return _executable(folder).absolute()


def build_lock(folder: Path) -> FileLock:
    """Return the lock, not yet taken, that whoever builds or removes the folder holds."""
    return FileLock(f"{folder}.lock")


def build_log(folder: Path) -> Path:
    return folder.with_name(folder.name + ".log")


def remove_folder(folder: Path) -> None:
    """Return when it is gone. The stamp goes first: a removal cut short leaves nothing that looks complete."""
    (folder / _STAMP).unlink(missing_ok=True)
    shutil.rmtree(folder)


def folder_bytes(folder: Path) -> int:
    files = (Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in files)


def _executable(folder: Path) -> Path:
    return folder / "bin" / "python"


def _requirements(environment: Environment, device: str) -> tuple[str, ...]:
    if device not in environment.requirements:
        raise EnvironmentFailed(
            f"{environment.name} has no requirements for {device}; add them to "
            f"{environment.folder / environment.packages}.toml"
        )
    return environment.requirements[device]


def _lock_header(environment: Environment, device: str) -> str:
    requirements = "; ".join(_requirements(environment, device))
    return (
        f"# Solved by: framegate envs lock {environment.packages} --device {device}\n"
        f"# From: Python {environment.python}; {requirements}\n"
    )


def _build(environment: Environment, lock_path: Path, folder: Path, report: Report) -> None:
    started = time.monotonic()
    interpreter = obtain_python(environment.python)
    locked = lock_path.read_bytes()
    packages = len(_PINNED.findall(locked))
    for leftover in folder.parent.glob(f"{folder.name}{BUILDING}*"):
        # Of a build that was killed. Its uv may still be writing there: what is left, prune takes.
        shutil.rmtree(leftover, ignore_errors=True)
    log = build_log(folder)
    log.write_bytes(b"")
    report(f"{folder.name}: building on Python {environment.python}, packages: {packages}; log: {log}")
    # A name of its own: a uv that outlives its killed driver goes on writing there, and not into the next build.
    building = Path(tempfile.mkdtemp(prefix=f"{folder.name}{BUILDING}", dir=folder.parent))
    try:
        _install(interpreter, locked, building, log)
        known = Stamp(packages, round(time.monotonic() - started, 1), folder_bytes(building))
        (building / _STAMP).write_text(json.dumps(vars(known)), encoding="utf-8")
        if folder.exists():
            remove_folder(folder)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    report(f"{folder.name}: built in {known.build_seconds:.0f} s, {known.size_bytes / 1e6:,.0f} MB")


def _install(interpreter: Path, locked: bytes, building: Path, log: Path) -> None:
    lock_copy = building / "requirements.lock"
    try:
        run_uv(["venv", "--no-project", "--relocatable", "--python", str(interpreter), str(building)], log)
        lock_copy.write_bytes(locked)
        python = str(_executable(building))
        install = ["pip", "install", "--python", python, "--require-hashes", "--requirements", str(lock_copy)]
        run_uv(install, log, pins=locked.decode())
    except EnvironmentFailed as error:
        raise EnvironmentFailed(f"{error}; log: {log}") from None


@contextmanager
def _held(lock: FileLock, report: Report) -> Iterator[None]:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(f"{Path(lock.lock_file).stem}: another process builds it; waiting")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except EnvironmentFailed as error:
        raise EnvironmentFailed(f"{what}: {error}") from None
    except OSError as error:
        raise EnvironmentFailed(f"{what}: {error}; free space there, or choose another folder") from error

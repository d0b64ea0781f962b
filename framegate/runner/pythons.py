"""Finds interpreters: installed ones, else one that uv may download, else a clear line that it is missing."""

import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from uv import find_uv_bin

from framegate.errors import PythonMissing

# pyenv's shims answer to every name and fail for the versions that are not active, so each candidate is asked.
_PROBE = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)"
_PROBE_SECONDS = 30
_OLDEST_OF_UV = (3, 8)


def clean_variables() -> dict[str, str]:
    """Return this process's environment without PYTHON*: a PYTHONPATH or PYTHONHOME of ours would reach into theirs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


@functools.cache
def find_python(version: str) -> Path | None:
    """Return a working interpreter of that version ("3.11"), or None. Downloads nothing."""
    for candidate in _candidates(version):
        if executable := _working(candidate, version):
            return executable
    return _asked(["python", "find", "--no-project", "--no-python-downloads", version])


@functools.cache
def _downloaded_python(version: str) -> Path | None:
    # `uv run` downloads exactly where the user's uv settings (UV_PYTHON_DOWNLOADS, uv.toml) allow it.
    return _asked(["run", "--no-project", "--python", version, "python", "-c", "import sys; print(sys.executable)"])


def obtain_python(version: str) -> Path:
    """Return a working interpreter, downloaded by uv where its settings allow that. Raises PythonMissing."""
    executable = find_python(version) or _downloaded_python(version)
    if executable is None:
        raise PythonMissing(
            f"Python {version} not found on PATH, in {_pyenv_versions()} or by uv; "
            f"install it with: {install_command(version)}"
        )
    return executable


def install_command(version: str) -> str:
    commands = [f"pyenv install {version}"]
    if tuple(int(part) for part in version.split(".")) >= _OLDEST_OF_UV:
        commands.append(f"uv python install {version}")
    return " or: ".join(commands)


def _candidates(version: str) -> Iterator[Path]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield Path(folder) / f"python{version}"
    yield Path(sys.base_prefix) / "bin" / f"python{version}"
    patches = [path for path in _pyenv_versions().glob(f"{version}.*") if re.fullmatch(r"[\d.]+", path.name)]
    for path in sorted(patches, key=lambda path: int(path.name.rpartition(".")[2]), reverse=True):
        yield path / "bin" / "python"


def _pyenv_versions() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"


def _working(candidate: Path, version: str) -> Path | None:
    if not candidate.is_file():
        return None
    lines = _output([str(candidate), "-I", "-c", _PROBE], _PROBE_SECONDS).split("\n")
    return Path(lines[1]) if lines[0] == version and len(lines) > 1 else None


def _asked(arguments: list[str]) -> Path | None:
    answer = _output([find_uv_bin(), "--quiet", *arguments], None)
    return Path(answer) if answer else None


def _output(command: list[str], limit_seconds: float | None) -> str:
    """Return what the command prints, stripped; empty where it fails, hangs or cannot be started."""
    try:
        done = subprocess.run(
            command,
            env=clean_variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

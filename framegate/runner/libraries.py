"""System libraries that an old package asks for under a name they no longer have: links of that name, in its environment."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from framegate.errors import LibraryMissing
from framegate.runner.declarations import Environment, Link

_SYSTEM_FOLDERS = "/sbin:/usr/sbin"  # where ldconfig is, and not on every user's PATH


def links_folder(python: Path) -> Path:
    """Return where the links of the environment with that interpreter lie: for LD_LIBRARY_PATH."""
    return python.parent.parent / "links"


def link_libraries(environment: Environment, python: Path) -> None:
    """Return when each of the environment's links leads to a library. Raises LibraryMissing naming its package."""
    folder = links_folder(python)
    for name, link in environment.links.items():
        if not (folder / name).exists():
            folder.mkdir(exist_ok=True)
            _replace_link(folder / name, _library(name, link, environment.name))


def _library(name: str, link: Link, environment: str) -> Path:
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        if folder and (path := Path(folder) / link.library).exists():
            return path.absolute()
    if (known := _known_to_the_loader().get(link.library)) and known.exists():
        return known
    raise LibraryMissing(
        f"{environment} needs the system library {link.library}, as {name}, and the loader knows none; "
        f"install it with: apt-get install {link.package} (or what brings {link.library} elsewhere)"
    )


def _known_to_the_loader() -> Mapping[str, Path]:
    ldconfig = shutil.which("ldconfig", path=os.environ.get("PATH", "") + os.pathsep + _SYSTEM_FOLDERS)
    if ldconfig is None:
        return {}
    listed = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, errors="replace", check=False).stdout
    return {name: Path(path) for name, path in re.findall(r"^\s*(\S+) \(.*x86-64.*\) => (.+)$", listed, re.MULTILINE)}


def _replace_link(link: Path, target: Path) -> None:
    """Return when the link is there. Two processes may make it at once, and a dangling one may be in its place."""
    with tempfile.TemporaryDirectory(dir=link.parent) as scratch:
        new = Path(scratch) / link.name
        new.symlink_to(target)
        new.replace(link)

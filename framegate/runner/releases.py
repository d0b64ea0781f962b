"""The releases of a framework, as a package index or a list tells them."""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from uv import find_uv_bin

from framegate.errors import ReleasesError

_OF_UV = re.compile(r"default package index \(by default: <(\S+)/simple>\)")
_ANSWER_SECONDS = 60
_NAME = re.compile(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class Release:
    package: str  # its canonical name: the branch of the release history
    version: Version
    date: datetime

    @property
    def tag(self) -> str:
        return f"{self.package}-{self.version}"

    @property
    def pin(self) -> str:
        return f"{self.package}=={self.version}"


def default_index() -> str:
    """Return the address before NAME/json of the index that uv installs from: the one in its settings, else in its help.

    Raises ReleasesError where that is no pair of URL/simple and URL/pypi, as an index with JSON has it.
    """
    help_text = subprocess.run(
        [find_uv_bin(), "pip", "install", "--help"], capture_output=True, text=True, check=False
    ).stdout
    known = _OF_UV.search(" ".join(help_text.split()))
    simple = (
        os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or (known[1] + "/simple" if known else "")
    )
    if not simple.rstrip("/").endswith("/simple"):
        raise ReleasesError(
            f"{simple or 'uv'} tells no address of an index's JSON; give it: framegate releases --index URL"
        )
    return simple.rstrip("/").removesuffix("simple") + "pypi"


def indexed(package: str, index: str) -> tuple[list[Release], Counter[str]]:
    """Return a package's releases with a wheel for Linux on x86-64, and how many were left out for which reason.

    index: the address before NAME/json. Raises ReleasesError.
    """
    if not _NAME.fullmatch(package):
        raise ReleasesError(f"{package!r} is no package's name; wanted something like tensorflow")
    address = f"{index.rstrip('/')}/{package}/json"
    found: list[Release] = []
    left_out: Counter[str] = Counter()
    for text, files in _files(address, package).items():
        dated = _dated(package, text, files)
        if isinstance(dated, Release):
            found.append(dated)
        else:
            left_out[dated] += 1
    if not found:
        raise ReleasesError(f"{address}: {package} has no release with a wheel for Linux on x86-64")
    return found, left_out


def _files(address: str, package: str) -> Mapping[str, Any]:
    try:
        with urlopen(address, timeout=_ANSWER_SECONDS) as answer:
            releases = json.load(answer)["releases"]
    except HTTPError as error:
        found = f"knows no package {package}" if error.code == 404 else f"answered {error.code} {error.reason}"
        raise ReleasesError(f"{address}: the index {found}; is it spelled as in pip install?") from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ReleasesError(
            f"{address} cannot be read: {reason}; without a network: framegate releases --list FILE"
        ) from None
    except (ValueError, KeyError, TypeError):
        releases = None
    if not isinstance(releases, dict):
        raise ReleasesError(f"{address} is not an index's JSON: it holds no releases")
    return releases


def _dated(package: str, text: str, files: Any) -> Release | str:
    """Return the release, or why it is left out."""
    try:
        version = Version(text)
        if version.is_prerelease:
            return "pre-releases"
        wheels = [file for file in files if file["packagetype"] == "bdist_wheel" and _installable(file["filename"])]
        if not wheels:
            return "without a wheel for Linux on x86-64"
        standing = [file for file in wheels if not file.get("yanked")]
        if not standing:
            return "yanked"
        return Release(canonicalize_name(package), version, min(map(_uploaded, standing)))
    except InvalidVersion:
        return "with a version that is none"
    except (KeyError, TypeError, ValueError) as error:
        raise ReleasesError(
            f"{package} {text}: the index's JSON lacks what tells its date and files: {error!r}"
        ) from None


def _uploaded(file: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(file["upload_time_iso_8601"]).replace(microsecond=0)  # git counts seconds


def _installable(filename: str) -> bool:
    try:
        tags = parse_wheel_filename(filename)[3]
    except (InvalidWheelFilename, InvalidVersion):
        return False
    return any(tag.platform == "any" or ("linux" in tag.platform and tag.platform.endswith("x86_64")) for tag in tags)


def listed(path: Path) -> list[Release]:
    """Return the releases in a file of lines such as "tensorflow==2.12.0 2023-03-22". Raises ReleasesError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReleasesError(f"{path} cannot be read: {error}") from None
    kept = [(number, line.strip()) for number, line in enumerate(lines, start=1)]
    found = [_line(line, f"{path}, line {number}") for number, line in kept if line and not line.startswith("#")]
    if not found:
        raise ReleasesError(f'{path}: no release in it; wanted lines such as "tensorflow==2.12.0 2023-03-22"')
    return found


def _line(line: str, place: str) -> Release:
    pin, _, date = line.partition(" ")
    try:
        requirement = Requirement(pin)
        (specifier,) = requirement.specifier
        if specifier.operator != "==":
            raise ValueError(pin)
        day = datetime.fromisoformat(date.strip()).replace(microsecond=0)
        version = Version(specifier.version)
    except (InvalidRequirement, InvalidVersion, ValueError):
        raise ReleasesError(
            f'{place}: {line!r}; wanted "NAME==VERSION DATE", as "tensorflow==2.12.0 2023-03-22"'
        ) from None
    return Release(canonicalize_name(requirement.name), version, day if day.tzinfo else day.replace(tzinfo=UTC))


def ascending(releases: Iterable[Release], after: Release | None = None) -> Iterator[Release]:
    """Yield, by date, the releases that were the newest version when they came, behind the one given.

    So versions and dates both rise along a branch, a bisection finds one place, and a history made later
    begins with the one made before: backports to older series are left out.
    """
    newest = after.version if after else None
    for release in sorted(releases, key=lambda one: (one.date, one.version)):
        if (newest is None or release.version > newest) and (after is None or release.date > after.date):
            newest = release.version
            yield release

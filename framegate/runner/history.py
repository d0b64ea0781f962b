"""The release history: a git repository with a branch a framework and a commit a release, which asv follows as a project.

A commit holds one file, pin.txt ("tensorflow==2.20.0"), is tagged "tensorflow-2.20.0" and dated as released. Equal releases
make equal commits on every machine.
"""

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from packaging.version import Version

from framegate.errors import ReleasesError
from framegate.runner.releases import Release, ascending

PIN = "pin.txt"
_MARK = "framegate.releases"  # in the repository's configuration: that it is one of ours
_IDENTITY = "Framegate <framegate@localhost>"


def extend(repository: Path, package: str, releases: Sequence[Release]) -> list[Release]:
    """Return the releases that were added to the package's branch, all of them or none. Raises ReleasesError."""
    repository.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(repository.with_name(repository.name + ".lock")):
        if not is_history(repository):
            _create(repository, package)
        known = branch(repository, package)
        added = list(ascending(releases, known[-1] if known else None))
        if added:
            _git(repository, "fast-import", "--quiet", text=_stream(package, added, bool(known)))
    return added


def is_history(repository: Path) -> bool:
    """Return whether it is a release history; False where nothing is there. Raises ReleasesError for anything else."""
    if not repository.exists():
        return False
    marked = repository.is_dir() and (repository / "HEAD").is_file()
    if not marked or _git(repository, "config", "--default", "", _MARK).strip() != "1":
        raise ReleasesError(f"{repository} is no release history; remove it or choose another folder with --repository")
    return True


def branch(repository: Path, package: str) -> list[Release]:
    """Return the releases on a package's branch, oldest first."""
    wanted = f"refs/heads/{package}"
    if not _git(repository, "for-each-ref", wanted):
        return []
    lines = _git(repository, "log", "--reverse", "--format=%ct %s", wanted).splitlines()
    return [_release(package, line) for line in lines]


def branches(repository: Path) -> list[str]:
    """Return the packages that have a branch."""
    return _git(repository, "for-each-ref", "--format=%(refname:strip=2)", "refs/heads").split()


def commits(repository: Path) -> dict[str, str]:
    """Return the hash of each release's commit, by its tag."""
    lines = _git(repository, "for-each-ref", "--format=%(refname:strip=2) %(objectname)", "refs/tags").splitlines()
    return dict(line.split() for line in lines)


def pin_at(repository: Path, commit: str) -> str:
    """Return the requirement that a commit holds: "tensorflow==2.20.0". Raises ReleasesError."""
    return _git(repository, "show", f"{commit}:{PIN}").strip()


def _release(package: str, line: str) -> Release:
    seconds, _, subject = line.partition(" ")
    return Release(package, Version(subject.rpartition(" ")[2]), datetime.fromtimestamp(int(seconds), UTC))


def _create(repository: Path, package: str) -> None:
    _git(None, "init", "--quiet", "--bare", "--object-format=sha1", f"--initial-branch={package}", str(repository))
    _git(repository, "config", _MARK, "1")


def _stream(package: str, releases: Sequence[Release], known: bool) -> str:
    """Return what git fast-import reads: it moves the branch and its tags at its own end only."""
    lines = []
    for mark, release in enumerate(releases, start=1):
        lines += [f"commit refs/heads/{package}", f"mark :{mark}"]
        lines += [f"committer {_IDENTITY} {int(release.date.timestamp())} +0000"]
        lines += _data(f"{package} {release.version}")
        if mark == 1 and known:
            lines.append(f"from refs/heads/{package}^0")
        lines += [f"M 100644 inline {PIN}", *_data(release.pin), ""]
        lines += [f"reset refs/tags/{release.tag}", f"from :{mark}", ""]
    return "\n".join([*lines, "done", ""])


def _data(text: str) -> list[str]:
    return [f"data {len(text.encode()) + 1}", text]


def _git(repository: Path | None, *arguments: str, text: str | None = None) -> str:
    place = ["--git-dir", str(repository)] if repository else []
    try:
        done = subprocess.run(["git", *place, *arguments], input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ReleasesError("git is not on PATH; the release history is a git repository: install git") from None
    if done.returncode:
        raise ReleasesError(f"git {arguments[0]} in {repository}: {done.stderr.strip() or done.returncode}")
    return done.stdout

"""framegate releases: the release history that asv follows."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from framegate.errors import ReleasesError
from framegate.runner.history import branch, extend
from framegate.runner.releases import Release, default_index, indexed, listed

_DESCRIPTION = """Make the release history that asv follows, or extend it: a git repository with a branch a framework and a
commit a release, tagged and dated as released. Left out are pre-releases, backports to older series, and releases without a
wheel for Linux on x86-64."""
FRAMEWORKS = ("tensorflow", "keras", "mxnet", "torch", "jax", "scikit-learn")


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "releases", help="make or extend the release history that asv follows", description=_DESCRIPTION
    )
    parser.epilog = "example: framegate releases tensorflow"
    add = parser.add_argument
    add("frameworks", nargs="*", metavar="FRAMEWORK", help=f"packages (default: {' '.join(FRAMEWORKS)})")
    add("--list", type=Path, metavar="FILE", help='lines "NAME==VERSION DATE" instead of an index: no network needed')
    add("--index", metavar="URL", help="package index that answers URL/NAME/json (default: the one that uv uses)")
    add("--repository", type=Path, metavar="DIR", help="the history (default: .framegate/releases)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print a line a framework; return 0."""
    repository = options.repository or options.suite / ".framegate" / "releases"
    if options.list:
        for package, releases in _grouped(listed(options.list), options.frameworks).items():
            _extend(repository, package, releases, Counter())
        return 0
    # All are asked before anything is written: a name misspelled at the end costs nothing.
    index = options.index or default_index()
    found = [(str(canonicalize_name(name)), indexed(name, index)) for name in options.frameworks or FRAMEWORKS]
    for package, (releases, left_out) in found:
        _extend(repository, package, releases, left_out)
    return 0


def _grouped(releases: list[Release], wanted: list[str]) -> dict[str, list[Release]]:
    names = [str(canonicalize_name(name)) for name in wanted] or list(dict.fromkeys(one.package for one in releases))
    grouped = {name: [one for one in releases if one.package == name] for name in names}
    if missing := [name for name, own in grouped.items() if not own]:
        raise ReleasesError(
            f"{missing[0]} is not in the list; it has {', '.join(sorted({one.package for one in releases}))}"
        )
    return grouped


def _extend(repository: Path, package: str, releases: list[Release], left_out: Counter[str]) -> None:
    added = extend(repository, package, releases)
    known = branch(repository, package)
    left_out["backports"] += len(releases) - len(set(releases) & set(known))
    words = [f"{count} {why}" for why, count in left_out.most_common() if count]
    span = f"{known[0].version} ({known[0].date:%Y-%m-%d}) to {known[-1].version} ({known[-1].date:%Y-%m-%d})"
    print(f"{package}: {len(known)} releases, {span}, {len(added)} of them new; left out: {', '.join(words) or 'none'}")

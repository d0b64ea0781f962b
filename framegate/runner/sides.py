"""The sides of a gate: what was typed becomes, for each environment that it fits, one with that release in it, solved and locked."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from filelock import FileLock
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from framegate.errors import EnvironmentFailed, PythonMissing, SideError
from framegate.runner.declarations import Environment
from framegate.runner.environments import lock, lock_file, lock_state

# What decides which environment a release belongs to; all else (numpy, CUDA's libraries) only comes with it.
FRAMEWORKS = frozenset({"tensorflow", "keras", "mxnet", "jax", "torch", "scikit-learn", "theano", "cntk"})
_BUILD = re.compile(r"-(cpu|gpu|nightly|mkl|native|cu\d+(mkl)?)$")
_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:==([^\s;\\]+)| @ ([^\s;\\]+))", re.MULTILINE)
_WANTED = (
    "an environment's name, a requirement such as tensorflow==2.20.0, a wheel (.whl) or a requirements file (.txt)"
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Side:
    """One side as it was typed."""

    text: str
    name: str  # in folders and cell ids
    known: Environment | None = None  # else:
    requirements: tuple[str, ...] = ()
    whole: bool = False  # a requirements file stands for all of an environment's requirements, not for one of them

    @property
    def packages(self) -> frozenset[str]:
        return frozenset(map(family, self.requirements))

    @property
    def pinned(self) -> bool:
        """Whether it means the same release for ever: then its lock need not be solved anew."""
        return all(("==" in line and "*" not in line) or " @ " in line for line in self.requirements)


def family(requirement: str) -> str:
    """Return whose release a requirement asks for: "tensorflow" for tf-nightly, tensorflow-cpu==2.21.0, ..."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    name = canonicalize_name(found.group() if found else requirement)
    return _BUILD.sub("", re.sub(r"^tf-nightly", "tensorflow", name))


def read_side(text: str, environments: Mapping[str, Environment]) -> Side:
    """Return what was typed, understood. Raises SideError; solves and downloads nothing."""
    if text in environments:
        return Side(text, text, known=environments[text])
    path = Path(text)
    if path.suffix == ".whl":
        return _wheel(path, text)
    if path.suffix in (".txt", ".in") or path.is_file():
        return _requirements_file(path, text)
    try:
        wanted = Requirement(text)
    except InvalidRequirement as error:
        known = ", ".join(environments)
        raise SideError(f"{text!r} is none of: {_WANTED}; {str(error).splitlines()[0]}; known: {known}") from None
    wanted.name = canonicalize_name(wanted.name)
    requirement = str(wanted)  # Scikit_Learn == 1.7.2 is scikit-learn==1.7.2
    exact = re.fullmatch(r"[\w.-]+(==[\w.]+)?", requirement)
    digest = "" if exact else "-" + hashlib.sha256(requirement.encode()).hexdigest()[:6]  # numpy>2 and numpy<2 are two
    return Side(text, _slug(requirement) + digest, requirements=(requirement,))


def _wheel(path: Path, text: str) -> Side:
    try:
        distribution, version, _, _ = parse_wheel_filename(path.name)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except InvalidWheelFilename as error:
        raise SideError(f"{text}: {error}; a wheel is named NAME-VERSION-PYTHON-ABI-PLATFORM.whl") from None
    except OSError as error:
        raise SideError(f"{text}: {error.strerror}; wanted {_WANTED}") from None
    # The digest is part of the requirement: a wheel built anew under the same name is solved and built anew.
    requirement = f"{distribution} @ {path.resolve().as_uri()}#sha256={digest}"
    return Side(text, _slug(f"{distribution}-{version}-{digest[:8]}"), requirements=(requirement,))


def _requirements_file(path: Path, text: str) -> Side:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SideError(f"{text}: {error}; wanted {_WANTED}") from None
    joined = re.sub(r"\\\r?\n", " ", content)
    stripped = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())
    lines = tuple(line for line in stripped if line)
    if options := [line for line in lines if line.startswith("-")]:
        raise SideError(f"{text}: {options[0]!r} is an option; only requirements are wanted, one a line")
    if not lines:
        raise SideError(f"{text}: no requirement in it; wanted one a line")
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return Side(text, _slug(f"{path.stem}-{digest[:8]}"), requirements=lines, whole=True)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")


def fits(side: Side, template: Environment, device: str) -> bool:
    """Return whether the side's release can stand in the template's place."""
    if device not in template.requirements:
        return False
    named = frozenset(map(family, template.requirements[device]))
    if side.whole:
        return (named & FRAMEWORKS or named) <= side.packages
    return side.packages <= named | {template.framework}  # the framework of a view, as Keras, comes with the packages


def templates(sides: tuple[Side, Side], environments: Iterable[Environment], device: str) -> list[list[Environment]]:
    """Return the environments that fit both sides, those that do the same work together, the nearest release first.

    A known environment is itself the template of the other side.
    """
    known = [side.known for side in sides if side.known and device in side.known.requirements]
    typed = [side for side in sides if not side.known]
    if not typed:
        return [known]
    fitting = [one for one in known or environments if all(fits(side, one, device) for side in typed)]
    groups: dict[tuple[str, frozenset[str]], list[Environment]] = {}
    for one in fitting:
        work = (one.framework, frozenset(map(family, one.requirements[device])) & FRAMEWORKS)
        groups.setdefault(work, []).append(one)
    # Of the same release the shortest name first: the environment itself, before those with another loop or with exporters.
    return [sorted(group, key=lambda one: (_distance(typed[-1], one, device), one.name)) for group in groups.values()]


def nothing_fits(sides: tuple[Side, Side], environments: Mapping[str, Environment]) -> str:
    """Return in words that no environment, or none of the selected cells, fits both sides."""
    every = [(one, device) for one in environments.values() for device in one.requirements]
    for side in sides:
        if not side.known and not any(fits(side, one, device) for one, device in every):
            known = {family(line) for one, device in every for line in one.requirements[device]}
            listed = ", ".join(sorted(name for name in known if not name.startswith("nvidia-")))
            wanted = " and ".join(sorted(side.packages))
            return f"{side.text}: no environment has {wanted} among its requirements; there are: {listed}"
    both = {
        one.name
        for device in ("cpu", "gpu")
        for group in templates(sides, environments.values(), device)
        for one in group
    }
    if not both:
        return f"{sides[0].text} and {sides[1].text}: no environment fits both; give two releases of one framework"
    return (
        f"no selected cell is in {', '.join(sorted(both))}, which both sides fit; choose other cells with -m or --cells"
    )


def _distance(side: Side, template: Environment, device: str) -> tuple[float, ...]:
    """Return how far the template's release is from the side's; one that is not pinned is nearest to the newest."""
    wanted = _release(side.requirements, side.packages)
    own = _release(template.requirements[device], side.packages)
    if not wanted:
        return tuple(-float(part) for part in own)
    return tuple(abs(float(a) - b) for a, b in zip_longest(wanted, own, fillvalue=0))


def _release(requirements: Iterable[str], packages: frozenset[str]) -> tuple[int, ...]:
    for line in requirements:
        pin = re.search(r"==\s*([^\s,;]+)", line)
        if pin and family(line) in packages:
            try:
                return Version(pin.group(1)).release
            except InvalidVersion:
                continue
    return ()


def side_environment(side: Side, template: Environment, device: str, folder: Path) -> Environment:
    """Return the template with the side's release in it; its locks lie in the folder."""
    if side.known:
        return side.known
    own = template.requirements[device]
    kept = () if side.whole else tuple(line for line in own if family(line) not in side.packages)
    # Named for the packages' owner: a view of the template shares the built folder.
    packages = f"{template.packages}+{side.name}"
    changed = {device: side.requirements + kept}
    return replace(
        template, name=f"{template.name}+{side.name}", packages=packages, requirements=changed, folder=folder
    )


def solve(
    sides: tuple[Side, Side], group: Sequence[Environment], device: str, folder: Path, renew: bool, say: Say
) -> tuple[Environment, tuple[Environment, Environment]]:
    """Return the first template that can hold both sides, and their environments, locked. Raises EnvironmentFailed.

    renew: releases that are not pinned are solved anew.
    """
    failures = []
    for template in group:
        pair = (
            side_environment(sides[0], template, device, folder),
            side_environment(sides[1], template, device, folder),
        )
        try:
            for side, one in zip(sides, pair, strict=True):
                if not side.known:
                    _locked(side, one, device, renew and not side.pinned, say)
        except (EnvironmentFailed, PythonMissing) as failure:
            failures.append(f"in {template.name} (Python {template.python}): {failure}")
            continue
        return template, pair
    raise EnvironmentFailed("\n  ".join(failures))


def _locked(side: Side, environment: Environment, device: str, renew: bool, say: Say) -> None:
    environment.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{lock_file(environment, device)}.solving"):
        if renew or lock_state(environment, device) != "current":
            say(f"{environment.packages}: solving")
            # A framework's release without a wheel for this Python would be built for hours, and fail.
            lock(environment, device, wheels_only=sorted(side.packages & (FRAMEWORKS | {"numpy"})))


def locked_packages(environment: Environment, device: str) -> dict[str, str]:
    """Return the versions in an environment's lock, by package; of a local wheel its address."""
    text = lock_file(environment, device).read_text(encoding="utf-8")
    return {canonicalize_name(name): version or place for name, version, place in _PINNED.findall(text)}


def differences(baseline: Environment, candidate: Environment, device: str) -> list[str]:
    """Return in words what differs between two environments: "numpy 1.26.4 -> 2.0.2", the Python, the adapter, variables."""
    one, other = locked_packages(baseline, device), locked_packages(candidate, device)
    one |= {"Python": baseline.python, "adapter": baseline.adapter} | dict(baseline.variables)
    other |= {"Python": candidate.python, "adapter": candidate.adapter} | dict(candidate.variables)
    return [
        f"{name} {one.get(name, 'absent')} -> {other.get(name, 'absent')}"
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]

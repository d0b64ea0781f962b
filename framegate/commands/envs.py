"""framegate envs: environments listed, built, verified, locked and pruned."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from framegate.errors import FramegateError
from framegate.runner import built
from framegate.runner.declarations import DEVICES, Environment, load
from framegate.runner.devices import gpu_reason
from framegate.runner.environments import ensure, lock
from framegate.runner.matrix import read_matrix
from framegate.runner.run import try_environment


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("envs", help="list, build, verify, lock or prune environments")
    parser.add_argument("action", choices=list(_ACTIONS), help="verify: import the framework and train one step")
    parser.add_argument("names", nargs="*", metavar="NAME", help="environments (default: all)")
    parser.add_argument("--device", choices=DEVICES, default="cpu")
    parser.epilog = "example: framegate envs build mxnet-1.9"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    return _ACTIONS[options.action](options)


def _environments(options: argparse.Namespace) -> list[Environment]:
    """Return the environments named on the command line that have the device, all where none is named."""
    known = load(options.suite / "environments")
    for name in options.names:
        if name not in known:
            raise FramegateError(f"no environment {name!r}; known: {', '.join(known)}")
        if options.device not in known[name].requirements:
            raise FramegateError(f"{name} has no requirements for {options.device}; see environments/{name}.toml")
    chosen = options.names or [name for name in known if options.device in known[name].requirements]
    return [known[name] for name in chosen]


def _cache(options: argparse.Namespace) -> Path:
    return Path(options.suite) / ".framegate" / "envs"


def _list(options: argparse.Namespace) -> int:
    print(f"{'environment':24} {'device':6} {'python':14} {'lock':8} {'built':>9}  folder")
    for row in built.status(_environments(options), _cache(options)):
        if row.device == options.device:
            python = row.python if row.python_found else f"{row.python} missing"
            size = f"{row.size_bytes / 1e6:,.0f} MB" if row.built else "no"
            print(f"{row.name:24} {row.device:6} {python:14} {row.lock:8} {size:>9}  {row.folder or ''}")
    return 0


def _build(options: argparse.Namespace) -> int:
    return _each(_environments(options), lambda one: str(ensure(one, options.device, _cache(options), print)))


def _lock(options: argparse.Namespace) -> int:
    known = load(options.suite / "environments")
    owners = dict.fromkeys(environment.packages for environment in _environments(options))  # views have no lock
    return _each([known[name] for name in owners], lambda owner: str(lock(owner, options.device)))


def _verify(options: argparse.Namespace) -> int:
    if options.device == "gpu" and (reason := gpu_reason()):
        raise FramegateError(reason)
    cells = read_matrix(options.suite / "matrix.toml", load(options.suite / "environments"))

    def verified(environment: Environment) -> str:
        cell = next(
            (cell for cell in cells if (cell.environment, cell.device) == (environment.name, options.device)), None
        )
        if cell is None:
            raise FramegateError(f"{environment.name}: no cell of matrix.toml uses it on {options.device}")
        epoch = try_environment(cell, environment, options.suite.resolve())
        return f"imported, one step of {cell.model} in {epoch['seconds']:.3g} s, loss {epoch['train_loss']:.4g}"

    return _each(_environments(options), verified)


def _prune(options: argparse.Namespace) -> int:
    removed = built.prune(load(options.suite / "environments").values(), _cache(options))
    for pruned in removed:
        print(f"removed {pruned.folder}, {pruned.size_bytes / 1e6:,.0f} MB")
    print(f"{len(removed)} folders removed")
    return 0


_ACTIONS = {"list": _list, "build": _build, "verify": _verify, "lock": _lock, "prune": _prune}


def _each(environments: list[Environment], work: Callable[[Environment], str]) -> int:
    """Do the work for each environment and go on after an error; return 1 if there was one."""
    failed = 0
    for environment in environments:
        try:
            print(f"{environment.name}: {work(environment)}", flush=True)
        except FramegateError as error:
            failed += 1
            print(f"{environment.name}: {error}", file=sys.stderr, flush=True)
    return int(failed > 0)

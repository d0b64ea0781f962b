"""The framegate command. Each subcommand is a function below and a page of --help."""

import argparse
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from framegate.commands import calibrate, compare
from framegate.errors import FramegateError
from framegate.runner import built, data
from framegate.runner.declarations import Environment, load
from framegate.runner.devices import gpu_reason
from framegate.runner.environments import ensure, lock
from framegate.runner.journal import find_run
from framegate.runner.matrix import read_matrix
from framegate.runner.run import try_environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0, or 2 after an error, told in words on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except FramegateError as error:
        print(f"framegate: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as head, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="framegate", description="Performance regression of deep-learning frameworks."
    )
    parser.add_argument(
        "--suite", type=Path, default=Path(), metavar="DIR", help="folder of matrix.toml (default: here)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    envs = commands.add_parser("envs", help="list, build, verify, lock or prune environments")
    envs.add_argument("action", choices=list(_ENVS), help="verify: import the framework and train one step")
    envs.add_argument("names", nargs="*", metavar="NAME", help="environments (default: all)")
    envs.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    envs.set_defaults(run=_run_envs)

    sets = commands.add_parser("data", help="list or prepare datasets")
    sets.add_argument("action", choices=("list", "prepare"))
    sets.add_argument("names", nargs="*", metavar="NAME", help="datasets (default: all)")
    sets.add_argument("--size", type=int, metavar="PIXELS", help="side to which images are resized")
    sets.add_argument(
        "--data-home", type=Path, metavar="DIR", help="datasets fetched by hand (default: $FRAMEGATE_DATA)"
    )
    sets.set_defaults(run=_run_data)

    recover = commands.add_parser("recover", help="write pytest-benchmark's JSON of a run that was cut short")
    recover.add_argument("wanted", nargs="?", default="latest", metavar="RUN", help="its name (default: latest)")
    recover.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the JSON file to write")
    recover.set_defaults(run=_run_recover)

    compare.add_to(commands)
    calibrate.add_to(commands)
    return parser


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


def _run_envs(options: argparse.Namespace) -> int:
    return _ENVS[options.action](options)


def _envs_cache(options: argparse.Namespace) -> Path:
    return Path(options.suite) / ".framegate" / "envs"


def _list_envs(options: argparse.Namespace) -> int:
    print(f"{'environment':24} {'device':6} {'python':14} {'lock':8} {'built':>9}  folder")
    for row in built.status(_environments(options), _envs_cache(options)):
        if row.device == options.device:
            python = row.python if row.python_found else f"{row.python} missing"
            size = f"{row.size_bytes / 1e6:,.0f} MB" if row.built else "no"
            print(f"{row.name:24} {row.device:6} {python:14} {row.lock:8} {size:>9}  {row.folder or ''}")
    return 0


def _build_envs(options: argparse.Namespace) -> int:
    return _each(options, lambda environment: str(ensure(environment, options.device, _envs_cache(options), print)))


def _lock_envs(options: argparse.Namespace) -> int:
    own = {environment.packages for environment in _environments(options)}
    options.names = sorted(own)  # views have no lock of their own
    return _each(options, lambda environment: str(lock(environment, options.device)))


def _verify_envs(options: argparse.Namespace) -> int:
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

    return _each(options, verified)


def _prune_envs(options: argparse.Namespace) -> int:
    removed = built.prune(load(options.suite / "environments").values(), _envs_cache(options))
    for pruned in removed:
        print(f"removed {pruned.folder}, {pruned.size_bytes / 1e6:,.0f} MB")
    print(f"{len(removed)} folders removed")
    return 0


_ENVS = {"list": _list_envs, "build": _build_envs, "verify": _verify_envs, "lock": _lock_envs, "prune": _prune_envs}


def _each(options: argparse.Namespace, work: Callable[[Environment], str]) -> int:
    """Do the work for each environment and go on after an error; return 1 if there was one."""
    failed = 0
    for environment in _environments(options):
        try:
            print(f"{environment.name}: {work(environment)}", flush=True)
        except FramegateError as error:
            failed += 1
            print(f"{environment.name}: {error}", file=sys.stderr, flush=True)
    return int(failed > 0)


def _run_data(options: argparse.Namespace) -> int:
    home, cache, root = (
        data.data_home(options.data_home),
        options.suite / ".framegate" / "data",
        options.suite.resolve(),
    )
    if options.action == "list":
        for row in data.status(home, cache, root):
            rows = ", ".join(f"{count:,} {split}" for split, count in row.rows.items())
            print(f"{row.dataset:14} {row.state:8} {rows:26} {row.where or ''}")
            print(textwrap.indent(row.message, "    "), end="\n" if row.message else "")
        return 0
    if not options.names:
        raise FramegateError("name the datasets to prepare; see: framegate data list")
    for name in options.names:
        dataset = data.prepare(name, options.size, home, cache, root)
        size = "x".join(str(side) for side in dataset.shape)
        print(
            f"{name}: {dataset.rows['train']:,} train and {dataset.rows['test']:,} test images of {size}, "
            f"{'complete' if dataset.complete else 'a part'}, fingerprint {dataset.fingerprint[:12]}"
        )
        for note in dataset.notes:
            print(f"    {note}")
    return 0


def _run_recover(options: argparse.Namespace) -> int:
    """Replay a run's finished processes through the benchmarks, so that its JSON is made where all others are."""
    journals = options.suite / ".framegate" / "journal"
    run = find_run(journals, options.wanted)
    output = options.output.absolute()
    if not output.parent.is_dir():
        raise FramegateError(f"{output.parent} is not a folder; make it, or choose another file for --output")
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        written = Path(scratch) / output.name
        command = [sys.executable, "-m", "pytest", "benchmarks", "-m", "cpu or gpu", "-q", "--recover", run]
        status = subprocess.run([*command, "--benchmark-json", str(written)], cwd=options.suite, check=False).returncode
        if not written.exists():
            raise FramegateError(f"run {run}: no finished process to recover; pytest's exit status was {status}")
        written.replace(output)
    print(f"{output} written from run {run}")
    return 0

"""The framegate command. Each subcommand is a module of framegate/commands and a page of --help."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import shtab

from framegate.commands import (
    accuracy,
    calibrate,
    compare,
    data,
    doctor,
    envs,
    gate,
    history,
    recover,
    releases,
    report,
    runs,
    search,
)
from framegate.errors import FramegateError
from framegate.stats import choices


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: the command's, or that of the error, which is told in words on standard error."""
    try:
        options = parser().parse_args(arguments)
        return int(options.run(options))
    except FramegateError as error:
        print(f"framegate: {error}", file=sys.stderr)
        return choices.status_of_error(error)
    except KeyboardInterrupt:
        print("framegate: interrupted", file=sys.stderr)
        return choices.STATUS_INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    framegate = argparse.ArgumentParser(
        prog="framegate", description="Performance regression of deep-learning frameworks."
    )
    framegate.add_argument(
        "--suite", type=Path, default=Path(), metavar="DIR", help="folder of matrix.toml (default: here)"
    )
    shtab.add_argument_to(framegate, help="print a completion script for this shell and exit")
    commands = framegate.add_subparsers(required=True, metavar="COMMAND")
    for command in (
        doctor,
        envs,
        data,
        gate,
        recover,
        compare,
        accuracy,
        report,
        runs,
        calibrate,
        releases,
        history,
        search,
    ):
        command.add_to(commands)
    return framegate

"""framegate data: datasets listed and prepared."""

import argparse
import shlex
import textwrap
from pathlib import Path
from typing import Any

from framegate.errors import FramegateError
from framegate.runner.data import convert_weights, data_home, prepare, status


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("data", help="list or prepare datasets, or convert pretrained weights")
    parser.add_argument("action", choices=("list", "prepare", "weights"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="datasets to prepare; with weights: MODEL FILE")
    parser.add_argument("--size", type=int, metavar="PIXELS", help="side to which images are resized")
    parser.add_argument(
        "--data-home", type=Path, metavar="DIR", help="datasets fetched by hand (default: $FRAMEGATE_DATA)"
    )
    parser.epilog = "example: framegate data prepare digits --size 32"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    home, cache, root = (
        data_home(options.data_home),
        options.suite / ".framegate" / "data",
        options.suite.resolve(),
    )
    if options.action == "list":
        if home and not home.is_dir():
            make = f"mkdir -p {shlex.quote(str(home))}"
            print(f"{home}: there is no such folder, so nothing is found in it; correct the name, or: {make}")
        for row in status(home, cache, root):
            rows = ", ".join(f"{count:,} {split}" for split, count in row.rows.items())
            print(f"{row.dataset:14} {row.state:8} {rows:26} {row.where or ''}")
            print(textwrap.indent(row.message, "    "), end="\n" if row.message else "")
        return 0
    if options.action == "weights":
        return _weights(options.names, cache, root)
    if not options.names:
        raise FramegateError("name the datasets to prepare; see: framegate data list")
    for name in options.names:
        dataset = prepare(name, options.size, home, cache, root)
        size = "x".join(str(side) for side in dataset.shape)
        kind = "images" if len(dataset.shape) == 3 else "texts"
        print(
            f"{name}: {dataset.rows['train']:,} train and {dataset.rows['test']:,} test {kind} of {size}, "
            f"{'complete' if dataset.complete else 'a part'}, fingerprint {dataset.fingerprint[:12]}"
        )
        for note in dataset.notes:
            print(f"    {note}")
    return 0


def _weights(names: list[str], cache: Path, root: Path) -> int:
    if len(names) != 2:
        raise FramegateError("name a model and a file: framegate data weights vgg16 FILE.h5")
    record = convert_weights(names[0], Path(names[1]), cache, root)
    print(
        f"{names[0]}: {record['parameters']:,} pretrained weights, SHA-256 {record['sha256'][:12]}, in {record['file']}"
    )
    return 0

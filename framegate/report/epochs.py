"""Every epoch of a document as rows: for CSV and Parquet."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ..errors import ReportError
from .cells import Entry

ADDRESS = (
    "run",
    "cell",
    "purpose",
    "environment",
    "framework",
    "model",
    "dataset",
    "device",
    "process",
    "seed",
    "status",
)


def columns(document: Entry) -> dict[str, list[object]]:
    """Return all columns by name, a value an epoch: where it belongs, its number from 1, whether it is warm-up, its measures."""
    measures = dict.fromkeys(
        name for cell in document["cells"] for process in cell["processes"] for name in process["epochs"]
    )
    names = [*ADDRESS, "epoch", "warm_up", *(name for name in measures if name != "number")]
    found: dict[str, list[object]] = {name: [] for name in names}
    for cell in document["cells"]:
        told = cell | {"run": document["runs"][cell["run"]]["name"], "cell": cell["id"]}
        for process in cell["processes"]:
            count = len(process["epochs"].get("seconds", ()))
            for name in ADDRESS:
                found[name] += [process[name] if name in ("process", "seed") else told[name]] * count
            found["epoch"] += range(1, count + 1)
            found["warm_up"] += [number == 0 and cell["purpose"] != "benchmark" for number in range(count)]
            for name in names[len(ADDRESS) + 2 :]:
                found[name] += process["epochs"].get(name) or [None] * count
    return found


def _safe(values: list[object]) -> Iterator[object]:
    """Yield texts that a spreadsheet would take for a formula with an apostrophe before them: names come from runs."""
    for value in values:
        yield f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def write_csv(document: Entry, path: Path) -> None:
    """Write the rows, with all digits; what was not recorded is empty."""
    found = columns(document)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(found)
        writer.writerows(zip(*(_safe(values) for values in found.values()), strict=True))


def write_parquet(document: Entry, path: Path) -> None:
    """Write the rows as Parquet. Raises ReportError where pyarrow is missing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ReportError("Parquet needs pyarrow; install it: pip install 'framegate[parquet]'") from None
    pyarrow.parquet.write_table(pyarrow.table(columns(document)), path)

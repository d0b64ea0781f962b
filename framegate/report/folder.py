"""The report as a folder: written beside its place, then put there, so that a reader never finds half of one."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import ReportError
from .cells import Entry
from .epochs import write_csv, write_parquet
from .html import page
from .markdown import markdown

PAGE = "index.html"
OURS = {PAGE, "summary.md", "report.json", "epochs.csv", "epochs.parquet"}


def write_folder(folder: Path, document: Entry, data: Sequence[str] = ()) -> None:
    """Write page, Markdown and the data asked for ("json", "csv", "parquet"). Raises ReportError; then nothing has changed."""
    folder = folder.absolute()
    refuse(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            new = Path(scratch) / "new"
            new.mkdir()
            _fill(new, document, data)
            if folder.exists():
                folder.rename(Path(scratch) / "old")
            new.rename(folder)
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}; choose another folder with -o") from None


def refuse(folder: Path) -> None:
    """Raise ReportError where the place holds something else than a report: it would be replaced."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ReportError(f"{folder} is not a folder; choose another with -o")
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in OURS) if folder.exists() else []
    if others:
        raise ReportError(f"{folder} holds {others[0]}, which is no part of a report; choose another folder with -o")


def _fill(folder: Path, document: Entry, data: Sequence[str]) -> None:
    (folder / PAGE).write_text(page(document), encoding="utf-8")
    (folder / "summary.md").write_text(markdown(document), encoding="utf-8")
    if "json" in data:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        (folder / "report.json").write_text(text, encoding="utf-8")
    if "csv" in data:
        write_csv(document, folder / "epochs.csv")
    if "parquet" in data:
        write_parquet(document, folder / "epochs.parquet")

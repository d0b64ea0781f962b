"""Where a command's --report goes: a file of Markdown, written in one step."""

from pathlib import Path

from framegate.errors import ReportError


def check_report(path: Path) -> None:
    """Raise ReportError where no report can be written: before anything is measured."""
    if not path.absolute().parent.is_dir():
        raise ReportError(f"{path.absolute().parent} is not a folder; make it, or choose another for --report")
    if path.is_dir():
        raise ReportError(f"{path} is a folder; wanted a file for --report, such as {path / 'verdict.md'}")
    if path.exists() and not path.is_file():  # a device would be replaced by a file of its name
        raise ReportError(f"{path} is a device or a pipe; wanted a file for --report, such as verdict.md")
    try:
        _partial_of(path).touch()
        _partial_of(path).unlink()
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}; choose another file for --report") from None


def write_report(path: Path, page: str) -> None:
    """Write the page in one step: a kill leaves the old one or the new one. Raises ReportError, and leaves nothing behind."""
    try:
        _partial_of(path).write_text(page, encoding="utf-8")
        _partial_of(path).replace(path)
    except OSError as error:
        _partial_of(path).unlink(missing_ok=True)
        raise ReportError(f"{path}: {error.strerror}; the report was not written") from None


def _partial_of(path: Path) -> Path:
    return path.with_name(path.name + ".partial")

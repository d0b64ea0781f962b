"""Which cells are meant: by an expression over their markers, as pytest's -m, and by parts of their ids."""

import re
from collections.abc import Sequence

from framegate.errors import MatrixError
from framegate.runner.cell import Cell

_TOKENS = re.compile(r"\s*([()]|[\w.+-]+)\s*")
SHOWN = 8  # of the ids that a message names


def selected(cells: Sequence[Cell], expression: str | None, parts: Sequence[str] = ()) -> list[Cell]:
    """Return the cells that fit. Without an expression: the quick ones on the CPU, and those named in full.

    Raises MatrixError where none fits, or one of the parts is in no id.
    """
    if unknown := [part for part in parts if not any(part in cell.id for cell in cells)]:
        raise MatrixError(f"no cell has {unknown[0]!r} in its id; {_there_are(cells)}")
    named = [cell for cell in cells if not parts or any(part in cell.id for part in parts)]
    if expression:
        found = [cell for cell in named if matches(expression, cell.marks)]
    else:
        found = [cell for cell in named if (cell.tier, cell.device) == ("quick", "cpu") or cell.id in parts]
    if not found:
        asked = " ".join(filter(None, [f"-m {expression!r}" if expression else "", *parts])) or "the quick cells"
        raise MatrixError(f"{asked}: no cell of matrix.toml fits; {_there_are(cells)}")
    return found


def _there_are(cells: Sequence[Cell]) -> str:
    shown = ", ".join(cell.id for cell in cells[:SHOWN])
    more = f" and {len(cells) - SHOWN:,} more: pytest benchmarks --collect-only -q" if len(cells) > SHOWN else ""
    return f"there are: {shown}{more}"


def matches(expression: str, marks: Sequence[str]) -> bool:
    """Return whether "intel and not (lenet or gpu)" holds of the markers. Raises MatrixError where it is no expression."""
    tokens = _TOKENS.findall(expression)
    words = [token if token in ("and", "or", "not", "(", ")") else str(token in marks) for token in tokens]
    try:
        if "".join(tokens) != re.sub(r"\s+", "", expression):
            raise SyntaxError
        return bool(eval(" ".join(words), {"__builtins__": {}}))  # of True, False, and, or, not and brackets alone
    except (SyntaxError, TypeError):
        wanted = "wanted markers with and, or, not and brackets, as 'intel and lenet'"
        raise MatrixError(f"-m {expression!r} is no expression; {wanted}") from None

"""Prints how much a user writes to train C1 in each framework, the table of docs/programming-effort.md:  nox -s effort

Counted in docs/idiomatic/c1_*.py, the smallest idiomatic script of each: what a line, a name and a step is says `Effort`.
"""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "docs" / "idiomatic"
NO_FRAMEWORK = {"sys", "pathlib", "numpy"}  # what every script imports
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass(frozen=True)
class Effort:
    """What a script asks of the one who writes it."""

    lines: int  # with code on them, docstrings left out
    names: tuple[
        str, ...
    ]  # the framework's: whole dotted ones of what it exports, and methods that are called, as ".fit"
    steps: int  # statements, imports left out; a loop, a function or a `with` is one, and those in it count too


def effort_of(source: str) -> Effort:
    """Return the counts of a script."""
    tree = ast.parse(source)
    docstring = tree.body[0].end_lineno or 0 if ast.get_docstring(tree) else 0
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    coded = (token for token in tokens if token.type not in NO_CODE and token.start[0] > docstring)
    lines = {line for token in coded for line in range(token.start[0], token.end[0] + 1)}
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno > docstring]
    steps = [node for node in statements if not isinstance(node, ast.Import | ast.ImportFrom)]
    return Effort(len(lines), tuple(sorted(set(_names(tree)))), len(steps))


def _names(tree: ast.Module) -> Iterator[str]:
    """Yield the framework's names: as far as source tells, every method that is called on a script's own variable is its."""
    imported = _imported(tree)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}  # a part of a longer name
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute | ast.Name) or id(node) in inner:
            continue
        root, *attributes = _parts(node)
        if root not in imported:
            if id(node) in called and attributes:
                yield f".{attributes[-1]}"
        elif imported[root].partition(".")[0] not in NO_FRAMEWORK:
            yield ".".join([imported[root], *attributes])


def _parts(node: ast.expr) -> list[str]:
    """Return the parts of a dotted name; the first is empty where it begins with something else, as in `f(x).mean`."""
    if isinstance(node, ast.Attribute):
        return [*_parts(node.value), node.attr]
    return [node.id if isinstance(node, ast.Name) else ""]


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for: {"nn": "torch.nn"}."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def table() -> Iterator[str]:
    """Yield the rows of the table, a script each, and then the names that were counted."""
    efforts = {path: effort_of(path.read_text(encoding="utf-8")) for path in sorted(SCRIPTS.glob("c1_*.py"))}
    yield from ("| script | lines | names of the framework | steps |", "|---|---|---|---|")
    for path, found in efforts.items():
        yield f"| [`{path.name}`](idiomatic/{path.name}) | {found.lines} | {len(found.names)} | {found.steps} |"
    yield ""
    for path, found in efforts.items():
        yield f"- `{path.name}`: {', '.join(f'`{name}`' for name in found.names)}"


if __name__ == "__main__":
    print("\n".join(table()))

"""How uv is called: solving and installing, and the one line that says why it could not."""

import re
import subprocess
from pathlib import Path

from uv import find_uv_bin

from framegate.errors import EnvironmentFailed
from framegate.runner.pythons import clean_variables

_PLACES = ("UV_FIND_LINKS", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL")
_CAUSE_LETTERS = 600  # an unsolvable set of requirements can be explained in pages; the log has them all


def run_uv(arguments: list[str], log: Path, text: str = "", pins: str = "") -> None:
    """Return once uv has done it, with what it prints appended to the log. Raises EnvironmentFailed with uv's reason.

    The pins are what it solves or installs, where it does.
    """
    command = [find_uv_bin(), "--color", "never", "--no-progress", *arguments]
    variables = package_sources(clean_variables(), pins)
    with log.open("ab") as printed:
        start = printed.tell()
        done = subprocess.run(
            command, env=variables, input=text.encode(), stdout=printed, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode != 0:
        with log.open("rb") as printed:
            printed.seek(start)
            output = printed.read().decode(errors="replace")
        raise EnvironmentFailed(
            cause(output) or f"uv ended with status {done.returncode} and said nothing: is the disk full?"
        )


def package_sources(variables: dict[str, str], pins: str) -> dict[str, str]:
    """Return the variables with uv's settings added that find PyTorch's CPU builds, torch==VERSION+cpu, where they are pinned.

    PyPI has PyTorch for Linux only with CUDA. The CPU builds lie in an index of PyTorch's own, where uv looks if UV_TORCH_BACKEND says
    so, and then nowhere else: it is set only where the user named no other place. A folder of wheels that pip was told of counts as
    one, though uv reads none of pip's settings.
    """
    sources = dict(variables)
    if "+cpu" in pins:
        if "PIP_FIND_LINKS" in variables:
            sources.setdefault("UV_FIND_LINKS", ",".join(variables["PIP_FIND_LINKS"].split()))
        if not any(name in sources for name in _PLACES):
            sources.setdefault("UV_TORCH_BACKEND", "cpu")
    return sources


def cause(output: str) -> str:
    """Return the error in uv's output in one line; its last line where it names none."""
    error = re.search(r"^\s*(?:error:|\u00d7)(.*)", output, re.MULTILINE | re.DOTALL)
    told = error.group(1) if error else output.strip().rpartition("\n")[2]
    told = re.sub(r":?\n\s*(?:cause:|Caused by:|╰─▶)", ": ", told)
    line = " ".join(re.sub("[│├╰─▶]", " ", told).split()).replace(" : ", ": ")
    return line if len(line) <= _CAUSE_LETTERS else line[:_CAUSE_LETTERS] + " ..."

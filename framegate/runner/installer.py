"""How uv is called: solving and installing, and the one line that says why it could not."""

import re
import subprocess
from pathlib import Path

from uv import find_uv_bin

from framegate.errors import EnvironmentFailed
from framegate.runner.pythons import clean_variables

_CAUSE_LETTERS = 600  # an unsolvable set of requirements can be explained in pages; the log has them all


def run_uv(arguments: list[str], log: Path, text: str = "") -> None:
    """Return once uv has done it, with what it prints appended to the log. Raises EnvironmentFailed with uv's reason."""
    command = [find_uv_bin(), "--color", "never", "--no-progress", *arguments]
    with log.open("ab") as printed:
        start = printed.tell()
        done = subprocess.run(
            command, env=clean_variables(), input=text.encode(), stdout=printed, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode != 0:
        with log.open("rb") as printed:
            printed.seek(start)
            output = printed.read().decode(errors="replace")
        raise EnvironmentFailed(
            cause(output) or f"uv ended with status {done.returncode} and said nothing: is the disk full?"
        )


def cause(output: str) -> str:
    """Return the error in uv's output in one line; its last line where it names none."""
    error = re.search(r"^\s*(?:error:|\u00d7)(.*)", output, re.MULTILINE | re.DOTALL)
    told = error.group(1) if error else output.strip().rpartition("\n")[2]
    told = re.sub(r":?\n\s*(?:cause:|Caused by:|╰─▶)", ": ", told)
    line = " ".join(re.sub("[│├╰─▶]", " ", told).split()).replace(" : ", ": ")
    return line if len(line) <= _CAUSE_LETTERS else line[:_CAUSE_LETTERS] + " ..."

"""The commands that README.md and docs/ tell people to type are commands that work."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from framegate import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# Words of the pages that stand for what a reader puts there -> something that can be there.
PLACEHOLDERS = {"DIR": ".", "NAME": "mxnet-1.9", "FILE": "saved.json", "RUN": "latest", "CELL": "lenet", "...": ""}
# Blocks that are run as they stand, and by what.
RUN_BY = {
    "pip install nox uv && nox -s bench": ".ci/run",
    "pip install nox uv && nox -s tests": ".ci/run",
    "python make_patches.py": "tests/test_adding_a_dataset.py",
}


def typed():
    """Return (page, command) of each command in a shell block or in backticks, placeholders filled in, once a page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = "\n".join(re.findall(r"```(?:shell|console)\n(.*?)```", text, re.DOTALL)).splitlines()
        lines = [line.removeprefix("$ ").split("  #")[0].strip() for line in lines]
        inline = [match.replace("\n", " ") for match in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
        for command in dict.fromkeys(lines + inline):
            if re.match(r"(framegate|pytest|nox|python|pip|asv) ", command):
                for word, value in PLACEHOLDERS.items():
                    command = re.sub(rf"(?<![\w./]){re.escape(word)}(?![\w./])", value, command)
                found.append((page.name, command))
    return found


def commands(*beginnings):
    found = [(page, command) for page, command in typed() if command.startswith(beginnings)]
    return pytest.mark.parametrize(("page", "command"), found, ids=[f"{page}: {command}" for page, command in found])


@commands("framegate ")
def test_the_parser_takes_each_framegate_command(page, command):
    words = shlex.split(command)[1:]
    if words[0] == "--print-completion":
        pytest.skip("tests/test_cli.py runs it")
    if len(words) == 1:  # the name of a command, not a line to type
        assert f"\n    {words[0]} " in cli.parser().format_help()
    else:
        cli.parser().parse_args(words)  # a usage error would exit


@commands("pip install nox", "nox ")
def test_each_session_is_one_of_the_noxfiles(page, command):
    functions = [
        node for node in ast.parse((ROOT / "noxfile.py").read_text()).body if isinstance(node, ast.FunctionDef)
    ]
    sessions = {function.name.replace("_", "-") for function in functions}
    assert set(re.findall(r"nox -s ([\w-]+)", command)) <= sessions


@commands("pytest benchmarks", 'pytest "benchmarks')
def test_each_pytest_command_selects_cells(page, command):
    if "patches" in command:
        pytest.skip("the dataset that docs/adding-a-dataset.md makes up")
    elsewhere = (
        "--resume",
        "--shift-baseline",
        "--benchmark-compare",
        "--require-gpu",
    )  # want an earlier run, or a GPU
    arguments = [word for word in shlex.split(command)[1:] if not word.startswith(elsewhere)]
    ask = [sys.executable, "-m", "pytest", *arguments, "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    assert "test_" in done.stdout


@pytest.mark.parametrize(("command", "place"), RUN_BY.items())
def test_each_first_command_is_run_by_a_test_or_by_ci(command, place):
    assert command in [known for _, known in typed()]
    last = command.rpartition(" ")[2]
    assert last in (ROOT / place).read_text(encoding="utf-8")

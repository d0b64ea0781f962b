"""Links to system libraries, made and followed: libm is on every Linux."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from framegate.errors import LibraryMissing
from framegate.runner.declarations import Environment, Link, load
from framegate.runner.libraries import link_libraries, links_folder

ROOT = Path(__file__).parent.parent
TOY = load(ROOT / "tests/toy_framework/environments")["toy"]
OPEN = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).abs(-7))"
MISSING = '"libold.so.1" = { library = "libnever-there.so.9", package = "libnever9" }'


def linking(**links: Link) -> Environment:
    return replace(TOY, links={name.replace("_", "."): link for name, link in links.items()})


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return where the interpreter of an environment below tmp_path would lie."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin" / "python"


def loads(python: Path, name: str) -> str:
    return subprocess.run(
        [sys.executable, "-I", "-c", OPEN, name],
        env={"LD_LIBRARY_PATH": str(links_folder(python))},
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()


def test_a_library_is_found_under_its_old_name(python: Path) -> None:
    environment = linking(libframegateold_so_1=Link("libc.so.6", "libc6"))
    assert loads(python, "libframegateold.so.1") == ""
    link_libraries(environment, python)
    assert loads(python, "libframegateold.so.1") == "7"


def test_a_link_that_leads_nowhere_is_made_anew(python: Path) -> None:
    links_folder(python).mkdir()
    (links_folder(python) / "libold.so.1").symlink_to("/removed/libc.so.6")
    link_libraries(linking(libold_so_1=Link("libc.so.6", "libc6")), python)
    assert [path.name for path in links_folder(python).iterdir()] == ["libold.so.1"]
    assert loads(python, "libold.so.1") == "7"


def test_the_users_own_libraries_come_first(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "libc.so.6").touch()
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere:{tmp_path}/mine")
    link_libraries(linking(libold_so_1=Link("libc.so.6", "libc6")), python)
    assert (links_folder(python) / "libold.so.1").resolve() == tmp_path / "mine" / "libc.so.6"


def test_a_missing_library_is_told_with_its_package(python: Path) -> None:
    with pytest.raises(
        LibraryMissing,
        match=r"^toy needs the system library libnever-there\.so\.9, as libold\.so\.1, .*; "
        r"install it with: apt-get install libnever9 ",
    ):
        link_libraries(linking(libold_so_1=Link("libnever-there.so.9", "libnever9")), python)


@pytest.mark.parametrize(("options", "outcome"), [((), "1 skipped"), (("--strict-environments",), "1 failed")])
def test_cells_whose_library_is_missing_are_skipped_with_the_command(toy_suite, options, outcome) -> None:
    with (toy_suite.root / "environments" / "toy.toml").open("a") as file:
        file.write(f"\n[links]\n{MISSING}\n")
    done = toy_suite.pytest("-k", "inference", *options)
    assert outcome in done.stdout
    assert "apt-get install libnever9" in done.stdout


def test_workers_find_the_links_before_what_the_user_has(toy_suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/mine")
    with (toy_suite.root / "environments" / "toy.toml").open("a") as file:
        file.write('\n[links]\n"libold.so.1" = { library = "libc.so.6", package = "libc6" }\n')
    launch = toy_suite.launch("out")
    assert launch.variables["LD_LIBRARY_PATH"] == f"{links_folder(launch.python)}:/opt/mine"

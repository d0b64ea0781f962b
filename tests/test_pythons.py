import os
import subprocess
import sys
from pathlib import Path

import pytest

from framegate.errors import PythonMissing
from framegate.runner.pythons import clean_variables, find_python, install_command, obtain_python

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_broken_shim_on_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / f"python{PYTHON}"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    find_python.cache_clear()
    found = find_python(PYTHON)
    assert found is not None
    assert found != shim
    version = subprocess.run([found, "-I", "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith(f"Python {PYTHON}.")


def test_pyenv_gives_its_newest_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for patch in ("9", "10"):
        python = tmp_path / "versions" / f"3.98.{patch}" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\necho 3.98\necho {python}\n")
        python.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_python("3.98") == tmp_path / "versions" / "3.98.10" / "bin" / "python"


def test_missing_python_says_what_installs_it() -> None:
    with pytest.raises(PythonMissing, match=r"^Python 3\.99 not found .* install it with: pyenv install 3\.99 or"):
        obtain_python("3.99")


def test_uv_is_not_offered_for_pythons_that_it_does_not_serve() -> None:
    assert install_command("3.6") == "pyenv install 3.6"
    assert install_command("3.11") == "pyenv install 3.11 or: uv python install 3.11"


def test_children_get_no_python_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("KEPT", "yes")
    variables = clean_variables()
    assert variables["KEPT"] == "yes"
    assert not [name for name in variables if name.startswith("PYTHON")]

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from framegate.errors import EnvironmentFailed, PythonMissing
from framegate.runner.built import prune, status
from framegate.runner.declarations import Environment, load
from framegate.runner.environments import built_folder, ensure, is_built, lock, lock_file, lock_state
from framegate.runner.pythons import clean_variables

ROOT = Path(__file__).parent.parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

TINY = f"""\
python = "{PYTHON}"
framework = "tiny"
adapter = "frameworks.tiny_session"

[requirements]
cpu = ["six==1.16.0"]
"""
VIEW = """\
packages = "tiny"
framework = "other"
adapter = "frameworks.other_session"

[variables]
BACKEND = "two"
"""
# The hashes that the index has always had for this release: the test of a lock that was written down long ago.
SIX = """\
six==1.16.0 \\
    --hash=sha256:1e61c37477a1626458e36f7b1d82aa5c9b094fa4802892072e49de9c60c4c926 \\
    --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254
"""
BUILDER = """\
import sys
from pathlib import Path
from framegate.runner.declarations import load
from framegate.runner.environments import ensure
folder, cache = map(Path, sys.argv[1:])
ensure(load(folder)["tiny"], "cpu", cache, lambda line: print(line, flush=True))
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Environment:
    """An environment of one small package, its lock written as `framegate envs lock` would."""
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "tiny.toml").write_text(TINY)
    write_lock(folder, SIX)
    return load(folder)["tiny"]


def write_lock(folder: Path, pins: str, requirements: str = "six==1.16.0", python: str = PYTHON) -> None:
    header = f"# Solved by: framegate envs lock tiny --device cpu\n# From: Python {python}; {requirements}\n"
    (folder / "tiny.cpu.lock").write_text(header + pins)


def start_builder(environment: Environment, cache: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", BUILDER, str(environment.folder), str(cache)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)


def output_of(python: Path, code: str) -> str:
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True, env=clean_variables())
    return done.stdout.strip()


def no_report(line: str) -> None:
    pass


class TestBuild:
    def test_built_environment_has_exactly_its_packages(self, tiny: Environment, tmp_path: Path) -> None:
        lines: list[str] = []
        python = ensure(tiny, "cpu", tmp_path / "envs", lines.append)
        assert output_of(python, "import six; print(six.__version__)") == "1.16.0"
        assert output_of(python, "import importlib.util as u; print(u.find_spec('numpy'))") == "None"
        assert output_of(python, "import sys; print(sys.prefix)") == str(python.parent.parent)
        assert len(lines) == 2
        assert f"building on Python {PYTHON}, packages: 1; log: " in lines[0]
        assert " MB" in lines[1]

    def test_second_call_builds_nothing(self, tiny: Environment, tmp_path: Path) -> None:
        first = ensure(tiny, "cpu", tmp_path / "envs", no_report)
        lines: list[str] = []
        assert ensure(tiny, "cpu", tmp_path / "envs", lines.append) == first
        assert lines == []

    def test_two_builders_at_once_build_once(self, tiny: Environment, tmp_path: Path) -> None:
        builders = [start_builder(tiny, tmp_path / "envs") for _ in range(2)]
        said = "".join(builder.communicate()[0] for builder in builders)
        assert [builder.returncode for builder in builders] == [0, 0]
        assert said.count(": building on Python") == 1
        assert said.count(": built in") == 1

    @pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["uv-lives-on", "uv-killed-too"])
    def test_killed_builder_leaves_nothing_that_looks_complete(
        self, kill: Callable[[int, int], None], tiny: Environment, tmp_path: Path
    ) -> None:
        cache = tmp_path / "envs"
        builder = start_builder(tiny, cache)
        assert builder.stdout is not None
        assert ": building on Python" in builder.stdout.readline()
        kill(builder.pid, signal.SIGKILL)
        builder.communicate()
        assert not is_built(built_folder(tiny, "cpu", cache))
        python = ensure(tiny, "cpu", cache, no_report)
        assert output_of(python, "import six; print(six.__version__)") == "1.16.0"

    def test_folder_without_stamp_is_built_anew(self, tiny: Environment, tmp_path: Path) -> None:
        python = ensure(tiny, "cpu", tmp_path / "envs", no_report)
        folder = python.parent.parent
        (folder / "framegate.json").unlink()
        shutil.rmtree(folder / "lib")
        lines: list[str] = []
        ensure(tiny, "cpu", tmp_path / "envs", lines.append)
        assert len(lines) == 2
        assert output_of(python, "import six; print(six.__version__)") == "1.16.0"

    def test_environment_whose_interpreter_is_gone_is_built_anew(self, tiny: Environment, tmp_path: Path) -> None:
        python = ensure(tiny, "cpu", tmp_path / "envs", no_report)
        python.unlink()
        python.symlink_to(tmp_path / "uninstalled")
        ensure(tiny, "cpu", tmp_path / "envs", no_report)
        assert output_of(python, "print(1)") == "1"

    def test_views_share_one_folder(self, tiny: Environment, tmp_path: Path) -> None:
        (tiny.folder / "view.toml").write_text(VIEW)
        view = load(tiny.folder)["view"]
        assert ensure(view, "cpu", tmp_path, no_report) == ensure(tiny, "cpu", tmp_path, no_report)

    def test_parent_python_variables_do_not_reach_the_build(
        self, tiny: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONHOME", "/nowhere")
        python = ensure(tiny, "cpu", tmp_path / "envs", no_report)
        assert output_of(python, "print(1)") == "1"

    def test_other_bytes_than_locked_are_refused(self, tiny: Environment, tmp_path: Path) -> None:
        write_lock(tiny.folder, f"six==1.16.0 \\\n    --hash=sha256:{'0' * 64}\n")
        with pytest.raises(
            EnvironmentFailed, match=r"cannot be built: .*Hash mismatch for `six==1\.16\.0`.*; log: "
        ) as failure:
            ensure(tiny, "cpu", tmp_path / "envs", no_report)
        assert "\n" not in str(failure.value)
        folder = built_folder(tiny, "cpu", tmp_path / "envs")
        assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == []
        assert "Hash mismatch" in folder.with_name(folder.name + ".log").read_text()

    def test_unreachable_index_fails_in_one_line(
        self, tiny: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("UV_OFFLINE", "1")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
        with pytest.raises(EnvironmentFailed, match=r"^tiny-cpu-\w+ cannot be built: .*network.*; log: ") as failure:
            ensure(tiny, "cpu", tmp_path / "envs", no_report)
        assert "\n" not in str(failure.value)

    def test_cache_that_cannot_be_written_fails_in_one_line(self, tiny: Environment, tmp_path: Path) -> None:
        (tmp_path / "envs").write_text("a file is in the way")
        with pytest.raises(
            EnvironmentFailed, match=r"^tiny-cpu-\w+ cannot be built: .*/envs'; free space there, or choose"
        ):
            ensure(tiny, "cpu", tmp_path / "envs", no_report)

    def test_missing_python_builds_nothing(self, tiny: Environment, tmp_path: Path) -> None:
        write_lock(tiny.folder, SIX, python="3.99")
        with pytest.raises(PythonMissing, match=r"uv python install 3\.99"):
            ensure(replace(tiny, python="3.99"), "cpu", tmp_path / "envs", no_report)
        assert not [path for path in (tmp_path / "envs").iterdir() if path.is_dir()]

    def test_device_without_requirements_says_where_they_belong(self, tiny: Environment, tmp_path: Path) -> None:
        with pytest.raises(EnvironmentFailed, match=r"tiny has no requirements for gpu; add them to .*/tiny\.toml"):
            ensure(tiny, "gpu", tmp_path / "envs", no_report)


class TestLock:
    def test_lock_pins_what_the_requirements_need_with_hashes(self, tiny: Environment, tmp_path: Path) -> None:
        tiny.folder.joinpath("tiny.cpu.lock").unlink()
        path = lock(tiny, "cpu")
        assert path == tiny.folder / "tiny.cpu.lock"
        assert path.read_text().endswith(SIX)
        assert lock_state(tiny, "cpu") == "current"
        ensure(tiny, "cpu", tmp_path / "envs", no_report)

    def test_changed_requirements_make_the_lock_stale(self, tiny: Environment, tmp_path: Path) -> None:
        changed = replace(tiny, requirements={"cpu": ("six==1.17.0",)})
        with pytest.raises(
            EnvironmentFailed, match=r"tiny\.cpu\.lock is stale; .*: framegate envs lock tiny --device cpu"
        ):
            ensure(changed, "cpu", tmp_path / "envs", no_report)

    def test_unsolvable_requirements_keep_the_old_lock(self, tiny: Environment) -> None:
        before = lock_file(tiny, "cpu").read_text()
        with pytest.raises(
            EnvironmentFailed, match=r"^tiny\.cpu\.lock cannot be solved: .* no version of six==99"
        ) as failure:
            lock(replace(tiny, requirements={"cpu": ("six==99",)}), "cpu")
        assert "\n" not in str(failure.value)
        assert lock_file(tiny, "cpu").read_text() == before


class TestBuilt:
    def test_status_before_and_after_a_build(self, tiny: Environment, tmp_path: Path) -> None:
        cache = tmp_path / "envs"
        (before,) = status([tiny], cache)
        assert (before.name, before.device, before.python_found, before.lock) == ("tiny", "cpu", True, "current")
        assert (before.built, before.size_bytes) == (False, 0)
        python = ensure(tiny, "cpu", cache, no_report)
        (after,) = status([tiny], cache)
        assert after.built
        assert after.size_bytes > 10_000
        assert after.folder == python.parent.parent

    def test_status_tells_a_missing_python_and_a_missing_lock(self, tiny: Environment, tmp_path: Path) -> None:
        lock_file(tiny, "cpu").unlink()
        (row,) = status([replace(tiny, python="3.99")], tmp_path)
        assert (row.python_found, row.lock, row.built, row.folder) == (False, "missing", False, None)

    def test_prune_removes_what_no_lock_names_and_what_was_left_unfinished(
        self, tiny: Environment, tmp_path: Path
    ) -> None:
        cache = tmp_path / "envs"
        kept = ensure(tiny, "cpu", cache, no_report).parent.parent
        old = cache / "tiny-cpu-0123456789ab"
        unfinished = cache / f"{kept.name}.building-x"
        for folder in (old, unfinished):
            folder.mkdir()
            (folder / "file").write_bytes(b"12345")
        (old / "framegate.json").write_text(json.dumps({"packages": 1, "build_seconds": 1.0, "size_bytes": 5}))
        (cache / "notes").mkdir()
        removed = prune([tiny], cache)
        assert [pruned.folder for pruned in removed] == [old, unfinished]
        assert removed[1].size_bytes == 5
        assert {path.name for path in cache.iterdir() if path.is_dir()} == {kept.name, "notes"}
        assert is_built(kept)

    def test_prune_leaves_what_is_being_built(self, tiny: Environment, tmp_path: Path) -> None:
        building = tmp_path / "tiny-cpu-0123456789ab.building-x"
        building.mkdir()
        with FileLock(tmp_path / "tiny-cpu-0123456789ab.lock"):
            assert prune([tiny], tmp_path) == []
        assert [pruned.folder for pruned in prune([tiny], tmp_path)] == [building]

    def test_prune_of_nothing_is_nothing(self, tiny: Environment, tmp_path: Path) -> None:
        assert prune([tiny], tmp_path / "not there") == []

"""The release history: made of an index's JSON or a list, extended, refused."""

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.version import Version

from framegate.errors import ReleasesError
from framegate.runner.history import branch, commits, extend, pin_at
from framegate.runner.releases import Release, ascending, default_index, indexed, listed

LINUX = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"


def file(name, day, kind="bdist_wheel", yanked=False):
    when = f"2023-01-{day:02d}T12:00:00.719454Z"
    return {"filename": name, "packagetype": kind, "upload_time_iso_8601": when, "yanked": yanked}


def release(version, day, package="frame"):
    return Release(package, Version(version), datetime(2023, 1, day, 12, tzinfo=UTC))


@pytest.fixture
def index(tmp_path):
    """Return the address of an index with one package in it."""
    files = {
        "1.0": [file("frame-1.0.tar.gz", 1, "sdist"), file(f"frame-1.0-{LINUX}.whl", 3), file("frame-1.0-x.whl", 2)],
        "1.1": [file("frame-1.1-py3-none-any.whl", 5)],
        "1.2": [file("frame-1.2-cp311-cp311-win_amd64.whl", 6), file("frame-1.2.tar.gz", 6, "sdist")],
        "1.3rc1": [file("frame-1.3rc1-py3-none-any.whl", 7)],
        "1.3": [file("frame-1.3-py3-none-any.whl", 8, yanked=True)],
        "2.0": [file(f"frame-2.0-{LINUX}.whl", 9)],
        "1.1.1": [file("frame-1.1.1-py3-none-any.whl", 10)],
        "nightly": [],
    }
    (tmp_path / "index" / "frame").mkdir(parents=True)
    (tmp_path / "index" / "frame" / "json").write_text(json.dumps({"releases": files}))
    return (tmp_path / "index").as_uri()


@pytest.fixture
def framegate(tmp_path):
    def run(*arguments):
        command = [sys.executable, "-m", "framegate", "releases", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_releases_are_dated_by_their_first_linux_wheel_and_the_rest_is_counted(index):
    found, left_out = indexed("frame", index)
    assert found == [release("1.0", 3), release("1.1", 5), release("2.0", 9), release("1.1.1", 10)]
    assert left_out == Counter(
        {
            "without a wheel for Linux on x86-64": 1,
            "pre-releases": 1,
            "yanked": 1,
            "with a version that is none": 1,
        }
    )


def test_a_branch_rises_in_version_and_date_so_backports_are_left_out():
    releases = [release("2.0", 9), release("1.1.1", 10), release("1.0", 3), release("1.1", 5)]
    assert [str(one.version) for one in ascending(releases)] == ["1.0", "1.1", "2.0"]
    assert [str(one.version) for one in ascending(releases, release("1.0", 3))] == ["1.1", "2.0"]


def test_each_release_is_a_tagged_commit_with_its_date_and_pin(tmp_path):
    repository = tmp_path / "releases"
    extend(repository, "frame", [release("1.0", 3), release("1.1", 5)])
    extend(repository, "other", [release("0.1", 4, "other")])
    assert branch(repository, "frame") == [release("1.0", 3), release("1.1", 5)]
    tagged = commits(repository)
    assert sorted(tagged) == ["frame-1.0", "frame-1.1", "other-0.1"]
    assert pin_at(repository, tagged["frame-1.1"]) == "frame==1.1"
    git = ["git", "--git-dir", str(repository)]
    log = subprocess.run([*git, "log", "--format=%ct %at", "frame"], capture_output=True, text=True, check=True)
    assert log.stdout.splitlines()[-1] == "1672747200 1672747200"
    assert subprocess.run([*git, "fsck", "--strict"], capture_output=True, check=False).returncode == 0


def test_a_history_extended_later_has_the_same_commits_as_one_made_at_once(tmp_path):
    everything = [release("1.0", 3), release("1.1", 5), release("2.0", 9)]
    assert extend(tmp_path / "once", "frame", everything) == everything
    assert extend(tmp_path / "twice", "frame", everything[:2]) == everything[:2]
    assert extend(tmp_path / "twice", "frame", everything) == everything[2:]
    assert extend(tmp_path / "twice", "frame", everything) == []
    assert commits(tmp_path / "once") == commits(tmp_path / "twice")


def test_the_command_tells_what_it_found_and_left_out(framegate, index, tmp_path):
    done = framegate("frame", "--index", index)
    assert done.returncode == 0, done.stderr
    told, _, left_out = done.stdout.strip().partition("; left out: ")
    assert told == "frame: 3 releases, 1.0 (2023-01-03) to 2.0 (2023-01-09), 3 of them new"
    assert set(left_out.split(", ")) == {
        "1 backports",
        "1 pre-releases",
        "1 with a version that is none",
        "1 without a wheel for Linux on x86-64",
        "1 yanked",
    }
    assert (tmp_path / ".framegate" / "releases" / "HEAD").exists()


def test_a_list_needs_no_network(framegate, tmp_path):
    (tmp_path / "list.txt").write_text("# chosen\ntensorflow==2.12.0 2023-03-22\nmxnet==1.9.1 2022-05-17T10:00:00Z\n")
    done = framegate("--list", "list.txt")
    assert done.stdout.splitlines() == [
        "tensorflow: 1 releases, 2.12.0 (2023-03-22) to 2.12.0 (2023-03-22), 1 of them new; left out: none",
        "mxnet: 1 releases, 1.9.1 (2022-05-17) to 1.9.1 (2022-05-17), 1 of them new; left out: none",
    ]
    assert framegate("torch", "--list", "list.txt").stderr == (
        "framegate: torch is not in the list; it has mxnet, tensorflow\n"
    )


def test_an_index_out_of_reach_or_without_the_package_is_told_in_words(framegate, index, tmp_path):
    done = framegate("frame", "--index", "http://127.0.0.1:9")
    assert (done.returncode, "cannot be read: [Errno 111] Connection refused" in done.stderr) == (2, True)
    assert "framegate releases --list FILE" in done.stderr
    assert "No such file" in framegate("absent", "--index", index).stderr
    assert framegate("../x", "--index", index).stderr.startswith("framegate: '../x' is no package's name")
    (tmp_path / "index" / "frame" / "json").write_text("<html>")
    assert "is not an index's JSON" in framegate("frame", "--index", index).stderr
    assert not (tmp_path / ".framegate" / "releases").exists()


def test_a_package_without_any_linux_wheel_is_told(index, tmp_path):
    files = {"1.2": [file("frame-1.2-cp311-cp311-win_amd64.whl", 6)]}
    (tmp_path / "index" / "frame" / "json").write_text(json.dumps({"releases": files}))
    with pytest.raises(ReleasesError, match="frame has no release with a wheel for Linux on x86-64"):
        indexed("frame", index)


@pytest.mark.parametrize(
    "line", ["tensorflow 2.12", "tensorflow==2.12.0", "tensorflow>=2 2023-03-22", "a==1 yesterday"]
)
def test_a_line_that_is_no_release_is_named(line, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(f"\n{line}\n")
    with pytest.raises(ReleasesError, match=r"list.txt, line 2: .* wanted"):
        listed(path)


def test_a_folder_that_is_something_else_is_not_touched(tmp_path):
    for name in ("folder", "repository"):
        (tmp_path / name).mkdir()
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "repository"], check=True)
    for name in ("folder", "repository"):
        with pytest.raises(ReleasesError, match="is no release history"):
            extend(Path(tmp_path / name), "frame", [release("1.0", 3)])
    assert list((tmp_path / "folder").iterdir()) == []


def test_the_default_index_is_uvs(monkeypatch):
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    assert re.fullmatch(r"https://[\w.]+/pypi", default_index())
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mirror.example/root/simple/")
    assert default_index() == "https://mirror.example/root/pypi"


def test_an_index_without_json_asks_for_its_address(monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mirror.example/all")
    with pytest.raises(ReleasesError, match="give it: framegate releases --index URL"):
        default_index()

"""framegate gate on the toy framework, typed as a release engineer would."""

import re
import shutil
import signal
import subprocess
import sys

import pytest
from filelock import FileLock

from framegate.runner.journal import read_journal
from tests.test_sides import wheel

ONE_CELL = ("--cells", "b32/adam", "--budget", "60s")
COMMAND = [sys.executable, "-m", "framegate", "gate"]


@pytest.fixture
def gate(framegate):
    return lambda *arguments: framegate("gate", *arguments)


def view(toy_suite, name, fault):
    """Declare an environment with the toy's packages and a fault."""
    text = f'packages = "toy"\nframework = "toy"\nadapter = "tests.toy_framework.session"\n[variables]\nTOY_FAULT = "{fault}"\n'
    (toy_suite.root / "environments" / f"{name}.toml").write_text(text, encoding="utf-8")


def pairs(toy_suite):
    """Return the records of all processes of pairs that have finished, by contest, side and pair."""
    records = toy_suite.records()
    done = {address(r) for r in records if r["event"] == "finished"}
    started = [r for r in records if r["event"] == "process" and "gate" in r]
    return [r["gate"] | {"seed": r["seed"]} for r in started if address(r) in done]


def address(record):
    return record["cell"], record["purpose"], record["process"], record["attempt"]


def test_a_slower_candidate_is_found_with_its_own_status_and_in_the_report(gate, toy_suite):
    view(toy_suite, "slow", "slow:3")
    done = gate("toy", "slow", *ONE_CELL, "--report", "verdict.md")
    assert done.returncode == 10, done.stdout + done.stderr
    assert re.search(r"^slower +[\d.]+ +[\d.]+ to +[\d.]+ .* toy/logistic_regression/", done.stdout, re.M), done.stdout
    assert "toy -> slow: TOY_FAULT absent -> slow:3" in done.stdout
    page = (toy_suite.root / "verdict.md").read_text(encoding="utf-8")
    assert page.startswith("## SLOWER: something is slower or worse\n\n`slow` against `toy`\n")
    assert "| toy/logistic_regression/digits/b32/adam | epoch seconds | **slower** |" in page
    told = pairs(toy_suite)
    assert [(r["side"], r["pair"], r["first"], r["seed"]) for r in told[:4]] == [
        ("baseline", 1, True, 1),
        ("candidate", 1, False, 1),
        ("baseline", 2, False, 2),
        ("candidate", 2, True, 2),
    ]
    assert all(r["alternated"] for r in told)


def test_a_candidate_below_the_floor_is_broken_however_fast_it_is(gate, toy_suite):
    view(toy_suite, "wrong", "wrong@1")
    done = gate("toy", "wrong", *ONE_CELL)
    assert done.returncode == 12
    assert re.search(r"^broken .*candidate: wrong", done.stdout, re.M)
    assert "candidate: wrong/logistic_regression/digits/b32/adam: accuracy 0.0" in done.stdout
    assert "BROKEN: the candidate crashes or misses an accuracy floor" in done.stdout
    assert [r["event"] for r in toy_suite.records()].count("void") == 1


def test_a_baseline_below_the_floor_leaves_nothing_to_compare_with(gate, toy_suite):
    view(toy_suite, "wrong", "wrong@1")
    done = gate("wrong", "toy", *ONE_CELL)
    assert done.returncode == 11
    assert re.search(r"^unsure .*baseline: wrong/", done.stdout, re.M)


def test_a_wheel_that_crashes_at_import_is_broken_and_leaves_journal_and_environments_whole(gate, toy_suite):
    path = wheel(toy_suite.root, "raise ImportError('libcudart.so.99: cannot open shared object file')")
    done = gate("toy", str(path), *ONE_CELL)
    assert done.returncode == 12
    assert "libcudart.so.99: cannot open shared object file" in done.stdout
    assert "Traceback (most recent call last)" not in done.stderr
    assert [r["event"] for r in toy_suite.records()][-1] == "end"
    again = gate("toy", "toy", "--cells", "b32/adam", "--budget", "1s")
    assert again.returncode in (0, 11)
    assert "building" not in again.stdout


def test_the_same_environment_on_both_sides_is_allowed_and_said(gate):
    done = gate("toy", "toy", "--cells", "b32/adam", "--budget", "1s")
    assert "both sides are the same environment: whatever differs is noise" in done.stdout
    assert "until the budget was used up" in done.stdout


@pytest.mark.parametrize(
    ("sides", "status", "words"),
    [
        (("toy", "numpy==99.0"), 13, "there is no version of numpy==99.0"),
        (("toy", "numpy==1.5.0"), 13, "numpy==1.5.0"),
        (
            ("toy", "nosuchframework==1.0"),
            2,
            "no environment has nosuchframework among its requirements; there are: numpy",
        ),
        (("toy", "numpy=2"), 2, "'numpy=2' is none of: an environment's name, a requirement such as"),
    ],
)
def test_a_side_that_cannot_be_made_is_told_before_anything_is_measured(gate, toy_suite, sides, status, words):
    done = gate(*sides)
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (toy_suite.root / ".framegate" / "journal").exists()


def test_a_second_gate_at_the_same_time_is_refused(gate, toy_suite):
    with FileLock(toy_suite.root / ".framegate" / "gate.lock"):
        done = gate("toy", "toy")
    assert done.returncode == 14
    assert "another gate is measuring, and two at once would measure each other" in done.stderr
    assert not (toy_suite.root / ".framegate" / "journal").exists()


def test_a_full_disk_ends_the_gate_and_resume_goes_on(gate, toy_suite):
    # All is built, decoded and compiled before: the limit would be met there, and cuts a .pyc short, which Python does not notice.
    assert gate("toy", "toy", "--cells", "b32/adam", "--budget", "2s").returncode in (0, 11)
    shutil.rmtree(toy_suite.root / ".framegate" / "journal")
    limit = "import resource, sys, framegate.cli as c; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000,) * 2)"
    command = [sys.executable, "-c", f"{limit}; sys.exit(c.main(sys.argv[1:]))", "gate", "toy", "toy", *ONE_CELL]
    done = subprocess.run(command, cwd=toy_suite.root, capture_output=True, text=True, check=False)
    assert done.returncode == 15, done.stdout + done.stderr
    assert "free space and type --resume" in done.stderr
    measured = len(pairs(toy_suite))
    again = gate("toy", "toy", "--cells", "b32/adam", "--budget", "2s", "--resume")
    assert again.returncode in (0, 11), again.stderr
    told = [(r["side"], r["pair"]) for r in pairs(toy_suite)]
    assert len(set(told)) == len(told) > measured


@pytest.mark.parametrize("place", ["folder", "no/folder.md"])
def test_a_report_that_cannot_be_written_is_told_before_anything_is_measured(gate, toy_suite, place):
    (toy_suite.root / "folder").mkdir()
    done = gate("toy", "toy", *ONE_CELL, "--report", place)
    assert done.returncode == 2
    assert "--report" in done.stderr
    assert not list((toy_suite.root / ".framegate").glob("journal/gate-*"))
    assert not list(toy_suite.root.glob("*.partial"))


@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_gives_the_answer_so_far_and_resume_goes_on(gate, toy_suite, signalled):
    process = subprocess.Popen(
        [*COMMAND, "toy", "toy", *ONE_CELL], cwd=toy_suite.root, stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if "pair 2:" in line:
            process.send_signal(signalled)
            break
    rest, _ = process.communicate()
    assert process.returncode == 11
    assert "pairs, 6 are the fewest" in rest
    assert "until interrupted" in rest
    measured = len(pairs(toy_suite))
    assert measured >= 4
    again = gate("toy", "toy", *ONE_CELL, "--resume")
    assert "NOT ENOUGH EVIDENCE" in again.stdout or "SAFE" in again.stdout
    told = [(r["side"], r["pair"]) for r in pairs(toy_suite)]
    assert len(set(told)) == len(told) >= 12
    other = gate("toy", "numpy==2.4.6", "--resume")
    assert other.returncode == 2
    assert "has the sides toy toy, not toy numpy==2.4.6; type the same, or start anew without --resume" in other.stderr
    other = gate("toy", "toy", *ONE_CELL, "--margin", "20%", "--resume")
    assert other.returncode == 2
    assert "; type the same, or start anew without --resume" in other.stderr


def test_pytest_benchmarks_does_not_go_on_with_a_gate(gate, toy_suite):
    gate("toy", "toy", "--cells", "b32/adam", "--budget", "1s")
    done = toy_suite.pytest("--resume")
    assert "no run 'latest'; found none" in done.stdout + done.stderr


def test_the_pytest_form_has_an_item_a_cell_and_the_same_statuses(toy_suite):
    view(toy_suite, "slow", "slow:3")
    done = toy_suite.pytest("--upgrade", "toy", "slow", "-k", "upgrade and adam", "--junitxml=out.xml")
    assert done.returncode == 10, done.stdout
    assert "FAILED benchmarks/test_upgrade.py::test_upgrade[toy/logistic_regression/digits/b32/adam]" in done.stdout
    assert "SLOWER: something is slower or worse" in done.stdout
    assert "seconds: slower" in (toy_suite.root / "out.xml").read_text()


def test_without_upgrade_its_file_is_left_aside(toy_suite):
    collected = toy_suite.pytest("--collect-only").stdout
    assert "test_training" in collected
    assert "test_upgrade" not in collected
    named = subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks/test_upgrade.py"],
        cwd=toy_suite.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert named.returncode == pytest.ExitCode.USAGE_ERROR
    assert "test_upgrade.py: wanted --upgrade BASELINE CANDIDATE" in named.stderr


def test_a_journal_of_a_gate_is_read_like_any_other(gate, toy_suite):
    gate("toy", "toy", "--cells", "b32/adam", "--budget", "1s")
    records, torn = read_journal(toy_suite.journal())
    assert torn is None
    assert {"run", "gate", "process", "epoch", "finished", "end"} <= {record["event"] for record in records}

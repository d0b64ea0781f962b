"""Searches: what is kept after a kill, what a failing trial is, what is told."""

import json
import math
import re
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from mounted import ROOT, worker_module
from test_driver import has_ended
from test_resume import descendants

from framegate import cli
from framegate.errors import MatrixError
from framegate.report.search import partings, search_lines, search_page
from framegate.runner.searches import read_searches
from framegate.runner.trials import FREE, Cost, Outcome, Score, Trial

answers = worker_module("worker.answers")
pretrained = worker_module("worker.pretrained")

SEARCHES = """
[spaces.small]
widths = [[8], [8, 8]]
learning_rate = [0.001, 0.01]
dropout = [1.0, 0.5, 0.0]

[searches.random]
procedure = "random"
space = "small"
folds = 2
trials = 4
budget_seconds = 60
target = 0.2
model = "fashion_mlp"
dataset = "digits"
train_rows = 200
environments = ["toy"]
epochs = 2
batch_size = 32
optimizer = { name = "adam", learning_rate = 0.001 }
floor = 0.05

[searches.refined]
procedure = "refined"
space = "small"
trials = 2
budget_seconds = 60
target = 0.99
refinement = { neighbours = 1, model = "fashion_refined", deeper = [[8, 8]], epochs = 2 }
model = "fashion_mlp"
dataset = "digits"
train_rows = 200
validation = 0.2
environments = ["toy"]
epochs = 2
batch_size = 32
optimizer = { name = "adam", learning_rate = 0.01 }
floor = 0.05
"""


@pytest.fixture
def searched(toy_suite, framegate):
    """Return what runs framegate search in a toy suite that declares SEARCHES."""
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text() + SEARCHES)
    return lambda *arguments: framegate("search", *arguments)


def test_the_studys_space_has_13860_valid_cells_and_its_own_count_is_of_another_grid():
    space = tomllib.loads((ROOT / "matrix.toml").read_text())["spaces"]["fashion_mlp"]
    assert math.prod(map(len, space.values())) == 13_860
    # Layers times widths, dropout on or off times rate, and an initialiser more than its table has.
    assert 6 * 7 * 5 * 2 * 10 * 3 * 5 * 3 == 189_000


def test_a_deeper_network_begins_with_the_weights_of_all_layers_but_the_last(tmp_path):
    import numpy

    names = ["1-dense/kernel", "1-dense/bias", "3-dense/kernel", "3-dense/bias"]
    answers.save_body({name: numpy.full(2, place + 1.0) for place, name in enumerate(names)}, names, str(tmp_path))
    deeper = {name: numpy.zeros(2) for name in [*names, "5-dense/kernel"]}
    pretrained.put(str(tmp_path / "body.npz"), deeper)
    assert [weights[0] for weights in deeper.values()] == [1.0, 2.0, 0.0, 0.0, 0.0]


def finished(toy_suite):
    """Return how often each process of each cell finished."""
    return Counter(record["cell"] for record in toy_suite.records() if record["event"] == "finished")


def test_a_search_tells_what_it_found_and_what_it_cost_and_a_failing_trial_is_a_result(searched, toy_suite):
    done = searched("random", "--report", "search.md")
    assert done.returncode == 0, done.stderr
    trials = [line for line in done.stdout.splitlines() if line.startswith("random in toy, trial")]
    assert len(trials) == 4
    failed = [line for line in trials if "dropout 1.0: fail: fashion_mlp: layer" in line]
    assert failed
    assert all("its rate is at least 0 and below 1" in line for line in failed)
    assert f"random, random, in toy: 4 trials, {len(failed)} failed in" in done.stdout
    assert "on 200 rows, by which it was chosen" in done.stdout  # two folds of 100
    assert "on 364 rows, never seen in the search" in done.stdout  # the test split of the digits
    page = (toy_suite.root / "search.md").read_text()
    assert "| random, random | toy | 4 trials" in page
    assert set(finished(toy_suite).values()) == {1}
    assert len(finished(toy_suite)) == 2 * (4 - len(failed)) + 1


def draw_three_that_train(toy_suite):
    matrix = toy_suite.root / "matrix.toml"
    declared = matrix.read_text().replace("dropout = [1.0, 0.5, 0.0]", "dropout = [0.5, 0.0]")
    matrix.write_text(declared.replace("trials = 4", "trials = 3"))


def test_each_fit_is_started_while_the_one_before_it_is_trained(searched, toy_suite):
    draw_three_that_train(toy_suite)
    assert searched("random").returncode == 0
    records = toy_suite.records()
    folders = [Path(record["directory"]) for record in records if record["event"] == "process"]
    begins = [json.loads((folder / "job.json").read_text())["spawned"] for folder in folders]
    lives = [record["wall_seconds"] for record in records if record["event"] == "finished"]
    ends = [begin + life for begin, life in zip(begins, lives, strict=True)]
    beside = [begin < end for begin, end in zip(begins[1:], ends, strict=False)]
    # 3 trials of 2 folds; then the best once more, which the last trial decides.
    assert beside == [True] * 5 + [False]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_search_cut_short_leaves_no_worker_behind_and_repeats_no_finished_fit(searched, toy_suite, ending):
    draw_three_that_train(toy_suite)
    command = [sys.executable, "-m", "framegate", "search", "random"]
    with subprocess.Popen(command, cwd=toy_suite.root, stdout=subprocess.PIPE, text=True) as process:
        next(line for line in process.stdout if ", trial 0:" in line)
        workers = descendants(process.pid)
        process.send_signal(ending)
    assert workers
    assert all(map(has_ended, workers))
    before = finished(toy_suite)
    done = searched("random", "--resume")
    assert done.returncode == 0, done.stderr
    assert before
    assert set(finished(toy_suite).values()) == {1}
    again = searched("random", "--resume")  # nothing is left to do: the same results from the stores
    assert "random in toy, trial" not in again.stdout
    assert done.stdout.splitlines()[-6:] == again.stdout.splitlines()[-6:]


def test_a_refined_search_trains_a_deeper_network(searched, toy_suite):
    done = searched("refined")
    assert done.returncode == 0, done.stderr
    assert "refined in toy, trial 3: " in done.stdout
    assert ", deeper 8-8: accuracy" in done.stdout
    deeper = [
        record for record in toy_suite.records() if record["event"] == "process" and "fashion_refined" in record["cell"]
    ]
    assert deeper
    (job,) = {Path(record["directory"], "job.json") for record in deeper[:1]}
    assert Path(json.loads(job.read_text())["pretrained"]["file"]).name == "body.npz"


def test_a_resumed_search_keeps_to_the_environments_that_it_began_with(searched, toy_suite):
    view = 'packages = "toy"\nframework = "toy"\nadapter = "tests.toy_framework.session"\n'
    (toy_suite.root / "environments" / "tiny.toml").write_text(view)
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace('environments = ["toy"]', 'environments = ["toy", "tiny"]'))
    assert searched("random", "--environments", "tiny").returncode == 0
    done = searched("random", "--resume")
    assert done.returncode == 0, done.stderr
    assert "tiny" in done.stdout
    assert "toy" not in done.stdout


def test_crashing_trials_do_not_end_a_search(searched, toy_suite):
    toy_suite.fault("crash@2")
    done = searched("random")
    assert done.returncode == 2
    assert "random in toy: none of 4 trials finished; the last: " in done.stderr
    assert done.stdout.count(": fail: ") == 4
    assert "killed by signal 11" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_budget_smaller_than_a_trial_is_told_and_what_was_found_is_kept(searched, toy_suite):
    done = searched("refined", "--budget", "0.01s")
    assert done.returncode == 2
    assert "refined in toy: a budget of 0.01 s is smaller than a trial, which took" in done.stderr
    before = finished(toy_suite)
    assert searched("refined", "--resume", "--budget", "1m").returncode == 0
    assert set(finished(toy_suite).values()) == {1}
    assert len(before) == 1


def test_the_run_or_the_storage_of_another_search_is_refused(searched, toy_suite):
    assert searched("random").returncode == 0
    done = searched("refined", "--resume")
    assert done.returncode == 2
    assert "holds random, not refined; type the same, or start anew without --resume" in done.stderr
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace("folds = 2", "folds = 3"))
    done = searched("random", "--resume")
    assert done.returncode == 2
    assert "holds another search as random in toy: folds was 2, is 3; start anew, without --resume" in done.stderr
    next((toy_suite.root / ".framegate" / "runs").rglob("optuna.sqlite")).write_text("no database" * 100)
    done = searched("random", "--resume")
    assert "optuna.sqlite: not a storage of Optuna" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["F9"], "no search 'F9'; wanted one of random, refined"),
        (["random", "--environments", "torch"], "random is not declared in 'torch'; wanted one of toy"),
        (["random", "--resume", "x"], "no run 'x'; found none; start one with: framegate search SEARCH"),
        (["random", "--report", "/none/search.md"], "/none is not a folder; make it"),
        (["random", "--report", "/dev/null"], "/dev/null is a device or a pipe; wanted a file for --report"),
    ],
)
def test_what_cannot_be_searched_is_told_in_words(toy_suite, capsys, arguments, words):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text() + SEARCHES)
    assert cli.main(["--suite", str(toy_suite.root), "search", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('procedure = "random"', 'procedure = "guess"', "procedure = 'guess'; wanted one of grid, random, refined"),
        ("folds = 2", "folds = 1", "folds = 1; wanted either 2 or more, or validation = SHARE"),
        ("folds = 2", 'folds = "2"', "folds = '2'; wanted a whole number above 0"),
        ('space = "small"', 'space = "none"', "space = 'none'; wanted one of small"),
        ("[0.001, 0.01]", "[]", "spaces.small.learning_rate = []; a list of different values is wanted"),
        ("deeper = [[8, 8]]", "deeper = [8]", "refinement.deeper = [8]; wanted a list of lists of widths"),
        ("target = 0.2\n", "", "searches.random: target is missing"),
    ],
)
def test_a_search_that_is_declared_wrongly_is_told_by_its_key(toy_suite, old, new, words):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text() + SEARCHES.replace(old, new))
    with pytest.raises(MatrixError, match=re.escape(words)):
        read_searches(matrix, {"toy": toy_suite.environment()})


def test_pytest_runs_searches_when_they_are_asked_for(searched, toy_suite):
    done = toy_suite.pytest("-m", "search", "-k", "random", "--benchmark-json=out.json")
    assert "1 passed" in done.stdout, done.stdout
    (benchmark,) = json.loads((toy_suite.root / "out.json").read_text())["benchmarks"]
    complete = [trial for trial in benchmark["extra_info"]["trials"] if trial["state"] == "complete"]
    assert len(benchmark["stats"]["data"]) == len(complete) > 0
    assert "test_search" not in toy_suite.pytest("--collect-only", "-q").stdout


def outcome(environment, accuracies):
    trials = tuple(
        Trial(number, {"rate": number}, "complete", Score(hits, 100), Cost(4.0, 1.0, 4.0, 0.5), "")
        for number, hits in enumerate(accuracies)
    )
    best = max(trials, key=lambda trial: trial.score.hits)
    return Outcome("F2", "random", environment, 0.88, trials, best, Score(85, 100), FREE)


def test_two_environments_agree_or_it_is_told_where_they_part():
    one, same, other = outcome("one", [80, 90]), outcome("same", [70, 80]), outcome("other", [91, 89])
    assert partings([one, same, other]) == [
        "F2: one and same choose the same configuration, trial 1, of the same 2 draws",
        "F2: one and other part: one chooses trial 1, other trial 0; trial 1: 0.9000 and 0.8900;"
        " trial 0: 0.8000 and 0.9100; of the same 2 draws",
    ]


def test_the_cost_is_told_by_where_it_went_and_the_target_by_when_it_was_reached():
    lines = search_lines([outcome("one", [80, 90])])
    assert lines[0] == "F2, random, in one: 2 trials in 19 s"
    assert lines[2] == "  validated  0.9000 (0.8256 to 0.9448) on 100 rows, by which it was chosen"  # Wilson, by hand
    assert lines[4:] == [
        "  a trial    9.5 s: 5 training and evaluating, 4 start and end of its workers, 0.5 driver",
        "  88%        88% after 19 s",
    ]
    assert "| 88% not reached |" in search_page([outcome("one", [80])], "search-1")

"""The plugin on somebody else's suite: what it refuses, or does not believe, and in which words."""

from pathlib import Path

import pytest
from foreign import BAD, CELLS, CONFTEST, ROUNDS, SUITE, row, saved, text

import framegate.report.junit
import framegate.stats.judging  # noqa: F401 - loaded here, or each run inside this process would load it anew

pytest_plugins = ["pytester"]


def test_a_single_process_a_side_is_unsure_and_says_how_to_get_replicates(suite):
    suite.save()
    found = suite.pytest("--shift-baseline=0001", SEED=2, FACTOR=1.2)
    assert found.ret == 11
    assert "1 baseline and 1 current processes, policy asks 5 a side" in text(found)
    assert "to have replicates, save several runs of each side and type framegate" in text(found)


@pytest.mark.parametrize(
    ("option", "reason"), [("--benchmark-disable", ": --benchmark-disable"), ("--benchmark-skip", ": --benchmark-skip")]
)
def test_without_measurements_it_is_not_green(suite, option, reason):
    suite.save()
    found = suite.pytest("--shift-baseline=0001", option)
    assert found.ret == 11
    assert f"nothing was measured{reason}" in text(found)
    assert suite.pytest("--shift-baseline=0001", option, "--shift-fail=never").ret == 0


def test_another_machine_is_refused_unless_allowed_by_name(suite):
    suite.save()
    found = suite.pytest("--shift-baseline=0001", ROUNDS, PROCESSOR="Xeon")
    assert found.ret == 11
    assert "not comparable: machine was 'Linux x86_64 EPYC 2', is 'Linux x86_64 Xeon 2'" in text(found)
    assert suite.pytest("--shift-baseline=0001", ROUNDS, "--shift-allow=machine", PROCESSOR="Xeon", SEED=2).ret == 0


def test_another_model_is_refused(suite):
    suite.pytester.makepyfile(test_foreign=CELLS)
    suite.save()
    found = suite.pytest("--shift-baseline=0001", MODEL="alexnet")
    assert "not comparable: model was 'lenet', is 'alexnet'" in text(found)
    assert found.ret == 11


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("shift(margn=0.1)", "test_foreign.py::test_parse: shift marker: margn is unknown; wanted margin=0.1"),
        ("shift(0.1)", "shift marker: 0.1 is unknown"),
        ("shift(metric='speed')", "shift marker: no metric 'speed'; there are: seconds"),
        ("shift(margin='wide')", "shift marker: 'wide' is no margin"),
        ("shift(margin=-1)", "shift marker: -1 is no margin"),
    ],
)
def test_a_wrong_marker_is_refused_in_words(suite, marker, words):
    wrong = SUITE.replace("def test_parse", f"@pytest.mark.{marker}\ndef test_parse")
    suite.pytester.makepyfile(test_foreign=wrong)
    found = suite.pytest()
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    assert words in text(found)
    assert "Traceback" not in text(found)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--shift-baseline=nope", "found 0001_before; save one with --benchmark-save=NAME"),
        ("--shift-baseline=no/such/file.json", "no such file, nor a saved run"),
        ("--shift-baseline=/nowhere/*.json", "no such file, nor a saved run"),
        ("--shift-baseline=/", "no such file, nor a saved run"),
        ("--shift-baseline=", "no such file, nor a saved run"),
        ("--shift-margin=wide", "'wide' is no margin; wanted a share such as 0.05 or 5%, or CELL=0.05"),
        ("--shift-alpha=2", "'2' is no level; wanted a one-sided one between 0 and 0.5"),
    ],
)
def test_a_wrong_option_is_refused_in_words(suite, option, words):
    suite.save()
    found = suite.pytest(option)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    assert words in text(found)
    assert "Traceback" not in text(found)


def test_a_margin_for_no_cell_is_said_and_not_green(suite):
    suite.save()
    found = suite.pytest("--shift-baseline=0001", ROUNDS, "--shift-margin=lenet=0.1")
    assert found.ret == 4
    assert "--shift-margin=lenet=0.1: no test has 'lenet' in its name" in found.stderr.str()
    assert "passed" not in text(found)


def test_a_margin_for_a_new_test_that_fails_does_not_cost_the_comparison(suite):
    suite.save()
    suite.pytester.makepyfile(test_foreign=SUITE + "\ndef test_lenet(benchmark):\n    assert False\n")
    found = suite.pytest("--shift-baseline=0001", ROUNDS, "--shift-margin=lenet=0.1", SEED=2)
    assert found.ret == 1
    assert "3 same" in text(found)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_baseline_is_told_before_anything_is_measured_and_nothing_is_written(suite, kind):
    content, words = BAD[kind]
    Path("bad.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    before = suite.files()
    found = suite.pytest("--shift-baseline=bad.json", "--benchmark-save=now", "--junitxml=out.xml")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    assert "bad.json: " in text(found)
    assert words in text(found)
    assert "Traceback" not in text(found)
    assert "passed" not in text(found)
    assert suite.files() == before
    assert not Path("out.xml").exists()


def test_constant_times_are_not_believed(suite):
    Path("bad.json").write_text(saved(stats={"data": [0.01] * 20}))
    constant = CONFTEST.replace("self.random.lognormvariate(0, 0.02)", "1.0")
    suite.pytester.makeconftest(constant)
    found = suite.pytest("--shift-baseline=bad.json", ROUNDS, "-k", "parse", "--shift-fail=unsure")
    assert row(found, "parse")[0] == "unsure"
    assert found.ret == 11


def test_a_time_of_zero_in_this_run_is_said_and_not_green(suite):
    suite.save()
    suite.pytester.makeconftest(CONFTEST.replace("self.now += ", "self.now += 0 * "))
    found = suite.pytest("--shift-baseline=0001", ROUNDS)
    assert found.ret == 11
    assert "this run: test_foreign.py::test_parse: stats.data: value 0 is 0" in text(found)

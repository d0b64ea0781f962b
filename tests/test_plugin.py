"""The pytest plugin on somebody else's suite: verdicts, exit statuses, and clear words for what is wrong."""

import subprocess
import sys
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from foreign import BAD, CELLS, CONFTEST, SUITE, plugin_options, saved

import framegate.report.junit
import framegate.stats.judging  # noqa: F401 - loaded here, or each run inside this process would load it anew
from framegate.stats import choices

pytest_plugins = ["pytester"]
ROUNDS = "--shift-unit=round"


class Suite:
    """A folder with a suite, and what its owner does there."""

    def __init__(self, pytester, monkeypatch):
        self.pytester, self.monkeypatch = pytester, monkeypatch
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(test_foreign=SUITE)

    def pytest(self, *arguments, **variables):
        for name, value in variables.items():
            self.monkeypatch.setenv(name, str(value))
        # hypothesis would be loaded anew, rewritten, in each run
        options = ["-q", "--benchmark-quiet", "-p", "no:hypothesispytest", *plugin_options()]
        found = self.pytester.runpytest_inprocess(*options, *arguments)
        for name in variables:
            self.monkeypatch.delenv(name)
        return found

    def save(self, name="before", *arguments, **variables):
        assert self.pytest(f"--benchmark-save={name}", "--benchmark-save-data", *arguments, **variables).ret == 0

    def files(self):
        return {path: path.read_bytes() for path in Path().rglob("*.json")}


@pytest.fixture
def suite(pytester, monkeypatch):
    return Suite(pytester, monkeypatch)


def row(result, cell):
    """Return the words of a cell's line in the section."""
    lines = [line.split() for line in result.outlines if f" {cell}" in line]
    return next(words for words in lines if words[0] in ("slower", "faster", "same", "unsure", "missing", "new"))


def text(result):
    return result.stdout.str() + result.stderr.str()


def test_a_planted_slow_down_is_found_and_the_unchanged_stay_the_same(suite):
    suite.save()
    found = suite.pytest("--shift-baseline=0001", ROUNDS, SEED=2, FACTOR=1.2)
    assert found.ret == 10
    assert row(found, "parse")[0] == "slower"
    assert float(row(found, "parse")[1]) == pytest.approx(1.2, rel=0.02)
    assert row(found, "write[1]")[0] == row(found, "write[2]")[0] == "same"
    assert "1 slower, 2 same: worse" in text(found)


def test_unchanged_code_is_green(suite):
    suite.save()
    found = suite.pytest("--shift-baseline=latest", ROUNDS, SEED=2)
    assert found.ret == 0
    assert "3 same: safe" in text(found)


@pytest.mark.parametrize(("factor", "word", "status"), [(1.2, "slower", 10), (1.0, "same", 0), (0.8, "faster", 0)])
def test_processes_of_framegates_own_cells_are_the_replicates(suite, factor, word, status):
    suite.pytester.makepyfile(test_foreign=CELLS)
    suite.save()
    found = suite.pytest("--shift-baseline=0001", SEED=2, FACTOR=factor)
    assert row(found, "training[mxnet-1.9/lenet/digits/b32]")[0] == word
    assert found.ret == status


def test_a_single_process_a_side_is_unsure_and_says_how_to_get_replicates(suite):
    suite.save()
    found = suite.pytest("--shift-baseline=0001", SEED=2, FACTOR=1.2)
    assert found.ret == 11
    assert "1 baseline and 1 current processes, policy asks 5 a side" in text(found)
    assert "to have replicates, save several runs of each side and type framegate" in text(found)


def test_names_of_several_saved_runs_make_replicates(suite):
    suite.save("nightly-0")
    (saved,) = suite.files()
    for number in range(2, 6):
        saved.with_name(f"{number:04}_nightly-{number - 1}.json").write_bytes(saved.read_bytes())
    saved.with_name("0006_other.json").write_bytes(saved.read_bytes())
    found = suite.pytest("--shift-baseline=nightly-*")
    assert "1 current processes, policy asks 5 a side" in text(found)
    assert "0001_nightly-0.json, 0002_nightly-1.json, 0003_nightly-2.json, ..." in text(found)
    assert found.ret == 11


def test_latest_is_the_newest_saved_before_this_run(suite):
    suite.save("first")
    suite.save("second")
    found = suite.pytest("--shift-baseline=latest", ROUNDS, "--benchmark-save=third", SEED=2)
    assert "shift against 0002_second.json" in text(found)


def test_a_file_that_this_run_overwrites_is_read_before(suite):
    suite.pytest("--benchmark-json=out.json")
    found = suite.pytest("--shift-baseline=out.json", ROUNDS, "--benchmark-json=out.json", SEED=2, FACTOR=1.2)
    assert found.ret == 10


def test_what_the_baseline_has_and_this_run_lacks_is_missing(suite):
    suite.save()
    suite.pytester.makepyfile(test_foreign=SUITE.replace("test_parse", "test_read"))
    found = suite.pytest("--shift-baseline=0001", ROUNDS)
    assert row(found, "parse")[0] == "missing"
    assert row(found, "read")[0] == "new"
    assert found.ret == 0
    assert suite.pytest("--shift-baseline=0001", ROUNDS, "--shift-fail=unsure").ret == 11


@pytest.mark.parametrize("selection", [("-k", "parse"), ("test_foreign.py::test_parse",)])
def test_what_the_user_did_not_ask_for_is_left_aside_and_said(suite, selection):
    suite.save()
    found = suite.pytest("--shift-baseline=0001", ROUNDS, *selection, SEED=2)
    assert found.ret == 0
    assert "2 of the baseline left aside" in text(found)
    assert "1 same: safe" in text(found)


def test_lf_leaves_aside_what_passed_last_time(suite):
    suite.save()
    suite.pytester.makepyfile(test_foreign=SUITE.replace("    pass", "    assert False"))
    suite.pytest()
    suite.pytester.makepyfile(test_foreign=SUITE)
    found = suite.pytest("--shift-baseline=0001", ROUNDS, "--lf")
    assert "3 of the baseline left aside" in text(found)
    assert found.ret == 11  # nothing was compared


def test_a_failed_test_has_no_valid_time_and_keeps_its_exit_status(suite):
    suite.save()
    broken = SUITE.replace("rounds=20)\n\n\n@pytest", "rounds=20)\n    assert False\n\n\n@pytest", 1)
    suite.pytester.makepyfile(test_foreign=broken)
    found = suite.pytest("--shift-baseline=0001", ROUNDS, FACTOR=1.2)
    assert found.ret == 1
    assert row(found, "parse")[0] == "missing"
    assert "its test failed: it has no valid time" in text(found)


def test_a_skipped_test_tells_its_reason(suite):
    suite.save()
    skipped = SUITE.replace("def test_parse", "@pytest.mark.skip(reason='no GPU')\ndef test_parse")
    suite.pytester.makepyfile(test_foreign=skipped)
    found = suite.pytest("--shift-baseline=0001", ROUNDS)
    assert "Skipped: no GPU" in text(found) or "no GPU" in " ".join(row(found, "parse"))


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
    assert suite.pytest("--shift-baseline=0001", ROUNDS, "--shift-allow=machine", PROCESSOR="Xeon").ret == 0


def test_another_model_is_refused(suite):
    suite.pytester.makepyfile(test_foreign=CELLS)
    suite.save()
    found = suite.pytest("--shift-baseline=0001", MODEL="alexnet")
    assert "not comparable: model was 'lenet', is 'alexnet'" in text(found)
    assert found.ret == 11


def test_the_junit_file_holds_verdict_ratio_and_p_of_each_test(suite):
    suite.save()
    suite.pytest("--shift-baseline=0001", ROUNDS, "--junitxml=out.xml", FACTOR=1.2)
    tests = {test.get("name"): test for test in ElementTree.parse("out.xml").iter("testcase")}
    properties = {found.get("name"): found.get("value") for found in tests["test_parse"].iter("property")}
    assert properties.keys() == {f"shift.seconds.{name}" for name in ("verdict", "why", "ratio", "p")}
    assert properties["shift.seconds.verdict"] == "slower"
    assert float(properties["shift.seconds.ratio"]) == pytest.approx(1.2)
    assert float(properties["shift.seconds.p"]) < 0.001
    assert not list(tests["test_plain"].iter("property"))


@pytest.mark.parametrize("margin", ["0.5", "50%", "parse=0.5"])
def test_a_shift_within_the_margin_is_the_same(suite, margin):
    suite.save()
    found = suite.pytest("--shift-baseline=0001", ROUNDS, f"--shift-margin={margin}", SEED=2, FACTOR=1.2)
    assert row(found, "parse")[0] == "same"
    assert found.ret == 0


def test_a_marker_sets_the_margin_of_its_test(suite):
    suite.save()
    marked = SUITE.replace("def test_parse", "@pytest.mark.shift(margin=0.5)\ndef test_parse")
    suite.pytester.makepyfile(test_foreign=marked)
    assert suite.pytest("--shift-baseline=0001", ROUNDS, SEED=2, FACTOR=1.2).ret == 0


def test_a_marker_names_the_metric_that_is_compared(suite):
    marked = CELLS.replace(
        "@pytest.mark.parametrize", "@pytest.mark.shift(metric='accuracy')\n@pytest.mark.parametrize"
    )
    suite.pytester.makepyfile(test_foreign=marked)
    suite.save()
    found = suite.pytest("--shift-baseline=0001", FACTOR=1.2)
    assert found.ret == 0
    assert "accuracy within 1 %" in text(found)


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
    assert found.ret == 11
    assert "no cell has 'lenet' in its name" in text(found)


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


def test_the_section_fits_100_columns_whatever_the_names(suite, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    names = ["x" * 200, "日本語" * 30, "\N{RIGHT-TO-LEFT OVERRIDE}", "a\tb", "🦀"]
    source = SUITE.replace("[1, 2]", repr(names))
    suite.pytester.makepyfile(test_foreign=source)
    suite.pytester.makeini("[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n")
    suite.save()
    found = suite.pytest("--shift-baseline=0001", ROUNDS, SEED=2)
    lines = found.outlines[found.outlines.index(next(line for line in found.outlines if "shift against" in line)) :]
    assert max(map(len, lines)) <= 100
    assert "6 same: safe" in text(found)


def test_without_a_baseline_nothing_is_loaded_nor_said(suite):
    code = (
        "import sys, pytest; status = pytest.main(sys.argv[1:]);"
        "assert not {'scipy', 'framegate.stats.samples'} & sys.modules.keys(); sys.exit(status)"
    )
    command = [sys.executable, "-c", code, "-q", *plugin_options()]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "shift" not in found.stdout


def test_the_whole_way_from_training_to_the_verdict(toy_suite):
    cell = "training and not adam"
    options = ["-k", cell, "--processes=5", "-q", *plugin_options()]
    assert toy_suite.pytest("--benchmark-save=first", *options).returncode == 0
    found = toy_suite.pytest("--shift-baseline=latest", "--shift-metric=accuracy", "--shift-test=paired", *options)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "within 1 %" in found.stdout  # the same seeds reach the same accuracy
    assert "1 same: safe" in found.stdout


@pytest.mark.parametrize(
    ("offered", "meant"),
    [
        (choices.TEST_NAMES, ("auto", *get_args(choices.TestName))),
        (choices.CORRECTION_NAMES, get_args(choices.CorrectionName)),
        (choices.UNITS, get_args(choices.Unit)),
        (choices.FAIL_ON, get_args(choices.FailOn)),
    ],
)
def test_all_that_the_statistics_know_is_offered(offered, meant):
    assert offered == meant

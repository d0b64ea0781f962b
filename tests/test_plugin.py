"""The plugin on somebody else's suite: which benchmarks are compared with what, verdicts, exit statuses."""

import subprocess
import sys
from typing import get_args
from xml.etree import ElementTree

import pytest
from foreign import CELLS, ROUNDS, SUITE, plugin_options, row, text

import framegate.report.junit
import framegate.stats.judging  # noqa: F401 - loaded here, or each run inside this process would load it anew
from framegate.stats import choices

pytest_plugins = ["pytester"]


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


def test_a_pattern_of_files_makes_replicates_too(suite):
    for number in range(5):
        suite.pytest(f"--benchmark-json=before-{number}.json", SEED=number)
    found = suite.pytest("--shift-baseline=before-*.json")
    assert "1 current processes, policy asks 5 a side" in text(found)
    assert "shift against before-0.json, before-1.json, before-2.json, ..." in text(found)


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
    found = suite.pytest("--shift-baseline=0001", ROUNDS, SEED=2)
    assert row(found, "parse")[0] == "missing"
    assert row(found, "read")[0] == "new"
    assert found.ret == 0
    assert suite.pytest("--shift-baseline=0001", ROUNDS, "--shift-fail=unsure", SEED=2).ret == 11


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
    options = ["-k", cell, "--processes=5", *plugin_options()]
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

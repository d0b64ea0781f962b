"""Verdicts as lines of text."""

from framegate.report.terminal import (
    Screen,
    coloured,
    columns,
    cut,
    padded,
    shift_section,
    short_names,
    summary_line,
    verdict_lines,
)
from framegate.stats.comparison import Comparison
from framegate.stats.verdict import Policy, Verdict

FOUND = Comparison("welch", "log", 0.1823, 0.1398, 0.2231, 0.0003, 7.0, 0.02, 5, 5)


def verdict(name="test_a.py::test_x", word="slower", why="beyond 5 %", metric="seconds", **more):
    return Verdict(name, metric, word, why, FOUND, 0.0123, 1.1, **more)


def test_a_line_has_verdict_ratio_interval_p_cell_and_why():
    head, line = verdict_lines([verdict()], Policy())
    assert head == "verdict  ratio  95 % interval        p cell why"
    assert line == "slower   1.200  1.150 to 1.250  0.0123 x    beyond 5 %"


def test_another_level_has_another_interval():
    assert "99 % interval" in verdict_lines([verdict()], Policy(alpha=0.005))[0]


def test_without_numbers_there_are_dashes():
    _, line = verdict_lines([Verdict("test_a.py::test_x", "seconds", "missing", "not in this run")], Policy())
    assert line == "missing      -        -              - x    not in this run"


def test_accuracy_is_a_difference():
    found = Comparison("welch", "linear", -0.012, -0.02, -0.004, 0.01, 7.0, 0.002, 5, 5)
    (_, line) = verdict_lines([Verdict("a", "accuracy", "worse", "beyond 1 %", found, 0.01)], Policy())
    assert line == "worse   -0.012 -0.020 to -0.004 0.0100 a accuracy beyond 1 %"


def test_what_the_table_cuts_off_is_told_below_once():
    reason = "2 baseline and 2 current processes, policy asks 5 a side, and so on for a long time indeed" * 2
    verdicts = [verdict(f"test_a.py::test_{name}", "unsure", reason) for name in "xy"]
    lines = verdict_lines(verdicts, Policy())
    assert max(map(len, lines)) <= 100
    assert lines[1].endswith("…")
    assert lines[3].startswith("  2 x: 2 baseline and 2 current processes")
    assert lines[-1] == "  smallest shift that the unsure could have shown: 10 %"


def test_dropped_warm_up_is_told():
    assert "  warm-up: 2 more values of each process dropped" in verdict_lines([verdict(dropped=2)], Policy())


def test_names_are_shortened_but_stay_different():
    environments = [f"{framework}-2.{minor}" for framework in ("tensorflow", "keras-tensorflow") for minor in range(9)]
    names = [f"b.py::test_training[{environment}/logistic_regression/digits/b32]" for environment in environments]
    short = short_names([verdict(name) for name in names])
    assert len(set(short)) == len(names)
    assert max(map(len, short)) == 42


def test_tests_of_the_same_name_in_two_files_keep_their_files():
    assert short_names([verdict("a.py::test_x"), verdict("b.py::test_x")]) == ["a.py::test_x", "b.py::test_x"]


def test_colons_in_a_parameter_do_not_cut_the_name():
    assert short_names([verdict("a.py::TestA::test_x[a::b]")]) == ["x[a::b]"]


def test_the_metric_is_named_unless_it_is_what_the_benchmark_times():
    names = short_names(
        [verdict(metric="seconds"), verdict(metric="peak_bytes"), verdict("y", metric="inference_seconds")]
    )
    assert names == ["x", "x peak_bytes", "y"]


def test_wide_and_hostile_characters_keep_the_columns():
    assert columns("日本") == 4
    assert padded("日本", 6) == "日本  "
    assert cut("日本語", 5) == "日本…"
    assert cut("a\tb\n\x1b[31m\ud800", 20) == "a?b??[31m?"


def test_the_summary_counts_the_words_and_ends_with_the_whole_run():
    assert summary_line([verdict(), verdict(word="same")]) == "1 slower, 1 same: worse"
    assert summary_line([]) == "nothing compared: unsure"


def test_quiet_leaves_out_what_is_the_same_and_still_counts_it():
    verdicts = [
        verdict("a.py::test_x"),
        verdict("a.py::test_y", "same", "within 5 %"),
        Verdict("z", "seconds", "new", ""),
    ]
    lines = [line for line, _ in shift_section(verdicts, Policy(), [], Screen(quiet=True))]
    assert [line.split()[0] for line in lines] == ["verdict", "slower", "margin"]
    assert lines[-1].endswith("1 slower, 1 same, 1 new: worse")
    quiet = shift_section(verdicts[1:2], Policy(), [], Screen(quiet=True))
    assert [line for line, _ in quiet] == ["margin 5 %, holm correction; 1 same: safe"]


def test_a_screen_that_has_only_ascii_gets_as_many_columns():
    why = "2 baseline and 2 current processes, policy asks 5 a side, and so on for a long time"
    (_, line, *_), (_, ascii_line, *_) = (
        [
            line
            for line, _ in shift_section(
                [verdict("\N{SNOWMAN}", "unsure", why)], Policy(), [], Screen(encoding=encoding)
            )
        ]
        for encoding in ("utf-8", "ascii")
    )
    assert (line[-1], ascii_line[-1]) == ("…", "~")
    assert len(line) == len(ascii_line) == 100
    assert " ? " in ascii_line


def test_a_coloured_line_ends_its_colour():
    assert coloured("slower", {"red": True}) == "\x1b[31mslower\x1b[0m"
    assert coloured("margin", {}) == "margin"

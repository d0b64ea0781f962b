"""Reading pytest-benchmark files: what is in a sample, and clear words for what is wrong."""

import json

import numpy as np
import pytest

from framegate.errors import SamplesError
from framegate.stats.samples import mismatches, parse_file, read_files

MACHINE = {"node": "ci-7f3", "system": "Linux", "machine": "x86_64", "cpu": {"brand_raw": "EPYC", "count": 2}}


def document(*benchmarks, **changes):
    """Return the text of a file as pytest-benchmark 5.3 writes it, with these benchmarks."""
    content = {"machine_info": MACHINE, "commit_info": {}, "benchmarks": list(benchmarks), "version": "5.3.1"}
    return json.dumps(content | changes)


def foreign(name="test_a.py::test_x", data=(0.1, 0.2, 0.3), **stats):
    """Return a benchmark of somebody else's suite."""
    found = {"median": 0.2, "rounds": 3} | ({"data": list(data)} if data else {}) | stats
    return {"name": name, "fullname": name, "extra_info": {}, "stats": found}


def ours(name="test_training.py::test_training[cell]", processes=2, epochs=4, **extra):
    """Return a benchmark with Framegate's own record: process p takes p + 1 seconds, its warm-up ten times that."""
    record = [
        {
            "epochs": [
                {
                    "number": k + 1,
                    "seconds": (p + 1.0) * (10 if k == 0 else 1),
                    "evaluate_seconds": 0.5 + p,
                    "test_accuracy": 0.9 + k / 100,
                    "test_loss": 0.3,
                    "peak_bytes": 100 + k,
                }
                | ({"first_step_seconds": 2.0 + p} if k == 0 else {})
                for k in range(epochs)
            ],
            "phases": {"first step": 2.0 + p},
        }
        for p in range(processes)
    ]
    return {"fullname": name, "extra_info": {"cell": "cell", "processes": record} | extra, "stats": {"data": [1.0]}}


def only(run):
    """Return the one sample of a run."""
    (sample,) = run.samples.values()
    return sample


def test_one_foreign_file_is_one_process():
    sample = only(parse_file(document(foreign()), "a.json"))
    assert [values.tolist() for values in sample.processes] == [[0.1, 0.2, 0.3]]
    assert sample.conditions == {"machine": "Linux x86_64 EPYC 2"}


def test_our_cells_carry_their_processes_without_the_warm_up_epoch():
    sample = only(parse_file(document(ours()), "a.json"))
    assert [values.tolist() for values in sample.processes] == [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("inference_seconds", [[0.5, 0.5, 0.5], [1.5, 1.5, 1.5]]),
        ("first_step_seconds", [[2.0], [3.0]]),
        ("peak_bytes", [[103.0], [103.0]]),
        ("accuracy", [[0.93], [0.93]]),
        ("loss", [[0.3], [0.3]]),
    ],
)
def test_other_metrics_of_our_cells(metric, expected):
    sample = only(parse_file(document(ours()), "a.json", (metric,)))
    assert [values.tolist() for values in sample.processes] == expected


def test_several_files_are_replicates(tmp_path):
    for index in range(3):
        (tmp_path / f"{index}.json").write_text(document(foreign(data=(1.0 + index,))))
    sample = only(read_files(sorted(tmp_path.glob("*.json"))))
    assert [values.tolist() for values in sample.processes] == [[1.0], [2.0], [3.0]]
    assert len(sample.sources) == 3


def test_without_raw_rounds_the_median_stands_and_the_note_says_what_is_missing():
    sample = only(parse_file(document(foreign(data=None)), "a.json"))
    assert sample.summarised
    assert sample.processes[0].tolist() == [0.2]
    assert "a.json: stats.data (the raw rounds) is missing" in sample.notes[0]
    assert "--benchmark-save-data" in sample.notes[0]


def test_a_cell_that_only_predicts_gives_inference_seconds_and_has_no_accuracy():
    run = parse_file(document(ours(purpose="inference")), "a.json", ("seconds", "inference_seconds", "accuracy"))
    sample = only(run)
    assert (sample.metric, run.left_out) == ("inference_seconds", {})
    assert [values.tolist() for values in sample.processes] == [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]


def test_processes_in_the_extra_info_of_another_suite_are_not_ours():
    benchmark = foreign() | {"extra_info": {"processes": 4, "model": "big", "settings": "fast"}}
    sample = only(parse_file(document(benchmark), "a.json"))
    assert sample.processes[0].tolist() == [0.1, 0.2, 0.3]


def test_a_process_with_nothing_but_the_warm_up_is_left_out():
    run = parse_file(document(ours(epochs=1)), "a.json")
    assert "no epoch after the warm-up" in next(iter(run.left_out.values()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a.json: empty"),
        ("  \n", "a.json: empty"),
        (document(foreign())[:-40], "a.json: not JSON, or cut short"),
        ("<html>", "a.json: not JSON"),
        ("[" * 100_000, "a.json: not JSON"),
        ("[]", "no list `benchmarks`"),
        (document(foreign(), version="99.0"), "version is '99.0'"),
        (document(foreign(), version=None), "version is None"),
        (document(foreign(), version="9" * 5000), "version is '9999"),
        (document(foreign(data=(0.1, float("nan")))), r"a.json: test_a.py::test_x: stats.data: value 1 is nan"),
        (document(foreign(data=(0.1, float("inf")))), "stats.data: value 1 is inf"),
        (document(foreign(data=(0.0, 0.1))), "stats.data: value 0 is 0; wanted more than zero"),
        (document(foreign(data=(0.1, -0.1))), "stats.data: value 1 is -0.1"),
        (document(foreign(data=("fast",))), "stats.data: no list of numbers"),
        (document(foreign(data=(None,))), "stats.data: no list of numbers"),
        (document(foreign(data=([1.0], [1.0, 2.0]))), "stats.data: no list of numbers"),
        (document(foreign(data=(10**400,))), "stats.data: no list of numbers"),
        (document(foreign(data=None, median=0)), "stats.median: value 0 is 0"),
        (document({"fullname": "x", "stats": {}}), "neither stats.data nor stats.median"),
        (document({"fullname": "x"}), "stats is missing"),
        (document({"stats": {}}), r"benchmarks\[0\].fullname"),
        (document("x"), r"benchmarks\[0\].fullname"),
        (document({"fullname": "x", "extra_info": [1]}), "extra_info is no object"),
        (document(ours() | {"extra_info": {"cell": "x", "processes": {}}}), "extra_info.processes is no list"),
        (document(ours() | {"extra_info": {"cell": "x", "processes": [{"epochs": [1]}]}}), r"processes\[0\].epochs"),
        (document(ours(settings=[1])), "extra_info.settings is no object"),
        (document(ours(dataset="mnist")), "extra_info.dataset is no object"),
        (document(foreign(), foreign()), "twice in one file"),
    ],
)
def test_bad_files_are_refused_with_file_and_field(text, words):
    with pytest.raises(SamplesError, match=words):
        parse_file(text, "a.json")


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(SamplesError, match="not text in UTF-8"):
        read_files([tmp_path / "a.json"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SamplesError, match=r"gone\.json: No such file"):
        read_files([tmp_path / "gone.json"])


def test_an_unknown_metric_is_refused_with_the_known_ones():
    with pytest.raises(SamplesError, match="no metric speed; there are: seconds"):
        read_files([], ["speed"])


@pytest.mark.parametrize("name", ["test_ü[日本語]", "test_x[\N{RIGHT-TO-LEFT OVERRIDE}abc]", "test_x[\ud800]", "🦀"])
def test_names_with_any_unicode_can_be_read_and_printed(name):
    sample = only(parse_file(document(foreign(name)), "a.json"))
    assert sample.name.encode("utf-8")


def test_a_million_rounds_are_read():
    text = document(foreign(data=np.linspace(0.1, 0.2, 1_000_000).tolist()))
    assert only(parse_file(text, "a.json")).processes[0].size == 1_000_000


def test_files_of_two_machines_are_no_replicates(tmp_path):
    other = MACHINE | {"cpu": {"brand_raw": "Xeon", "count": 2}}
    (tmp_path / "a.json").write_text(document(foreign()))
    (tmp_path / "b.json").write_text(document(foreign(), machine_info=other))
    with pytest.raises(SamplesError, match="machine was 'Linux x86_64 EPYC 2', is 'Linux x86_64 Xeon 2'"):
        read_files([tmp_path / "a.json", tmp_path / "b.json"])


def test_mismatches_name_data_and_model():
    settings = {"model": "lenet", "device": "cpu", "batch_size": 32}
    one = only(parse_file(document(ours(dataset={"fingerprint": "aa"}, settings=settings)), "a.json"))
    settings = {"model": "lenet", "device": "cpu", "batch_size": 64}
    other = only(parse_file(document(ours(dataset={"fingerprint": "bb"}, settings=settings)), "b.json"))
    assert mismatches(one, other) == ["fingerprint was 'aa', is 'bb'", "settings.batch_size was '32', is '64'"]
    assert mismatches(one, other, frozenset({"settings"})) == ["fingerprint was 'aa', is 'bb'"]
    assert mismatches(one, other, frozenset({"settings", "fingerprint"})) == []

"""The matrix of parity adds up from pieces, and counts what it says it counts."""

import json

import numpy

from tests import parity_matrix, reference
from tests.mounted import ROOT
from tests.parity import Verdict, better
from tests.parity_matrix import Pair, Place, Result

SAME = Verdict("same", "3.1e-07 of 1.0e-05", 3.1e-7)
LESS_NEAR = Verdict("same", "2.0e-05 of 6.9e-04 (the other noise: after 1 steps: 3.0e-03, allowed 1.0e-05)", 2e-5, 2)
DIFFERS = Verdict("differs", "after 1 steps: 3.0e-03, allowed 1.0e-05", 4e-3, 2)
CANNOT = Verdict("cannot", "scikit-learn has no Conv")
FAILED = Verdict("failed", "exit status 1")


def test_the_worst_of_the_optimizers_speaks_for_a_pair():
    assert parity_matrix.pair([None]) == parity_matrix.pair([SAME, None]) == Pair("not run")
    assert parity_matrix.pair([SAME, LESS_NEAR]) == Pair("same", 2e-5, 2)
    assert parity_matrix.pair([SAME, CANNOT]) == Pair("same", 3.1e-7)
    assert parity_matrix.pair([SAME, DIFFERS, LESS_NEAR]) == Pair("differs", 4e-3, 2)
    assert parity_matrix.pair([SAME, FAILED]).kind == "failed"
    assert parity_matrix.pair([CANNOT]) == Pair("cannot")


def test_the_nearer_noise_counts_and_what_differs_with_both_differs():
    far = Verdict("same", "2.0e-05 of 6.9e-04", 2e-5)
    differs = Verdict("differs", "after 1 steps: 3.0e-03, allowed 1.0e-05", 4e-6)
    assert better(differs, far) == LESS_NEAR
    assert better(far, SAME) == SAME._replace(
        words="3.1e-07 of 1.0e-05 (the other noise: 2.0e-05 of 6.9e-04)", noises=2
    )
    assert better(differs, DIFFERS).kind == "differs"


def test_the_summary_has_the_shares_of_all_pairs_and_of_those_that_train():
    pairs = [Pair("same", 3.1e-7), Pair("same", 2e-5, 2), Pair("differs", 4e-3, 2), Pair("excepted", 1.0)]
    pairs += [Pair("cannot"), Pair("failed"), Pair("not run"), Pair("not run")]
    assert parity_matrix.summary(pairs) == (
        "8 pairs of model and environment: 4 (50.0%) train, 1 cannot be expressed, 1 failed, 2 not run; of those that train"
        " 1 (25.0%) agree within 1e-05, 2 (50.0%) within that or what rounding explains, 1 of them with the second noise,"
        " 1 are excepted, 1 differ"
    )


def test_the_table_is_of_models_and_frameworks():
    found = {
        ("lenet", "mxnet-1.8"): Pair("same", 3.1e-7),
        ("lenet", "mxnet-1.9"): Pair("same", 2e-6),
        ("xception", "mxnet-1.8"): Pair("cannot"),
        ("xception", "mxnet-1.9"): Pair("same", 2e-6),
        ("lenet", "jax-0.10"): Pair("differs", 4e-3),
    }
    rows = parity_matrix.table(
        ["lenet", "xception"], ["mxnet-1.8", "mxnet-1.9", "jax-0.10"], lambda *names: found.get(names, Pair("not run"))
    )
    assert rows == [
        "| model | mxnet (2) | jax-0.10 |",
        "| --- | --- | --- |",
        "| lenet | 2e-06 | differs |",
        "| xception | cannot x1, 2e-06 x1 | - |",
    ]


def test_what_cannot_be_expressed_is_told_by_its_reason():
    results = {
        Place("lenet", "adam", "scikit-learn-1.9"): Result("a", CANNOT),
        Place("lenet", "sgd", "scikit-learn-1.9"): Result("a", CANNOT),
        Place("vgg16", "adam", "scikit-learn-1.9"): Result("a", CANNOT),
        Place("dense", "adam", "scikit-learn-1.9"): Result("a", SAME),
    }
    assert parity_matrix.lacking(results) == [
        "cannot: scikit-learn has no Conv: scikit-learn-1.9: lenet, vgg16",
    ]


def test_a_matrix_is_run_in_pieces(built_environment, tmp_path, capsys):
    built_environment("scikit-learn-1.9")
    ask = ["--environments", "scikit-learn-1.9", "--models", "logistic_regression"]
    place = Place("logistic_regression", "sgd", "scikit-learn-1.9")
    stored = tmp_path / "verdicts.jsonl"

    def run():
        assert parity_matrix.main(ask, tmp_path) == 0
        return capsys.readouterr().out

    assert " 1 (0." in run()  # of all pairs
    found = parity_matrix.read(stored)[place]
    parity_matrix.append(stored, place, found._replace(verdict=SAME._replace(words="as stored")))
    assert "same: as stored" in run()
    parity_matrix.append(stored, place, found._replace(code="other", verdict=SAME._replace(words="as stored")))
    assert "same: as stored" not in run()
    assert len(stored.read_text().splitlines()) == 4
    other = place._replace(environment="tensorflow-2.12")
    parity_matrix.append(stored, other, found._replace(code="other"))
    assert run().rstrip().endswith("; 1 of 2 verdicts are of other code or packages")
    assert json.loads(stored.read_text().splitlines()[0])["place"] == list(place)


def test_the_reference_is_computed_once_and_read_the_next_time(tmp_path):
    first = reference.wanted("logistic_regression", "sgd", 1, tmp_path)
    (path,) = tmp_path.iterdir()
    written = path.stat().st_mtime_ns
    reference.wanted.cache_clear()
    again = reference.wanted("logistic_regression", "sgd", 1, tmp_path)
    assert path.stat().st_mtime_ns == written
    assert again.allowed == first.allowed
    assert [one.loss for one in again.snapshots] == [one.loss for one in first.snapshots]
    exact = reference.training("logistic_regression", "sgd", 1)
    assert [one.loss for one in exact] == [one.loss for one in first.snapshots]
    assert reference.deviations(first.snapshots, exact) == [0.0, 0.0, 0.0]


def test_what_is_not_a_number_deviates_wherever_it_stands():
    exact = reference.training("logistic_regression", "sgd", 1)
    last = dict(exact[-1].arrays, probabilities=numpy.full_like(exact[-1].arrays["probabilities"], numpy.nan))
    deviations = reference.deviations([*exact[:-1], exact[-1]._replace(arrays=last)], exact)
    assert deviations[:-1] == [0.0, 0.0]
    assert numpy.isnan(deviations[-1])
    deviations = reference.deviations([*exact[:-1], exact[-1]._replace(loss=numpy.nan)], exact)
    assert numpy.isnan(deviations[-1])


def test_a_verdict_that_a_kill_cut_short_is_run_again_and_no_other(tmp_path):
    stored = tmp_path / "verdicts.jsonl"
    first, cut, last = (Place("lenet", "adam", f"mxnet-1.{number}") for number in (7, 8, 9))
    for place in (first, cut):
        parity_matrix.append(stored, place, Result("a", SAME))
    stored.write_text(stored.read_text()[:-5])
    parity_matrix.append(stored, last, Result("a", SAME))
    assert list(parity_matrix.read(stored)) == [first, last]


def test_the_code_of_an_adapter_is_what_it_imports_too():
    names = {path.name for path in parity_matrix.imported(ROOT / "frameworks" / "keras_on_jax.py")}
    assert names == {"keras_on_jax.py", "jax_device.py"}

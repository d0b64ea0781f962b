"""The whole way, on the toy framework: pytest, worker, journal, pytest-benchmark's stores."""

import json
import signal
import subprocess
import sys

import pytest
from mounted import ROOT

CELL = "toy/logistic_regression/digits/b32"


def test_pytest_benchmark_stores_the_workers_durations_bit_for_bit(toy_suite):
    done = toy_suite.pytest("--benchmark-json=out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    stored = json.loads((toy_suite.root / "out.json").read_text())["benchmarks"]
    records = toy_suite.records()
    for benchmark in stored:
        own = benchmark["extra_info"]
        recorded = [
            record["seconds"]
            for record in records
            if record["event"] == "epoch"
            and record["number"] > 1
            and (record["cell"], record["purpose"]) == (own["cell"], own["purpose"])
        ]
        assert benchmark["stats"]["data"] == recorded
        assert len(recorded) == 4  # 2 processes, 3 epochs each, the first of which is warm-up
    assert [benchmark["extra_info"]["purpose"] for benchmark in stored].count("inference") == 1


def test_extra_info_holds_processes_epochs_phases_memory_versions_and_fingerprint(toy_suite):
    toy_suite.pytest("--benchmark-json=out.json", "-k", "training and adam")
    (benchmark,) = json.loads((toy_suite.root / "out.json").read_text())["benchmarks"]
    own = benchmark["extra_info"]
    assert own["cell"] == CELL + "/adam"
    first, second = own["processes"]
    assert [epoch["number"] for epoch in first["epochs"]] == [1, 2, 3]
    assert (first["seed"], second["seed"]) == (1, 2)
    assert first["epochs"][0]["train_loss"] != second["epochs"][0]["train_loss"]
    assert abs(sum(first["phases"].values()) + first["remainder_seconds"] - first["wall_seconds"]) < 1e-9
    assert first["about"]["versions"]["numpy"]
    assert len(own["dataset"]["fingerprint"]) == 64
    assert own["dataset"]["complete"] is True


def test_latency_is_a_pass_over_256_images_one_by_one(toy_suite):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace("inference = true", "inference = true\nlatency = true"))
    done = toy_suite.pytest("-k", "inference")
    assert done.returncode == 0, done.stdout + done.stderr
    epochs = [record for record in toy_suite.records() if record["event"] == "epoch"]
    images = {record["cell"]: round(record["seconds"] * record["images_per_second"]) for record in epochs}
    assert images == {CELL: 364, "toy/logistic_regression/digits/b1": 256}


def test_save_compare_and_histogram_work(toy_suite):
    assert toy_suite.pytest("--benchmark-save=first").returncode == 0
    done = toy_suite.pytest("--benchmark-autosave", "--benchmark-compare=0001", "--benchmark-histogram=plot")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0001_first" in done.stdout
    assert len(list((toy_suite.root / ".benchmarks").glob("*/*.json"))) == 2
    assert list(toy_suite.root.glob("plot*.svg"))


def test_a_missed_floor_fails_the_cell_and_no_store_gets_its_times(toy_suite):
    toy_suite.fault("wrong")
    done = toy_suite.pytest("--benchmark-json=out.json", "-k", "training")
    assert done.returncode == 1
    assert "is below the floor 0.85; its times are void" in done.stdout
    assert not (toy_suite.root / "out.json").exists()  # no benchmarks, no file
    records = toy_suite.records()
    assert [record["cell"] for record in records if record["event"] == "void"] == [CELL, CELL + "/adam"]


def test_a_list_of_the_cells_may_be_cut_by_its_reader():
    command = [sys.executable, "-m", "pytest", "benchmarks", "--collect-only", "-q", "-m", "cpu or gpu"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("benchmarks/test_")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == -signal.SIGPIPE


def test_a_json_file_in_no_folder_is_refused_before_anything_is_measured(toy_suite):
    done = toy_suite.pytest("--benchmark-json=absent/out.json", "-k", "training")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--benchmark-json absent/out.json: no folder absent; make it with: mkdir -p absent" in done.stderr
    assert not (toy_suite.root / ".framegate" / "journal").exists()


def test_an_accuracy_above_the_ceiling_fails_the_cell(toy_suite):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace("floor = 0.85", "floor = 0.85\nceiling = 0.86", 1))
    done = toy_suite.pytest("-k", "training and not adam")
    assert done.returncode == 1
    assert "is above the ceiling 0.86, as where test rows are trained on; its times are void" in done.stdout
    assert [record["cell"] for record in toy_suite.records() if record["event"] == "void"] == [CELL]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ('"mobilenet_v2"', "mobilenet_v2: layer 30-depthwiseconv DepthwiseConv"),  # digits are 8x8
        (
            '"fashion_mlp"\nparameters = { depth = 3 }',
            "fashion_mlp: layers() got an unexpected keyword argument 'depth'",
        ),
    ],
)
def test_a_model_that_does_not_fit_its_data_fails_before_anything_is_built(toy_suite, model, words):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace('"logistic_regression"', model, 1))
    (toy_suite.root / ".framegate" / "envs").unlink()
    done = toy_suite.pytest("-k", "not adam")
    assert done.returncode == 1
    assert words in done.stdout
    assert "Traceback" not in done.stdout
    assert not (toy_suite.root / ".framegate" / "envs").exists()


def test_a_crashed_cell_fails_alone_and_the_run_goes_on(toy_suite):
    (toy_suite.root / "environments" / "toy-broken.toml").write_text(
        'packages = "toy"\nframework = "toy"\nadapter = "tests.toy_framework.session"\n'
        '[variables]\nTOY_FAULT = "crash@2"\n'
    )
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace('["toy"]', '["toy-broken", "toy"]', 1))
    done = toy_suite.pytest()
    assert done.returncode == 1
    assert "Segmentation fault" in done.stdout
    assert "1 failed, 4 passed" in done.stdout


def test_markers_select_and_the_default_is_quick(toy_suite):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace('variant = "adam"', 'variant = "adam"\ntier = "nightly"'))

    def collected(*arguments):
        return [
            line for line in toy_suite.pytest("--collect-only", "-q", *arguments).stdout.splitlines() if "::" in line
        ]

    assert len(collected()) == 2
    assert len(collected("-m", "nightly")) == 1
    assert len(collected("-m", "toy and logistic_regression and not nightly")) == 2
    assert not (toy_suite.root / ".framegate" / "journal").exists()


def test_a_keyword_that_finds_nothing_among_the_quick_cells_is_told_where_the_others_are(toy_suite):
    done = toy_suite.pytest("-k", "nothing_has_this_name")
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "without -m only the quick cells on the CPU are looked at" in done.stdout
    assert "only the quick cells" not in toy_suite.pytest("-k", "nothing_has_this_name", "-m", "cpu").stdout


def test_collecting_imports_no_framework_and_nothing_heavy(toy_suite):
    script = (
        "import sys, pytest\n"
        "status = pytest.main(['benchmarks', '--collect-only', '-q', '-p', 'no:cacheprovider'])\n"
        "heavy = {'tensorflow', 'keras', 'mxnet', 'jax', 'torch', 'sklearn', 'scipy', 'numpy', 'PIL', 'pooch'}\n"
        "sys.exit(f'imported {sorted(heavy & set(sys.modules))}' if heavy & set(sys.modules) else int(status))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=toy_suite.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_matrix_without_inference_cells_is_collected(toy_suite):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace("inference = true", ""))
    done = toy_suite.pytest("--collect-only", "-q")
    assert done.returncode == 0, done.stdout


def test_benchmark_only_measures_and_benchmark_skip_measures_nothing(toy_suite):
    assert "3 passed" in toy_suite.pytest("--benchmark-only").stdout
    done = toy_suite.pytest("--benchmark-skip")
    assert "3 skipped" in done.stdout
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_store_that_cannot_be_written_is_one_line(toy_suite):
    (toy_suite.root / ".framegate" / "journal").write_text("")
    done = toy_suite.pytest()
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "journal" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_cell_named_in_full_runs_whatever_its_tier(toy_suite):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace('variant = "adam"', 'variant = "adam"\ntier = "nightly"'))
    command = [sys.executable, "-m", "pytest", f"benchmarks/test_training.py::test_training[{CELL}/adam]"]
    done = subprocess.run(command, cwd=toy_suite.root, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout


def test_without_a_gpu_its_cells_skip_with_the_reason_and_fail_when_required(toy_suite, monkeypatch):
    environment = toy_suite.root / "environments" / "toy.toml"
    environment.write_text(environment.read_text() + 'gpu = ["numpy==2.4.6"]\n')
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = toy_suite.pytest("-m", "gpu")
    assert "CUDA_VISIBLE_DEVICES hides every GPU; unset it" in done.stdout
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED  # nothing measured is never green
    done = toy_suite.pytest("-m", "gpu", "--require-gpu")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--require-gpu: CUDA_VISIBLE_DEVICES hides every GPU" in done.stdout + done.stderr


def test_a_missing_python_skips_and_fails_when_strict(toy_suite):
    environment = toy_suite.root / "environments" / "toy.toml"
    environment.write_text(environment.read_text().replace("3.11", "3.5"))
    lock = toy_suite.root / "environments" / "toy.cpu.lock"
    lock.write_text(lock.read_text().replace("Python 3.11", "Python 3.5"))
    done = toy_suite.pytest()
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "Python 3.5 not found" in done.stdout
    assert toy_suite.pytest("--strict-environments").returncode == 1


def test_a_data_home_that_is_a_file_is_one_line_and_no_traceback(toy_suite):
    done = toy_suite.pytest("--data-home", "matrix.toml")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert (
        "--data-home: matrix.toml is a file; wanted the folder that the datasets are in: --data-home ." in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_a_broken_matrix_is_one_line_and_no_traceback(toy_suite):
    (toy_suite.root / "matrix.toml").write_text("[[cells]]\n")
    done = toy_suite.pytest()
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "matrix.toml, cell table 1: batch_size is missing" in done.stderr
    assert "Traceback" not in done.stderr

"""The framegate command, typed as a user would."""

import re
import shlex
import subprocess
import sys

from framegate import cli


def test_each_commands_help_ends_with_an_example_that_its_parser_takes(framegate):
    usage = framegate("--print-completion", "bash").stdout
    commands = re.search(r"^_shtab_framegate_subparsers=\((.*)\)$", usage, re.MULTILINE)[1].split()
    assert "compare" in commands
    for command in commands:
        example = re.search(r"^example: framegate (.*)", framegate(command, "--help").stdout, re.MULTILINE)
        assert example, f"framegate {command} --help shows no example"
        arguments = shlex.split(example[1])
        assert arguments[0] == command
        cli.parser().parse_args(arguments)  # a usage error would exit


def test_envs_build_then_list_then_verify_with_one_training_step(framegate):
    built = framegate("envs", "build", "toy")
    assert built.returncode == 0, built.stderr
    listed = framegate("envs", "list")
    assert listed.stdout.splitlines()[1].split()[:4] == ["toy", "cpu", "3.11", "current"]
    verified = framegate("envs", "verify", "toy")
    assert verified.returncode == 0, verified.stderr
    assert "toy: imported, one step of logistic_regression in " in verified.stdout


def test_verify_of_a_broken_environment_tells_what_broke_and_exits_with_1(framegate, toy_suite):
    toy_suite.fault("exit@1")
    verified = framegate("envs", "verify")
    assert verified.returncode == 1
    assert "exit status 7" in verified.stderr
    assert "Traceback" not in verified.stderr


def test_an_unknown_environment_lists_the_known(framegate):
    done = framegate("envs", "build", "tensorflow-99")
    assert (done.returncode, done.stderr) == (2, "framegate: no environment 'tensorflow-99'; known: toy\n")


def test_a_device_that_an_environment_lacks_is_said(framegate):
    done = framegate("envs", "build", "toy", "--device", "gpu")
    assert done.returncode == 2
    assert "toy has no requirements for gpu" in done.stderr


def test_outside_a_suite_the_error_says_where_to_be(tmp_path):
    command = [sys.executable, "-m", "framegate", "envs", "list"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "environments: no environment files found" in done.stderr


def test_data_prepare_tells_rows_shape_and_fingerprint(framegate):
    done = framegate("data", "prepare", "digits", "--size", "32")
    assert done.stdout.startswith("digits: 1,433 train and 364 test images of 32x32x1, complete, fingerprint ")


def test_data_of_an_unknown_name_lists_the_known(framegate):
    done = framegate("data", "prepare", "imagenet")
    assert done.returncode == 2
    assert "digits, mnist, fashion-mnist" in done.stderr
    assert "Traceback" not in done.stderr


def test_data_list_says_that_the_data_home_is_not_there(framegate, tmp_path):
    done = framegate("data", "list", "--data-home", str(tmp_path / "mistyped"))
    assert done.stdout.startswith(
        f"{tmp_path}/mistyped: there is no such folder, so nothing is found in it; correct the name"
    )
    assert "no such folder" not in framegate("data", "list", "--data-home", str(tmp_path)).stdout


def test_recover_without_a_run_says_how_to_start_one(framegate):
    done = framegate("recover", "-o", "saved.json")
    assert done.returncode == 2
    assert "no run 'latest'; found none; start one with: pytest benchmarks" in done.stderr


def test_recover_into_a_folder_that_is_not_there_is_refused(framegate, toy_suite):
    toy_suite.pytest("-k", "inference")
    done = framegate("recover", "-o", "nowhere/saved.json")
    assert done.returncode == 2
    assert "nowhere is not a folder" in done.stderr


def test_recover_of_a_run_in_which_nothing_finished_writes_nothing(framegate, toy_suite):
    toy_suite.fault("exit@1")
    toy_suite.pytest("-k", "training and adam")
    done = framegate("recover", "-o", "saved.json")
    assert done.returncode == 2
    assert "no finished process to recover" in done.stderr
    assert not (toy_suite.root / "saved.json").exists()


def test_a_margin_that_would_call_everything_the_same_is_refused(framegate):
    done = framegate("compare", "a.json", "b.json", "--margin", "2")
    assert done.returncode == 2
    assert "'2' is no margin; wanted a share such as 0.05 or 5%" in done.stderr


def test_a_reader_that_has_had_enough_is_no_error(toy_suite):
    command = f"set -o pipefail; {sys.executable} -m framegate --print-completion bash | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=toy_suite.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

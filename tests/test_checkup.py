"""What framegate doctor finds, on machines written down as the kernel's files."""

from dataclasses import replace

import pytest

from framegate.runner import checkup


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_another_process_that_uses_a_processor_makes_timings_noisy(tmp_path):
    write(tmp_path / "stat", "cpu  100 0 10 1000 5 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    before = checkup.processor_ticks(tmp_path)
    write(tmp_path / "stat", "cpu  200 0 10 1300 5 0 0 0 0 0\n")
    finding = checkup.load_finding(before, checkup.processor_ticks(tmp_path))
    assert finding.state == "noisy"
    assert finding.words.startswith("others use 25% of the processors, the hypervisor takes 0%")


def test_a_hypervisor_that_takes_time_makes_timings_noisy():
    assert checkup.load_finding([0] * 8, [0, 0, 0, 98, 0, 0, 0, 2]).state == "noisy"


def test_an_idle_machine_is_quiet():
    assert checkup.load_finding([0] * 8, [1, 0, 1, 198, 0, 0, 0, 0]).state == "ok"


@pytest.mark.parametrize(("governors", "state"), [(["performance"] * 2, "ok"), (["performance", "powersave"], "noisy")])
def test_only_a_held_clock_is_quiet(tmp_path, governors, state):
    for number, governor in enumerate(governors):
        write(tmp_path / f"cpu{number}/cpufreq/scaling_governor", f"{governor}\n")
    assert checkup.governor_finding(tmp_path).state == state


def test_a_machine_that_tells_no_governor_is_not_called_noisy(tmp_path):
    assert checkup.governor_finding(tmp_path).state == "ok"


def test_a_quota_below_the_processors_makes_timings_noisy(tmp_path):
    write(tmp_path / "cpu.max", "150000 100000\n")
    finding = checkup.processors_finding(2, 2, tmp_path)
    assert finding.state == "noisy"
    assert "the container's limit of 1.5 processors" in finding.words


@pytest.mark.parametrize("quota", ["max 100000\n", "200000 100000\n"])
def test_a_quota_of_all_processors_is_none(tmp_path, quota):
    write(tmp_path / "cpu.max", quota)
    assert checkup.processors_finding(2, 2, tmp_path).state == "ok"


def test_fewer_processors_than_threads_stop_a_run(tmp_path):
    finding = checkup.processors_finding(1, 2, tmp_path)
    assert (finding.state, finding.words[:36]) == ("stops", "1 may be used, the cells want 2; fre")


def test_a_containers_memory_limit_counts_not_the_machines(tmp_path):
    write(tmp_path / "meminfo", "MemTotal: 9 kB\nMemAvailable:   16000000 kB\n")
    assert checkup.memory_finding(tmp_path, tmp_path / "none").state == "ok"
    write(tmp_path / "memory.max", "1000000000\n")
    finding = checkup.memory_finding(tmp_path, tmp_path)
    assert finding.state == "stops"
    assert "the container may use 1.0 GB" in finding.words


def test_a_missing_python_names_who_is_skipped_and_how_to_install_it(toy_suite):
    environment = replace(toy_suite.environment(), python="3.99")
    (finding,) = checkup.python_findings([environment])
    assert (finding.subject, finding.state) == ("Python 3.99", "skips")
    assert finding.words.startswith("not found, toy will be skipped; install it with: pyenv install 3.99")


def test_doctor_prints_a_line_a_finding_and_exits_with_0_where_a_run_can_start(framegate):
    done = framegate("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    subjects = {line[7:23].strip() for line in done.stdout.split("\n\n")[0].splitlines()}
    assert {"disk", "memory", "processors", "CPU governor", "background load", "GPU", "Python 3.11"} == subjects

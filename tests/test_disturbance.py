"""When a process is run again."""

from framegate.runner.disturbance import disturbance


def epochs(seconds, busy, cpu, steal=0.0):
    one = {"seconds": seconds, "machine_busy_seconds": busy, "cpu_seconds": cpu, "steal_seconds": steal}
    return [one | {"machine_busy_seconds": 100.0}, one, one]  # the first is warm-up: whatever disturbed it


def test_a_quiet_process_is_not_disturbed():
    assert disturbance(epochs(1.0, busy=1.9, cpu=1.8)) is None


def test_others_that_use_more_than_a_quarter_of_a_processor_disturb():
    assert disturbance(epochs(1.0, busy=2.1, cpu=1.8)) == "other processes used 30% of a processor"


def test_a_hypervisor_that_takes_more_than_a_twentieth_disturbs():
    assert disturbance(epochs(1.0, busy=1.8, cpu=1.8, steal=0.06)) == "the hypervisor took 6% of a processor"


def test_of_times_near_the_kernels_tick_nothing_is_said():
    assert disturbance(epochs(0.2, busy=0.4, cpu=0.2)) is None


def test_without_witnesses_nothing_is_said():
    assert disturbance([{"seconds": 1.0, "steal_seconds": None}] * 3) is None

"""What of this machine stops a run, skips cells or makes timings noisy. Linux only, as the suite is."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from framegate.runner.declarations import Environment
from framegate.runner.devices import gpu_reason
from framegate.runner.pythons import find_python, install_command

LEAST_DISK_BYTES = 5e9  # an environment takes 0.2 to 2 GB, a build as much again for a moment
LEAST_MEMORY_BYTES = 2e9  # the quick cells' largest worker takes 0.8 GB
MOST_BUSY = 0.05  # share of the processors that others use
MOST_STOLEN = 0.01  # share of the processors' time that the hypervisor takes


@dataclass(frozen=True)
class Finding:
    subject: str
    state: str  # "ok"; "noisy": timings will vary; "skips": some cells cannot run; "stops": none can
    words: str  # what was found, and where something is to be done, the command


def python_findings(environments: Iterable[Environment]) -> list[Finding]:
    """Return a finding for each Python version that the environments name."""
    users: dict[str, list[str]] = {}
    for environment in environments:
        if environment.packages == environment.name:  # a view has no Python of its own
            users.setdefault(environment.python, []).append(environment.name)
    found = []
    for version in sorted(users, key=lambda version: [int(part) for part in version.split(".")]):
        if path := find_python(version):
            found.append(Finding(f"Python {version}", "ok", str(path)))
        else:
            todo = (
                f"not found, {', '.join(users[version])} will be skipped; install it with: {install_command(version)}"
            )
            found.append(Finding(f"Python {version}", "skips", todo))
    return found


def gpu_finding() -> Finding:
    """Return whether there is a GPU, with its name, driver and memory."""
    if reason := gpu_reason():
        return Finding("GPU", "skips", f"GPU cells will be skipped: {reason}")
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        listing = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        listing = ""
    return Finding("GPU", "ok", "; ".join(listing.strip().splitlines()) or "present; nvidia-smi tells nothing of it")


def disk_finding(folder: Path) -> Finding:
    """Return whether there is room for environments, data and journals."""
    free = shutil.disk_usage(folder).free
    words = f"{free / 1e9:.1f} GB free in {folder}"
    if free < LEAST_DISK_BYTES:
        return Finding("disk", "stops", f"{words}, {LEAST_DISK_BYTES / 1e9:.0f} wanted; try: framegate envs prune")
    return Finding("disk", "ok", words)


def memory_finding(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> Finding:
    """Return whether the largest quick worker fits into what is free here and what the container allows."""
    available = _kilobytes(proc / "meminfo", "MemAvailable:") * 1024
    words = f"{available / 1e9:.1f} GB available"
    limit = _first_line(cgroup / "memory.max")
    if limit.isdigit():
        available = min(available, int(limit))
        words += f", the container may use {int(limit) / 1e9:.1f} GB"
    if available < LEAST_MEMORY_BYTES:
        return Finding("memory", "stops", f"{words}; {LEAST_MEMORY_BYTES / 1e9:.0f} GB wanted")
    return Finding("memory", "ok", words)


def processors_finding(processors: int, wanted: int, cgroup: Path = Path("/sys/fs/cgroup")) -> Finding:
    """Return whether the cells' threads have a processor each; processors: how many this process may use."""
    if processors < wanted:
        todo = "free more with taskset, or lower threads in matrix.toml"
        return Finding("processors", "stops", f"{processors} may be used, the cells want {wanted}; {todo}")
    quota, _, period = _first_line(cgroup / "cpu.max").partition(" ")
    if quota.isdigit() and int(quota) < processors * int(period):
        share = int(quota) / int(period)
        words = f"the container's limit of {share:.2g} processors stops a worker in mid-epoch; lift it (docker: --cpuset-cpus)"
        return Finding("processors", "noisy", words)
    return Finding("processors", "ok", f"{processors} may be used, the cells want {wanted}")


def governor_finding(system: Path = Path("/sys/devices/system/cpu")) -> Finding:
    """Return whether the clock of the processors is let change with the load."""
    governors = {path.read_text().strip() for path in system.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    if not governors:
        return Finding("CPU governor", "ok", "none to set here, as in most virtual machines: the host decides")
    if governors == {"performance"}:
        return Finding("CPU governor", "ok", "performance")
    todo = "hold the clock with: cpupower frequency-set --governor performance"
    return Finding("CPU governor", "noisy", f"{', '.join(sorted(governors))}; {todo}")


def processor_ticks(proc: Path = Path("/proc")) -> tuple[int, ...]:
    """Return the ticks that all processors spent so far in each state: user, nice, system, idle, iowait, irq, softirq, steal."""
    return tuple(int(word) for word in _first_line(proc / "stat").split()[1:9])


def load_finding(before: Sequence[int], after: Sequence[int]) -> Finding:
    """Return how busy others kept the processors between two readings of processor_ticks, while this process slept."""
    spent = [later - earlier for earlier, later in zip(before, after, strict=True)]
    total = max(sum(spent), 1)
    stolen, busy = spent[7] / total, (sum(spent[:3]) + sum(spent[5:7])) / total
    words = f"others use {busy:.0%} of the processors, the hypervisor takes {stolen:.0%}"
    if busy > MOST_BUSY or stolen > MOST_STOLEN:
        return Finding("background load", "noisy", f"{words}; see who with: top")
    return Finding("background load", "ok", words)


def usable_processors() -> int:
    return len(os.sched_getaffinity(0))


def _first_line(path: Path) -> str:
    """Return the first line of a file of the kernel's, empty where this kernel or container has no such file."""
    try:
        with path.open(encoding="ascii") as file:
            return file.readline().strip()
    except OSError:
        return ""


def _kilobytes(path: Path, name: str) -> int:
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0

"""The witnesses of noise, and of memory: what the system says of this process and of the machine."""

import glob
import os


def totals():
    """Return running totals that tell whether the machine was quiet; None where the system does not say.

    cpu_seconds: of this process, all threads, and of those it started. involuntary_switches: times it was put aside for another.
    machine_busy_seconds: of all processes, on the processors that this one may use. steal_seconds: taken from these by the
    hypervisor. pressure_seconds: some process of the machine waited for a processor.
    """
    found = dict.fromkeys(
        ("cpu_seconds", "involuntary_switches", "machine_busy_seconds", "steal_seconds", "pressure_seconds")
    )
    try:
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        found["cpu_seconds"] = usage.ru_utime + usage.ru_stime + ended.ru_utime + ended.ru_stime + children_seconds()
        found["involuntary_switches"] = usage.ru_nivcsw
        ours = {"cpu{}".format(number) for number in os.sched_getaffinity(0)}
        with open("/proc/stat") as file:
            lines = [line.split() for line in file if line.startswith("cpu")]
        ticks = [sum(column) for column in zip(*[map(int, words[1:9]) for words in lines if words[0] in ours])]
        per_second = float(os.sysconf("SC_CLK_TCK"))
        found["machine_busy_seconds"] = (sum(ticks[:3]) + sum(ticks[5:7])) / per_second  # all but idle, iowait, steal
        found["steal_seconds"] = ticks[7] / per_second
        with open("/proc/pressure/cpu") as file:
            found["pressure_seconds"] = int(file.readline().rsplit("=", 1)[1]) / 1e6
    except (ImportError, OSError, AttributeError):
        pass  # not Linux, or a kernel without pressure counters: those witnesses stay None
    return found


def children_seconds():
    """Return the processor seconds of the living processes that this one started: an input pipeline's workers."""
    ticks = 0
    for path in glob.glob("/proc/self/task/*/children"):
        for child in text_of(path).split():
            fields = text_of("/proc/{}/stat".format(child)).rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # utime and stime, its own and its children's
    return ticks / float(os.sysconf("SC_CLK_TCK"))


def text_of(path):
    """Return a file's text, or "" of a process or thread that has just ended."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def peak_bytes():
    """Return the most memory this process ever had resident, in bytes, or None."""
    try:
        with open("/proc/self/status") as file:
            for line in file:
                # ru_maxrss would be the driver's, from before the exec, if that is larger.
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    return None

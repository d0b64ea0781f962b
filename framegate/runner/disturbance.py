"""The rule by which a process is run again. It looks at the witnesses of noise, never at the result."""

from collections.abc import Sequence
from typing import Any

# Over the warm epochs, of the processors that the worker may use: others used more than a quarter of one, or the hypervisor
# took more than a twentieth of one.
FOREIGN_SHARE = 0.25
STEAL_SHARE = 0.05
_JUDGED_SECONDS = 0.5  # the kernel counts in ticks of 10 ms: of shorter times it cannot tell


def disturbance(epochs: Sequence[dict[str, Any]]) -> str | None:
    """Return in words how others disturbed a process, given its epoch events, or None."""
    warm = [epoch for epoch in epochs[1:] if epoch.get("steal_seconds") is not None]
    seconds = sum(epoch["seconds"] for epoch in warm)
    if seconds < _JUDGED_SECONDS:
        return None
    foreign = sum(epoch["machine_busy_seconds"] - epoch["cpu_seconds"] for epoch in warm) / seconds
    steal = sum(epoch["steal_seconds"] for epoch in warm) / seconds
    if foreign > FOREIGN_SHARE:
        return f"other processes used {foreign:.0%} of a processor"
    if steal > STEAL_SHARE:
        return f"the hypervisor took {steal:.0%} of a processor"
    return None

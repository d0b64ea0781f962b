"""Power: what a run could have seen, and how many processes would settle it. Levels one-sided, effects as log-ratios."""

import numpy as np
from scipy import special

MOST_PROCESSES = 10_000


def detection_power(effect: float, standard_error: float, df: float, alpha: float = 0.025) -> float:
    """Return the chance that a one-sided t-test finds a true effect: the noncentral t distribution."""
    if standard_error == 0:
        return 1.0 if effect > 0 else alpha
    critical = float(special.stdtrit(df, 1 - alpha))
    return 1 - float(special.nctdtr(df, effect / standard_error, critical))


def smallest_detectable(standard_error: float, df: float, alpha: float = 0.025, power: float = 0.8) -> float:
    """Return the smallest effect that the test finds with the given chance."""
    critical = float(special.stdtrit(df, 1 - alpha))
    return standard_error * float(special.nctdtrinc(df, 1 - power, critical))


def processes_needed(
    effect: float, deviation: float, alpha: float = 0.025, power: float = 0.8, paired: bool = False
) -> int:
    """Return the processes a side (pairs, if paired) that find an effect with the given chance; at most MOST_PROCESSES.

    deviation: standard deviation between processes (between pairs) on the scale of the effect.
    """
    groups = 1 if paired else 2
    wanted = special.ndtri(1 - alpha) + special.ndtri(power)
    first = max(2, int(groups * (wanted * deviation / effect) ** 2)) if effect > 0 else MOST_PROCESSES
    for count in range(first, MOST_PROCESSES):
        df = groups * (count - 1)
        if detection_power(effect, deviation * np.sqrt(groups / count), df, alpha) >= power:
            return count
    return MOST_PROCESSES


def processes_needed_for_same(
    margin: float, deviation: float, alpha: float = 0.025, power: float = 0.8, paired: bool = False
) -> int:
    """Return the processes a side (pairs, if paired) that show `within the margin`, with this chance if nothing changed."""
    return processes_needed(margin, deviation, alpha, (1 + power) / 2, paired)

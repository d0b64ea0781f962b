"""The metrics that can be compared: how each is analysed and which direction is worse."""

from dataclasses import dataclass

from .choices import Scale


@dataclass(frozen=True)
class Metric:
    """A measured quantity: log scale gives ratios, linear gives differences."""

    name: str
    scale: Scale
    worse_when_larger: bool
    words: tuple[str, str]  # what a shift is called: for the worse, for the better
    margin: float | None = None  # on its own scale where the policy's ratio does not apply


def _cost(name: str, worse: str, better: str) -> Metric:
    return Metric(name, "log", True, (worse, better))


METRICS = {
    metric.name: metric
    for metric in (
        _cost("seconds", "slower", "faster"),  # what the benchmark times: an epoch, a pass, a round
        _cost("inference_seconds", "slower", "faster"),
        _cost("first_step_seconds", "slower", "faster"),
        _cost("import_seconds", "slower", "faster"),
        _cost("peak_bytes", "worse", "better"),
        _cost("loss", "worse", "better"),
        Metric("accuracy", "linear", False, ("worse", "better"), margin=0.01),
    )
}
WORSE_WORDS = frozenset(metric.words[0] for metric in METRICS.values())
BETTER_WORDS = frozenset(metric.words[1] for metric in METRICS.values())

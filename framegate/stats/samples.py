"""Samples: the measurements of one cell, process by process, read from pytest-benchmark's JSON files.

A cell of Framegate has a `cell` in its extra_info, and `processes`: [{"epochs": [{"number": 1, "seconds": ..., ...},
...]}, ...], the first epoch being warm-up. In a file of any other suite, one file is one process.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SamplesError
from .metrics import METRICS

READABLE_VERSIONS = ("3", "4", "5")  # of pytest-benchmark: one layout of the fields that we read
EPOCH_FIELDS = {"seconds": "seconds", "inference_seconds": "evaluate_seconds"}
LAST_EPOCH_FIELDS = {"accuracy": "test_accuracy", "loss": "test_loss"}
METRICS_OF = {  # of cells that do not train, by purpose
    "inference": ("inference_seconds", "peak_bytes"),
    "pipeline": ("seconds", "peak_bytes"),
}
RAW_HINT = "save with --benchmark-save-data or --benchmark-json"

Key = tuple[str, str]  # name of the cell or benchmark, metric


@dataclass(frozen=True, eq=False)
class Sample:
    """One metric of one cell: one array of values per process, in the metric's own unit."""

    name: str
    metric: str
    processes: tuple[NDArray[np.float64], ...]
    conditions: Mapping[str, str] = field(default_factory=dict)  # of choices.CONDITIONS: what must not differ
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    summarised: bool = False  # some process is only its median: its raw values were not stored

    @property
    def key(self) -> Key:
        """Return what the sample is matched by."""
        return self.name, self.metric


@dataclass(frozen=True)
class Side:
    """The samples of one side, and why others that were found have none."""

    samples: dict[Key, Sample]
    left_out: dict[Key, str]


def read_files(
    paths: Sequence[Path], metrics: Iterable[str] = ("seconds",), allowed: frozenset[str] = frozenset()
) -> Side:
    """Return the samples of all files together: the processes of several files are replicates of one another.

    allowed: conditions that may differ between the files. Raises SamplesError, naming file and field, for what is not
    a pytest-benchmark file or holds impossible values.
    """
    wanted = tuple(metrics)
    unknown = [name for name in wanted if name not in METRICS]
    if unknown:
        raise SamplesError(f"no metric {', '.join(unknown)}; there are: {', '.join(METRICS)}")
    return pooled([parse_file(text_of(path), str(path), wanted) for path in paths], allowed)


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SamplesError(
            f"{path}: not text in UTF-8 (byte {error.start}); wanted a JSON file of pytest-benchmark"
        ) from None
    except OSError as error:
        raise SamplesError(f"{path}: {error.strerror}; wanted a JSON file of pytest-benchmark") from None


def parse_file(text: str, source: str, metrics: Sequence[str] = ("seconds",)) -> Side:
    """Return the samples in the text of one pytest-benchmark file; source is its name in messages."""
    return samples_of(content_of(text, source), source, metrics)


def samples_of(content: Mapping[str, Any], source: str, metrics: Sequence[str] = ("seconds",)) -> Side:
    """Return the samples in what a pytest-benchmark file holds. Raises SamplesError."""
    samples: dict[Key, Sample] = {}
    left_out: dict[Key, str] = {}
    machine = machine_words(content.get("machine_info"))
    for index, benchmark in enumerate(content["benchmarks"]):
        name = benchmark.get("fullname") if isinstance(benchmark, dict) else None
        if not isinstance(name, str):
            raise SamplesError(f"{source}: benchmarks[{index}].fullname is missing or no text")
        name = name.encode("utf-8", "backslashreplace").decode()  # a lone surrogate could not be printed
        extra = benchmark.get("extra_info") or {}
        where = f"{source}: {name}"
        if not isinstance(extra, dict):
            raise SamplesError(f"{where}: extra_info is no object")
        for metric in _metrics_of(extra, metrics):
            key = (name, metric)
            if key in samples or key in left_out:
                raise SamplesError(f"{where}: twice in one file; wanted one entry a benchmark")
            try:
                samples[key] = _sample(benchmark, extra, key, source, where, machine)
            except _AbsentError as absent:
                left_out[key] = f"{source}: {absent}"
    return Side(samples, left_out)


class _AbsentError(Exception):
    """The file is sound, but this benchmark has no such measurement: the message says why."""


def content_of(text: str, source: str) -> dict[str, Any]:
    wanted = "wanted a JSON file written by pytest-benchmark (--benchmark-json, --benchmark-save)"
    if not text.strip():
        raise SamplesError(f"{source}: empty; {wanted}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SamplesError(f"{source}: not JSON, or cut short: {error}; {wanted}") from None
    if not isinstance(content, dict) or not isinstance(content.get("benchmarks"), list):
        raise SamplesError(f"{source}: no list `benchmarks`; {wanted}")
    version = content.get("version")
    major = version.split(".")[0] if isinstance(version, str) else ""
    if major not in READABLE_VERSIONS:
        raise SamplesError(
            f"{source}: version is {repr(version)[:40]}; wanted pytest-benchmark 3 to 5; measure again with 5.3"
        )
    return content


def _is_ours(extra: Mapping[str, Any]) -> bool:
    return "cell" in extra and "processes" in extra


def _metrics_of(extra: Mapping[str, Any], asked: Sequence[str]) -> list[str]:
    """Return which metrics asked for a benchmark has; `seconds` of a cell that only predicts are `inference_seconds`."""
    purpose = extra.get("purpose")
    if not _is_ours(extra) or purpose not in METRICS_OF:
        return list(asked)
    renamed = ["inference_seconds" if (purpose, metric) == ("inference", "seconds") else metric for metric in asked]
    return [metric for metric in dict.fromkeys(renamed) if metric in METRICS_OF[purpose]]


def machine_words(found: object) -> str:
    """Return the hardware in words; not the host's name, which a container draws anew each time."""
    if not isinstance(found, dict):
        return ""
    given = found.get("cpu")
    cpu = given if isinstance(given, dict) else {}
    words = [found.get("system"), found.get("machine"), cpu.get("brand_raw"), cpu.get("count")]
    return " ".join(str(word) for word in words if word)


def _sample(
    benchmark: dict[str, Any], extra: Mapping[str, Any], key: Key, source: str, where: str, machine: str
) -> Sample:
    conditions = {"machine": machine} if machine else {}
    if _is_ours(extra):
        conditions |= _conditions(extra, where)
        fields = EPOCH_FIELDS if extra.get("purpose") != "inference" else {key[1]: "seconds"}
        return Sample(*key, process_series(extra["processes"], key[1], where, fields), conditions, (source,))
    if key[1] != "seconds":
        raise _AbsentError(f"holds no {key[1]}: not a cell of framegate")
    values, notes = _foreign_values(benchmark.get("stats"), where, source)
    return Sample(*key, (values,), conditions, (source,), notes, summarised=bool(notes))


def _foreign_values(stats: object, where: str, source: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    if not isinstance(stats, dict):
        raise SamplesError(f"{where}: stats is missing or no object")
    if stats.get("data"):
        return _positive(stats["data"], f"{where}: stats.data"), ()
    if "median" not in stats:
        raise SamplesError(f"{where}: neither stats.data nor stats.median; {RAW_HINT}")
    note = f"{source}: stats.data (the raw rounds) is missing, its median stands for them; {RAW_HINT}"
    return _positive([stats["median"]], f"{where}: stats.median"), (note,)


def _conditions(extra: Mapping[str, Any], where: str) -> dict[str, str]:
    """Return what decides the work of one of our cells: another model, device or training is another measurement."""
    settings, dataset = extra.get("settings") or {}, extra.get("dataset") or {}
    for name, found in (("settings", settings), ("dataset", dataset)):
        if not isinstance(found, dict):
            raise SamplesError(f"{where}: extra_info.{name} is no object")
    own = {name: str(settings[name]) for name in ("model", "device") if name in settings}
    own |= {f"settings.{name}": json.dumps(found) for name, found in settings.items() if name not in own}
    return own | ({"fingerprint": str(dataset["fingerprint"])} if "fingerprint" in dataset else {})


def process_series(
    processes: object, metric: str, where: str, fields: Mapping[str, str] = EPOCH_FIELDS
) -> tuple[NDArray[np.float64], ...]:
    """Return one array a process from Framegate's own record, the warm-up epoch left out; where begins its messages.

    fields: where in an epoch a metric with a value an epoch stands.
    """
    if not isinstance(processes, list) or not processes:
        raise SamplesError(f"{where}: extra_info.processes is no list, or empty")
    return tuple(_series(process, metric, f"{where}: processes[{i}]", fields) for i, process in enumerate(processes))


def _series(process: object, metric: str, where: str, fields: Mapping[str, str]) -> NDArray[np.float64]:
    epochs = process.get("epochs") if isinstance(process, dict) else None
    if not isinstance(epochs, list) or not all(isinstance(epoch, dict) for epoch in epochs):
        raise SamplesError(f"{where}.epochs is no list of objects")
    if metric == "first_step_seconds":
        steps = [epoch.get("first_step_seconds") for epoch in epochs[:1]]
        return _checked(steps, f"{where}.epochs[0].first_step_seconds", metric)
    if metric == "import_seconds":
        phases = process.get("phases") if isinstance(process, dict) else None
        found = phases.get("import") if isinstance(phases, dict) else None
        return _checked([found], f"{where}.phases.import", metric)
    if metric == "peak_bytes":
        peaks = _checked([epoch.get("peak_bytes") for epoch in epochs], f"{where}.epochs: peak_bytes", metric)
        return np.array([peaks.max()])
    if metric in LAST_EPOCH_FIELDS:
        name = LAST_EPOCH_FIELDS[metric]
        return _checked([epoch.get(name) for epoch in epochs[-1:]], f"{where}.epochs[-1].{name}", metric)
    name = fields[metric]
    return _checked([epoch.get(name) for epoch in epochs[1:]], f"{where}.epochs[1:].{name}", metric)


def _checked(values: list[Any], where: str, metric: str) -> NDArray[np.float64]:
    if not values or all(value is None for value in values):
        raise _AbsentError(f"{where} is not recorded" if values else f"{where}: no epoch after the warm-up")
    return _positive(values, where) if METRICS[metric].scale == "log" else _finite(values, where)


def _finite(values: object, where: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(values)
    except ValueError:
        raise SamplesError(f"{where}: no list of numbers") from None
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise SamplesError(f"{where}: no list of numbers")
    return _refuse(array.astype(np.float64), ~np.isfinite(array), where, "a finite number")


def _positive(values: object, where: str) -> NDArray[np.float64]:
    array = _finite(values, where)
    return _refuse(array, array <= 0, where, "more than zero")


def _refuse(array: NDArray[np.float64], wrong: NDArray[np.bool_], where: str, wanted: str) -> NDArray[np.float64]:
    if wrong.any():
        index = int(np.argmax(wrong))
        raise SamplesError(f"{where}: value {index} is {array[index]:g}; wanted {wanted}: measure again")
    return array


def pooled(sides: Sequence[Side], allowed: frozenset[str] = frozenset()) -> Side:
    """Return one side with the processes of all: what one has and another lacks is kept, with a note."""
    samples: dict[Key, Sample] = {}
    for side in sides:
        for key, sample in side.samples.items():
            samples[key] = _joined(samples[key], sample, allowed) if key in samples else sample
    left_out = {key: why for side in sides for key, why in side.left_out.items()}
    for key in left_out.keys() & samples.keys():
        samples[key] = replace(samples[key], notes=(*samples[key].notes, left_out[key]))
    return Side(samples, {key: why for key, why in left_out.items() if key not in samples})


def narrowed(side: Side, wanted: Callable[[Key], bool]) -> Side:
    """Return the side with only these cells and metrics."""
    samples = {key: sample for key, sample in side.samples.items() if wanted(key)}
    return Side(samples, {key: why for key, why in side.left_out.items() if wanted(key)})


def _joined(first: Sample, second: Sample, allowed: frozenset[str]) -> Sample:
    differing = mismatches(first, second, allowed)
    if differing:
        raise SamplesError(
            f"{second.sources[0]}: {second.name}: not a replicate of {first.sources[0]}: {'; '.join(differing)}"
        )
    return replace(
        first,
        processes=first.processes + second.processes,
        sources=first.sources + second.sources,
        notes=first.notes + second.notes,
        summarised=first.summarised or second.summarised,
    )


def mismatches(baseline: Sample, current: Sample, allowed: frozenset[str] = frozenset()) -> list[str]:
    """Return what was not the same on both sides and is not allowed to differ, in words; empty where all was."""
    return [
        f"{name} was {baseline.conditions[name]!r}, is {current.conditions[name]!r}"
        for name in sorted(baseline.conditions.keys() & current.conditions.keys())
        if baseline.conditions[name] != current.conditions[name] and name.partition(".")[0] not in allowed
    ]

"""asv's results as a view of the journals, and the series over releases that they hold.

What is published replaces what asv holds of the same release, cell and measure: the journals are the truth, and asv's own
runs are in them too.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from asv import environment as asv_environment
from asv.benchmarks import Benchmarks
from asv.config import Config
from asv.machine import Machine, MachineCollection
from asv.results import Results, iter_results_for_machine
from asv.runner import BENCHMARK_RUN_SCRIPT, BenchmarkResult
from asv.util import UserError
from packaging.version import InvalidVersion, Version

from framegate.errors import HistoryError
from framegate.report.measures import MEASURES, Measure
from framegate.runner.declarations import load
from framegate.runner.history import branch, branches, commits, is_history
from framegate.runner.journal import ProcessResult
from framegate.runner.release_cells import places
from framegate.runner.sides import read_side
from framegate.stats.shifts import Series

TOOL, PYTHON = "framegate", "own"  # as in framegate/asv.py and asv.conf.json
_BESIDE = "ENVIRONMENT"  # told of results that are not of the release's own adapter, such as Keras's on TensorFlow
_PACKAGES = {"sklearn": "scikit-learn"}  # by an adapter's framework, where that is named otherwise


@dataclass(frozen=True)
class Store:
    """Where asv keeps what, for one machine."""

    suite: Path
    results: Path
    repository: Path
    machine: Mapping[str, str]  # asv's description of it
    branches: tuple[str, ...]  # that asv draws


@dataclass(frozen=True)
class Place:
    """Where a process's values belong: a line of a graph, and a point on it."""

    tag: str
    work: str
    purpose: str
    beside: str  # the environment, where it is not that of the release's own adapter; else empty

    @property
    def line(self) -> tuple[str, str, str, str]:
        """Return what its points are drawn as one line by."""
        return self.tag.rpartition("-")[0], self.work, self.purpose, self.beside


def open_store(suite: Path, machine: str | None) -> Store:
    """Return the store that asv.conf.json describes. Raises HistoryError for what is no suite, or no results of asv's."""
    try:
        conf = Config.load(str(suite / "asv.conf.json"))
    except (UserError, ValueError, OSError) as error:
        raise HistoryError(f"{suite / 'asv.conf.json'}: {error}; wanted asv's configuration") from None
    results = suite / conf.results_dir
    if results.exists() and not (results.is_dir() and _is_asvs(results)):
        raise HistoryError(
            f"{results} is no results folder of asv's: neither benchmarks.json nor a machine.json is in it; name another"
            " one as results_dir in asv.conf.json"
        )
    if not is_history(suite / conf.repo):
        raise HistoryError(f"{suite / conf.repo}: no release history; make it with: framegate releases")
    return Store(suite, results, suite / conf.repo, _machine(machine), tuple(conf.branches))


def _is_asvs(results: Path) -> bool:
    if not any(results.iterdir()):
        return True
    return (results / "benchmarks.json").is_file() or any(results.glob("*/machine.json"))


def _machine(name: str | None) -> dict[str, str]:
    """Return asv's description of a machine: what `asv machine` wrote down, or what asv finds here."""
    wanted = name or Machine.get_unique_machine_name()
    try:
        known = MachineCollection.load(wanted)
    except UserError:
        known = dict(Machine.get_defaults(), machine=wanted)
    known.pop("version", None)
    return dict(known)


def publish(store: Store, processes: Iterable[tuple[str, ProcessResult]]) -> tuple[Counter[str], Counter[str]]:
    """Return how many processes were published of each release, and how many were left out for which reason.

    processes: each with the name of its run, oldest first.
    """
    known = commits(store.repository)
    found: dict[Place, dict[str, list[ProcessResult]]] = {}
    left_out: Counter[str] = Counter()
    beside = _Beside(store.suite)
    for run, process in processes:
        place = _place(process, beside)
        if place is None or place.tag not in known:
            told = place.tag if place else f"{process.about.get('framework')} {process.about.get('version')}"
            left_out[f"{told} is no release of the history: framegate releases adds new ones"] += 1
        else:
            found.setdefault(place, {}).setdefault(run, []).append(process)
    chosen = _chosen(found)
    benchmarks = discover(store)
    counted: Counter[str] = Counter()
    for tag, where in sorted({(place.tag, place.beside) for place in chosen}):
        own = {place: results for place, results in chosen.items() if (place.tag, place.beside) == (tag, where)}
        _save(store, known[tag], _date(store, tag), where, own, benchmarks)
        counted[tag] += sum(map(len, own.values()))
    if counted:
        _write_machine(store)
    return counted, left_out


def _chosen(found: Mapping[Place, Mapping[str, Sequence[ProcessResult]]]) -> dict[Place, list[ProcessResult]]:
    """Return the processes of each place that count: those of the run that measured the most releases of that line.

    Of several such runs the last. Releases measured in one run can be compared; what lies between two runs is also the
    hour. Within a run those count that did the same work as the last.
    """
    lines = Counter((place.line, run) for place, runs in found.items() for run in runs)
    order = {run: number for number, run in enumerate(dict.fromkeys(run for runs in found.values() for run in runs))}
    chosen = {}
    for place, runs in found.items():
        results = runs[max(runs, key=lambda run: (lines[place.line, run], order[run]))]
        chosen[place] = [result for result in results if result.key == results[-1].key]
    return chosen


class _Beside:
    """Tells which environments are not those of a release's own adapter; reads the declarations once."""

    def __init__(self, suite: Path) -> None:
        self._environments = load(suite / "environments")
        self._own: dict[tuple[str, str], set[str]] = {}

    def __call__(self, template: str, package: str, device: str) -> str:
        if (package, device) not in self._own:
            side = read_side(package, {})
            found = places(side, list(self._environments.values()), device)
            self._own[package, device] = {one.name for one in found}
        return "" if template in self._own[package, device] else template


def _place(process: ProcessResult, beside: _Beside) -> Place | None:
    """Return where a process belongs, or None where its version is none."""
    framework = str(process.about.get("framework"))
    package = _PACKAGES.get(framework, framework)
    try:
        tag = f"{package}-{Version(str(process.about.get('version')))}"
    except InvalidVersion:
        return None
    device = process.start["settings"]["device"]
    environment, _, work = process.task.cell.partition("/")
    template = environment.removesuffix(f"-{device}").partition("+")[0]
    prefix = "" if device == "cpu" else f"{device}/"
    return Place(tag, prefix + work, process.task.purpose, beside(template, package, device))


def _date(store: Store, tag: str) -> int:
    """Return when a release came, in asv's unit: milliseconds."""
    package = tag.rpartition("-")[0]
    (date,) = (one.date for one in branch(store.repository, package) if one.tag == tag)
    return int(date.timestamp() * 1000)


def discover(store: Store) -> dict[str, dict[str, Any]]:
    """Return asv's benchmarks with all cells as parameters, written down for `asv publish` too."""
    conf = Config.load(str(store.suite / "asv.conf.json"))
    variables = {"FRAMEGATE_TIER": "all", "ASV_CONF_DIR": str(store.suite.resolve())}
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "benchmarks.json"
        command = [sys.executable, BENCHMARK_RUN_SCRIPT, "discover", str(store.suite / conf.benchmark_dir), str(found)]
        done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
        if done.returncode or not found.exists():
            raise HistoryError(f"asv cannot read {store.suite / conf.benchmark_dir}: {done.stderr.strip()[-1000:]}")
        benchmarks = json.loads(found.read_text(encoding="utf-8"))
    conf.results_dir = str(store.results)
    Benchmarks(conf, benchmarks).save()
    return {benchmark["name"]: benchmark for benchmark in benchmarks}


def _save(
    store: Store,
    commit: str,
    date: int,
    beside: str,
    found: Mapping[Place, Sequence[ProcessResult]],
    benchmarks: Mapping[str, dict[str, Any]],
) -> None:
    """Write the values of one release and environment among asv's results."""
    tagged = {("nobuild", _BESIDE): beside} if beside else {}
    name = asv_environment.get_env_name(TOOL, PYTHON, {}, tagged)
    variables = {_BESIDE: beside} if beside else {}
    results = Results({**store.machine, "python": PYTHON}, {}, commit, date, PYTHON, name, variables)
    results.load_data(str(store.results))
    for measure in MEASURES.values():
        values = {
            place.work: numbers
            for place, processes in found.items()
            if place.purpose == measure.purpose and (numbers := _values(measure, processes))
        }
        if values:
            _add(results, benchmarks[measure.name], measure, values)
    results.save(str(store.results))


def _values(measure: Measure, processes: Sequence[ProcessResult]) -> list[float]:
    found = (measure.value(process.record()) for process in processes)
    return [value for value in found if value is not None]


def _add(results: Any, benchmark: dict[str, Any], measure: Measure, values: Mapping[str, list[float]]) -> None:
    works = [text.strip("'") for text in benchmark["params"][0]]
    chosen = {index for index, work in enumerate(works) if work in values}
    samples = [values.get(work) if measure.is_time else None for work in works]
    numbers = [1 if sample else None for sample in samples]
    result = [statistics.median(values[work]) if work in values else math.nan for work in works]
    told = BenchmarkResult(result=result, samples=samples, number=numbers, errcode=0, stderr="", profile=None)
    results.add_result(benchmark, told, record_samples=True, selected_idx=chosen)


def _write_machine(store: Store) -> None:
    machine = Machine()
    machine.__dict__.update(store.machine)
    machine.save(str(store.results))


def series(store: Store) -> Iterator[Series]:
    """Yield, for each measured time of each cell, the processes' values of each release, oldest first.

    Raises HistoryError where the machine has no results.
    """
    folder = store.results / store.machine["machine"]
    if not (folder / "machine.json").is_file():
        there = ", ".join(sorted(path.parent.name for path in store.results.glob("*/machine.json"))) or "none"
        raise HistoryError(
            f"{store.results}: no results of machine {store.machine['machine']}; there are those of {there}; choose"
            " with --machine, or measure: asv run --record-samples, or pytest benchmarks and then framegate history"
        )
    found = list(iter_results_for_machine(str(store.results), store.machine["machine"]))
    for package in branches(store.repository):
        order = {release.tag: str(release.version) for release in branch(store.repository, package)}
        hashes = commits(store.repository)
        own = [(order[tag], results) for tag in order for results in found if results.commit_hash == hashes[tag]]
        yield from _series(package, own)


def _series(package: str, own: Sequence[tuple[str, Any]]) -> Iterator[Series]:
    """Yield a package's series: one for each environment, measure and cell."""
    grouped: dict[str, dict[str, list[float]]] = {}
    for version, results in own:
        for measure in MEASURES.values():
            if not measure.is_time or measure.name not in results.get_all_result_keys():
                continue
            params = results.get_result_params(measure.name)
            samples = results.get_result_samples(measure.name, params)
            for work, sample in zip(params[0], samples, strict=True):
                if sample:
                    where = " ".join([package, *results.env_vars.values()])
                    name = f"{where} {measure.name} {work.strip(chr(39))}"
                    grouped.setdefault(name, {})[version] = sample
    for name, values in grouped.items():
        yield Series(name, tuple(values), tuple(np.array(sample) for sample in values.values()))

"""The project's commands: nox -s NAME. What follows -- goes to the tool that the session runs."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests"]
DRIVER = ["3.11", "3.12", "3.13"]


def install(session: nox.Session) -> None:
    session.install("--group", "dev", "-e", ".")


def benchmarks(session: nox.Session, *options: str) -> None:
    install(session)
    session.run("pytest", "benchmarks", *options, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Train the quick matrix; environments are built on first use."""
    benchmarks(session)


@nox.session(name="bench-gpu")
def bench_gpu(session: nox.Session) -> None:
    """Train all GPU cells; fails where there is no GPU."""
    benchmarks(session, "-m", "gpu", "--require-gpu")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests."""
    install(session)
    session.run("pytest", "tests", *session.posargs)


@nox.session
def parity(session: nox.Session) -> None:
    """Train each model 20 steps in each built environment and print how far it is from the float64 reference: hours, in pieces."""
    install(session)
    session.run("python", "-m", "tests.parity_matrix", *session.posargs)


@nox.session(name="tests-all", python=DRIVER)
def tests_all(session: nox.Session) -> None:
    """Run the tests on each Python that the driver supports."""
    tests(session)


@nox.session
def lint(session: nox.Session) -> None:
    """Check format, lint, types and the workflows of .github."""
    install(session)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    workflows = sorted(str(path) for path in Path(".github/workflows").glob("*.yml"))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("zizmor", "--offline", "--no-progress", ".github/workflows")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages into report/docs; a broken link between them is an error."""
    session.install("--group", "docs", "-e", ".")
    session.run("sphinx-build", "-q", "-E", "-W", "--keep-going", "-c", "docs", ".", "report/docs")
    shutil.copy("report/docs/README.html", "report/docs/index.html")


@nox.session
def envs(session: nox.Session) -> None:
    """List, build, verify or prune environments: nox -s envs -- build mxnet-1.9"""
    install(session)
    session.run("framegate", "envs", *(session.posargs or ["list"]))


@nox.session
def data(session: nox.Session) -> None:
    """List or prepare datasets: nox -s data -- prepare mnist"""
    install(session)
    session.run("framegate", "data", *(session.posargs or ["list"]))


@nox.session
def harness(session: nox.Session) -> None:
    """Measure what Framegate itself costs and print docs/harness.md's table."""
    install(session)
    session.run("python", "benchmarks/harness/measure.py", *session.posargs)


@nox.session
def power(session: nox.Session) -> None:
    """Measure error rates and power of the verdicts, and of the well-known rules, on the same noise: minutes."""
    install(session)
    session.run("python", "-m", "benchmarks.harness.power", *session.posargs)


@nox.session
def scale(session: nox.Session) -> None:
    """Measure how long a report of a large run and the list of a long history take."""
    install(session)
    session.run("python", "-m", "benchmarks.harness.scale", *session.posargs)


@nox.session
def studies(session: nox.Session) -> None:
    """Print what stored runs say of the studies' experiments, for docs/reproducing-the-studies.md: nox -s studies [-- RUN ...]"""
    install(session)
    session.run("python", "-m", "benchmarks.harness.studies", *session.posargs)


@nox.session
def effort(session: nox.Session) -> None:
    """Count what a user writes in each framework and print docs/programming-effort.md's table."""
    install(session)
    session.run("python", "-m", "benchmarks.harness.effort")


@nox.session
def shifts(session: nox.Session) -> None:
    """Plant shifts in series of releases, find them with Framegate, asv and E-divisive, and print docs/history.md's table."""
    install(session)
    session.run("python", "-m", "benchmarks.harness.shifts", *session.posargs)


@nox.session
def page(session: nox.Session) -> None:
    """Look at the report's page with an accessibility checker in a browser; needs chromium and npm."""
    install(session)
    checker = session.create_tmp()
    session.run("npm", "pack", "axe-core@4", "--pack-destination", checker, external=True, silent=True)
    (packed,) = Path(checker).glob("axe-core-*.tgz")
    session.run("tar", "-xzf", str(packed), "-C", checker, external=True)
    session.run("pytest", "tests/test_page.py", *session.posargs, env={"AXE": str(Path(checker, "package/axe.min.js"))})


@nox.session(name="gate-trial")
def gate_trial(session: nox.Session) -> None:
    """Try the gate and its rivals on planted shifts and print docs/gating-an-upgrade.md's table: about 20 minutes."""
    install(session)
    session.run("python", "-m", "benchmarks.harness.gate_trial", *session.posargs)

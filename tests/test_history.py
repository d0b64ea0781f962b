"""framegate history: journals as asv's results, shifts over releases, and the published site in a browser."""

import functools
import http.server
import json
import random
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parent.parent
CELL = "logistic_regression/digits/b32/adam"
RELEASES, SLOWER = 8, 6  # of the toy framework; from the sixth on it needs 30 % longer
# asv's site takes its libraries from the network. Where that is out of reach, Debian's packages stand in for them.
DEBIAN = Path("/usr/share/javascript")
LIBRARIES = {
    "jquery-3.3.1.min.js": "jquery/jquery.min.js",
    "jquery.flot.min.js": "jquery-flot/jquery.flot.min.js",
    "jquery.flot.time.min.js": "jquery-flot/jquery.flot.time.min.js",
    "jquery.flot.selection.min.js": "jquery-flot/jquery.flot.selection.min.js",
    "jquery.flot.categories.min.js": "jquery-flot/jquery.flot.categories.min.js",
    "stupidtable.min.js": "jquery-stupidtable/stupidtable.min.js",
    "md5.min.js": "blueimp-md5/md5.min.js",
    "bootstrap.min.js": "bootstrap/js/bootstrap.min.js",
    "bootstrap.min.css": "bootstrap/css/bootstrap.min.css",
}
PACKAGES = "libjs-bootstrap libjs-jquery libjs-jquery-flot libjs-jquery-stupidtable node-blueimp-md5"


@pytest.fixture(scope="module")
def history(toy_suite_of, tmp_path_factory):
    """Return a suite whose journals hold eight releases of the toy framework, published."""
    suite = toy_suite_of(tmp_path_factory.mktemp("history") / "suite")
    done = suite.pytest("-k", "adam or inference")
    assert done.returncode == 0, done.stdout
    add_asv(suite, "toy")
    journal = suite.journal()
    lines = journal.read_text().splitlines()
    for version in range(1, RELEASES + 1):
        text = "\n".join(json.dumps(record) for record in of_release(lines, version))
        (journal.parent / f"release-{version}.jsonl").write_text(text + "\n")
    journal.unlink()
    listed = "\n".join(f"toy=={version} 2024-0{version}-01" for version in range(1, RELEASES + 1))
    (suite.root / "list.txt").write_text(listed)
    assert framegate(suite, "releases", "--list", "list.txt").returncode == 0
    done = framegate(suite, "history")
    assert done.returncode == 0, done.stderr
    (suite.root / "published.txt").write_text(done.stdout)
    return suite


def add_asv(suite, branch):
    """Put asv's configuration into a suite, with one branch."""
    text = (ROOT / "asv.conf.json").read_text()
    (suite.root / "asv.conf.json").write_text(re.sub(r'"branches": \[.*\]', f'"branches": ["{branch}"]', text))


def of_release(lines, version, copies=4):
    """Yield a run's records as if another version of the toy framework had made them, with so many times the processes."""
    noise = random.Random(version)
    for copy in range(copies):
        for record in map(json.loads, lines):
            if "process" in record:
                record["process"] += 2 * copy
            if record["event"] == "ready":
                record["about"]["version"] = str(version)
            if record["event"] == "epoch":
                record["seconds"] = 0.05 * (1.3 if version >= SLOWER else 1.0) * noise.lognormvariate(0, 0.01)
            yield record


def framegate(suite, *arguments):
    command = [sys.executable, "-m", "framegate", *arguments]
    return subprocess.run(command, cwd=suite.root, capture_output=True, text=True, check=False)


def asv(suite, *arguments):
    command = [sys.executable, "-m", "asv", *arguments]
    return subprocess.run(command, cwd=suite.root, capture_output=True, text=True, check=False)


def stored(suite):
    """Return what lies in asv's results, by file name."""
    folder = suite.root / ".framegate" / "asv" / "results"
    return {path.name: json.loads(path.read_text()) for path in folder.glob("*/*-framegate-pyown.json")}


def test_each_release_gets_one_value_a_process(history):
    assert "toy-6: 16 processes published" in (history.root / "published.txt").read_text()  # half of each purpose
    results = stored(history)
    assert len(results) == RELEASES
    columns = next(iter(results.values()))["result_columns"]
    for content in results.values():
        row = dict(zip(columns, content["results"]["training.time_epoch"], strict=False))
        (samples,) = (sample for sample in row["samples"] if sample)
        assert len(samples) == 8
        assert all(0.045 < sample < 0.075 for sample in samples)
    assert sorted(next(iter(results.values()))["results"]) == [
        "inference.time_pass",
        "inference.track_peak_bytes",
        "training.time_epoch",
        "training.time_first_step",
        "training.time_import",
        "training.track_peak_bytes",
        "training.track_test_error",
    ]


def test_publishing_again_changes_no_value(history):
    before = {name: [row[:1] for row in content["results"].values()] for name, content in stored(history).items()}
    assert framegate(history, "history").returncode == 0
    assert before == {
        name: [row[:1] for row in content["results"].values()] for name, content in stored(history).items()
    }


def test_the_release_of_a_planted_shift_is_named_with_its_ratio(history):
    done = framegate(history, "history", "--shifts")
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if f"training.time_epoch {CELL}" in line)
    found = re.fullmatch(r"slower +at 6 +(1\.\d+) \[(1\.\d+), (1\.\d+)\] +p \S+ +toy training.time_epoch \S+", line)
    assert found, line
    assert float(found[2]) < 1.3 < float(found[3])
    assert "of them without a shift" in done.stdout


def test_asv_compares_the_releases_that_were_published(history):
    done = asv(history, "compare", "toy-5", "toy-6")
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if f"training.time_epoch('{CELL}')" in line)
    assert line.split("|")[1].strip() == "+"
    assert 1.25 < float(line.split("|")[4]) < 1.35


def test_what_is_no_release_of_the_history_is_counted_and_left_out(history, tmp_path):
    suite = copied(history, tmp_path)
    journal = suite.root / ".framegate" / "journal"
    (journal / "later.jsonl").write_text((journal / "release-8.jsonl").read_text().replace('"8"', '"9.dev1"'))
    done = framegate(suite, "history")
    assert "16 processes left out: toy-9.dev1 is no release of the history: framegate releases" in done.stdout


def test_of_several_runs_the_one_that_measured_the_most_releases_counts(history, tmp_path):
    suite = copied(history, tmp_path)
    journal = suite.root / ".framegate" / "journal"
    few = [
        line
        for line in (journal / "release-8.jsonl").read_text().splitlines()
        if json.loads(line).get("process", 0) in (0, 1)
    ]
    both = [*of_release(few, 6, copies=1)]
    for record in of_release(few, 7, copies=1):
        both.append(record | ({"process": 2} if "process" in record else {}))
    (journal / "both.jsonl").write_text("\n".join(map(json.dumps, both)) + "\n")
    published = framegate(suite, "history").stdout
    assert "toy-6: 2 processes published" in published  # one of each purpose, and not the 16 of release-6.jsonl
    assert "toy-7: 2 processes published" in published
    assert "toy-8: 16 processes published" in published


def test_processes_of_another_machine_need_its_name(history, tmp_path):
    suite = copied(history, tmp_path)
    for path in (suite.root / ".framegate" / "journal").glob("*.jsonl"):
        path.write_text(path.read_text().replace('"architecture": "', '"architecture": "not-'))
    done = framegate(suite, "history")
    assert done.returncode == 2
    assert "16 processes of another machine left out; publish them with --machine NAME" in done.stdout
    assert framegate(suite, "history", "--machine", "runner-7").returncode == 0
    assert (suite.root / ".framegate/asv/results/runner-7/machine.json").exists()
    assert "there are those of runner-7" in framegate(suite, "history", "--shifts", "--machine", "runner-8").stderr


def test_a_results_folder_that_is_not_asvs_is_refused_and_not_touched(history, tmp_path):
    suite = copied(history, tmp_path)
    results = suite.root / ".framegate/asv/results"
    shutil.rmtree(results)
    results.mkdir()
    (results / "thesis.txt").write_text("mine")
    done = framegate(suite, "history")
    assert (done.returncode, "is no results folder of asv's" in done.stderr) == (2, True)
    assert [path.name for path in results.iterdir()] == ["thesis.txt"]


def test_asv_without_a_release_history_says_how_to_make_one(history, tmp_path):
    suite = copied(history, tmp_path)
    shutil.rmtree(suite.root / ".framegate/releases")
    words = ".framegate/releases: no release history; make it with: framegate releases"
    assert words in asv(suite, "publish").stdout
    done = framegate(suite, "history")
    assert (done.returncode, words in done.stderr) == (2, True)


def test_a_framework_that_asv_does_not_follow_is_told(history, tmp_path):
    assert "branches" not in (history.root / "published.txt").read_text()
    suite = copied(history, tmp_path)
    add_asv(suite, "tensorflow")
    told = framegate(suite, "history").stdout
    assert "asv.conf.json: 'toy' is not among the branches: asv draws it as one of tensorflow" in told


def test_outside_a_suite_the_message_says_what_is_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "framegate", "history"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "asv.conf.json" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_a_cell_that_missed_its_floor_is_not_published(history, tmp_path):
    suite = copied(history, tmp_path)
    journal = suite.root / ".framegate" / "journal" / "release-8.jsonl"
    void = {"event": "void", "cell": f"toy/{CELL}", "purpose": "training", "reason": "below the floor"}
    journal.write_text(journal.read_text() + json.dumps(void) + "\n")
    assert "toy-8: 8 processes published" in framegate(suite, "history").stdout  # those of inference


def copied(history, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(history.root, root, symlinks=True)
    return type(history)(root)


# ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(history):
    """Return a function that opens a page of the published site in headless Chromium and returns its text."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium found; install it with: apt-get install chromium")
    done = asv(history, "publish")
    assert done.returncode == 0, done.stdout + done.stderr
    html = history.root / ".framegate/asv/html"
    if not network_has(re.search(r'src="(https://[^"]+)"', (html / "index.html").read_text())[1]):
        use_debians_libraries(html)
    handler = functools.partial(QuietHandler, directory=str(html))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def text_of(fragment):
        command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"]
        command += ["--dump-dom", f"http://127.0.0.1:{server.server_port}/index.html#{fragment}"]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        without_scripts = re.sub(r"<script.*?</script>", "", shown.stdout, flags=re.DOTALL)
        return " ".join(re.sub(r"<[^>]+>", " ", without_scripts).split())

    yield text_of
    server.shutdown()
    server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Requests are nobody's news."""


def network_has(address):
    try:
        with urlopen(address, timeout=5):
            return True
    except (URLError, OSError):
        return False


def use_debians_libraries(html):
    missing = [file for file in LIBRARIES.values() if not (DEBIAN / file).exists()]
    if missing:
        pytest.skip(
            f"asv's site takes its libraries from the network, which is out of reach, and {DEBIAN / missing[0]} is not"
            f" there; install them with: apt-get install {PACKAGES}"
        )

    def local(found):
        name = found[2].rpartition("/")[2]
        if name not in LIBRARIES:  # bars beside one another, which no page here draws
            return f'{found[1]}="data:text/javascript,"'
        shutil.copy(DEBIAN / LIBRARIES[name], html / name)
        return f'{found[1]}="{name}"'

    index = html / "index.html"
    text = re.sub(r'(src|href)="(https://(?:code\.jquery|cdnjs|cdn)\.[^"]+)"', local, index.read_text())
    index.write_text(re.sub(r'\s(?:integrity|crossorigin|referrerpolicy)="[^"]*"', "", text))


def test_the_sites_list_shows_the_benchmarks(page):
    shown = page("/summarylist")
    for name in ("training.time_epoch", "training.track_test_error", "inference.time_pass", "training.time_first_step"):
        assert name in shown
    assert f"('{CELL}')" in shown


def test_a_graphs_x_axis_shows_the_releases_tags(page):
    shown = page("training.time_epoch")
    assert "toy-1 toy-2 toy-3 toy-4 toy-5 toy-6 toy-7 toy-8" in shown


def test_the_sites_regressions_show_the_planted_one(page):
    shown = page("/regressions")
    (row,) = re.findall(rf"training\.time_epoch\('{re.escape(CELL)}'\) (?:(?!time_|track_).)*", shown)
    assert "1.30x" in row or "1.29x" in row
    assert "2024-06-01" in row

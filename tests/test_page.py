"""The report's page in a real browser, without a network: it draws, filters, fits, and is for everybody."""

import http.server
import json
import os
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.harness.scale import write_run
from framegate.cli import main

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = os.environ.get("AXE", "")
HOSTILE = "mxnet-9/<script>document.title='owned'</script>/<img src=x onerror=\"document.title='owned'\">/b1"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser found; install it with: apt install chromium")

# What a test does in the page, after it was drawn; what it returns comes back. Errors of the page come back too.
DRIVEN = """<script>
const errors = [];
addEventListener("error", (event) => errors.push(String(event.message)));
const settled = (ms = 30) => new Promise((done) => setTimeout(done, ms));
const go = async (hash) => { location.hash = hash; await settled(); };
const all = (query) => [...document.querySelectorAll(query)];
const text = (query) => all(query).map((one) => one.textContent);
const VIEWS = ["#/", `#/cell/${CELLS.findIndex((cell) => cell.run === 1)}`, "#/works", "#/works/0", "#/upgrades", "#/tables"];
addEventListener("load", async () => {
  await settled();
  let found;
  try { found = await (async () => { %s })(); } catch (error) { errors.push(String(error.stack)); }
  parent.postMessage(JSON.stringify({ errors, found }), "*");
});
</script></body>"""

# A window of a browser is 500 px wide at least: a frame in it is not. The page itself may reach nothing, the frame tells.
FRAME = """<!DOCTYPE html><html style="color-scheme: light dark"><body style="margin: 0">
<iframe src="page.html" style="width: %dpx; height: 1000px; border: 0"></iframe><script>
addEventListener("message", (event) => fetch("http://127.0.0.1:%d", { method: "POST", mode: "no-cors", body: event.data }));
</script></body></html>"""


class Listener(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    def do_POST(self):
        self.server.told = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        """Say nothing of it."""


def told_by(command, server):
    """Return what a page says that the command opens; the browser is ended then."""
    server.told, server.timeout = None, 120
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            server.handle_request()
        finally:
            browser.terminate()
    assert server.told is not None, "the page said nothing for two minutes"
    return json.loads(server.told)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return the page of two invented runs, one of whose cells has a hostile name, another none of its labels."""
    folder = tmp_path_factory.mktemp("page")
    store = folder / ".framegate"
    write_run(store, "before", works=1, processes=5, epochs=4)
    journal = write_run(store, "after", works=1, processes=5, epochs=4, slower=1.2, seed=2)
    text = journal.read_text(encoding="utf-8").replace(json.dumps("mxnet-1.8/lenet/dataset-0/b32"), json.dumps(HOSTILE))
    journal.write_text(text, encoding="utf-8")
    assert main(["--suite", str(folder), "report", "before", "after", "-o", str(folder / "report")]) == 0
    return folder / "report" / "index.html"


@pytest.fixture
def visit(page, tmp_path):
    """Return what a script returns that runs in the page."""

    def run(script, width=1600, dark=False, before=""):
        written = page.read_text(encoding="utf-8").replace("</body>", before + DRIVEN % script)
        (tmp_path / "page.html").write_text(written, encoding="utf-8")
        frame = tmp_path / "frame.html"
        with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
            frame.write_text(FRAME % (width, server.server_port), encoding="utf-8")
            command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
                       "--disable-features=LocalNetworkAccessChecks", "--window-size=1700,1100", "--remote-debugging-port=0",
                       f"--blink-settings=preferredColorScheme={0 if dark else 1}", frame.as_uri()]  # fmt: skip
            told = told_by(command, server)
        assert told["errors"] == []
        return told["found"]

    return run


def test_the_answer_and_the_shifted_cells_are_on_the_first_screen(visit):
    found = visit(
        "return [all('.answer strong')[0].textContent, all('tbody tr').slice(0, 2).map((row) => row.textContent)];"
    )
    assert found[0] == "▲ Worse: 2 of 11 got slower or worse"
    assert all("tensorflow-2.2" in row and "slower" in row for row in found[1])


@pytest.mark.parametrize("width", [380, 1600])
def test_every_view_draws_and_fits_the_width(visit, width):
    found = visit(
        """
        const seen = {};
        for (const view of VIEWS) {
          await go(view);
          const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
          const unnamed = all("svg[role=img]").filter((svg) => !svg.getAttribute("aria-label"));
          seen[view] = [wide, all("h1").length, unnamed.length, all("#main *").length > 20];
        }
        return [innerWidth, Object.values(seen)];
        """,
        width=width,
    )
    assert found == [width, [[0, 1, 0, True]] * 6]


def test_a_hostile_name_is_shown_and_never_run(visit):
    found = visit(
        """
        for (const view of [...VIEWS, `#/cell/${CELLS.findIndex((cell) => cell.id.includes("script"))}`]) await go(view);
        return [document.title, all("h1")[0].textContent, all("#main script, #main img").length];
        """
    )
    assert found == [f"{HOSTILE} · Framegate", HOSTILE, 0]


def test_rows_are_filtered_and_sorted_and_the_focus_stays(visit):
    found = visit(
        """
        const input = document.getElementById("filter-text");
        input.value = "TENSORFLOW"; input.dispatchEvent(new Event("input"));
        const named = all("tbody tr").length;
        const button = document.querySelector("[data-sort=seconds]");
        button.click(); document.querySelector("[data-sort=seconds]").click();
        const head = all("th[aria-sort=descending]").map((th) => th.textContent);
        const first = all("tbody tr")[0].cells[0].textContent;
        return [named, head, first, document.activeElement.dataset.sort, all("[aria-live]")[0].textContent];
        """
    )
    assert found == [5, ["Epoch"], "tensorflow-2.21/lenet/dataset-0/b32", "seconds", "5 of 20 rows"]


def test_the_ratio_can_be_to_another_environment(visit):
    found = visit(
        """
        const select = document.getElementById("filter-reference");
        select.value = "keras-jax-0.10"; select.dispatchEvent(new Event("change"));
        const row = all("tbody tr").find((tr) => tr.textContent.startsWith("tensorflow-2.18/"));
        return row.cells[2].textContent;
        """
    )
    ratio = float(found.split()[0])
    assert 0.6 < ratio < 0.8  # invented: 0.5 s and 0.7 s


def test_which_upgrade_made_it_slower_is_two_clicks_away(visit):
    found = visit(
        """
        all("nav a").find((a) => a.textContent === "Upgrades").click(); await settled();
        return all("tbody tr").map((row) => row.textContent).filter((text) => text.includes("slower"));
        """
    )
    assert any("lenet/dataset-0/b32tensorflow-2.19 → tensorflow-2.20▲ slower" in row for row in found)


def test_whether_two_frameworks_differ_in_accuracy_is_two_clicks_away(visit):
    found = visit(
        """
        all("nav a").find((a) => a.textContent === "Frameworks").click(); await settled();
        all("tbody a")[0].click(); await settled();
        return all("h2").map((h2) => h2.textContent);
        """
    )
    assert found == ["Time and accuracy", "Pairs, with valid tests", "Predicted labels", "The studies' t-tests"]


def test_where_the_time_of_a_cell_went_is_one_click_away(visit):
    found = visit(
        """
        all("tbody a")[0].click(); await settled();
        const phases = all("figure").find((figure) => figure.querySelector("h3").textContent === "Where the time went");
        return [...phases.querySelectorAll("tbody tr")].map((row) => row.cells[0].textContent.trim());
        """
    )
    assert found[0] == "epochs"
    assert {"import", "build", "first step", "evaluate", "remainder"} <= set(found)


def test_a_cell_shows_matrix_report_lock_and_how_to_repeat_it(visit):
    found = visit(
        """
        await go("#/cell/0");
        return [text("caption").map((one) => one.slice(0, 20)), all(".matrix tbody tr").length, text("pre")];
        """
    )
    assert found[0] == ["Normalised confusion", "Classification repor"]
    assert found[1] == 10
    assert found[2][0] == "pytest 'benchmarks/test_training.py::test_training[keras-jax-0.10/lenet/dataset-0/b32]'"
    assert found[2][1].endswith("/training-1-1/repeat.sh'")


def test_a_figure_saved_stands_alone_and_its_numbers_are_csv(visit):
    found = visit(
        """
        await go("#/cell/0");
        const kept = [];
        let next;
        URL.createObjectURL = (blob) => { kept.push(blob); next(); return "#/cell/0"; };
        for (const kind of ["SVG", "CSV", "PNG"]) {
          const saved = new Promise((done) => { next = done; });
          all("figure .save button").find((button) => button.textContent === kind).click();
          await saved;
        }
        return [await kept[0].text(), await kept[1].text(), kept[2].type, kept[2].size];
        """
    )
    assert ElementTree.fromstring(found[0]).tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(--" not in found[0]
    assert found[1].splitlines()[0] == "epoch,process 1,process 2,process 3,process 4,process 5"
    assert len(found[1].splitlines()) == 5
    assert found[2] == "image/png"
    assert found[3] > 5000


def test_the_theme_follows_the_system_and_the_button(visit):
    script = """
    const ground = () => getComputedStyle(document.body).backgroundColor, before = ground();
    document.getElementById("theme").click();
    return [before, ground()];
    """
    light, dark = visit(script)
    assert [dark, light] == visit(script, dark=True)
    assert light == "rgb(251, 251, 250)"


@pytest.mark.skipif(not AXE, reason="AXE does not name axe-core's axe.min.js; nox -s page fetches it")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [380, 1600])
def test_an_accessibility_checker_finds_nothing(visit, dark, width):
    checker = f"<script>{Path(AXE).read_text(encoding='utf-8')}</script>"
    found = visit(
        """
        const found = {};
        for (const view of VIEWS) {
          await go(view);
          const { violations } = await axe.run(document);
          for (const one of violations) found[`${view} ${one.id}`] = one.nodes.map((node) => [node.html, node.failureSummary]);
        }
        return found;
        """,
        width=width,
        dark=dark,
        before=checker,
    )
    assert found == {}

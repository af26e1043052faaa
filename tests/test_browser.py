"""What a reader sees in a browser: JupyterLab, widgets and the report. `make test-browser`; screenshots are in .cache/browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from sim2real.datasets.paths import ROOT
from sim2real.studies.report import report_folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import Browser, Page, expect, sync_playwright
except ImportError:
    pytest.skip("no Playwright (make test-browser installs it)", allow_module_level=True)
if CHROMIUM is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)

# beside the notebooks of the same trials (tests/test_notebooks.py): what one has trained, the other uses
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("polymers")]
SHOTS = ROOT / ".cache" / "browser"
SECONDS = 1000  # milliseconds
WIDEST = 1000  # pixels of a table
ENCRYPTED = "--KernelManager.transport_encryption=auto"  # as make lab has it
ERRORS = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_folder("embedded", "quick", ROOT / "figures" / "embedded"), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_opens_alone_and_is_accessible(browser, report, width):
    context = browser.new_context(offline=True, viewport={"width": width, "height": 900})
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
    page.goto(report.as_uri())
    assert not said and not asked
    assert (
        page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0 && i.alt)")
        and page.locator("img").count() > 25
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing but tables is scrolled sideways"
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1 and all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    found = Axe().run(page).response["violations"]
    serious = [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in ("serious", "critical")]
    page.screenshot(path=SHOTS / f"report-{width}.png")
    page.locator("img").first.scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / f"report-{width}-figure.png")
    context.close()
    assert not serious, "\n".join(serious)


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """JupyterLab on a copy of a notebook and on a small one of two widgets: its address and the folder."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "notebooks" / "01-polymers.ipynb", folder)
    payload = ROOT / "figures" / "embedded" / "fig6b-conductivity.json"
    cells = [
        "import json\nfrom sim2real import figures\n"
        f"figures.conductivities_hover({{'records': json.load(open({str(payload)!r}))['records']}})",
        "import sim2real as s2r\nfrom sim2real.studies.presets import resolve\n"
        "study = s2r.load_study('pairs', 'embedded', resolve('embedded', 'smoke', kind='pairs'), tuned=False)\n"
        "s2r.Predictor(study, members=4).browse(300.0)",
    ]
    small = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    small.metadata = nbformat.read(folder / "01-polymers.ipynb", 4).metadata
    nbformat.write(small, folder / "widgets.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--notebook-dir={folder}", f"--port={port}", "--no-browser", "--allow-root", "--IdentityProvider.token="]
    options += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", ENCRYPTED]
    news = folder / ".settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false"}')
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder / ".config"), "OMP_NUM_THREADS": "1"}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings")}
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], stdout=log, stderr=log, env=environment)
    address = f"http://127.0.0.1:{port}/lab"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}?reset", timeout=1)
                break
            except OSError:
                assert server.poll() is None, (folder / "lab.log").read_text()
                time.sleep(0.5)
        yield address, folder
        assert "without encryption" not in (folder / "lab.log").read_text()
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()


def opened(browser: Browser, lab: tuple[str, Path], name: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{lab[0]}/tree/{name}?reset", wait_until="domcontentloaded")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60 * SECONDS)
    # what is run before the kernel answers is dropped
    page.get_by_text(re.compile(r"Python 3.* \| Idle")).wait_for(timeout=60 * SECONDS)
    return page


def run_all(page: Page, seconds: int) -> None:
    """Run > Run All Cells, until no cell is waiting or running."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_timeout(1 * SECONDS)
    waiting = page.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(r"\[[* ]\]"))
    expect(waiting).to_have_count(0, timeout=seconds * SECONDS)


def test_a_parameter_is_changed_and_figure_and_verdict_change(browser, lab):
    page = opened(browser, lab, "01-polymers.ipynb")
    figures = lab[1] / "figures"
    seen = []
    for trials in (2, 3):
        cell = page.locator(".jp-CodeCell .cm-content", has_text="EDITION =").first
        text = {"PRESET": '"smoke"', "TRIALS": str(trials), "WORKERS": "1", "SEED": "3", "FIGURES": repr(str(figures))}
        source = "\n".join(
            next(c.source for c in nbformat.read(lab[1] / "01-polymers.ipynb", 4).cells if "EDITION =" in c.source).splitlines()
        )
        for name, value in text.items():
            source = re.sub(rf"^{name} = .*?(?=  #|$)", lambda _, n=name, v=value: f"{n} = {v}", source, flags=re.MULTILINE)
        cell.click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(source)
        run_all(page, 600)
        assert page.locator(ERRORS).count() == 0
        expect(page.get_by_text(f"drawn; figures are in {figures}")).to_have_count(1)
        widths = page.evaluate("[...document.querySelectorAll('table.dataframe')].map(t => t.offsetWidth)")
        assert widths and max(widths) <= WIDEST
        page.locator(".jp-OutputArea-output img").nth(2).scroll_into_view_if_needed()
        page.screenshot(path=SHOTS / f"notebook-01-{trials}.png")
        payload = json.loads((figures / "fig1b-polymers.json").read_text(encoding="utf-8"))
        verdict = page.locator(".jp-RenderedMarkdown.jp-OutputArea-output", has_text="simulations").first.inner_text()
        seen.append(
            (verdict, page.locator(".jp-OutputArea-output img").nth(2).get_attribute("src"), payload["records"][0]["trials"])
        )
    page.context.close()
    assert [trials for *_, trials in seen] == [2, 3]
    assert seen[0][0] != seen[1][0] and seen[0][1] != seen[1][1]


def test_widgets_answer(browser, lab):
    page = opened(browser, lab, "widgets.ipynb")
    run_all(page, 600)
    assert page.locator(ERRORS).count() == 0
    page.screenshot(path=SHOTS / "widgets.png")
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.wait_for(timeout=30 * SECONDS)
    point = page.locator(".js-plotly-plot .scatterlayer .point, .js-plotly-plot canvas").first
    box = plot.bounding_box()
    for part in [k / 40 for k in range(10, 32)]:
        page.mouse.move(box["x"] + part * box["width"], box["y"] + (1 - part) * box["height"])
        page.wait_for_timeout(60)
        if page.locator(".hoverlayer .hovertext").count():
            break
    assert page.locator(".hoverlayer .hovertext").count(), point
    page.screenshot(path=SHOTS / "hover-06.png")
    chooser, slider, search = (
        page.locator(f".jupyter-widgets input{kind}").first for kind in ("[list]", "[type=range]", "[type=text]:not([list])")
    )
    shown = page.locator(".jp-OutputArea-output", has_text="solvents, the best first").last
    shown.wait_for(timeout=60 * SECONDS)
    shown.scroll_into_view_if_needed()
    assert shown.locator("table").evaluate("t => t.offsetWidth <= t.parentElement.clientWidth"), "no column is cut off"
    assert shown.locator("svg").count() == 1 and shown.locator("tbody tr").count() > 20
    chooser.fill("toluene")
    chooser.press("Enter")
    expect(shown).to_contain_text("toluene, 300 K", timeout=60 * SECONDS)
    search.fill("ethanol")
    search.press("Enter")
    expect(shown).not_to_contain_text("chloroform", timeout=60 * SECONDS)
    assert shown.locator("tbody tr").count() < 20, slider
    page.screenshot(path=SHOTS / "widget-04.png")
    page.context.close()

"""The built site in a browser without a network: every page whole, legible, and asking for nothing outside."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
import yaml
from conftest import ROOT, run_environment

BUILD = ROOT / "_build"
SITE = BUILD / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
LESSONS = [page for page in PAGES if page.startswith("book/lessons/")]

# Relative luminances of the WCAG, from the colours that the browser computed. A transparent background is the parent's.
CONTRASTS = """
() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const color = parse(getComputedStyle(element).backgroundColor);
      if (color.length === 3 || color[3] > 0.5) return color;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll(
    "article p, article li, article h1, article h2, article td, article figcaption span, article a, article code, " +
    "article pre span, article summary, .admonition-title, .bd-sidebar-primary a, .bd-sidebar-secondary a, " +
    ".reading-time, footer p")];
  return texts.filter(e => e.textContent.trim() && e.checkVisibility()).map(element => {
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.tagName, element.textContent.slice(0, 40)];
  });
}
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site's folder, built on the phantom as `course site` builds it, unless what is there is up to date."""
    if not up_to_date():
        environment = run_environment(
            PNEUMONIA_DATA="phantom",
            PNEUMONIA_CONFIG=str(tmp_path_factory.mktemp("config")),
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        )
        prepare = [sys.executable, "-c", "from course.site import prepare; prepare()"]
        build = ["jupyter-book", "build", str(ROOT), "-W", "--keep-going", "-n"]
        for command in (prepare, build):
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return SITE


def up_to_date() -> bool:
    """Whether the last build had no warning, showed the phantom, and is newer than all that it was built from."""
    complete = BUILD / "site.complete"
    first = SITE / f"{LESSONS[0]}.html"
    if not complete.is_file() or not first.is_file() or "Phantom: chest X-rays drawn by code" not in first.read_text():
        return False
    patterns = ("book/**/*", "_*.yml", "pneumonia/*.py", "results/*.json", "exercises/*/*.ipynb", "requirements.txt")
    sources = [path for pattern in patterns for path in ROOT.glob(pattern) if "__pycache__" not in path.parts]
    return complete.stat().st_mtime > max(path.stat().st_mtime for path in sources if path.is_file())


@pytest.fixture(scope="session")
def address(site):
    """A server on this machine, because a browser treats files of `file://` as strangers to each other."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert program, "the browser tests need Chromium: apt-get install chromium"
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, address):
    """A page whose network ends at this machine; what it asks for outside, and what goes wrong, is in `page.faults`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.faults = []

    def gate(route):
        if route.request.url.startswith((address, "data:")):
            route.continue_()
        else:
            page.faults.append(f"asked for {route.request.url}")
            route.abort()

    context.route("**/*", gate)
    page.on("console", lambda m: page.faults.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(f"script: {error}"))
    # A request that the browser itself drops because the reader has gone on to the next page is no fault of the site.
    page.on(
        "requestfailed",
        lambda request: request.failure == "net::ERR_ABORTED" or page.faults.append(f"failed: {request.url}"),
    )
    page.on("response", lambda r: page.faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    yield page
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_legible_and_fits(page, address, name):
    page.goto(f"{address}/{name}.html", wait_until="load")
    assert page.locator("article h1").count() == 1
    undescribed = "article img:not([alt]), article img[alt='']:not(.launch-button img)"
    assert page.locator(undescribed).count() == 0
    assert page.evaluate("[...document.images].every(i => i.loading === 'lazy' || i.complete && i.naturalWidth > 0)")
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        faint = [found for found in page.evaluate(CONTRASTS) if found[0] < 4.5]
        assert not faint, f"{theme}: {faint[:5]}"
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.faults


def test_the_first_page_is_the_welcome_page(page, address):
    page.goto(f"{address}/index.html")
    page.wait_for_url(f"**/{TOC['root']}.html")
    assert page.locator("article h1").inner_text().startswith("Pneumonia on chest X-rays")


def test_next_and_previous_walk_through_all_pages(page, address):
    page.goto(f"{address}/{PAGES[0]}.html")
    for name in PAGES[1:]:
        page.locator("a.right-next").click()
        page.wait_for_url(f"**/{name}.html")
    page.locator("a.left-prev").click()
    page.wait_for_url(f"**/{PAGES[-2]}.html")
    assert not page.faults


def test_search_finds_recall(page, address):
    page.goto(f"{address}/search.html?q=recall")
    page.locator("#search-results li a").first.wait_for()
    found = page.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    assert any("lessons/" in link for link in found)
    assert not page.faults


def test_the_dark_mode_button_works_and_is_remembered(page, address):
    page.goto(f"{address}/{PAGES[0]}.html")
    for _ in range(3):  # light, dark, as the system
        page.locator("button.theme-switch-button:visible").first.click()
        if page.evaluate("document.documentElement.dataset.theme") == "dark":
            break
    page.goto(f"{address}/{PAGES[1]}.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert not page.faults


@pytest.mark.parametrize("name", LESSONS)
def test_quick_questions_tell_right_from_wrong_by_keyboard_and_by_mouse(page, address, name):
    page.goto(f"{address}/{name}.html")
    for question in page.locator(".quick-question").all():
        right, wrong = question.locator("details.right"), question.locator("details.wrong").first
        wrong.locator("summary").focus()
        page.keyboard.press("Enter")
        assert wrong.locator(".explanation").inner_text().startswith("Not right. ")
        assert question.locator("[role=status]").inner_text() == "Not right. Read why, and pick another answer."
        assert not right.locator(".explanation").is_visible()
        right.locator("summary").click()
        assert right.locator(".explanation").inner_text().startswith("Right. ")
        assert question.locator("[role=status]").inner_text() == "Right at try 2."
    assert not page.faults


def test_an_answer_that_was_right_at_once_is_praised_and_paper_shows_all(page, address):
    page.goto(f"{address}/{LESSONS[0]}.html")
    question = page.locator(".quick-question").first
    question.locator("details.right summary").focus()
    page.keyboard.press("Space")
    assert question.locator("[role=status]").inner_text() == "Right at the first try."
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert all(part.is_visible() for part in page.locator("details.choice .explanation").all())
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert page.locator("details.choice[open]").count() == 1


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_opens_in_colab_in_binder_and_as_a_file(page, address, name):
    repository = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    project = urlsplit(os.environ.get("GITHUB_REPOSITORY") or repository).path.strip("/")
    notebook = f"notebooks/{Path(name).name}.ipynb"
    page.goto(f"{address}/{name}.html")
    colab, binder, download = page.locator(".launch-button").evaluate_all("links => links.map(link => link.href)")
    assert colab == f"https://colab.research.google.com/github/{project}/blob/gh-pages/{notebook}"
    encoded = notebook.replace("/", "%2F")
    assert binder == f"https://mybinder.org/v2/gh/{project}/gh-pages?urlpath=lab%2Ftree%2F{encoded}"
    assert download == f"{address}/{notebook}"
    assert (SITE / "binder" / "requirements.txt").is_file()
    made = nbformat.read(SITE / notebook, as_version=4)
    nbformat.validate(made)
    setup = next(cell for cell in made.cells if cell.cell_type == "code")
    assert "google.colab" in setup.source
    assert f"https://github.com/{project}" in setup.source
    text = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    assert not [mark for mark in ("{glue", "{cite", ":::", ".md)") if mark in text]


def test_a_lessons_notebook_runs(site, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("PNEUMONIA_DATA", "phantom")
    notebook = nbformat.read(site / "notebooks" / "data.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()

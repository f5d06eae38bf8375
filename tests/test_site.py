"""The built site in a browser without a network: every page whole, legible, and asking for nothing outside."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import numpy as np
import pytest
import yaml
from conftest import LESSONS, MOVING, PAGES, ROOT, SITE

from pneumonia import results

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
    "article pre span, article summary, article label, article legend, article dt, article dd, article output, " +
    "article th, article caption, article button:not(.copybtn), " +
    ".admonition-title, .bd-sidebar-primary a, .bd-sidebar-secondary a, " +
    ".reading-time, footer p")];
  return texts.filter(e => e.textContent.trim() && e.checkVisibility()).map(element => {
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.tagName, element.textContent.slice(0, 40)];
  });
}
"""


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
    page.wait_for_url(f"**/{PAGES[0]}.html")
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


def set_slider(page, selector: str, value: float):
    page.locator(selector).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })) }",
        value,
    )


@pytest.mark.parametrize(
    ("split", "log_odds", "prevalence", "price"),
    [
        ("validation", 0, 50, 1),
        ("validation", 6, 10, 20),
        ("test", 0, 10, 20),
        ("test", -10, 1, 5),
        ("test", 14.5, 99, 50),
    ],
)
def test_the_threshold_explorer_shows_what_the_recorded_scores_give(page, address, split, log_odds, prevalence, price):
    judged = results.load("reference-head")["runs"][0][split]
    above = np.round(judged["logits"], 2) >= log_odds
    ill = np.array(judged["labels"]) == 1
    recall, specificity, share = above[ill].mean(), 1 - above[~ill].mean(), prevalence / 100
    found, alarmed = share * recall, (1 - share) * (1 - specificity)
    missed, cleared = share - found, 1 - share - alarmed
    expected = {
        "recall": f"{recall:.3f}",
        "specificity": f"{specificity:.3f}",
        "ppv": f"{found / (found + alarmed):.3f}",
        "npv": f"{cleared / (cleared + missed):.3f}",
        "cost": f"{1000 * (alarmed + price * missed):.0f}",
    }
    page.goto(f"{address}/book/lessons/measuring.html")
    page.locator(f"#thresholds-split-{split}").check()
    set_slider(page, "#thresholds-threshold", log_odds)
    set_slider(page, "#thresholds-prevalence", prevalence)
    set_slider(page, "#thresholds-price", price)
    figure = page.locator("[data-figure=thresholds]")
    assert {name: figure.locator(f"dd.{name}").inner_text() for name in expected} == expected
    counts = {name: int(figure.locator(f"td.{name}").inner_text()) for name in ("tn", "fp", "fn", "tp")}
    assert counts["tp"] + counts["fn"] == 10 * prevalence
    assert sum(counts.values()) == 1000
    assert abs(counts["tp"] - 1000 * found) <= 1
    assert abs(counts["fp"] - 1000 * alarmed) <= 1
    assert f"{counts['fn']} ill ones are missed and {counts['fp']} healthy ones" in figure.inner_text()
    dot = figure.locator("circle.point")
    assert float(dot.get_attribute("cx")) == pytest.approx(200 * (1 - specificity))
    assert float(dot.get_attribute("cy")) == pytest.approx(200 * (1 - recall))
    assert not page.faults


def test_the_threshold_explorer_obeys_the_keyboard_and_finds_the_cheapest_threshold(page, address):
    page.goto(f"{address}/book/lessons/measuring.html")
    figure = page.locator("[data-figure=thresholds]")
    page.locator("#thresholds-threshold").focus()
    before = figure.locator("dd.recall").inner_text()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert float(figure.locator("dd.recall").inner_text()) < float(before)
    set_slider(page, "#thresholds-price", 20)
    costs = {}
    for step in range(61):
        set_slider(page, "#thresholds-threshold", -10 + step / 2)
        costs[-10 + step / 2] = int(figure.locator("dd.cost").inner_text())
    figure.get_by_role("button", name="cheapest").focus()
    page.keyboard.press("Enter")
    assert int(figure.locator("dd.cost").inner_text()) == min(costs.values())
    assert costs[float(page.locator("#thresholds-threshold").input_value())] == min(costs.values())


@pytest.mark.parametrize(
    ("kernel", "weights"),
    [
        ("vertical", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        ("horizontal", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
        ("mean", np.ones((3, 3)) / 9),
        ("sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    ],
)
def test_the_convolution_stepper_convolves(page, address, kernel, weights):
    from scipy.signal import correlate2d

    page.goto(f"{address}/book/lessons/convolution.html")
    figure = page.locator("[data-figure=convolution]")
    image = np.array(json.loads(figure.locator("script").text_content())["image"], float)
    assert image.shape == (24, 24)
    assert len(np.unique(image)) > 50
    page.locator(f"#convolution-kernel-{kernel}").check()
    for stride, padding in ((1, 0), (2, 0), (1, 1), (2, 1)):
        page.locator(f"#convolution-stride-{stride}").check()
        page.locator(f"#convolution-padding-{padding}").check()
        expected = correlate2d(np.pad(image, padding), weights, mode="valid")[::stride, ::stride]
        side = len(expected)
        for row, column in ((0, 0), (side // 2, 3), (side - 1, side - 1)):
            set_slider(page, "#convolution-place", row * side + column)
            shown = figure.locator("[role=status]").inner_text()
            assert shown.startswith(f"Output {side} x {side}; in row {row + 1}, column {column + 1}: ")
            assert float(shown.split(": ")[1]) == pytest.approx(expected[row, column], abs=0.051)
            products = [float(cell) for cell in figure.locator("table.products td").all_inner_texts()]
            divisor = 9 if kernel == "mean" else 1
            assert sum(products) / divisor == pytest.approx(expected[row, column])
    assert not page.faults


def test_the_convolution_stepper_obeys_keys_buttons_and_the_mouse(page, address):
    page.goto(f"{address}/book/lessons/convolution.html")
    figure = page.locator("[data-figure=convolution]")
    page.locator("#convolution-place").focus()
    page.keyboard.press("ArrowRight")
    assert "row 1, column 2" in figure.locator("[role=status]").inner_text()
    figure.get_by_role("button", name="Step").press("Enter")
    assert "row 1, column 3" in figure.locator("[role=status]").inner_text()
    figure.get_by_role("button", name="Back").click()
    assert "row 1, column 2" in figure.locator("[role=status]").inner_text()
    figure.get_by_role("button", name="To the end").click()
    assert "row 22, column 22" in figure.locator("[role=status]").inner_text()
    canvas = figure.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    side = canvas.bounding_box()["width"]
    canvas.click(position={"x": side * 5.5 / 24, "y": side * 9.5 / 24})  # the pixel in row 9, column 5, from 0
    assert "row 9, column 5" in figure.locator("[role=status]").inner_text()
    assert not page.faults


@pytest.mark.parametrize("name", MOVING)
def test_a_moving_figure_and_its_picture_take_turns(page, address, name):
    page.goto(f"{address}/{name}.html")
    moving, still = page.locator(".moving-figure").first, page.locator(".tag_still").first
    assert moving.is_visible()
    assert not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible()
    assert not moving.is_visible()


@pytest.mark.parametrize("name", MOVING)
def test_without_scripts_the_picture_stands_there(browser, address, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{name}.html")
    assert page.locator(".tag_still").first.is_visible()
    assert not page.locator(".moving-figure").first.is_visible()
    page.locator("details.right summary").first.click()
    assert page.locator("details.right .explanation").first.is_visible()
    context.close()


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
    assert not [mark for mark in ("{glue", "{cite", "{term", ":::", ".md)") if mark in text]


def test_a_lessons_notebook_runs(site, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("PNEUMONIA_DATA", "phantom")
    notebook = nbformat.read(site / "notebooks" / "data.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()

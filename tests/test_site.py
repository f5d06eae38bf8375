"""The built site in a browser without a network: every page whole, legible, and asking for nothing outside."""

import json
import os
from base64 import b64decode
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
    assert page.get_by_text("image/s]").count() == 0, "a progress bar, state after state"
    assert page.evaluate("[...document.images].every(i => i.loading === 'lazy' || i.complete && i.naturalWidth > 0)")
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        faint = [found for found in page.evaluate(CONTRASTS) if found[0] < 4.5]
        assert not faint, f"{theme}: {faint[:5]}"
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.faults


def test_a_table_wider_than_a_phone_says_on_which_side_there_is_more(page, address):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{address}/book/results.html", wait_until="load")
    tables = page.locator(".pst-scrollable-table-container")
    wide = page.locator(".pst-scrollable-table-container.more-right")
    narrow = tables.evaluate_all("all => all.filter(one => one.scrollWidth <= one.clientWidth).length")
    assert wide.count() == tables.count() - narrow > 0
    first = wide.first.element_handle()
    assert first.get_attribute("class").split().count("more-left") == 0
    first.evaluate("one => one.scrollTo(one.scrollWidth, 0)")
    page.wait_for_function("one => !one.classList.contains('more-right')", arg=first)
    assert "more-left" in first.get_attribute("class")


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


def choose(page, **radios: str):
    """Check radio buttons, `group="value"`, as `choose(page, histories_seed="2")`."""
    for group, value in radios.items():
        page.locator(f"#{group.replace('_', '-')}-{value}").check()


def data_of(figure) -> dict:
    return json.loads(figure.locator("script").text_content())


def test_the_wipe_shows_what_a_network_gets(page, address):
    from scipy.ndimage import laplace

    from pneumonia import phantom

    image = phantom.render("bacteria", patient=33)[0].astype(float)
    page.goto(f"{address}/book/lessons/transfer.html")
    figure = page.locator("[data-figure=preprocessing]")
    means = np.array([103.939, 116.779, 123.68])
    expected = {
        "plain": (image.min(), image.max(), image.mean()),
        "rescaled": (image.min() / 255, image.max() / 255, image.mean() / 255),
        "vgg16": (image.min() - means.max(), image.max() - means.min(), image.mean() - means.mean()),
    }
    for side in ("left", "right"):
        for way, numbers in expected.items():
            choose(page, **{f"preprocessing_{side}": way})
            shown = [figure.locator(f"td.{side}.{name}").inner_text() for name in ("smallest", "largest", "mean")]
            assert shown == [f"{number:.2f}" for number in numbers]
    sharpness = {}
    for way in ("plain", "blurred", "sharpened"):
        choose(page, preprocessing_left=way)
        sharpness[way] = float(figure.locator("td.left.sharpness").inner_text())
    assert sharpness["plain"] == pytest.approx(laplace(image).std(), abs=0.006)
    assert sharpness["blurred"] < sharpness["plain"] / 2 < sharpness["plain"] * 1.5 < sharpness["sharpened"]
    choose(page, preprocessing_left="plain", preprocessing_right="rescaled")
    assert figure.locator("[role=status]").inner_text().endswith("the same picture, other numbers")
    assert not page.faults


def test_the_wipe_obeys_keys_and_the_mouse(page, address):
    page.goto(f"{address}/book/lessons/transfer.html")
    figure = page.locator("[data-figure=preprocessing]")
    left, right = figure.locator("img.left"), figure.locator("img.right")
    assert left.get_attribute("alt") == "The phantom, as it is."
    assert left.get_attribute("src") != right.get_attribute("src")
    cut = "element => getComputedStyle(element).clipPath"
    assert left.evaluate(cut) == "inset(0px 50% 0px 0px)"
    page.locator("#preprocessing-divider").focus()
    page.keyboard.press("ArrowRight")
    assert left.evaluate(cut) == "inset(0px 49% 0px 0px)"
    wipe = figure.locator(".wipe")
    wipe.scroll_into_view_if_needed()
    box = wipe.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    assert page.locator("#preprocessing-divider").input_value() == "25"
    page.mouse.move(box["x"] + box["width"] * 0.8, middle)
    assert left.evaluate(cut) == "inset(0px 20% 0px 0px)"
    page.mouse.up()
    page.mouse.move(box["x"] + box["width"] * 0.4, middle)
    assert page.locator("#preprocessing-divider").input_value() == "80"
    assert not page.faults


def test_the_learning_curve_explorer_shows_the_recorded_trainings(page, address):
    page.goto(f"{address}/book/lessons/diagnosis.html")
    figure = page.locator("[data-figure=histories]")
    names = ("training", "validation", "test", "first", "second")

    def shown():
        return [figure.locator(f"dd.{name}").inner_text() for name in names]

    for seed, run in enumerate(results.load("reference-head")["runs"]):
        history, kept = run["history"], int(np.argmin(run["history"]["val_loss"]))
        choose(page, histories_seed=str(seed), histories_epochs="accuracy")
        figure.get_by_role("button", name="kept").click()
        training, validation = history["accuracy"][kept], history["val_accuracy"][kept]
        numbers = (training, validation, run["test"]["accuracy"])
        steps = [abs(numbers[0] - numbers[1]), abs(numbers[1] - numbers[2])]
        assert [float(text) for text in shown()] == pytest.approx([*numbers, *steps], abs=0.001)
        assert f"that of epoch {kept + 1};" in figure.locator("[role=status]").inner_text()
        choose(page, histories_epochs="loss")
        truth, logits = np.array(run["test"]["labels"]), np.array(run["test"]["logits"])
        cross_entropy = np.mean(np.logaddexp(0, np.where(truth == 1, -logits, logits)))
        assert float(shown()[2]) == pytest.approx(cross_entropy, abs=0.001)
        set_slider(page, "#histories-at", len(history["loss"]))
        assert float(shown()[1]) == pytest.approx(history["val_loss"][-1], abs=0.001)
        assert shown()[2] == shown()[4] == "not measured"
        stopped = len(history["loss"]) - kept > 5
        assert figure.locator("[role=status]").inner_text().endswith("training stops here.") == stopped
        assert float(figure.locator("line.stop").get_attribute("x1")) < float(
            figure.locator("line.cut").get_attribute("x1")
        )
    choose(page, histories_view="images")
    assert not page.locator("#histories-seed-0").is_visible()
    for metric in ("auc", "specificity"):
        choose(page, histories_images=metric)
        for place, row in enumerate(results.load("diagnosis")["learning_curve"]):
            set_slider(page, "#histories-at", place + 1)
            numbers = [row[split][metric]["mean"] for split in names[:3]]
            steps = [abs(numbers[0] - numbers[1]), abs(numbers[1] - numbers[2])]
            assert [float(text) for text in shown()] == pytest.approx([*numbers, *steps], abs=0.001)
            assert f"With {row['images']:,} training images" in figure.locator("[role=status]").inner_text()
    assert not page.faults


def test_the_learning_curve_explorer_obeys_the_keyboard(page, address):
    page.goto(f"{address}/book/lessons/diagnosis.html")
    figure = page.locator("[data-figure=histories]")
    page.locator("#histories-at").focus()
    before = float(figure.locator("line.cut").get_attribute("x1"))
    page.keyboard.press("ArrowRight")
    assert float(figure.locator("line.cut").get_attribute("x1")) > before
    page.locator("#histories-view-epochs").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#histories-view-images").is_checked()
    assert figure.locator("output").inner_text() == "4,185 images"


@pytest.mark.parametrize("area", [5, 12, 60])
def test_the_heat_map_explorer_counts_what_lies_on_the_disease(page, address, area):
    page.goto(f"{address}/book/lessons/explaining.html")
    figure = page.locator("[data-figure=heat-map]")
    data = data_of(figure)
    size = data["size"]
    set_slider(page, "#heat-map-area", area)
    for number, drawn in enumerate(data["phantoms"]):
        mask = np.unpackbits(np.frombuffer(b64decode(drawn["mask"]), np.uint8))[: size**2].astype(bool)
        assert 0.01 < mask.mean() < 0.4
        for model, coarse in drawn["maps"].items():
            choose(page, heat_map_phantom=str(number), heat_map_model=model)
            large = bilinear(np.array(coarse), size).ravel()
            region = np.argsort(-large, kind="stable")[: round(area / 100 * size**2)]
            region = region[large[region] > 0]
            hit = mask[region].sum()
            expected = {
                "weight": large[mask].sum() / large.sum(),
                "share": hit / len(region),
                "chance": mask.mean(),
                "overlap": hit / (len(region) + mask.sum() - hit),
            }
            shown = {name: float(figure.locator(f"dd.{name}").inner_text()) for name in expected}
            assert shown == pytest.approx(expected, abs=0.006)
            assert figure.locator("dd.peak").inner_text() == ("on the disease" if mask[large.argmax()] else "beside it")
    assert not page.faults


def bilinear(coarse: np.ndarray, size: int) -> np.ndarray:
    """A map (n, n) at (size, size): along one axis, then along the other, the border repeated outside."""
    at = (np.arange(size) + 0.5) * len(coarse) / size - 0.5
    rows = np.array([np.interp(at, np.arange(len(coarse)), row) for row in coarse])
    return np.array([np.interp(at, np.arange(len(coarse)), column) for column in rows.T]).T


def test_the_heat_map_explorer_obeys_keys_and_the_mouse(page, address):
    page.goto(f"{address}/book/lessons/explaining.html")
    figure = page.locator("[data-figure=heat-map]")
    canvas = figure.locator("canvas")
    picture = "canvas => canvas.toDataURL()"
    first = canvas.evaluate(picture)
    page.locator("#heat-map-opacity").focus()
    page.keyboard.press("Home")
    bare = canvas.evaluate(picture)
    assert bare != first
    drawn = data_of(figure)["phantoms"][0]
    grey = np.frombuffer(b64decode(drawn["image"]), np.uint8)
    painted = canvas.evaluate("c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
    assert np.array_equal(np.array(painted).reshape(-1, 4)[:, 0], grey)
    figure.get_by_label("show it").click()
    assert canvas.evaluate(picture) != bare
    page.locator("#heat-map-area").focus()
    shown = figure.locator("output").first
    assert shown.inner_text() == "12% of the image"
    page.keyboard.press("ArrowLeft")
    assert shown.inner_text() == "11% of the image"
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

"""Every page of the site by axe-core's rules, light and dark: contrast, headings, alternatives, labels and the rest."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import PAGES

from course.browser import LIGHT_AND_DARK


def violations(page) -> list[str]:
    """What axe-core finds: the rule, and the first places where it is broken."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}, {len(rule['nodes'])} times): {rule['help']}: "
        + "; ".join(node["html"][:120] for node in rule["nodes"][:3])
        for rule in found
    ]


@pytest.mark.parametrize("name", [*PAGES, "search"])
def test_a_page_is_accessible(page, address, name):
    page.goto(f"{address}/{name}.html")
    page.add_style_tag(content="* { transition: none !important }")  # no colour is judged on its way to another
    for theme in LIGHT_AND_DARK:
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        assert violations(page) == [], theme


def test_a_fault_is_found(page, address):
    """The rules do see what is wrong: without this, a silent axe-core would pass for a good page."""
    page.goto(f"{address}/{PAGES[0]}.html")
    page.evaluate(
        """document.querySelector("article").insertAdjacentHTML("beforeend",
          `<h5>Far down</h5><p style="color: #ccc; background: #fff">Faint</p><img src="x.png"><input type="text">`)"""
    )
    found = " ".join(violations(page))
    assert {rule for rule in ("heading-order", "color-contrast", "image-alt", "label") if rule not in found} == set()

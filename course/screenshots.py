"""`course screenshots`: pictures of every page of the built site, as readers see it: narrow, wide, light, dark."""

import math
import shutil
from pathlib import Path

import click

from course import browser
from course.site import built_site, clone_folder, contents

WIDTHS = (1280, 390)
TALLEST = 8000  # pixels: a longer page is cut into several pictures, because viewers and Chromium have their limits


@click.command()
def screenshots():
    """Take a picture of every page of the built site: two widths, light and dark."""
    site, root = built_site(), clone_folder()
    pages = [page for _, part in contents(root) for page in part]
    target = root / "_build" / "screenshots"
    shutil.rmtree(target, ignore_errors=True)
    with browser.served(site) as address, browser.chromium() as chromium:
        taken = [path for page in pages for path in take(chromium, address, page, target)]
    click.echo(f"{len(taken)} pictures of {len(pages)} pages: {target}")


def take(chromium, address: str, page: str, target: Path) -> list[Path]:
    """The pictures of one page, as `target/WIDTH-THEME/PAGE.png`; a long page's are numbered."""
    return [
        path
        for width in WIDTHS
        for theme in browser.LIGHT_AND_DARK
        for path in _take(chromium, f"{address}/{page}.html", width, theme, target, page.replace("/", "-"))
    ]


def _take(chromium, url: str, width: int, theme: str, target: Path, name: str) -> list[Path]:
    folder = target / f"{width}-{theme}"
    folder.mkdir(parents=True, exist_ok=True)
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    page.goto(url)
    browser.settle(page)
    height = page.evaluate("document.documentElement.scrollHeight")
    pieces = math.ceil(height / TALLEST)
    paths = []
    for piece in range(pieces):
        top = piece * TALLEST
        paths.append(folder / (f"{name}.png" if pieces == 1 else f"{name}-{piece + 1}.png"))
        clip = {"x": 0, "y": top, "width": width, "height": min(TALLEST, height - top)}
        page.screenshot(path=paths[-1], full_page=True, clip=clip)
    context.close()
    return paths

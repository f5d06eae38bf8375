"""`course pdf`: the built website as one book on paper.

The pages of the site are joined in reading order and printed by Chromium, which knows page boxes, running heads and
bookmarks, and draws what the site draws. It does not know on which page a link ends: the book is printed once, its page
numbers are read from the PDF and put into the table of contents and the index, and it is printed again until they stay.
"""

import base64
import io
import logging
import re
from html import escape
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin, urlsplit

import click

from course import browser
from course.site import built_site, clone_folder, contents
from pneumonia.address import REPOSITORY, site_of
from pneumonia.settings import CourseError

NAME = "pneumonia-course.pdf"
STYLE = Path(__file__).with_name("pdf.css")
COLUMN = 620  # CSS pixels between the margins that pdf.css sets: 210 mm less two times 23 mm
LONG_CODE = 30  # lines from which on code may be broken over two pages
# What only a screen needs.
SCREEN_ONLY = (
    "script, style, button, nav, .moving-figure, .launch-button, .quick-question-status, .headerlink, .copybtn, "
    ".prev-next-area, .toctree-wrapper, .onlyprint"
)
PRINTS = 4  # at most: numbers that are put in may move what stands behind them
PUT_NUMBERS = """
numbers => {
  for (const link of document.querySelectorAll("a.number")) link.textContent = numbers[link.hash.slice(1)] ?? "";
}
"""
# Widths that no page has are made to fit; what still stands out is named.
FIT = """
column => {
  const right = document.querySelector("main").getBoundingClientRect().left + column + 1;
  for (const wide of document.querySelectorAll("table, mjx-container[display]")) {
    for (let step = 0; step < 4 && wide.getBoundingClientRect().right > right; step += 1) {
      const size = parseFloat(getComputedStyle(wide).fontSize);
      wide.style.fontSize = `${Math.max(7.5, size * 0.9)}px`;
    }
  }
  return [...document.querySelectorAll("main :is(p, pre, table, img, svg, code, li, dd, mjx-container)")]
    .filter(element => element.getBoundingClientRect().right > right)
    .map(element => `${element.closest("section.chapter")?.id}: ${element.localName} ` +
      element.textContent.trim().slice(0, 60));
}
"""


@click.command()
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help=f"Default: _build/{NAME}.")
def pdf(output: Path | None):
    """Print the built site as one book, a PDF."""
    site, root = built_site(), clone_folder()
    output = output or root / "_build" / NAME
    with browser.chromium() as chromium:
        content = write(site, contents(root), chromium)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(content)
    click.echo(f"The book: {output} ({len(content) / 1e6:.1f} MB)")


def write(site: Path, parts: list[tuple[str, list[str]]], chromium) -> bytes:
    """The PDF of a built site, its pages in the order of `parts`. CourseError where something is over the margin."""
    from pypdf import PdfReader, PdfWriter

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns that Chromium counts a few objects too few
    book = Book(site, parts)
    with browser.served(site) as address:
        page = chromium.new_page(viewport={"width": COLUMN, "height": 900}, color_scheme="light")
        page.route(f"{address}/book.html", lambda route: route.fulfill(body=book.html(), content_type="text/html"))
        page.goto(f"{address}/book.html")
        page.emulate_media(media="print")
        browser.settle(page)
        if wide := page.evaluate(FIT, COLUMN):
            raise CourseError("This stands over the margin of the page:\n" + "\n".join(wide))
        numbers = None
        for _ in range(PRINTS):
            printed = _print(page)
            before, numbers = numbers, numbers_of_places(PdfReader(io.BytesIO(printed)))
            if numbers == before:
                break
            page.evaluate(PUT_NUMBERS, numbers)
        else:
            raise CourseError(f"The page numbers still move after {PRINTS} prints: leave them room in {STYLE}")
        page.close()
    finished = PdfWriter(clone_from=PdfReader(io.BytesIO(printed)))
    finished.add_metadata({"/Author": book.author, "/Subject": book.subtitle})
    content = io.BytesIO()
    finished.write(content)
    return content.getvalue()


def _print(page) -> bytes:
    return page.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)


def numbers_of_places(reader) -> dict[str, int]:
    """The page number, from 1, of each place that the book links to."""
    return {
        name.lstrip("/"): reader.get_destination_page_number(place) + 1
        for name, place in reader.named_destinations.items()
    }


class Book:
    """The pages of a site as one HTML document, addressed from the site's top folder."""

    title = "Pneumonia on chest X-rays"
    subtitle = "An open course on telling pneumonia from healthy in children's chest X-rays with a CNN, and on knowing "
    subtitle += "whether to believe the answer"
    author = "The maintainers of the course"

    def __init__(self, site: Path, parts: list[tuple[str, list[str]]]):
        self.site, self.parts = site, parts
        self.pages = [page for _, pages in parts for page in pages]
        self.soups = {page: self._soup(page) for page in self.pages}
        self.page_of_head = next(page for page in self.pages if self._has_formulas(page))
        self.chapters = {page: self._chapter(page) for page in self.pages}
        self.titles = {page: self._title(page) for page in self.pages}

    def html(self) -> str:
        """The document."""
        body = [self._cover(), self._contents()]
        for caption, pages in self.parts:
            for page in pages:
                label = f'<p class="part-label">{escape(caption)}</p>' if caption else ""
                content = self.chapters[page].decode_contents()
                body.append(f'<section class="chapter" id="{slug(page)}">{label}{content}</section>')
        return "\n".join(
            [
                '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">',
                f"<title>{escape(self.title)}</title>",
                *self._styles_and_formulas(),
                f"<style>{STYLE.read_text(encoding='utf-8')}{self._running_heads()}</style></head>",
                '<body><main class="bd-article">',
                *body,
                "</main></body></html>",
            ]
        )

    # --- the parts of the document ------------------------------------------------------------------------------------

    def _styles_and_formulas(self) -> list[str]:
        found = []
        for tag in self.soups[self.page_of_head].head.select("link[rel=stylesheet], script"):
            address = tag.get("href") or tag.get("src")
            if tag.name == "script" and "mathjax" not in f"{address} {tag.string}".lower():
                continue
            if address:
                tag["href" if tag.name == "link" else "src"] = self._absolute(self.page_of_head, address)
            found.append(str(tag))
        return found

    def _running_heads(self) -> str:
        """The book's title to the left and the chapter's to the right, the page's number below."""
        rules = []
        for page in self.pages:
            name, title = f"of-{slug(page)}", self.titles[page].replace("\\", "").replace('"', "\\22 ")
            rules.append(f'#{slug(page)} {{ page: {name}; }} @page {name} {{ @top-right {{ content: "{title}"; }} }}')
        return "\n".join(rules)

    def _cover(self) -> str:
        from PIL import Image

        from pneumonia import phantom

        drawn = io.BytesIO()
        Image.fromarray(phantom.render("bacteria", patient=33, size=1024)[0]).save(drawn, "PNG")
        film = base64.b64encode(drawn.getvalue()).decode()
        return (
            f'<section class="cover"><img src="data:image/png;base64,{film}" alt="A phantom chest X-ray with bacterial '
            f'pneumonia, drawn by code."><p class="title">{escape(self.title)}</p>'
            f'<p class="subtitle">{escape(self.subtitle)}.</p>'
            f'<p class="imprint">{site_of(REPOSITORY)}<br>Text and figures CC BY 4.0, code MIT. '
            "Teaching material, not a medical device.<br>The X-ray on this page is a phantom: drawn by code, no real "
            "child is shown.</p></section>"
        )

    def _contents(self) -> str:
        lines = ['<section class="contents" id="contents"><h1>Contents</h1>']
        for caption, pages in self.parts:
            if caption:
                lines.append(f'<p class="part">{escape(caption)}</p>')
            for page in pages:
                lines.append(_line("chapter-line", slug(page), self.titles[page]))
                if page != "genindex":
                    for heading in self.chapters[page].select("section > section[id] > h2"):
                        lines.append(_line("section-line", heading.parent["id"], heading.get_text(" ", strip=True)))
        return "\n".join([*lines, "</section>"])

    # --- a page of the site as a chapter ------------------------------------------------------------------------------

    def _soup(self, page: str):
        from bs4 import BeautifulSoup

        return BeautifulSoup((self.site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")

    def _has_formulas(self, page: str) -> bool:
        return bool(self.soups[page].select_one(".math"))

    def _title(self, page: str) -> str:
        return " ".join(self.chapters[page].find("h1").get_text().split())

    def _chapter(self, page: str):
        """A page's article for paper: answers open, nothing to click, places and links of its own."""
        article = self.soups[page].select_one("article.bd-article")
        for unwanted in article.select(SCREEN_ONLY):
            unwanted.decompose()
        for details in article.select("details"):
            summary = details.find("summary", recursive=False)
            details.name, summary.name = "div", "p"
            summary["class"] = [*summary.get("class", []), "summary"]
            details["class"] = [*details.get("class", []), "details"]
        for code in article.select("pre"):
            if code.get_text().count("\n") > LONG_CODE:
                code["class"] = [*code.get("class", []), "long"]
        for tag in article.find_all(True):
            if tag.get("id"):
                tag["id"] = place(page, tag["id"])
            if tag.get("href"):
                tag["href"] = self._link(page, tag["href"])
            if tag.get("src"):
                tag["src"] = self._absolute(page, tag["src"])
        if page == "genindex":
            for link in article.select("dl.book-index a"):
                link.string, link["class"] = "0", [*link.get("class", []), "number"]
        return article

    def _absolute(self, page: str, address: str) -> str:
        return address if urlsplit(address).scheme else urljoin(f"/{page}.html", address)

    def _link(self, page: str, address: str) -> str:
        """Where a link of a page leads in the book; to a file that is not in it, at the site's own address."""
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return address
        target = urlsplit(urljoin(f"/{page}.html", address))
        other = str(PurePosixPath(target.path.lstrip("/")).with_suffix(""))
        if other in self.pages and target.path.endswith(".html"):
            return f"#{place(other, target.fragment)}" if target.fragment else f"#{slug(other)}"
        return f"{site_of(REPOSITORY)}{target.path}" + (f"#{target.fragment}" if target.fragment else "")


def slug(page: str) -> str:
    """A page's name as an identifier."""
    return re.sub(r"[^\w-]", "-", page)


def place(page: str, identifier: str) -> str:
    """The identifier, within the book, of a place on a page."""
    return f"{slug(page)}--{identifier}"


def _line(kind: str, target: str, title: str) -> str:
    """A line of the table of contents: title, dots, page number, the latter put in after the first print."""
    return (
        f'<p class="{kind}"><a href="#{target}">{escape(title)}</a><span class="dots"></span>'
        f'<a class="number" href="#{target}">000</a></p>'
    )

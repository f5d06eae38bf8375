"""The website as a book on paper: every page is in it, with an outline, page numbers and nothing to click."""

import io
import re

import pytest
from conftest import MOVING, PAGES, PARTS
from pypdf import PdfReader

from course import pdf
from pneumonia.settings import CourseError


def words(text: str) -> str:
    """Text without spaces, quotation marks and hyphenation: how a PDF breaks its lines says nothing."""
    return re.sub(r"[\s\u00ad\u2010-]|[“”‘’'\"]", "", text)


@pytest.fixture(scope="module")
def book(site, browser):
    return PdfReader(io.BytesIO(pdf.write(site, PARTS, browser)))


@pytest.fixture(scope="module")
def texts(book):
    return [page.extract_text() for page in book.pages]


@pytest.fixture(scope="module")
def joined(site):
    """The book before it was printed."""
    return pdf.Book(site, PARTS)


def outline(reader, entries=None, depth=0):
    """(depth, title, page number) of every bookmark."""
    for entry in reader.outline if entries is None else entries:
        if isinstance(entry, list):
            yield from outline(reader, entry, depth + 1)
        else:
            yield depth, entry.title, reader.get_destination_page_number(entry) + 1


def test_every_page_of_the_site_begins_on_a_page_of_its_own_and_is_in_the_outline(book, texts, joined):
    marks = {words(title): (depth, number) for depth, title, number in outline(book) if depth == 0}
    starts = []
    for page in PAGES:
        title = words(joined.titles[page])
        depth, number = marks[title]
        assert title in words(texts[number - 1]), page
        starts.append(number)
    assert starts == sorted(set(starts))
    assert starts[0] > 2  # after the cover and the table of contents
    assert sum(depth == 1 for depth, *_ in outline(book)) > 3 * len(PAGES)


def test_the_cover_has_the_phantom_and_the_other_pages_their_number_and_running_head(book, texts, joined):
    assert "phantom: drawn by code" in texts[0]
    assert len(book.pages[0].images) == 1
    heads = {words(title) for title in [*joined.titles.values(), "Contents"]}
    for number, text in enumerate(texts[1:], start=2):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        assert str(number) in (lines[0], lines[-1]) or str(number) in lines, f"page {number} has no number"
        assert any(words(line) in heads or words(joined.title) in words(line) for line in lines), number


def test_the_contents_name_the_pages_on_which_the_chapters_begin(book, texts, joined):
    first = min(number for depth, title, number in outline(book) if words(title) == words(joined.titles[PAGES[0]]))
    listed = words(" ".join(texts[1 : first - 1]))
    marks = {words(title): number for depth, title, number in outline(book) if depth == 0}
    for page in PAGES:
        title = words(joined.titles[page])
        assert f"{title}{marks[title]}" in listed, page


def test_the_index_names_pages(book, texts):
    (index,) = [number for depth, title, number in outline(book) if title == "Index" and depth == 0]
    found = re.findall(r"(?:recall|phantom)\s*((?:\d+,? ?)+)", " ".join(texts[index - 1 :]))
    numbers = [int(number) for entry in found for number in re.findall(r"\d+", entry)]
    assert len(numbers) > 2
    for number in numbers[:4]:
        assert re.search("recall|phantom", texts[number - 1], re.IGNORECASE), number


def test_figures_stand_still_and_answers_are_printed(book, texts, joined):
    everything = words(" ".join(texts))
    document = joined.html()
    wrong = sum(len(soup.select(".choice.wrong")) for soup in joined.chapters.values())
    assert wrong > 10
    assert everything.count(words("Not right.")) >= wrong
    document = re.sub(r"<style>.*?</style>", "", document, flags=re.DOTALL)
    assert not [name for name in ("moving-figure", "launch-button", "<button", "<details") if name in document]
    assert "/AcroForm" not in book.trailer["/Root"]
    pictures = sum(len(page.images) for page in book.pages)
    assert pictures >= sum(len(soup.select("img")) for soup in joined.chapters.values())
    for name in MOVING:
        assert joined.chapters[name].select(".tag_still img"), name


def test_pictures_keep_within_the_margins(book):
    """Chromium prints over the margin, and cuts off, where the flow is wider than the page that it is on."""
    margin, edges = 23 / 25.4 * 72, []

    def note(operator, operands, matrix, _):
        if operator == b"Do":
            edges.append((matrix[4], matrix[4] + matrix[0]))

    for page in book.pages[1:]:
        if "/XObject" in page["/Resources"]:
            page.extract_text(visitor_operand_before=note)
    assert len(edges) > 30
    assert min(left for left, _ in edges) >= margin - 1
    assert max(right for _, right in edges) <= float(book.pages[1].mediabox.width) - margin + 1


def test_what_would_stand_over_the_margin_is_named(site, browser, monkeypatch):
    class Wide(pdf.Book):
        def _contents(self):
            return '<section class="chapter" id="much"><pre style="width: 900px">x</pre></section>'

    monkeypatch.setattr(pdf, "Book", Wide)
    with pytest.raises(CourseError, match="over the margin.*\nmuch: pre x"):
        pdf.write(site, PARTS, browser)

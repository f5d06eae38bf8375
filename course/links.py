"""Where the built site's links lead: each one within it must arrive, those that leave it are listed."""

from collections import defaultdict
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

LEADING = ("href", "src")
# Addresses that a browser does not fetch from anywhere.
INLINE = ("data", "mailto", "javascript", "about")


@dataclass
class Links:
    """`broken`: "page: address (what is wrong)"; `outside`: for each address, the pages that name it."""

    broken: list[str] = field(default_factory=list)
    outside: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def list_of_outside(self) -> str:
        """The addresses outside the site, one a line with the pages that name it, and first how many there are."""
        lines = [f"{address}\t{', '.join(sorted(pages))}" for address, pages in sorted(self.outside.items())]
        return "\n".join([f"# {len(lines)} addresses outside the site, and the pages that name them", *lines, ""])


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.links += [given[name] for name in LEADING if given.get(name)]
        self.places |= {given[name] for name in ("id", "name") if given.get(name)}


def examine(site: Path) -> Links:
    """Follow every link of every page in the site's folder. Nothing outside it is fetched."""
    pages = {path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))}
    pages = {name: page for name, page in pages.items() if not name.startswith("_static/")}
    found = Links()
    for name, page in pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme in INLINE:
                continue
            if parts.scheme or parts.netloc:
                found.outside[link].add(name)
            elif wrong := _wrong(site, pages, name, link):
                found.broken.append(f"{name}: {link} ({wrong})")
    return found


def _wrong(site: Path, pages: dict[str, Page], name: str, link: str) -> str:
    """Why a link of the page `name` within the site does not arrive; empty where it does."""
    target = urlsplit(urljoin(f"/{name}", link))
    path = unquote(target.path).lstrip("/")
    if path.startswith("../") or not (site / path).is_file():
        return "no such file"
    place = unquote(target.fragment)
    if place and path in pages and place not in pages[path].places:
        return "no such place on that page"
    return ""

"""The built site in a browser: a server on this machine and a headless Chromium, for PDF, pictures and tests."""

import contextlib
import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from pneumonia.settings import CourseError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LIGHT_AND_DARK = ("light", "dark")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of `folder` on this machine: a browser treats files of `file://` as strangers."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def chromium() -> Iterator:
    """A headless Chromium, as Playwright's `Browser`. CourseError where this machine has none."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        raise CourseError(f"Chromium is not there (none of {', '.join(BROWSERS)}). On Debian and Ubuntu: make browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise CourseError("Playwright is not there. In the clone: pip install -r requirements.txt") from None
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def settle(page) -> None:
    """Wait until a Playwright page shows all that it will show: formulas, fonts and pictures, lazy ones too."""
    page.wait_for_load_state("load")
    page.evaluate(
        """async () => {
          if (window.MathJax?.startup) await window.MathJax.startup.promise;
          for (const image of document.images) image.loading = "eager";
          await Promise.all([...document.images].map(image => image.decode().catch(() => {})));
          await document.fonts.ready;
        }"""
    )

"""`course site`: build the website, and follow its links."""

import os
import subprocess
import sys
import time
from pathlib import Path

import click

from course import links
from pneumonia.settings import CourseError


@click.command()
def site():
    """Build the website from the lessons; a warning is an error, and so is a broken link within the site."""
    started = time.monotonic()
    root = clone_folder()
    # jupyter-cache and the kernels are found beside this Python, also where the environment is not activated.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment["TQDM_DISABLE"] = "1"  # a page would keep every state of a progress bar
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(root)]
    if subprocess.run([*command, "-W", "--keep-going", "-n"], env=environment).returncode:
        raise CourseError("The site has errors or warnings, listed above; it may be incomplete")
    follow_links(root / "_build")
    click.echo(f"Built in {time.monotonic() - started:.0f} s")
    click.echo(f"The site: {(root / '_build/html/index.html').as_uri()}")


def clone_folder() -> Path:
    """The clone, which the site is built from. CourseError where the course was installed without one."""
    root = Path(__file__).resolve().parent.parent
    if not (root / "_toc.yml").is_file():
        raise CourseError(f"{root}: expected the course's folder with _toc.yml; the site is built from a clone")
    return root


def built_site() -> Path:
    """The folder of the built site. CourseError where it has not been built."""
    folder = clone_folder() / "_build" / "html"
    if not (folder / "index.html").is_file():
        raise CourseError(f"{folder}: the site is not there yet; `course site` builds it")
    return folder


def contents(root: Path) -> list[tuple[str, list[str]]]:
    """(caption, pages) of each part of the book in reading order; the first is the welcome page, without a caption."""
    import yaml

    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = [(part["caption"], [chapter["file"] for chapter in part["chapters"]]) for part in toc["parts"]]
    return [("", [toc["root"]]), *parts]


def follow_links(build: Path) -> None:
    """List the addresses outside the site in `external-links.txt`. CourseError where a link within it is broken."""
    found = links.examine(build / "html")
    (build / "external-links.txt").write_text(found.list_of_outside(), encoding="utf-8")
    click.echo(f"{len(found.outside)} addresses outside the site: {build / 'external-links.txt'}")
    if found.broken:
        raise CourseError("Links that lead nowhere:\n" + "\n".join(found.broken))


def prepare():
    """What the lessons' cells need and would otherwise wait for silently: the images, the weights, the features.

    Sphinx has it done where it reads a page (book/_ext/course_site.py), so that a build with nothing new is quick.
    """
    from pneumonia import data, reference, vgg16
    from pneumonia.features import extract

    extract(data.current(), vgg16.load_base((reference.SIZE, reference.SIZE, 3)), reference.LAYER, reference.SIZE)

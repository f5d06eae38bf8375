"""`course site`: build the website."""

import os
import subprocess
import sys
from pathlib import Path

import click


@click.command()
def site():
    """Build the website from the lessons; a warning is an error."""
    from pneumonia.settings import CourseError

    root = Path(__file__).resolve().parent.parent
    if not (root / "_toc.yml").is_file():
        raise CourseError(f"{root}: expected the course's folder with _toc.yml; the site is built from a clone")
    prepare()
    # jupyter-cache and the kernels are found beside this Python, also where the environment is not activated.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(root)]
    if subprocess.run([*command, "-W", "--keep-going", "-n"], env=environment).returncode:
        raise CourseError("The site has errors or warnings, listed above; it may be incomplete")
    click.echo(f"The site: {(root / '_build/html/index.html').as_uri()}")


def prepare():
    """What the lessons' cells need and would otherwise wait for silently: the images, the weights, the features."""
    from pneumonia import data, reference, vgg16
    from pneumonia.features import extract

    extract(data.current(), vgg16.load_base((reference.SIZE, reference.SIZE, 3)), reference.LAYER, reference.SIZE)

"""`course data`: which images the course works on."""

import contextlib
from pathlib import Path

import click


@click.group(invoke_without_command=True)
@click.option("--sheet", type=click.Path(dir_okay=False, path_type=Path), help="Where the contact sheet goes (PNG).")
@click.pass_context
def data(context, sheet):
    """Show the card of the data in use, or choose other data.

    PNEUMONIA_DATA ("phantom", a folder, or an .npz file) overrides the choice.
    """
    if context.invoked_subcommand is None:
        from pneumonia.data import current

        show(current(), sheet)


@data.group()
def use():
    """Use images that are on this machine already."""


@use.command()
@click.argument("path", type=click.Path(path_type=Path))
def folder(path):
    """A folder with {train,val,test}/{NORMAL,PNEUMONIA}/*.jpeg, as the public downloads have it."""
    choose(path)


@use.command("medmnist")
@click.argument("path", type=click.Path(path_type=Path))
def use_medmnist(path):
    """MedMNIST's pneumoniamnist*.npz (it carries no patients)."""
    choose(path)


@data.command()
@click.option("--medmnist", "medmnist_size", type=int, metavar="SIZE", help="PneumoniaMNIST at 28, 64, 128 or 224 px.")
def download(medmnist_size):
    """Fetch the public data set (1.2 GB, no account needed) and use it."""
    from pneumonia import download as downloads

    choose(downloads.medmnist(medmnist_size) if medmnist_size else downloads.kaggle())


@data.command()
def phantom():
    """Use the phantom: X-rays drawn by code; needs no download."""
    choose("phantom")


def choose(choice):
    from pneumonia.data import use

    show(use(str(choice)))


def show(dataset, sheet=None):
    """Print the data card and draw a contact sheet."""
    from pneumonia.data import current_choice
    from pneumonia.plots import contact_sheet
    from pneumonia.settings import CourseError, cache_dir

    card = dataset.card()
    click.echo(card["title"])
    click.echo(f"  {'location':<12}{dataset.source.location}")
    for split, classes in card["counts"].items():
        click.echo(f"  {split:<12}" + ", ".join(f"{n:,} {name}" for name, n in classes.items()))
    click.echo(f"  {'kinds':<12}" + ", ".join(f"{n:,} {kind}" for kind, n in card["kinds"].items()))
    patients = "not known: a split by patient is not possible" if card["patients"] is None else f"{card['patients']:,}"
    click.echo(f"  {'patients':<12}{patients}")
    (w0, w1, w2), (h0, h1, h2) = card["width"], card["height"]
    click.echo(f"  {'pixels':<12}width {w0} to {w2} (median {w1}), height {h0} to {h2} (median {h1})")
    click.echo(f"  {'licence':<12}{card['licence']}")
    click.echo(f"  {'credit':<12}{card['attribution']}")
    click.echo(f"  {'fingerprint':<12}{card['fingerprint']}")
    sheet = sheet or cache_dir() / "contact_sheet.png"
    try:
        contact_sheet(dataset, 18).savefig(sheet)
    except OSError as error:
        raise CourseError(f"{sheet}: the contact sheet could not be written ({error.strerror})") from None
    click.echo(f"  {'sheet':<12}{sheet}")
    with contextlib.suppress(CourseError):  # an unreadable stored choice is reported where it is used
        click.echo(f"  {'in use':<12}{current_choice()}")

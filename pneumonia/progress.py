"""A progress bar with rate and time left, where someone can see it: a terminal or a notebook that is open."""

import sys

from tqdm import tqdm


def bar(total: int | None, description: str, *, show: bool = True, **options) -> tqdm:
    """A bar over images. In a notebook it goes to stdout: there, whatever is on stderr looks like an error."""
    in_notebook = "ipykernel" in sys.modules
    file = sys.stdout if in_notebook else sys.stderr
    if not show or not (in_notebook or file.isatty()):
        options["disable"] = True  # else tqdm looks at TQDM_DISABLE
    return tqdm(total=total, desc=description, unit="image", file=file, **options)

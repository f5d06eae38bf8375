"""Where the project and its website are: the home of the address, for messages on any machine and for the site's own.

`_config.yml` repeats it for Jupyter Book, which reads nothing else; a test compares the two.
"""

REPOSITORY = "https://github.com/pneumonia-course/pneumonia-course"


def site_of(repository: str) -> str:
    """The address at which GitHub Pages publishes a repository's site, without a `/` at its end."""
    owner, name = repository.rstrip("/").split("/")[-2:]
    return f"https://{owner}.github.io/{name}"


def page_url(page: str) -> str:
    """The address of a page of the published site, by its name in `_toc.yml`, for instance `book/setup`."""
    return f"{site_of(REPOSITORY)}/{page}.html"

"""The course's Sphinx extension: launch buttons, a notebook of each lesson, and a cache that knows what it depends on.

Jupyter Book's own launch buttons open a page's source, which Colab cannot do for Markdown. Here each lesson is written
as a notebook into the site (`notebooks/NAME.ipynb`), and the buttons open that, on the branch the site is published on.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from html import escape
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import quote

import exercise_links
import lesson_notebooks
import nbformat
from myst_nb.sphinx_ import NbMetadataCollector

LESSONS = "book/lessons/"  # pages whose name begins so are lessons
PUBLISHED_BRANCH = "gh-pages"
# Packages whose version can change what a lesson's cells show.
OUTPUT_PACKAGES = ("keras", "matplotlib", "numpy", "pillow", "scikit-learn", "scipy", "tensorflow", "tensorflow-cpu")


def setup(app):
    app.connect("config-inited", name_repository)
    app.connect("config-inited", name_execution_cache)
    app.add_config_value("course_extensions", "", "env")  # another value: every page is read and written anew
    app.connect("config-inited", notice_changed_extensions)
    app.connect("env-before-read-docs", prepare_lessons)
    app.connect("source-read", insert_addresses)
    app.connect("html-page-context", leave_out_thebe, priority=600)
    app.connect("html-page-context", add_launch_bar, priority=600)
    app.connect("html-page-context", add_execution_time, priority=600)
    app.connect("html-page-context", plain_references, priority=600)
    app.add_js_file("wide.js", loading_method="defer")
    app.connect("build-finished", write_notebooks)
    app.connect("build-finished", remember_success)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# --- what the outputs depend on ---------------------------------------------------------------------------------------


def name_repository(app, config):
    """The project's address: the workflow's own repository, else `repository.url` of _config.yml."""
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        config.html_theme_options["repository_url"] = f"https://github.com/{repository}"


def insert_addresses(app, docname, source):
    """`REPOSITORY-URL` in a page, also in a code block, is the project's address, `SITE-URL` the published site's."""
    source[0] = source[0].replace("REPOSITORY-URL", repository_url(app)).replace("SITE-URL", site_url(app))


def name_execution_cache(app, config):
    """Name the cache of executed cells after the library, the results, the data and the packages they use.

    jupyter-cache looks at a page's code only. The setting belongs to Sphinx's environment, so another name also makes
    Sphinx read every page again.
    """
    data = os.environ.get("PNEUMONIA_DATA", "")
    if data and data != "phantom":  # cells run in a folder of their own
        data = os.environ["PNEUMONIA_DATA"] = str(Path(data).expanduser().resolve())
    caches = Path(app.outdir).parent / ".jupyter_cache"
    name = fingerprint(Path(app.srcdir), data)
    for old in caches.glob("*"):
        if old.name != name and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
    config.nb_execution_cache_path = str(caches / name)


def fingerprint(root: Path, data: str) -> str:
    """16 hexadecimal digits of everything but a page's own code that its outputs depend on."""
    from pneumonia.settings import config_file

    digest = hashlib.sha256(data.encode())
    patterns = ("pneumonia/*.py", "results/*.json", "exercises/*/*.ipynb")
    for path in [*sorted(path for pattern in patterns for path in root.glob(pattern)), config_file()]:
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    versions = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"] in OUTPUT_PACKAGES}
    digest.update(json.dumps(versions, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def notice_changed_extensions(app, config):
    """Sphinx looks at pages only; a change of what makes pages of them counts as well."""
    digest = hashlib.sha256()
    for folder in ("_ext", "_templates"):
        for path in sorted(Path(app.srcdir, "book", folder).glob("*.*")):
            digest.update(path.name.encode() + path.read_bytes())
    config.course_extensions = digest.hexdigest()[:16]


def prepare_lessons(app, env, docnames):
    """Draw phantoms and extract features before a cell waits for them, in a process that gives its memory back."""
    if docnames:
        command = [sys.executable, "-c", "from course.site import prepare; prepare()"]
        subprocess.run(command, cwd=app.srcdir, check=True)


def remember_success(app, exception):
    """After warnings, read everything again the next time: Sphinx would call an unchanged page fine and pass.

    `_build/site.complete` is there after a build without any, with the fingerprint of what it was built from.
    """
    complete = Path(app.outdir).parent / "site.complete"
    if exception or app._warncount:
        complete.unlink(missing_ok=True)
        Path(app.doctreedir, "environment.pickle").unlink(missing_ok=True)
    else:
        complete.write_text(Path(app.config.nb_execution_cache_path).name + "\n")


def leave_out_thebe(app, pagename, templatename, context, doctree):
    """No script of sphinx-thebe, which no page uses: Jupyter Book loads it always, and it declares a constant twice."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', '')}".lower()
    ]


# --- launch buttons ---------------------------------------------------------------------------------------------------


def is_lesson(docname: str) -> bool:
    return docname.startswith(LESSONS)


def notebook_name(docname: str) -> str:
    return docname.removeprefix(LESSONS).replace("/", "-") + ".ipynb"


def repository_url(app) -> str:
    return app.config.html_theme_options["repository_url"].rstrip("/")


def site_url(app) -> str:
    """Where the site is published, without a `/` at its end."""
    from pneumonia.address import site_of

    return (app.config.html_baseurl or site_of(repository_url(app))).rstrip("/")


def launch_links(repository: str, name: str) -> dict[str, str]:
    """Where Colab and Binder open a notebook of the published site."""
    project = repository.removeprefix("https://github.com/")
    path = f"notebooks/{name}"
    tree = quote(f"lab/tree/{path}", safe="")
    return {
        "Colab": f"https://colab.research.google.com/github/{project}/blob/{PUBLISHED_BRANCH}/{path}",
        "Binder": f"https://mybinder.org/v2/gh/{project}/{PUBLISHED_BRANCH}?urlpath={tree}",
    }


def add_launch_bar(app, pagename, templatename, context, doctree):
    """Under a lesson's title: minutes to read and to practise, and links to run it on Colab, on Binder, or at home."""
    if not is_lesson(pagename) or "body" not in context:
        return
    name = notebook_name(pagename)
    source = Path(app.env.doc2path(pagename)).read_text(encoding="utf-8")
    static = context["pathto"]("_static/images", 1)
    icons = {"Colab": f"{static}/logo_colab.png", "Binder": f"{static}/logo_binder.svg"}
    links = [
        f'<a class="launch-button" href="{escape(url)}"><img src="{icons[service]}" alt="">Open in {service}</a>'
        for service, url in launch_links(repository_url(app), name).items()
    ]
    target = context["pathto"](f"notebooks/{name}", 1)
    links.append(f'<a class="launch-button" href="{target}" download>Download notebook</a>')
    minutes = f"{lesson_notebooks.minutes(source)} minutes to read"
    if practice := exercise_links.practice_minutes(source):
        minutes += f", {practice} to practise"
    bar = f'<div class="launch-bar"><span class="reading-time">{minutes}</span>{"".join(links)}</div>'
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{bar}", 1)


def plain_references(app, pagename, templatename, context, doctree):
    """The references without docutils' roles for them: ARIA has deprecated one, and the other does not fit."""
    if 'role="doc-biblioentry"' in context.get("body", ""):
        context["body"] = context["body"].replace(' role="doc-biblioentry"', "").replace(' role="list"', "")


# --- how long it took -------------------------------------------------------------------------------------------------


def add_execution_time(app, pagename, templatename, context, doctree):
    """At the foot of a page with code: how long its cells took when they were last executed, as MyST-NB measured it."""
    if "body" not in context or pagename not in app.env.found_docs:
        return
    seconds = (NbMetadataCollector.get_exec_data(app.env, pagename) or {}).get("runtime")
    if seconds is not None:
        context["body"] += f'<p class="execution-time">The code of this page ran in {duration(seconds)}.</p>\n'


def duration(seconds: float) -> str:
    """Seconds as a reader says them: with a decimal below ten, whole up to two minutes, then in minutes."""
    if seconds < 10:
        return f"{seconds:.1f} seconds"
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


# --- the lessons as notebooks -----------------------------------------------------------------------------------------


def write_notebooks(app, exception):
    """Each lesson as `notebooks/NAME.ipynb` in the site, and beside them what Binder needs to run them."""
    if exception or app.builder.format != "html":
        return
    repository, site = repository_url(app), site_url(app)
    references = lesson_notebooks.references(Path(app.srcdir, *app.config.bibtex_bibfiles))
    folder = Path(app.outdir, "notebooks")
    folder.mkdir(exist_ok=True)
    for docname in sorted(filter(is_lesson, app.env.found_docs)):
        left = Path(app.outdir).parent / "jupyter_execute"  # where MyST-NB leaves each page as a notebook
        source = nbformat.read(left / f"{docname}.ipynb", as_version=4)
        page = lesson_notebooks.Page(f"{site}/{docname}.html", Path(app.srcdir, docname).parent, references)
        glued = lesson_notebooks.glued_values(left / f"{docname}.glue.json")
        notebook = lesson_notebooks.convert(source, page, repository, glued)
        nbformat.write(notebook, folder / notebook_name(docname))
    binder = Path(app.outdir, "binder")
    binder.mkdir(exist_ok=True)
    pins = Path(app.srcdir, "requirements.txt").read_text().splitlines()
    for name, content in lesson_notebooks.binder_files(repository, pins).items():
        (binder / name).write_text(content)
    Path(app.outdir, ".nojekyll").touch()  # GitHub Pages would leave out folders that begin with an underscore

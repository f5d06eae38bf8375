"""The lessons that messages and notebooks name: each is a page of the site, at the address that is named."""

import json
import re
from pathlib import Path

import pytest
import yaml

from autograder.exercises import exercise, exercises
from autograder.hand_ins.notebooks import source_of
from autograder.in_place import CheckFailed, check
from autograder.lessons import LESSONS, lesson
from pneumonia.address import REPOSITORY, page_url, site_of

ROOT = Path(__file__).resolve().parent.parent
each_exercise = pytest.mark.parametrize("name", exercises())


def pages() -> list[str]:
    """The pages of the site, by `_toc.yml`."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    return [chapter["file"] for part in parts for chapter in part["chapters"]]


def test_the_address_is_the_site_s_own():
    assert yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"] == REPOSITORY
    assert site_of("https://github.com/who/what/") == "https://who.github.io/what"
    assert page_url("book/setup") == f"{site_of(REPOSITORY)}/book/setup.html"


def test_each_exercise_has_a_lesson():
    assert list(LESSONS) == list(exercises())


@each_exercise
def test_the_lesson_is_a_page_of_that_title(name):
    page = LESSONS[name].page
    assert page in pages()
    text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
    assert re.search(r"^# (.+)$", text, re.MULTILINE)[1] == LESSONS[name].title


@each_exercise
def test_the_notebook_links_to_its_lesson(name):
    first = source_of(json.loads(exercise(name).source.read_bytes())["cells"][0])
    assert f"[“{LESSONS[name].title}”]({LESSONS[name].url})" in first


def test_a_message_gives_the_lesson_s_title_and_address():
    with pytest.raises(CheckFailed) as failed:
        check("precision", namespace={"precision": lambda tp, fp: tp / (tp + fp)})
    assert f"lesson    {lesson('02-metrics')}" in str(failed.value)
    assert lesson("02-metrics").endswith("”, " + page_url("book/lessons/measuring"))

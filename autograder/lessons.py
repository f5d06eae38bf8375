"""Which lesson explains which exercise: the only place that names them, for every message and page that does."""

from dataclasses import dataclass

from pneumonia.address import page_url


@dataclass(frozen=True)
class Lesson:
    """A lesson's title, and the name of its page in `_toc.yml`."""

    title: str
    page: str

    @property
    def url(self) -> str:
        """Where it is published."""
        return page_url(self.page)


LESSONS = {
    "01-convolution": Lesson("What a convolution sees", "book/lessons/convolution"),
    "02-metrics": Lesson("Measuring a classifier", "book/lessons/measuring"),
    "03-transfer-head": Lesson("Borrow an eye: transfer learning", "book/lessons/transfer"),
    "04-class-imbalance": Lesson("When one class outnumbers the other", "book/lessons/imbalance"),
    "05-overfitting": Lesson("Learned, or learned by heart?", "book/lessons/diagnosis"),
    "06-capstone": Lesson("On your own: the capstone", "book/lessons/capstone"),
}


def lesson(exercise: str) -> str:
    """The lesson of an exercise, as a message names it. Raises KeyError for an exercise that has none."""
    found = LESSONS[exercise]
    return f"“{found.title}”, {found.url}"

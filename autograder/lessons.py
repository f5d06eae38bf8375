"""Which lesson explains which exercise: the only place that names them, for every message and page that does."""

# Exercise -> the lesson's title. The site's address is not known before it is published, and a dead link helps nobody,
# so a lesson is named by its title until then.
LESSONS = {
    "01-convolution": "What a convolution sees",
    "02-metrics": "Measuring a classifier",
    "03-transfer-head": "Borrow an eye: transfer learning",
    "04-class-imbalance": "When one class outnumbers the other",
    "05-overfitting": "Learned, or learned by heart?",
    "06-capstone": "Borrow an eye: transfer learning",
}


def lesson(exercise: str) -> str:
    """The lesson of an exercise, as a message names it. Raises KeyError for an exercise that has none."""
    return f"“{LESSONS[exercise]}”"

"""The public checks: what learners receive. One module `test_<exercise>.py` for each exercise.

A check takes the fixture `learner`, and `rng` where it draws its input. It is marked with the function that it belongs
to, `@function("precision")`, and the first line of its docstring is its title in every message.
"""

import pytest

function = pytest.mark.function

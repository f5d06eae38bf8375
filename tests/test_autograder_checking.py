"""What a failed check shows: a call that can be tried, what differs and where, and a hint that fits."""

import numpy as np
import pytest

from autograder.checking import SHOWN, Wrong, WrongType, expect, same_array, same_whole_number, show
from autograder.learner import in_place


@pytest.mark.parametrize(
    "array",
    [
        np.array([[10, 200], [30, 90]], np.uint8),
        np.arange(SHOWN, dtype=np.float32).reshape(4, -1) / 3,
        np.linspace(-1 / 3, 1e6, SHOWN),
        np.array([True, False]),
        np.array(2, np.int8),
        np.zeros((0, 3)),
        np.zeros(0, int),
        np.float32([[1.5]]),
    ],
    ids=lambda array: f"{array.dtype}",
)
def test_what_is_shown_can_be_tried(array):
    """The same numbers of the same type: a uint8 that wraps around does not do so as an int64."""
    tried = eval(show(array), {"np": np})
    assert (tried.shape, tried.dtype) == (array.shape, array.dtype)
    np.testing.assert_allclose(tried, array)


def test_the_type_is_not_shown_where_numpy_chooses_it():
    assert show(np.array([1, 2])) == "np.array([1, 2])"
    assert show(np.array([1.0, 0.5])) == "np.array([1.0, 0.5])"
    assert show(np.array(["IM-0115", "person1"], "<U20")) == "np.array(['IM-0115', 'person1'])"
    assert show(np.array([1, 2], np.uint8)) == "np.array([1, 2], np.uint8)"


@pytest.mark.parametrize("kind", [np.array, np.ndarray.tolist])
def test_of_long_arrays_the_first_difference_is_shown(kind):
    expected = np.arange(80.0).reshape(8, 10)
    wrong = expected + (expected == 42) / 4 + (expected == 77)
    with pytest.raises(Wrong) as caught:
        expect(in_place({"f": lambda: kind(wrong)}), "f", expected=expected, same=same_array, otherwise="look")
    assert caught.value.expected.endswith(", at [4, 2]: 42.0")
    assert caught.value.came.endswith(", at [4, 2]: 42.25")
    with pytest.raises(Wrong) as caught:
        expect(in_place({"f": lambda: wrong[:6]}), "f", expected=expected[:6], same=same_array, otherwise="look")
    assert "at [" not in caught.value.came
    assert "..." not in caught.value.came


@pytest.mark.parametrize(
    ("came", "mend"), [(448.0, "give back `int(...)` of it"), (4.5, "`//` divides and rounds down")]
)
def test_a_float_in_the_place_of_a_whole_number(came, mend):
    """Where nothing was divided, `//` is no help."""
    with pytest.raises(WrongType) as caught:
        same_whole_number(came, 448)
    assert f"and a float came: {mend}" in str(caught.value)

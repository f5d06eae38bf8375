"""What a failed check shows: a call that can be tried, what differs and where, and a hint that fits."""

import pytest

from autograder.checking import WrongType, same_whole_number


@pytest.mark.parametrize(
    ("came", "mend"), [(448.0, "give back `int(...)` of it"), (4.5, "`//` divides and rounds down")]
)
def test_a_float_in_the_place_of_a_whole_number(came, mend):
    """Where nothing was divided, `//` is no help."""
    with pytest.raises(WrongType) as caught:
        same_whole_number(came, 448)
    assert f"and a float came: {mend}" in str(caught.value)

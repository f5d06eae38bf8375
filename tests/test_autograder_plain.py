"""The codec between judge and worker: what goes in comes out, and nothing else gets through."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.judging import calls, plain

arrays = st.sampled_from(sorted(plain.DTYPES)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
scalars = arrays.filter(lambda array: array.size).map(lambda array: array.ravel()[0])
whole_scalars = scalars.filter(lambda scalar: isinstance(scalar, np.integer))
generators = st.builds(lambda seed, draws: drawn_from(seed, draws), st.integers(0, 2**64), st.integers(0, 3))
whole = st.integers(-(2**63), 2**63 - 1)
leaves = st.none() | st.booleans() | whole | st.floats() | st.text() | arrays | scalars | generators
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | whole | whole_scalars, inner, max_size=4)
    ),
    max_leaves=12,
)


def drawn_from(seed: int, draws: int) -> np.random.Generator:
    """A generator that has been drawn from; an odd number of 32-bit draws leaves half a number in it."""
    generator = np.random.default_rng(seed)
    generator.integers(2**32, size=draws, dtype=np.uint32)
    return generator


def alike(a, b) -> bool:
    """Whether two values are the same in type and bits, nan included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict):
        return alike(list(a), list(b)) and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, np.random.Generator):
        return a.bit_generator.state == b.bit_generator.state
    return repr(a) == repr(b)


@given(values)
def test_round_trip(value):
    assert alike(plain.loads(plain.dumps(value)), value)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_plain(data):
    try:
        value = plain.loads(data)
    except plain.Garbage:
        return
    assert alike(plain.loads(plain.dumps(value)), value)


@given(values, st.integers(min_value=0), st.binary(min_size=1, max_size=3))
def test_damaged_messages_never_crash(value, place, noise):
    data = bytearray(plain.dumps(value))
    place %= len(data)
    data[place : place + len(noise)] = noise
    try:
        calls.read(bytes(data))
    except plain.Garbage:
        return
    raise AssertionError("a message that is no reply was read as one")


def tagged(name, content) -> bytes:
    return json.dumps({name: content}).encode()


EIGHT = base64.b64encode(bytes(8)).decode()


@pytest.mark.parametrize(
    "message",
    [
        b"NaN",
        b"1e999",
        b"[" * 100_000,
        b"9" * 5000,
        b'{"list": [1]}',
        b'{"tuple": [1], "dict": []}',
        b'{"tuple": [1], "tuple": [2]}',
        "é".encode(),
        tagged("float", "1.0"),
        tagged("tuple", 3),
        tagged("dict", [["a", 1], ["a", 2]]),
        tagged("dict", [[True, 1]]),
        tagged("dict", [[["a"], 1]]),
        tagged("dict", [[{"array": ["int64", [1], EIGHT]}, 1]]),
        tagged("dict", [[{"scalar": ["float64", EIGHT]}, 1]]),
        tagged("dict", [[{"scalar": ["int64", EIGHT]}, 1], [0, 2]]),
        tagged("generator", [1, 1, 0]),
        tagged("generator", [1, 1, 0, 0, 0]),
        tagged("generator", [2**128, 1, 0, 0]),
        tagged("generator", [1, -1, 0, 0]),
        tagged("generator", [1, 1, 2, 0]),
        tagged("generator", [1, 1, True, 0]),
        tagged("generator", [1, 1, 0, 2**32]),
        tagged("generator", [1, 1, 0, 1.0]),
        tagged("generator", ["1", 1, 0, 0]),
        tagged("generator", {"tuple": [1, 1, 0, 0]}),
        tagged("array", ["object", [1], EIGHT]),
        tagged("array", ["O", [1], EIGHT]),
        tagged("array", ["float64", [2], EIGHT]),
        tagged("array", ["float64", [-1], EIGHT]),
        tagged("array", ["float64", [True], EIGHT]),
        tagged("array", ["float64", [10**12, 10**12], EIGHT]),
        tagged("array", ["float64", [1], "!" + EIGHT]),
        tagged("array", ["bool", [1], base64.b64encode(b"\x07").decode()]),
        tagged("scalar", ["float64", EIGHT + EIGHT]),
        b"9223372036854775808",
        b"[-9223372036854775809]",
        b"[" * 40 + b"]" * 40,
    ],
)
def test_garbage_is_refused(message):
    with pytest.raises(plain.Garbage):
        plain.loads(message)


class Liar(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


class LyingArray(np.ndarray):
    pass


class LyingGenerator(np.random.Generator):
    pass


@pytest.mark.parametrize(
    "value",
    [
        object(),
        Liar(0.5),
        np.zeros(2).view(LyingArray),
        np.array([object()]),
        np.array([b"bytes"]),
        np.longdouble(1),
        {1.5: "a"},
        {np.timedelta64(1, "s"): "a"},
        np.random.Generator(np.random.MT19937(1)),
        np.random.Generator(np.random.PCG64DXSM(1)),
        np.random.RandomState(1),
        LyingGenerator(np.random.PCG64(1)),
        {"inside": [{"set": {1}}]},
        lambda: 1,
        2**63,
        -(2**63) - 1,
        [{0: 2**2000}],
        b"bytes",
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_objects_do_not_cross(value):
    with pytest.raises(plain.NotPlain):
        plain.dumps(value)


@given(generators)
def test_a_generator_draws_and_spawns_the_same_on_the_other_side(generator):
    data = plain.dumps(generator)
    here, there = plain.loads(data), plain.loads(data)
    assert here.normal(size=5).tolist() == there.normal(size=5).tolist() == generator.normal(size=5).tolist()
    assert here.spawn(1)[0].random() == there.spawn(1)[0].random()


def test_generators_of_two_states_spawn_different_ones():
    spawned = [plain.loads(plain.dumps(np.random.default_rng(seed))).spawn(1)[0].random() for seed in (1, 2)]
    assert spawned[0] != spawned[1]


def test_drawing_from_a_generator_is_no_changed_argument():
    def draw(rng, values):
        return rng.permutation(values)

    generator = np.random.default_rng(1)
    question = plain.loads(calls.ask("draw", (generator, np.arange(5)), {}))
    answer = calls.read(calls.answer({"draw": draw}, question))
    assert answer.changed == ()
    assert answer.value.tolist() == generator.permutation(5).tolist()


def test_a_list_that_holds_itself_does_not_cross():
    endless = []
    endless.append(endless)
    with pytest.raises(plain.NotPlain, match="nested"):
        plain.dumps(endless)


def test_too_much_is_refused_on_both_sides():
    with pytest.raises(plain.NotPlain, match="may be sent"):
        plain.dumps("x" * 101, limit=100)
    with pytest.raises(plain.NotPlain, match="may be sent"):
        plain.dumps(np.zeros(13), limit=100)
    with pytest.raises(plain.Garbage, match="are allowed"):
        plain.loads(b" " * 101, limit=100)


@pytest.mark.parametrize(
    "reply",
    [
        3,
        {"kind": "gift"},
        {"kind": "raised", "type": 3},
        {"kind": "raised", "lines": "no list"},
        {"kind": "value", "changed": [1]},
        {"kind": "raised", "bases": ["x"] * 1000},
    ],
)
def test_replies_of_another_shape_are_refused(reply):
    with pytest.raises(plain.Garbage):
        calls.read(plain.dumps(reply))


@pytest.mark.parametrize(
    "value", [[0] * (plain.ITEMS + 1), [[]] * (plain.ITEMS // 2 + 1), dict.fromkeys(range(plain.KEYS + 1))]
)
def test_more_values_than_a_reader_can_bear_are_refused_on_both_sides(value):
    with pytest.raises(plain.NotPlain, match="may be sent"):
        plain.dumps(value)


def test_forged_messages_of_many_values_are_not_read():
    many = b"[" + b"[]," * plain.ITEMS + b"[]]"
    keys = b",".join(b"[%d,0]" % (key * (2**61 - 1)) for key in range(plain.KEYS + 1))
    for forged in (many, b'{"dict":[' + keys + b"]}"):
        with pytest.raises(plain.Garbage, match="are allowed"):
            plain.loads(forged)
    assert len(plain.loads(many, items=2**25)) == plain.ITEMS + 1
    assert len(plain.loads(plain.dumps([0] * 10**6))) == 10**6


def test_half_a_character_is_no_text():
    with pytest.raises(plain.Garbage, match="half a character"):
        plain.loads(b'["\\ud83d"]')
    assert plain.loads(b'["\\ud83e\\ude7b"]') == ["\U0001fa7b"]

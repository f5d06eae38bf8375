"""Plain data on the wire between judge and worker: a small, strict codec.

What may cross is what the exercises ask for: None, bool, int, float, str, list, tuple, dict, numeric NumPy arrays and
scalars, arrays of text, NumPy's default random generator, and the numbers of objects that stay where they are
(`Handle`). It is JSON in which each JSON object is a tag (`{"tuple": [...]}`), so
that decoding runs nobody's code, gives back exactly the types that were sent, and refuses everything else. No pickle,
no object arrays, no subclasses.
"""

import base64
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

LIMIT = 64 * 2**20  # bytes of one message
ITEMS = 2**20  # values in one message, a whole array counted as one: each costs a reader 100 bytes and more
KEYS = 1000  # of one dict: keys with the same hash can be chosen, and cost a reader their number's square
DEPTH = 32  # containers inside containers
INTS = range(-(2**63), 2**63)  # beyond, NumPy has no integers: a check's arithmetic would fail on one
DTYPES = frozenset(
    ["bool"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    + ["float16", "float32", "float64", "complex64", "complex128"]
)


@dataclass(frozen=True)
class Handle:
    """The number of an object, a Keras model, that stays where the learner's code runs."""

    number: int


class NotPlain(TypeError):
    """An object that may not cross, with a message that says which and why."""


class Garbage(ValueError):
    """Bytes that no honest encoder wrote."""


def dumps(value: Any, limit: int = LIMIT, items: float = ITEMS) -> bytes:
    """Encode plain data. Raises NotPlain for anything else, and where the message is longer than `limit` bytes.

    `items` is how many values it may hold, commas and brackets in texts counted with them.
    """
    data = json.dumps(_encode(value, 0, limit), allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(data) > limit:
        raise NotPlain(f"{len(data)} bytes, of which {limit} may be sent")
    if items < math.inf and _items(data) > items:
        raise NotPlain(f"{_items(data)} values, of which {items} may be sent: use arrays")
    return data


def loads(data: bytes, limit: int = LIMIT, items: float = ITEMS) -> Any:
    """Decode what `dumps` wrote. Raises Garbage for anything else: the sender is not trusted."""
    if len(data) > limit:
        raise Garbage(f"a message of {len(data)} bytes, of which {limit} are allowed")
    if items < math.inf and _items(data) > items:
        raise Garbage(f"a message of {_items(data)} values, of which {items} are allowed")
    try:
        tree = json.loads(data.decode("ascii"), object_pairs_hook=_tag, parse_constant=_refuse_constant)
        return _decode(tree, 0)
    except Garbage:
        raise
    except (ValueError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise Garbage(f"not a message: {error}") from None


def _items(data: bytes) -> int:
    """The number of values in a message, at most, without reading it."""
    return 1 + data.count(b",") + data.count(b"[") + data.count(b"{")


class _Tag(tuple):
    """One JSON object, `(name, content)`: a type of its own, so that no list can pass for it."""

    __slots__ = ()


def _tag(pairs: list) -> _Tag:
    if len(pairs) != 1:
        raise Garbage(f"an object of {len(pairs)} keys where one tag was expected")
    return _Tag(pairs[0])


def _refuse_constant(text: str):
    raise Garbage(f"{text} without its tag")


def _encode(value: Any, depth: int, limit: int):
    """Turn a value into what the json module may write. `type(x) is` on purpose: a subclass can lie about itself."""
    if depth > DEPTH:
        raise NotPlain(f"containers nested deeper than {DEPTH}")
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        if value not in INTS:
            raise NotPlain(f"an int of {value.bit_length()} bits, of which 63 may be sent")
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is np.ndarray:
        if value.nbytes > limit:
            raise NotPlain(f"an array of {value.nbytes} bytes, of which {limit} may be sent")
        if value.dtype.kind == "U":
            return {"texts": [list(value.shape), value.ravel().tolist()]}
        return {"array": [_dtype_name(value.dtype), list(value.shape), _pack(value)]}
    if isinstance(value, np.generic):
        return {"scalar": [_dtype_name(value.dtype), _pack(np.asarray(value))]}
    if kind in (list, tuple, dict) and len(value) > ITEMS:
        raise NotPlain(f"a {kind.__name__} of {len(value)} values, of which {ITEMS} may be sent: use arrays")
    if kind is list:
        return [_encode(item, depth + 1, limit) for item in value]
    if kind is tuple:
        return {"tuple": [_encode(item, depth + 1, limit) for item in value]}
    if kind is dict:
        if len(value) > KEYS:
            raise NotPlain(f"a dict of {len(value)} keys, of which {KEYS} may be sent")
        return {"dict": [[_key(key, limit), _encode(item, depth + 1, limit)] for key, item in value.items()]}
    if kind is np.random.Generator:
        return {"generator": _generator_state(value)}
    if kind is Handle:
        return {"handle": value.number}
    raise NotPlain(f"an object of type {kind.__module__}.{kind.__qualname__}")


def _key(key, limit: int):
    if type(key) in (str, int) or isinstance(key, np.integer):
        return _encode(key, 0, limit)
    raise NotPlain(f"a dict key of type {type(key).__qualname__}")


def _dtype_name(dtype: np.dtype) -> str:
    if dtype.name not in DTYPES:
        raise NotPlain(f"an array of dtype {dtype}")
    return dtype.name


def _generator_state(generator: np.random.Generator) -> list[int]:
    """The four integers that PCG64, the bit generator of `default_rng`, consists of."""
    if type(generator.bit_generator) is not np.random.PCG64:
        raise NotPlain(f"a random generator on {type(generator.bit_generator).__name__}, not PCG64")
    state = generator.bit_generator.state
    return [state["state"]["state"], state["state"]["inc"], state["has_uint32"], state["uinteger"]]


def _pack(array: np.ndarray) -> str:
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(little_endian.tobytes()).decode("ascii")


def _decode(tree: Any, depth: int) -> Any:
    if depth > DEPTH:
        raise Garbage(f"containers nested deeper than {DEPTH}")
    if isinstance(tree, _Tag):
        name, content = tree
        if name not in _READERS:
            raise Garbage("an unknown tag")  # its name is not told: whoever sent it has chosen it
        return _READERS[name](content, depth)
    if isinstance(tree, list):
        return [_decode(item, depth + 1) for item in tree]
    if type(tree) is str and not tree.isascii() and not _is_text(tree):
        raise Garbage("a text with half a character in it")
    if type(tree) is int and tree not in INTS:
        raise Garbage("an int of more than 63 bits")
    if type(tree) is float and not math.isfinite(tree):
        raise Garbage("a float that overflows")
    return tree


def _is_text(text: str) -> bool:
    """Whether a text can be written down: half a character, which JSON can hold, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_float(content, depth) -> float:
    if content not in ("nan", "inf", "-inf"):
        raise Garbage("a tagged float that is finite")
    return float(content)


def _read_tuple(content, depth) -> tuple:
    return tuple(_decode(_list(content), depth))


def _read_dict(content, depth) -> dict:
    result = {}
    if len(_list(content)) > KEYS:
        raise Garbage(f"a dict of {len(content)} keys, of which {KEYS} are allowed")
    for pair in content:
        key, item = _list(pair, 2)
        key = _decode(key, depth + 1)
        if not (type(key) in (str, int) or isinstance(key, np.integer)) or key in result:
            raise Garbage("a dict key that is neither str nor an integer, or that occurs twice")
        result[key] = _decode(item, depth + 1)
    return result


def _read_scalar(content, depth) -> np.generic:
    name, data = _list(content, 2)
    return _unpack(name, (), data)[()]


def _read_array(content, depth) -> np.ndarray:
    name, shape, data = _list(content, 3)
    return _unpack(name, _shape(shape), data)


def _read_texts(content, depth) -> np.ndarray:
    shape, texts = _list(content, 2)
    if not all(type(text) is str for text in _list(texts)) or len(texts) != math.prod(_shape(shape)):
        raise Garbage("an array of text with the wrong content")
    # NumPy gives each element the room of the longest one.
    if len(texts) * max(map(len, texts), default=0) * 4 > LIMIT:
        raise Garbage("an array of text that is too large")
    return np.array(texts, dtype=np.str_).reshape(shape)


def _read_handle(content, depth) -> Handle:
    if type(content) is not int or not 0 <= content < 2**31:
        raise Garbage("a handle that is no number")
    return Handle(content)


def _shape(shape) -> tuple[int, ...]:
    if not all(type(length) is int and length >= 0 for length in _list(shape)) or len(shape) > DEPTH:
        raise Garbage("an impossible array shape")
    return tuple(shape)


def _read_generator(content, depth) -> np.random.Generator:
    numbers = _list(content, 4)
    bits = (128, 128, 1, 32)
    if not all(type(number) is int and 0 <= number < 2**most for number, most in zip(numbers, bits, strict=True)):
        raise Garbage("a random generator whose state is none")
    state, increment, has_uint32, uinteger = numbers
    # Seeded with its state, so that what it spawns, too, follows from what was sent and from nothing else.
    generator = np.random.Generator(np.random.PCG64([state, increment]))
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": increment},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
    return generator


_READERS = {
    "float": _read_float,
    "tuple": _read_tuple,
    "dict": _read_dict,
    "scalar": _read_scalar,
    "array": _read_array,
    "texts": _read_texts,
    "handle": _read_handle,
    "generator": _read_generator,
}


def _unpack(name, shape: tuple, data) -> np.ndarray:
    if type(name) is not str or name not in DTYPES or type(data) is not str:
        raise Garbage("an array without dtype or data")
    dtype = np.dtype(name)
    raw = base64.b64decode(data, validate=True)
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise Garbage(f"{len(raw)} bytes for an array of shape {shape} and dtype {name}")
    if name == "bool" and raw.strip(b"\x00\x01"):
        raise Garbage("a bool that is neither 0 nor 1")
    array = np.frombuffer(raw, dtype.newbyteorder("<")).reshape(shape)
    # A copy: frombuffer's arrays are read-only, and a learner may be given this one.
    return array.astype(dtype)


def _list(content, length: int | None = None) -> list:
    if type(content) is not list or (length is not None and len(content) != length):
        raise Garbage("a tag with the wrong content")
    return content

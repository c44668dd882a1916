"""JSON from strangers, read without guessing: slowly, and every fault has its place.

The standard parser keeps the last of two equal keys, and takes NaN, Infinity and 1e999 as numbers: each of
them lets one file mean two things. Here they are faults, and so is what is not of the type that is asked for.
"""

import json
import math
import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

import msgspec

Place: TypeAlias = tuple[str | int, ...]

BETWEEN = re.compile(rb"\}\s*,\s*\{")
"""What stands between two records of a list."""
DEEPEST = 32
_DIGITS = 18
"""Digits of a whole number: more do not fit 64 bits."""
_WORDS = {int: "a whole number", float: "a finite number", str: "a text", bool: "true or false"}
_UNIONS = (Union, types.UnionType)


@dataclass(frozen=True, slots=True)
class JsonFault:
    """What is wrong at a place of a JSON value; `text` is the key, the number, or what was found there."""

    kind: Literal["key", "constant", "number", "depth", "type"]
    place: Place
    text: str
    what: str
    expected: str = ""


class _Twice(dict[str, Any]):
    """An object in which a key stood twice."""

    key = ""


class _NoNumber(str):
    """The text of a number that is not finite, or too large."""

    __slots__ = ()


class _Marks:
    """What the standard parser calls for keys and numbers; its loose ends are marked in the value."""

    def __init__(self) -> None:
        self.any = False

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        seen: set[str] = set()
        twice = _Twice(value)
        for key, _ in pairs:
            if key in seen:
                twice.key = key
            seen.add(key)
        self.any = True
        return twice

    def constant(self, text: str) -> _NoNumber:
        self.any = True
        return _NoNumber(text)

    def float(self, text: str) -> Any:
        value = float(text)
        return value if math.isfinite(value) else self.constant(text)

    def int(self, text: str) -> Any:
        return int(text) if len(text) <= _DIGITS else self.constant(text)


def parse(text: str) -> tuple[Any, list[JsonFault]]:
    """The value of a JSON text, and every fault in it but those of types.

    Raises
    ------
    json.JSONDecodeError
        If it is no JSON.
    RecursionError
        If it is nested too deeply to be read at all.
    """
    marks = _Marks()
    value = json.loads(
        text,
        object_pairs_hook=marks.pairs,
        parse_constant=marks.constant,
        parse_float=marks.float,
        parse_int=marks.int,
    )
    return value, list(_faults(value, ())) if marks.any or _is_too_deep(value) else []


def _is_too_deep(value: Any) -> bool:
    """Whether a value is nested deeper than anything here may walk; how deep the parser goes is Python's."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _faults(value: Any, place: Place) -> Iterator[JsonFault]:
    if len(place) > DEEPEST:
        yield JsonFault("depth", place[:4], "", f"nested more than {DEEPEST} deep")
    elif isinstance(value, _NoNumber):
        if value.lstrip("-").isalpha():
            yield JsonFault("constant", place, value, f"not valid JSON: {value} is not a number")
        else:
            yield JsonFault("number", place, value, "a number that is out of range")
    elif isinstance(value, dict):
        if isinstance(value, _Twice):
            yield JsonFault("key", place, value.key, f"the key {value.key!r} is there twice")
        for key, inner in value.items():
            yield from _faults(inner, (*place, key))
    elif isinstance(value, list):
        for row, inner in enumerate(value):
            yield from _faults(inner, (*place, row))


def first_fault(text: str, kind: Any) -> JsonFault | None:
    """The first fault of a JSON text that is to be of a type; raises as `parse` does."""
    value, faults = parse(text)
    constant = _first(fault for fault in faults if fault.kind == "constant")
    return constant or type_fault(value, kind) or _first(faults)


def spelled(place: Place) -> str:
    """A place as in ``annotations[17].bbox``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".")


def moved(place: Place, name: str, first: int) -> Place:
    """The place in the list that is so called of a place in a piece that begins with record `first`."""
    rows = [first + step for step in place[:1] if isinstance(step, int)]
    return (name, *rows, *place[1:])


def type_fault(value: Any, kind: Any, place: Place = ()) -> JsonFault | None:
    """Where a JSON value is not of a type that msgspec decodes; None where it is.

    In words of our own: what msgspec says changes from release to release. A type may be given its words as
    the `title` of its `msgspec.Meta`.
    """
    if _fits(value, kind):
        return None
    for option in options(kind):
        inner = get_args(option)
        if get_origin(option) is list and isinstance(value, list):
            return _first(type_fault(item, inner[0], (*place, row)) for row, item in enumerate(value))
        if get_origin(option) is tuple and isinstance(value, list):
            if len(value) != len(inner):
                return JsonFault("type", place, str(len(value)), "wrong length", f"{len(inner)} numbers")
            return _first(type_fault(item, inner[row], (*place, row)) for row, item in enumerate(value))
        if isinstance(option, type) and issubclass(option, msgspec.Struct) and isinstance(value, dict):
            return _first(_field_fault(value, field, place) for field in msgspec.structs.fields(option))
    return _plain_fault(value, kind, place)


def _plain_fault(value: Any, kind: Any, place: Place) -> JsonFault:
    words, got = _words(kind), repr(value)
    got = got if len(got) <= 40 else f"{got[:37]}..."
    if get_origin(options(kind)[0]) is Literal:
        return JsonFault("type", place, got, "unknown value", words)
    # What takes a half takes any number that is neither too large nor too small.
    is_number = isinstance(value, int | float | _NoNumber) and not isinstance(value, bool)
    return JsonFault(
        "type", place, got, f"not {words}{': out of range' if is_number and _fits(0.5, kind) else ''}"
    )


def _field_fault(value: dict[str, Any], field: msgspec.structs.FieldInfo, place: Place) -> JsonFault | None:
    place = (*place, field.encode_name)
    if field.encode_name in value:
        return type_fault(value[field.encode_name], field.type, place)
    return JsonFault("type", place, "nothing", f"not {_words(field.type)}") if field.required else None


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError, UnicodeEncodeError):
        # The last: half a character, which an escape in JSON can be.
        return False
    return True


def _first(faults: Iterable[JsonFault | None]) -> JsonFault | None:
    return next((fault for fault in faults if fault), None)


def options(kind: Any) -> tuple[Any, ...]:
    """The types of a union but None; any other type alone."""
    if get_origin(kind) not in _UNIONS:
        return (kind,)
    return tuple(option for option in get_args(kind) if option is not types.NoneType)


def _words(kind: Any) -> str:
    """What a type asks for."""
    kinds, inner = options(kind), get_args(kind)
    if kinds != (kind,):
        return " or ".join(dict.fromkeys(map(_words, kinds)))
    origin = get_origin(kind)
    if origin is Annotated:
        return next((meta.title for meta in inner[1:] if meta.title), None) or _words(inner[0])
    if origin is Literal:
        return " or ".join(map(str, inner))
    if origin is tuple:
        return f"a list of {len(inner)} numbers"
    return "a list" if origin is list else _WORDS.get(kind, "an object")

"""JSON from strangers, read without guessing.

The standard parser keeps the last of two equal keys, and takes NaN, Infinity and 1e999 as numbers: each of
them lets one file mean two things. Here they are faults with a place.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from bmbench.leaderboards.submissions.problems import pointer, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bmbench.leaderboards.submissions.problems import Problems

_DEEPEST = 32
_DIGITS = 18
"""Digits of a whole number: more do not fit 64 bits."""


class _Twice(dict[str, Any]):
    """An object in which a key stood twice."""

    key = ""


class _NoNumber(str):
    """The text of a number that is not finite, or too large."""

    __slots__ = ()


def parse(data: bytes, problems: Problems) -> Any:
    """The value of a JSON text; None if it is none, with every fault added to `problems`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.add("E201", "", f"byte {error.start} is not UTF-8", "save the file as UTF-8")
        return None
    if text.startswith("\ufeff"):
        problems.add("E201", "", "starts with a byte order mark", "save as UTF-8 without a byte order mark")
        return None
    reader = _Reader()
    try:
        value = reader.read(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        problems.add("E202", "", f"{place}: {error.msg}", "write it with a JSON library")
        return None
    except RecursionError:
        problems.add("E205", "", f"nested more than {_DEEPEST} deep", "see the schema: it is flat")
        return None
    if reader.suspicious:
        for code, where, what in _faults(value, ()):
            problems.add(code, pointer(*where), what, _REMEDIES[code])
        return None
    return value


class _Reader:
    """The standard parser with its loose ends marked in the tree."""

    def __init__(self) -> None:
        self.suspicious = False

    def read(self, text: str) -> Any:
        return json.loads(
            text,
            object_pairs_hook=self._pairs,
            parse_constant=self._constant,
            parse_float=self._float,
            parse_int=self._int,
        )

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        seen: set[str] = set()
        twice = _Twice(value)
        for key, _ in pairs:
            if key in seen:
                twice.key = key
            seen.add(key)
        self.suspicious = True
        return twice

    def _constant(self, name: str) -> _NoNumber:
        self.suspicious = True
        return _NoNumber(name)

    def _float(self, text: str) -> float | _NoNumber:
        value = float(text)
        if math.isfinite(value):
            return value
        self.suspicious = True
        return _NoNumber(text)

    def _int(self, text: str) -> int | _NoNumber:
        if len(text) <= _DIGITS:
            return int(text)
        self.suspicious = True
        return _NoNumber(text)


_REMEDIES = {
    "E203": "keep one of the two",
    "E204": "write a finite number, or leave the detection out",
    "E205": "see the schema: it is flat",
}


def _faults(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
    if len(place) > _DEEPEST:
        yield "E205", place[:4], f"nested more than {_DEEPEST} deep"
        return
    if isinstance(value, _NoNumber):
        yield "E204", place, f"{quoted(value)} is no finite number of JSON"
    elif isinstance(value, dict):
        if isinstance(value, _Twice):
            yield "E203", place, f"the key {quoted(value.key)} stands twice"
        for key, inner in value.items():
            yield from _faults(inner, (*place, key))
    elif isinstance(value, list):
        for row, inner in enumerate(value):
            yield from _faults(inner, (*place, row))

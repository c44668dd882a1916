"""What msgspec says of a value that does not fit its type, in the words of whoever wrote the file.

The one place that knows how msgspec puts its sentences: its words for types are those of Python, its list is
an "array" where a TOML file has ``[[sets]]``, and its place begins with a sign of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

from bmbench.core.errors import BadInputError

_TYPES = {
    "object": "an object",
    "array": "a list",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}
_TOML = {"object": "a table"}
_EXPECTED = re.compile(r"Expected `([^`]+)`(?P<limit>.*?)(?:, got (?P<got>.+))?$", re.DOTALL)
_FIELD = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
_LENGTH = re.compile(r" of length (>=|<=|>|<|)\s*(\d+)")
_LIMITS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}


def misfit(error: Exception, *, toml: bool = False) -> tuple[str, str]:
    """What does not fit, in plain words, and its place below the root: ``[3].bbox``.

    An empty place is the whole value.

    >>> misfit(ValueError("Expected `array`, got `object` - at `$.sets`"))
    ('expected a list, got an object', 'sets')
    """
    text, place = raw_misfit(error)
    # [...] stands for any key of a mapping, and "`key` in" for the key itself.
    place = place.replace("[...]", "").removeprefix(".")
    return plain_words(text, toml=toml), place


def misfit_error(error: Exception, what: str, *, where: Path | str, remedy: str = "") -> BadInputError:
    """The error for a file, or a part of one, that is not `what` it is to be; with the place of the fault."""
    fault, place = misfit(error)
    return BadInputError(
        f"{what}: {fault}", where=f"{where}, {place}" if place else str(where), remedy=remedy
    )


def raw_misfit(error: Exception) -> tuple[str, str]:
    """The two parts of what msgspec says, in its own words."""
    text, _, place = str(error).partition(" - at ")
    return text, place.rstrip("`").rpartition("$")[2]


def plain_words(text: str, *, toml: bool = False) -> str:
    """One of msgspec's sentences in plain words; any other one as it is.

    >>> plain_words("Expected `int | null`, got `str`")
    'expected a whole number or nothing, got a text'
    >>> plain_words("Expected `array` of length >= 1")
    'expected a list with at least 1 entry'
    >>> plain_words("Object missing required field `name`")
    "'name' is missing"
    """
    words = _TYPES | (_TOML if toml else {})
    field = _FIELD.fullmatch(text)
    if field is not None:
        unknown = f"unknown {'key' if toml else 'field'} {field[2]!r}"
        return f"{field[2]!r} is missing" if field[1].startswith("missing") else unknown
    if text.startswith("Invalid enum value "):
        return f"unknown value {text.removeprefix('Invalid enum value ')}"
    found = _EXPECTED.fullmatch(text)
    if found is None:
        return text
    kinds = " or ".join(words.get(kind, kind) for kind in found[1].split(" | "))
    limit = _limited(found["limit"], found[1])
    got = (found["got"] or "").strip("`")
    return f"expected {kinds}{limit}" + (f", got {words.get(got, got)}" if got else "")


def _limited(limit: str, kind: str) -> str:
    """What msgspec says behind a type, as " >= 0"."""
    length = _LENGTH.fullmatch(limit)
    if length is not None:
        thing = "sign" if kind == "str" else "entry"
        many = "entries" if thing == "entry" else "signs"
        most = f"{_LIMITS[length[1]]} " if length[1] else ""
        return f" with {most}{length[2]} {thing if length[2] == '1' else many}"
    if limit.startswith(" matching regex "):
        return f" of the form {limit.removeprefix(' matching regex ')}"
    sign, _, number = limit.strip().partition(" ")
    return f" of {_LIMITS[sign]} {number}" if sign in _LIMITS else limit

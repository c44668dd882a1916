"""What msgspec says, in plain words: the values are those that files of users get wrong."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from bmbench.core.misfits import misfit, plain_words


class Part(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    sizes: tuple[int, ...] = ()
    near: dict[str, float] = {}


FAULTS: list[tuple[Any, Any, str, str]] = [
    ({"a": 1}, list[int], "expected a list, got an object", ""),
    ([1, "x"], list[int], "expected a whole number, got a text", "[1]"),
    ({"name": 3}, Part, "expected a text, got a whole number", "name"),
    ({"name": "x", "sizes": 3}, Part, "expected a list, got a whole number", "sizes"),
    ({"name": "x", "near": {"a": "b"}}, Part, "expected a number, got a text", "near"),
    ([{"name": "x"}, {}], list[Part], "'name' is missing", "[1]"),
    ({"name": "x", "nam": 3}, Part, "unknown field 'nam'", ""),
    ("x", int | None, "expected a whole number or nothing, got a text", ""),
    (None, bool, "expected true or false, got nothing", ""),
    (3, Annotated[int, Meta(ge=4)], "expected a whole number of at least 4", ""),
    (0.5, Annotated[float, Meta(gt=0.5)], "expected a number of more than 0.5", ""),
    ([], Annotated[list[int], Meta(min_length=1)], "expected a list with at least 1 entry", ""),
    ("abc", Annotated[str, Meta(max_length=2)], "expected a text with at most 2 signs", ""),
    ([1, 2, 3], tuple[int, int], "expected a list with 2 entries, got 3", ""),
    ("b", Literal["a"], "unknown value 'b'", ""),
]


@pytest.mark.parametrize(("value", "kind", "words", "place"), FAULTS)
def test_what_does_not_fit_is_said_in_plain_words(value, kind, words, place):
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, kind)
    assert misfit(caught.value) == (words, place)
    table = words.replace("an object", "a table").replace("unknown field", "unknown key")
    assert misfit(caught.value, toml=True) == (table, place)


def test_what_is_no_sentence_of_a_type_stays():
    for text in ("Input data was truncated", "JSON is malformed: invalid character (byte 0)", ""):
        assert plain_words(text) == text

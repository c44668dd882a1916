"""Which texts are numbers: those that any program writes, and not all that Python reads."""

from typing import TypeVar

T = TypeVar("T")


def numeral(value: T) -> T:
    """The value itself, for `float` or `int` to read; ValueError for a text of which Python would guess.

    To Python alone ``1_0`` and ``١٠`` are 10: in a file both are slips, or names. A text may hold several
    numbers: a line is looked at sooner than its words.

    >>> float(numeral(" 1e1 ")), int(numeral("10")), float(numeral(10.0))
    (10.0, 10, 10.0)
    """
    if isinstance(value, str) and ("_" in value or not (value.isascii() or "".join(value.split()).isascii())):
        raise ValueError(f"could not convert string to a number: {value!r}")
    return value

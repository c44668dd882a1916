"""Two values of JSON, number by number."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_TOLERANCE = 1e-6
"""Relative: a sum in another order differs in the last digits, a score that was changed by hand in more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A value at a place (``/cd/f1``) in two records; `recorded` stands in the file, `found` came out."""

    place: str
    recorded: Any
    found: Any

    @property
    def is_same(self) -> bool:
        """Whether they are the same number, but for the order of sums, or the same text."""
        if _is_number(self.recorded) and _is_number(self.found):
            return math.isclose(self.recorded, self.found, rel_tol=_TOLERANCE, abs_tol=1e-7)
        return bool(self.recorded == self.found)

    @property
    def is_number(self) -> bool:
        """Whether a number came out."""
        return _is_number(self.found)


def leaves(recorded: Any, found: Any, place: str = "") -> Iterator[Leaf]:
    """Every value of both, where they are; lists of different lengths are one value."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in sorted({*recorded, *found}):
            yield from leaves(recorded.get(key), found.get(key), f"{place}/{key}")
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for row, (one, other) in enumerate(zip(recorded, found, strict=True)):
            yield from leaves(one, other, f"{place}/{row}")
    else:
        yield Leaf(place=place, recorded=recorded, found=found)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

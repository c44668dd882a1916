"""What a check says of a promise that is broken, and what it compares."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Detections


class BrokenPromiseError(Exception):
    """A method does not keep what all promise; the text says what is wrong."""


def promise(kept: object, broken: str) -> None:
    """Nothing, or a BrokenPromiseError with that sentence."""
    if not kept:
        raise BrokenPromiseError(broken)


def same(one: Detections, other: Detections) -> bool:
    """Whether two answers are the same, to the last bit."""
    columns = all(
        np.array_equal(getattr(one, c), getattr(other, c)) for c in ("xy", "box", "confidence", "label")
    )
    return columns and all(
        len(a) == len(b) and all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))
        for a, b in zip(one.contour, other.contour, strict=True)
    )


def refused(act: Callable[[], Any], words: str, what: str) -> None:
    """Nothing, if the act is refused with a BadInputError whose text has these words."""
    try:
        act()
    except BadInputError as error:
        promise(re.search(words, str(error)), f"{what} says {str(error)!r}, expected {words!r} in it")
        return
    except Exception as error:  # noqa: BLE001  whatever else it raises is what is reported
        kind = type(error).__name__
        raise BrokenPromiseError(f"{what} ends with {kind}: {error}; expected a BadInputError") from None
    raise BrokenPromiseError(f"{what} is not refused; raise a BadInputError")

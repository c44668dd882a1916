"""Lists of positions in GeoJSON → arrays, checked."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.numerals import numeral
from bmbench.core.types import Floats

LIMIT_PX = 1e9


def items(value: Any, where: str) -> list[Any]:
    """A list that is not empty; BadInputError for anything else."""
    if not isinstance(value, list) or not value:
        raise BadInputError("not a GeoJSON shape", where=where, expected="a list of rings or positions")
    return value


def points(value: Iterable[Any], where: str) -> Floats:
    """(n, 2) from a list of positions of two or three numbers (the third is the height)."""
    points = np.array([_position(position, where) for position in value], np.float64)
    if not (np.abs(points) <= LIMIT_PX).all():
        raise BadInputError("coordinate of no sensible size", where=where)
    return points.reshape(-1, 2)


def _position(value: Any, where: str) -> tuple[float, float]:
    try:
        return float(numeral(value[0])), float(numeral(value[1]))
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        # NaN and Infinity have been read as null.
        got = json.dumps(value)[:40]
        raise BadInputError("not a position", where=where, expected="numbers [x, y]", got=got) from None


def open_ring(ring: Floats) -> Floats:
    """A ring without its repeated last point."""
    closed = len(ring) > 1 and ring[0, 0] == ring[-1, 0] and ring[0, 1] == ring[-1, 1]
    return ring[:-1] if closed else ring

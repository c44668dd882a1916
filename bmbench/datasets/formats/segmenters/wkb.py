"""Shapes in well-known binary (OGC Simple Features), as SQLite stores of annotations hold them."""

import struct
from collections.abc import Iterator

import numpy as np

from bmbench.core.types import Floats

POINT, POLYGON, MULTI_POINT, MULTI_POLYGON = 1, 3, 4, 6
NAMES = {2: "LineString", 5: "MultiLineString", 7: "GeometryCollection"}


class _Bytes:
    """Bytes that are read from the front; a ValueError where there are too few."""

    def __init__(self, data: bytes) -> None:
        self.data, self.here = data, 0

    def head(self) -> tuple[str, int]:
        """The order of bytes and the number of the kind of the next shape."""
        order = "<" if self._take("<B") else ">"
        return order, int(self._take(f"{order}I"))

    def count(self, order: str) -> int:
        return int(self._take(f"{order}I"))

    def points(self, order: str, count: int) -> Floats:
        """(count, 2) coordinates."""
        end = self.here + 16 * count
        if end > len(self.data):
            raise ValueError("ends inside a shape")
        found = np.frombuffer(self.data, f"{order}f8", 2 * count, self.here).reshape(-1, 2)
        self.here = end
        return found.astype(np.float64)

    def rings(self, order: str) -> Iterator[Floats]:
        for _ in range(self.count(order)):
            yield self.points(order, self.count(order))

    def _take(self, form: str) -> int:
        size = struct.calcsize(form)
        if self.here + size > len(self.data):
            raise ValueError("ends inside a shape")
        (value,) = struct.unpack_from(form, self.data, self.here)
        self.here += size
        return int(value)


def parse_wkb(data: bytes) -> tuple[int, list[Floats]]:
    """The kind of a shape and its rings, (k, 2) each; of points one ring with all of them.

    Shapes that are neither points nor polygons have no ring.

    Raises
    ------
    ValueError
        If the bytes are no such shape.
    """
    source = _Bytes(data)
    order, kind = source.head()
    if kind == POLYGON:
        return kind, list(source.rings(order))
    if kind == POINT:
        return kind, [source.points(order, 1)]
    if kind not in (MULTI_POINT, MULTI_POLYGON):
        if kind not in NAMES:
            raise ValueError(f"a shape of the kind {kind}")
        return kind, []
    inner, rings = POINT if kind == MULTI_POINT else POLYGON, []
    for _ in range(source.count(order)):
        order_inside, found = source.head()
        if found != inner:
            raise ValueError("parts of another kind")
        rings += [source.points(order_inside, 1)] if inner == POINT else list(source.rings(order_inside))
    return kind, rings

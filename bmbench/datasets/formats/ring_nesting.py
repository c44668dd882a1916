"""Which rings of an outline are holes, and of what."""

import numpy as np

from bmbench.core.geometry import ring_area, rings_around
from bmbench.core.types import Floats, Rings


def parts_with_holes(rings: Rings) -> list[list[Floats]]:
    """The parts of an outline, each an outer ring followed by its own holes (even-odd, as everywhere).

    Parts come in the order of their outer rings, holes in that of the outline. The rings may touch, but
    must not cross each other.
    """
    areas = [ring_area(ring) for ring in rings]
    around = [np.flatnonzero(column).tolist() for column in rings_around(rings).T]
    parts = {i: [rings[i]] for i in range(len(rings)) if len(around[i]) % 2 == 0}
    for i, larger in enumerate(around):
        if len(larger) % 2:
            owner = min((j for j in larger if j in parts), key=lambda j: areas[j])
            parts[owner].append(rings[i])
    return list(parts.values())


def bridged(rings: Rings) -> Floats:
    """(k, 2) one closed polygon of the same area: every further ring joined by a bridge of no width.

    Outer rings turn one way and holes the other, so that the area is right whether a program fills by
    crossings or adds signed areas.
    """
    if len(rings) == 1:
        return rings[0]
    whole = np.zeros((0, 2))
    for part in parts_with_holes(rings):
        for place, ring in enumerate(part):
            turned = ring if (_signed_area(ring) < 0) == (place > 0) else ring[::-1]
            whole = turned if not len(whole) else _joined(whole, turned)
    return whole


def _joined(a: Floats, b: Floats) -> Floats:
    i, j = divmod(int(((a[:, None] - b[None]) ** 2).sum(axis=2).argmin()), len(b))
    return np.concatenate([a[: i + 1], b[j:], b[: j + 1], a[i:]])


def _signed_area(ring: Floats) -> float:
    x, y = (ring - ring[0]).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2

"""Which rings of an outline are holes, and of what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.core.geometry import inner_point, ring_area, ring_contains

if TYPE_CHECKING:
    from bmbench.core.types import Floats, Rings


def parts_with_holes(rings: Rings) -> list[list[Floats]]:
    """The parts of an outline, each an outer ring followed by its own holes (even-odd, as everywhere).

    Parts come in the order of their outer rings, holes in that of the outline. The rings may touch, but
    must not cross each other.
    """
    areas = [ring_area(ring) for ring in rings]
    inside = [inner_point(ring) for ring in rings]
    around = [
        [j for j in range(len(rings)) if areas[j] > areas[i] and ring_contains(rings[j], inside[i])]
        for i in range(len(rings))
    ]
    parts = {i: [rings[i]] for i in range(len(rings)) if len(around[i]) % 2 == 0}
    for i, larger in enumerate(around):
        if len(larger) % 2:
            owner = min((j for j in larger if j in parts), key=lambda j: areas[j])
            parts[owner].append(rings[i])
    return list(parts.values())

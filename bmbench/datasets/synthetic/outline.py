"""Star-shaped outlines: growing, pressing against neighbours, hiding behind them, cutting at the border.

An `Outline` is a centre and its distance to the border along `RAYS` directions. Everything that is drawn
and everything that is annotated comes from these polygons, so both agree by construction.
"""

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats, Rings

RAYS = 128
ANGLES: Floats = np.linspace(0, 2 * np.pi, RAYS, endpoint=False)
DIRECTIONS: Floats = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """A star-shaped outline.

    Attributes
    ----------
    centre : (2,) float64, pixels
    radius : (RAYS,) float64, pixels
        Distance from the centre to the border along `ANGLES`.
    """

    centre: Floats
    radius: Floats

    @property
    def points(self) -> Floats:
        """(RAYS, 2) polygon, x then y."""
        return self.centre + DIRECTIONS * self.radius[:, None]

    def reach(self, towards: Floats) -> float:
        """Distance from the centre to the border on the way to a point (2,)."""
        dx, dy = towards - self.centre
        angle = np.arctan2(dy, dx) % (2 * np.pi)
        return float(np.interp(angle, ANGLES, self.radius, period=2 * np.pi))


def grow(
    rng: np.random.Generator,
    centre: Floats,
    radius: float,
    *,
    oblong: float,
    rough: float,
    harmonics: int = 9,
) -> Outline:
    """An irregular outline of about this mean radius.

    `oblong` is the relative size of the elongation, `rough` of the bumps;
    those of order k fall off as k^-1.3.
    """
    order = np.arange(2, harmonics + 1)
    size = rough * rng.standard_normal(len(order)) / order**1.3
    size[0] += oblong
    phase = rng.uniform(0, 2 * np.pi, len(order))
    waves = (size[:, None] * np.cos(order[:, None] * ANGLES + phase[:, None])).sum(axis=0)
    return Outline(centre=centre, radius=radius * np.clip(1 + waves, 0.35, 2.2))


def press(outline: Outline, whole: Outline, other: Outline, *, gap: float, bend: float) -> Outline:
    """The outline, flattened where it meets `other`; pressed both ways, two lie side by side, `gap` apart.

    The wall between them follows from the two undisturbed outlines, `whole` (of the same cell) and `other`.
    `bend` is the smoothing radius (pixels) of the corner where the contact begins.
    """
    away = other.centre - whole.centre
    distance = float(np.hypot(*away))
    mine, theirs = whole.reach(other.centre), other.reach(whole.centre)
    wall = max((distance**2 + mine**2 - theirs**2) / (2 * distance) - gap / 2, 0.15 * mine)
    facing = DIRECTIONS @ (away / distance)
    limit = np.full(RAYS, np.inf)
    limit[facing > 0.05] = wall / facing[facing > 0.05]
    return Outline(centre=outline.centre, radius=_soft_minimum(outline.radius, limit, bend))


def hide(outline: Outline, above: Outline) -> Outline:
    """The part of the outline that can be seen from its centre when `above` lies over it."""
    start = above.points - outline.centre
    side = np.roll(start, -1, axis=0) - start
    cross = DIRECTIONS[:, :1] * side[:, 1] - DIRECTIONS[:, 1:] * side[:, 0]
    cross = np.where(np.abs(cross) < 1e-12, 1e-12, cross)
    along = (start[:, 0] * side[:, 1] - start[:, 1] * side[:, 0]) / cross
    share = (start[:, 0] * DIRECTIONS[:, 1:] - start[:, 1] * DIRECTIONS[:, :1]) / cross
    hit = np.where((along > 0) & (share >= 0) & (share <= 1), along, np.inf).min(axis=1)
    return Outline(centre=outline.centre, radius=np.minimum(outline.radius, np.maximum(hit, 0.5)))


def cut(ring: Floats, width: float, height: float) -> Rings:
    """The parts of a polygon inside the image [0, width] × [0, height]."""
    rings = [ring]
    for axis, limit, sign in ((0, 0.0, 1.0), (0, width, -1.0), (1, 0.0, 1.0), (1, height, -1.0)):
        rings = [part for whole in rings for part in _half(whole, axis, limit, sign)]
    return tuple(rings)


def _half(ring: Floats, axis: int, limit: float, sign: float) -> list[Floats]:
    depth = sign * (ring[:, axis] - limit)
    inside = depth > 0
    if inside.all():
        return [ring]
    enters = np.flatnonzero(inside & ~np.roll(inside, 1))
    chains = [_chain(ring, depth, int(start), axis, limit) for start in enters]
    return _join(chains, 1 - axis)


def _chain(ring: Floats, depth: Floats, start: int, axis: int, limit: float) -> Floats:
    """The run of points inside that begins at `start`, with the two points where it crosses the limit."""
    n = len(ring)
    index = (start + np.arange(n)) % n
    length = int(np.argmax(depth[index] <= 0))
    run = index[:length]

    def crossing(inner: int, outer: int) -> Floats:
        share = depth[inner] / (depth[inner] - depth[outer])
        point: Floats = ring[inner] + share * (ring[outer] - ring[inner])
        point[axis] = limit
        return point

    first, last = crossing(int(run[0]), (start - 1) % n), crossing(int(run[-1]), int(index[length]))
    return np.concatenate([first[None], ring[run], last[None]])


def _join(chains: list[Floats], axis: int) -> list[Floats]:
    """Close chains along the limit: sorted along it, crossings 1-2, 3-4, … are its stretches inside."""
    ends = sorted((chain[k][axis], i, k) for i, chain in enumerate(chains) for k in (0, -1))
    partner: dict[tuple[int, int], tuple[int, int]] = {}
    for (_, i, a), (_, j, b) in zip(ends[::2], ends[1::2], strict=True):
        partner[i, a], partner[j, b] = (j, b), (i, a)
    rings, left = [], set(range(len(chains)))
    while left:
        at = min(left)
        parts = []
        while at in left:
            left.remove(at)
            parts.append(chains[at])
            at = partner[at, -1][0]
        rings.append(np.concatenate(parts))
    return rings


def _soft_minimum(a: Floats, b: Floats, width: float) -> Floats:
    """Never above either (polynomial smooth minimum of Quilez)."""
    blend = np.clip(1 - np.abs(a - np.minimum(b, a + 2 * width)) / width, 0.0, 1.0)
    soft: Floats = np.minimum(a, b) - blend**2 * width / 4
    return soft

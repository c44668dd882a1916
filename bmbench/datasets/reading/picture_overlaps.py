"""Which pictures show a part of the same field: tiles that overlap, copies turned by any angle.

Small corners and spots of a picture are described by what is around them, turned to their own direction (as
in SIFT and ORB). Two pictures overlap if many of their marks look alike and one shift, turn and mirroring
brings them onto each other. Marks are looked for at several sizes that are halved, so that tiles cut out of
one picture have the same ones whatever their own size is.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from bmbench.core.dataset import PictureMarks
from bmbench.core.types import Bools, Floats, Ints, Pixels

Looks: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
MOST = 300
"""Pictures that are compared pair by pair; more would take minutes."""
MARKS = 100
"""Of each picture, the strongest."""
SAME_MARK = 0.9
"""Correlation from which two marks look alike."""
AGREEING = 8
"""Marks that one movement has to bring onto each other."""
NEAR_PX = 2.5
"""How far a mark may lie from where the movement brings it, at its own size of picture."""
_AT_ONCE = 12
"""Pictures that are compared with one at a time: what is compared stays in the cache."""
_SIDE_PX, _SMALLEST_PX = 512, 96
_GRID, _STEP_PX = 6, 2.7
_ANGLE = np.deg2rad(10)
_STILL_PX, _STILL_ANGLE = 3.0, np.deg2rad(2)
"""A movement below is none: what agrees is the same frame or scale bar in both."""
_SIGMA_PX = 1.6
_NEXT = ((-1, 0), (0, -1), (0, 1), (1, 0))
_NEAR = tuple((y, x) for y in range(-2, 3) for x in range(-2, 3) if abs(y) + abs(x) > 1)
"""The 24 pixels of which none is higher than a mark: first its neighbours, of all; then others, of few."""


def marks_of(pixels: Pixels) -> PictureMarks:
    """The marks of one picture."""
    from PIL import Image

    grey = Image.fromarray(pixels).convert("L")
    scale = 1
    while max(grey.size) > _SIDE_PX * scale:
        scale *= 2
    found: list[tuple[int, Floats, Floats, Floats, Looks]] = []
    while not found or min(grey.size) >= _SMALLEST_PX * scale:
        small = grey.resize((max(grey.width // scale, 1), max(grey.height // scale, 1)), Image.Resampling.BOX)
        found.append((scale, *_marks(np.asarray(small))))
        scale *= 2
    strength = np.concatenate([part[1] for part in found])
    kept = np.argsort(-strength, kind="stable")[:MARKS]
    size = np.concatenate([np.full(len(part[1]), float(part[0])) for part in found])
    return PictureMarks(
        xy=(np.concatenate([part[2] for part in found]) + 0.5)[kept] * size[kept, None],
        angle=np.concatenate([part[3] for part in found])[kept],
        size=size[kept],
        look=np.concatenate([part[4] for part in found])[kept],
    )


def overlaps(pictures: Sequence[PictureMarks | None]) -> list[tuple[int, int]]:
    """Rows of pairs of pictures that show a part of the same field; none beyond `MOST` pictures."""
    if not 1 < len(pictures) <= MOST:
        return []
    row_of = {marks: row for row, marks in enumerate(pictures) if marks is not None}
    found = _pairs(tuple(sorted(row_of, key=id)))
    rows = [sorted((row_of[one], row_of[other])) for one, other in found]
    return sorted((a, b) for a, b in rows)


@lru_cache(maxsize=4)
def _pairs(pictures: tuple[PictureMarks, ...]) -> list[tuple[PictureMarks, PictureMarks]]:
    """The pairs; asked once, since a split is made, counted and checked from the same pictures."""
    plain = np.zeros((len(pictures), MARKS, _GRID, _GRID), np.float32)
    for row, marks in enumerate(pictures):
        plain[row, : len(marks.look)] = marks.look.reshape(-1, _GRID, _GRID)
    both = np.stack([plain, plain[:, :, ::-1]], axis=1).reshape(len(pictures), 2, MARKS, _GRID * _GRID)
    found = []
    for row, marks in enumerate(pictures[:-1]):
        for first in range(row + 1, len(pictures), _AT_ONCE):
            # A small product for each: a large one is shared by threads, which wait for each other longer.
            alike = marks.look @ both[first : first + _AT_ONCE].transpose(0, 1, 3, 2)
            enough = (alike.max(axis=3, initial=0.0) > SAME_MARK).sum(axis=2) >= AGREEING
            for other, mirrored in np.argwhere(enough).tolist():
                partner, sign = pictures[first + other], -1.0 if mirrored else 1.0
                if _moved(marks, partner, alike[other, mirrored, :, : len(partner.look)], sign):
                    found.append((marks, partner))
    return list(dict.fromkeys(found))


def _marks(picture: Pixels) -> tuple[Floats, Floats, Floats, Looks]:
    """Strength, place, direction and look of the marks of a grey picture."""
    from scipy import ndimage

    grey, fine, smooth = (_off_powers_of_two(picture.shape) for _ in range(3))
    grey[:] = picture
    ndimage.gaussian_filter(grey, _SIGMA_PX, output=fine)
    ndimage.gaussian_filter(grey, 1.6 * _SIGMA_PX, output=smooth)
    # In place, as the peaks are found by comparing: filling new memory takes longer than the arithmetic.
    spots = np.abs(np.subtract(fine, smooth, out=smooth), out=smooth)
    margin = int(_GRID * _STEP_PX)
    rows, columns = _peaks(spots, margin)
    strongest = np.argsort(-spots[rows, columns], kind="stable")[:MARKS]
    rows, columns = rows[strongest], columns[strongest]
    step = np.arange(-margin // 2, margin // 2 + 1)
    down, right = np.meshgrid(step, step, indexing="ij")
    round_one = np.hypot(down, right) <= margin // 2
    around = fine[rows[:, None] + down[round_one], columns[:, None] + right[round_one]]
    around = around - around.mean(axis=1, keepdims=True)
    # The direction to the brighter side, from the first moments.
    angle = np.arctan2((around * down[round_one]).sum(axis=1), (around * right[round_one]).sum(axis=1))
    look = _looks(fine, rows, columns, angle)
    return spots[rows, columns], np.column_stack([columns, rows]).astype(np.float64), angle, look


def _off_powers_of_two(shape: tuple[int, ...]) -> Floats:
    """(h, w) numbers to be filled in, one unused at the end of each row.

    The cache has the same few places for values that lie 4096 bytes apart, as those of a column would in
    pictures 512 px wide: a filter took twice as long.
    """
    return np.empty((shape[0], shape[1] + 1))[:, :-1]


def _peaks(values: Floats, margin: int) -> tuple[Ints, Ints]:
    """Rows and columns of values above 1 that are the highest of those around, away from the edges."""
    bottom, end = (side - margin for side in values.shape)
    inner = values[margin:-margin, margin:-margin]
    high = inner > 1.0
    for down, right in _NEXT:
        high &= inner >= values[margin + down : bottom + down, margin + right : end + right]
    rows, columns = (np.asarray(place + margin, np.int64) for place in np.nonzero(high))
    for down, right in _NEAR:
        highest = values[rows, columns] >= values[rows + down, columns + right]
        rows, columns = rows[highest], columns[highest]
    return rows, columns


def _looks(fine: Floats, rows: Ints, columns: Ints, angle: Floats) -> Looks:
    """(n, k) a grid of grey values around each mark, turned to its direction, of mean 0 and length 1."""
    from scipy import ndimage

    place = (np.arange(_GRID) - (_GRID - 1) / 2) * _STEP_PX
    across, along = np.meshgrid(place, place, indexing="ij")
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x = columns[:, None] + along.ravel() * cos - across.ravel() * sin
    y = rows[:, None] + along.ravel() * sin + across.ravel() * cos
    values = ndimage.map_coordinates(fine, [y, x], order=1, mode="nearest")
    values = values - values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    look: Looks = (values / np.maximum(length, 1e-6)).astype(np.float32)
    return look


def _moved(one: PictureMarks, other: PictureMarks, alike: np.ndarray[Any, Any], sign: float) -> bool:
    """Whether marks that look alike agree in a movement; `sign` is -1 for one that mirrors."""
    best = alike.argmax(axis=1)
    mutual = alike.argmax(axis=0)[best] == np.arange(len(best))
    rows = np.flatnonzero(mutual & (alike[np.arange(len(best)), best] > SAME_MARK))
    if len(rows) < AGREEING:
        return False
    columns = best[rows]
    turn = other.angle[columns] - sign * one.angle[rows]
    tried = _not_alone(turn)
    if not len(tried):
        return False
    start, end = one.xy[rows] * [1.0, sign], other.xy[columns]
    near = NEAR_PX * np.maximum(one.size[rows], other.size[columns])
    same_turn = np.cos(turn[tried, None] - turn) > np.cos(_ANGLE)
    rough = same_turn & _lands(tried, start, end, turn, near)
    most = int(rough.sum(axis=1).argmax())
    kept = rough[most]
    return int(kept.sum()) >= AGREEING and _fits(start[kept], end[kept], near[kept], mirrored=sign < 0)


def _not_alone(turn: Floats) -> Ints:
    """The turns that have enough others about them: of most pairs of pictures there are few, or none."""
    direction = np.column_stack([np.cos(turn), np.sin(turn)])
    close = direction @ direction.T > np.cos(_ANGLE) - 1e-9
    return np.flatnonzero(close.sum(axis=1) >= AGREEING)


def _lands(tried: Ints, start: Floats, end: Floats, turn: Floats, near: Floats) -> Bools:
    """(k, n) whether the movement that a mark tried says brings the mark of a column to its place.

    The direction of one mark is known to a few degrees: further marks may lie further off.
    """
    away, there = start - start[tried, None], end - end[tried, None]
    cos, sin = np.cos(turn[tried])[:, None], np.sin(turn[tried])[:, None]
    x, y = away[..., 0], away[..., 1]
    off = np.hypot(x * cos - y * sin - there[..., 0], x * sin + y * cos - there[..., 1])
    close: Bools = off < near + 0.1 * np.hypot(x, y)
    return close


def _fits(start: Floats, end: Floats, near: Floats, *, mirrored: bool) -> bool:
    """Whether the best turn and shift (no change of size) leaves enough marks near their places."""
    kept = np.ones(len(start), bool)
    for _ in range(3):
        a, b = start - start[kept].mean(axis=0), end - end[kept].mean(axis=0)
        left, _, right = np.linalg.svd(a[kept].T @ b[kept])
        turn = left @ np.diag([1.0, np.linalg.det(left @ right)]) @ right
        off = np.linalg.norm(a @ turn - b, axis=1)
        kept = off < near
        if kept.sum() < AGREEING:
            return False
    angle = np.arctan2(turn[0, 1], turn[0, 0])
    shift = np.linalg.norm(start[kept] - end[kept], axis=1).mean()
    return mirrored or bool(abs(angle) > _STILL_ANGLE or shift > _STILL_PX)

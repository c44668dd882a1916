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
_SIDE_PX, _SMALLEST_PX = 512, 96
_GRID, _STEP_PX = 6, 2.7
_ANGLE = np.deg2rad(10)
_STILL_PX, _STILL_ANGLE = 3.0, np.deg2rad(2)
"""A movement below is none: what agrees is the same frame or scale bar in both."""
_SIGMA_PX = 1.6


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
        found.append((scale, *_marks(np.asarray(small, np.float64))))
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
    both = np.stack([plain, plain[:, :, ::-1]], axis=1).reshape(-1, _GRID * _GRID)
    found = []
    for row, marks in enumerate(pictures[:-1]):
        # One product for all others: many small ones take several times as long.
        others = len(pictures) - row - 1
        alike = (marks.look @ both[2 * MARKS * (row + 1) :].T).reshape(-1, others, 2, MARKS)
        enough = (alike.max(axis=3, initial=0.0) > SAME_MARK).sum(axis=0) >= AGREEING
        for other, mirrored in np.argwhere(enough).tolist():
            partner, sign = pictures[row + 1 + other], -1.0 if mirrored else 1.0
            own = alike[:, other, mirrored, : len(partner.look)]
            if _moved(marks, partner, own, sign):
                found.append((marks, partner))
    return list(dict.fromkeys(found))


def _marks(grey: Floats) -> tuple[Floats, Floats, Floats, Looks]:
    """Strength, place, direction and look of the marks of a grey picture."""
    from scipy import ndimage

    fine = ndimage.gaussian_filter(grey, _SIGMA_PX)
    spots = np.abs(fine - ndimage.gaussian_filter(grey, 1.6 * _SIGMA_PX))
    margin = int(_GRID * _STEP_PX)
    peak = (spots == ndimage.maximum_filter(spots, 5)) & (spots > 1.0)
    inside = np.zeros_like(peak)
    inside[margin:-margin, margin:-margin] = True
    rows, columns = np.nonzero(peak & inside)
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
    if not _may_agree(turn):
        return False
    start, end = one.xy[rows] * [1.0, sign], other.xy[columns]
    near = NEAR_PX * np.maximum(one.size[rows], other.size[columns])
    same_turn = np.cos(turn[:, None] - turn) > np.cos(_ANGLE)
    rough = same_turn & _lands(start, end, turn, near)
    most = int(rough.sum(axis=1).argmax())
    kept = rough[most]
    return int(kept.sum()) >= AGREEING and _fits(start[kept], end[kept], near[kept], mirrored=sign < 0)


def _may_agree(turn: Floats) -> bool:
    """Whether any turn has enough others about it: of most pairs of pictures none has."""
    direction = np.column_stack([np.cos(turn), np.sin(turn)])
    close = direction @ direction.T > np.cos(_ANGLE) - 1e-9
    return bool((close.sum(axis=1) >= AGREEING).any())


def _lands(start: Floats, end: Floats, turn: Floats, near: Floats) -> Bools:
    """(n, n) whether the movement that the mark of a row says brings the mark of a column to its place.

    The direction of one mark is known to a few degrees: further marks may lie further off.
    """
    away, there = start - start[:, None], end - end[:, None]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
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

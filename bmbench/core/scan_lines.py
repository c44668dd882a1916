"""The pixels inside of many outlines at once, as runs along the rows of an image."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bmbench.core.types import Bools, Floats, Ints, Rings


class Runs(NamedTuple):
    """Pixels that follow each other in a row; row i of every column is run i.

    ``owner`` is the row of its object, ``y`` that of the image, ``x`` and ``end`` its first pixel and the one
    after its last.
    """

    owner: Ints
    y: Ints
    x: Ints
    end: Ints


def runs_inside(outlines: Sequence[Rings], windows: Ints, *, lower: bool = False) -> Runs:
    """The runs of pixels whose centres lie inside each outline (even-odd rule), outline by outline.

    They are those that `rings_mask` gives of each alone, by the same arithmetic; there it says, too, what
    `lower` means.

    Parameters
    ----------
    outlines : sequence of n Rings
        Each has a ring.
    windows : (n, 4) int64
        x0 y0 x1 y1 of the pixels that are looked at.
    """
    start, end, owner = _edges(outlines)
    # A row is crossed by the edges that have one end above the middle of its pixels and one below; one that
    # ends on it counts with those above, or with those below. Two rows too many are sorted out.
    low = np.ceil(np.minimum(start[:, 1], end[:, 1]) - 0.5).astype(np.int64)
    high = np.ceil(np.maximum(start[:, 1], end[:, 1]) - 0.5).astype(np.int64) + lower
    edge, y = _counted(np.maximum(low, windows[owner, 1]), np.minimum(high, windows[owner, 3]))
    middle = y + 0.5
    beyond = np.less if lower else np.greater
    crossed = beyond(start[edge, 1], middle) != beyond(end[edge, 1], middle)
    edge, y, middle = edge[crossed], y[crossed], middle[crossed]
    (ax, ay), (bx, by), owner = start[edge].T, end[edge].T, owner[edge]
    at = ax + (middle - ay) * (bx - ax) / (by - ay)
    left, right = windows[owner, 0], windows[owner, 2]
    x = left + np.clip(np.ceil(at - (left + 0.5)), 0, right - left).astype(np.int64)
    order = np.lexsort((x, y, owner))
    # The inside lies between the first and the second crossing of a row, and so on by twos.
    first, second = order[::2], order[1::2]
    some = x[first] < x[second]
    return Runs(owner[first[some]], y[first[some]], x[first[some]], x[second[some]])


def runs_of_mask(mask: Bools, owner: int, corner: tuple[int, int]) -> Runs:
    """The runs of a (h, w) mask that has one in each row, at most; `corner` is x, y of its first pixel."""
    rows = np.flatnonzero(mask.any(axis=1))
    x = mask[rows].argmax(axis=1) + corner[0]
    return Runs(np.full(len(rows), owner), rows + corner[1], x, x + mask[rows].sum(axis=1))


def pixels_of(runs: Runs, width: int) -> tuple[Ints, Ints]:
    """(m,) the pixels of all runs, numbered along the rows of an image so wide, and (m,) their owners."""
    run, x = _counted(runs.x, runs.end)
    return runs.y[run] * width + x, runs.owner[run]


def _edges(outlines: Sequence[Rings]) -> tuple[Floats, Floats, Ints]:
    """(m, 2) where each edge starts and ends, and (m,) the row of its outline."""
    rings = [ring for outline in outlines for ring in outline]
    length = np.array([len(ring) for ring in rings])
    owner = np.repeat(np.arange(len(outlines)), [len(outline) for outline in outlines])
    start = np.concatenate(rings)
    after = np.arange(1, len(start) + 1)
    ends = np.cumsum(length)
    some = length > 0
    after[ends[some] - 1] = (ends - length)[some]
    return start, start[after], np.repeat(owner, length)


def _counted(first: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Every (i, j) with ``first[i] <= j < end[i]``."""
    counts = np.maximum(end - first, 0)
    row = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    return row, np.arange(len(row)) + np.repeat(first - ends + counts, counts)

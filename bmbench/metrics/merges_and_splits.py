"""Two cells under one prediction, and one cell under two: errors of their own beside the causes."""

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Bools, Floats, GroundTruth, Ints, Predictions, Role
from bmbench.metrics.assignment import NONE
from bmbench.metrics.matching_input import ObjectColumns
from bmbench.metrics.pairs import intersection, region_candidates
from bmbench.metrics.scores import Scores

_SHARE = 0.5
"""An object lies under another if more than this share of its box does (Cell Tracking Challenge)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergesAndSplits:
    """Cells drawn together and cells drawn apart, at a threshold; each is also counted under its cause.

    Attributes
    ----------
    merges : int
        Predictions with two cells or more under them, of which one at least was missed.
    merged_cells : int
        The missed cells under them: a part of `fn`.
    splits : int
        Cells under which two predictions or more lie side by side, one of them a false alarm.
    split_predictions : int
        Those false alarms: a part of `fp`, whatever their causes.
    """

    merges: int
    merged_cells: int
    splits: int
    split_predictions: int


def merges_and_splits(truth: GroundTruth, predictions: Predictions, scores: Scores) -> MergesAndSplits | None:
    """What is merged and what is split, of boxes, with the hits and misses of the matching of `scores`.

    An object lies under another if more than half of its box is inside the other's (as Matula et al., PLoS
    One 2015, have it for masks). Two predictions on a cell lie side by side unless more than half of the
    smaller is inside the other: then they are duplicates. Each is compared with one only, the finder of the
    cell or else the surest one, so that time grows with the number of objects. Objects without an extent
    are left out; None where no cell, or no prediction that counts, has any.
    """
    kept = predictions.confidence >= (np.inf if scores.threshold is None else scores.threshold)
    kept &= scores.matching.is_hit | scores.matching.is_false_alarm
    cells = ObjectColumns.of(truth, (truth.role == Role.CELL) & _extended(truth))
    shown = ObjectColumns.of(predictions, kept & _extended(predictions))
    if not len(cells) or (kept.any() and not len(shown)):
        return None
    if not len(shown):
        return MergesAndSplits(merges=0, merged_cells=0, splits=0, split_predictions=0)
    finder = np.full(len(truth.image), NONE)
    hits = np.flatnonzero(kept & scores.matching.is_hit)
    finder[scores.matching.annotation[hits]] = hits
    merges, merged = _merged(cells, shown, missed=finder[cells.row] == NONE)
    alarm = scores.matching.is_false_alarm[shown.row]
    place = np.full(len(predictions), NONE)
    place[shown.row] = np.arange(len(shown))
    found_by = np.where(finder[cells.row] == NONE, NONE, place[finder[cells.row]])
    split, parts = _split(cells, shown, found_by, alarm=alarm, score=predictions.confidence[shown.row])
    return MergesAndSplits(merges=merges, merged_cells=merged, splits=split, split_predictions=parts)


def _merged(cells: ObjectColumns, shown: ObjectColumns, *, missed: Bools) -> tuple[int, int]:
    """Predictions with a missed cell and another one under them, and the missed cells there."""
    cell, over = _under(cells, shown)
    several = np.bincount(over, minlength=len(shown)) > 1
    lost = missed[cell] & several[over]
    return len(np.unique(over[lost])), len(np.unique(cell[lost]))


def _split(
    cells: ObjectColumns, shown: ObjectColumns, found_by: Ints, *, alarm: Bools, score: Floats
) -> tuple[int, int]:
    """Cells with a false alarm beside their first prediction, and those false alarms."""
    part, cell = _under(shown, cells)
    # The first of a cell is its finder, else the surest prediction; ties by position.
    keys = (*shown.position(part)[::-1], -score[part], found_by[cell] != part, cell)
    order = np.lexsort(keys)
    part, cell = part[order], cell[order]
    if not len(part):
        return 0, 0
    starts = np.flatnonzero(np.append(True, cell[1:] != cell[:-1]))
    first = np.repeat(part[starts], np.diff(np.append(starts, len(cell))))
    smaller = np.minimum(_area(shown)[part], _area(shown)[first])
    aside = intersection(shown, part, shown, first) <= _SHARE * smaller
    lost = alarm[part] & aside
    return len(np.unique(cell[lost])), len(np.unique(part[lost]))


def _under(objects: ObjectColumns, others: ObjectColumns) -> tuple[Ints, Ints]:
    """Pairs of an object and another of the other kind that it lies under."""
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    area = _area(objects)
    for row, other in region_candidates(objects, others, "bb", share=_SHARE):
        under = intersection(objects, row, others, other) > _SHARE * area[row]
        found.append((row[under], other[under]))
    rows, above = (np.concatenate(column) for column in zip(*found, strict=True))
    return rows, above


def _area(objects: ObjectColumns) -> Floats:
    return objects.size[0] * objects.size[1]


def _extended(table: GroundTruth | Predictions) -> Bools:
    """Mask of the objects whose box has an extent."""
    box = table.box
    some: Bools = (box[:, 2] > box[:, 0]) & (box[:, 3] > box[:, 1])
    return some

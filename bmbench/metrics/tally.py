"""What is kept of a matching: hits and false alarms by confidence, and by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.spatial_index import rows_by_key
from bmbench.core.types import Bools, Floats, Ints

_FEW = 1 << 12
"""Rows that are sorted by comparison in less time than passes over digits take."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """What is kept of a matching: enough for every score and every resampling of it.

    Attributes
    ----------
    confidence : (n,) float64
        Of every prediction that counts (ignored ones do not), descending.
    hit : (n,) bool
        Hit or false alarm.
    image : (n,) int64
        Row of the image.
    cells : (m,) int64
        Cells that must be found on each image.
    grouped : bool
        Whether equal scores are one step of the curve. If not (pycocotools), the order of the rows counts.
    """

    confidence: Floats
    hit: Bools
    image: Ints
    cells: Ints
    grouped: bool = True

    @classmethod
    def of(cls, *, confidence: Floats, hit: Bools, image: Ints, cells: Ints, grouped: bool = True) -> Tally:
        """The tally of predictions in any order; equal scores keep theirs."""
        order = by_descending_score(confidence)
        return cls(
            confidence=confidence[order], hit=hit[order], image=image[order], cells=cells, grouped=grouped
        )

    @property
    def step_ends(self) -> Ints:
        """(k,) last row of every step of the curve."""
        return step_ends(self.confidence) if self.grouped else np.arange(len(self.confidence))

    @property
    def n_cells(self) -> int:
        """Cells that must be found, on all images."""
        return int(self.cells.sum())


def step_ends(column: Floats | Ints) -> Ints:
    """Rows of the last of every run of equal numbers in a column."""
    if not len(column):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.append(column[1:] != column[:-1], True))


def steps_of(ends: Ints) -> Ints:
    """(n,) number of the run that each row lies in, from the last row of every run."""
    numbers: Ints = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
    return numbers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageCounts:
    """Hits, false alarms and cells of every image at a threshold, (images,) int64 each."""

    tp: Ints
    fp: Ints
    cells: Ints

    @classmethod
    def of(cls, image: Ints, hit: Bools, false_alarm: Bools, cells: Ints) -> ImageCounts:
        """The counts of predictions on these rows of images."""
        n = len(cells)
        return cls(
            tp=np.bincount(image[hit], minlength=n),
            fp=np.bincount(image[false_alarm], minlength=n),
            cells=cells,
        )


def sum_images(counts: Sequence[ImageCounts]) -> ImageCounts:
    """The counts of several classes on the same images."""
    if len(counts) == 1:
        return counts[0]
    return ImageCounts(
        tp=np.sum([count.tp for count in counts], axis=0),
        fp=np.sum([count.fp for count in counts], axis=0),
        cells=np.sum([count.cells for count in counts], axis=0),
    )


def pooled(tallies: Sequence[Tally]) -> Tally:
    """One tally of several classes on the same images."""
    if len(tallies) == 1:
        return tallies[0]
    return Tally.of(
        confidence=np.concatenate([tally.confidence for tally in tallies]),
        hit=np.concatenate([tally.hit for tally in tallies]),
        image=np.concatenate([tally.image for tally in tallies]),
        cells=np.sum([tally.cells for tally in tallies], axis=0, dtype=np.int64),
    )


def by_descending_score(score: Floats) -> Ints:
    """(n,) rows by descending score in [0, 1]; equal ones in the order they have."""
    if (score[1:] <= score[:-1]).all():
        return np.arange(len(score))
    if len(score) < _FEW:
        return np.argsort(-score, kind="stable")
    order = rows_by_key(((1 - score) * (2**32 - 1)).astype(np.uint32))
    ordered = score[order]
    if (ordered[1:] > ordered[:-1]).any():
        # Different scores with the same 32 bits.
        order = order[np.argsort(-ordered, kind="stable")]
    return order

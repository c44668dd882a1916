"""Counts of hits and false alarms by confidence, and the curve that they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.metrics.order import by_descending_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import Bools, Floats, Ints


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Precision and recall at every distinct score, descending; row i keeps the predictions from there up.

    Attributes
    ----------
    threshold : (k,) float64
        The score.
    precision : (k,) float64
        ``tp / (tp + fp)``.
    recall : (k,) float64
        ``tp / cells``; NaN if there are no cells.
    tp, fp : (k,) int64
        Hits and false alarms so far.
    cells : int
        Cells that must be found.

    Examples
    --------
    Four predictions on two cells, two of them equally sure:

    >>> tally = Tally.of(
    ...     confidence=np.array([0.9, 0.8, 0.8, 0.3]),
    ...     hit=np.array([True, False, True, False]),
    ...     image=np.zeros(4, int),
    ...     cells=np.array([2]),
    ... )
    >>> curve = Curve.of(tally)
    >>> curve.threshold.tolist(), curve.tp.tolist(), curve.fp.tolist()
    ([0.9, 0.8, 0.3], [1, 2, 2], [0, 1, 2])
    >>> curve.recall.tolist()
    [0.5, 1.0, 1.0]
    """

    threshold: Floats
    precision: Floats
    recall: Floats
    tp: Ints
    fp: Ints
    cells: int

    @classmethod
    def of(cls, tally: Tally, *, grouped: bool = True) -> Curve:
        """The curve of a tally: equal scores are one step, or (not `grouped`) one step a prediction."""
        last = step_ends(tally.confidence) if grouped else np.arange(len(tally.confidence))
        tp = np.cumsum(tally.hit, dtype=np.int64)[last]
        fp = last + 1 - tp
        n_cells = tally.n_cells
        return cls(
            threshold=tally.confidence[last],
            precision=tp / (tp + fp),
            recall=tp / n_cells if n_cells else np.full(len(tp), np.nan),
            tp=tp,
            fp=fp,
            cells=n_cells,
        )

    def f(self, beta: float = 1.0) -> Floats:
        """(k,) F-beta at every threshold; NaN if there are no cells (van Rijsbergen 1979)."""
        if not self.cells:
            return np.full(len(self.tp), np.nan)
        weight = beta * beta
        f: Floats = (1 + weight) * self.tp / (weight * self.cells + self.tp + self.fp)
        return f


def best_threshold(curve: Curve) -> float | None:
    """The score at which F1 is highest, the higher of equal ones; None if there are no predictions.

    Without cells no threshold is better than another: then it is the highest score.
    """
    if not len(curve.threshold):
        return None
    return float(curve.threshold[int(np.argmax(curve.f())) if curve.cells else 0])


def step_ends(column: Floats | Ints) -> Ints:
    """Rows of the last of every run of equal numbers in a column."""
    if not len(column):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.append(column[1:] != column[:-1], True))


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

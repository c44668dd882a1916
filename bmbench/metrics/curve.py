"""Precision and recall by confidence, F, and average precision: each formula once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.metrics.protocol import ApKind
from bmbench.metrics.tally import Tally, step_ends

if TYPE_CHECKING:
    _Counts: TypeAlias = Floats | Ints | float

RECALL_SLACK = 1e-12
"""How far below a wanted recall a recall still reaches it.

Hits / cells and 0.1, 0.2, … are each rounded by at most 1.1 × 10⁻¹⁶, so that 3 cells of 10 may lie below 0.3.
On paper a recall, hits / cells, that is no hundredth is at least 1 / (100 cells) off one: more than the slack
for up to ten thousand million cells. (10⁻⁹ would take one for the other from ten million cells on.)
"""


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
        """(k,) F-beta at every threshold; NaN if there are no cells."""
        return f_score(self.tp, self.fp, self.cells, beta=beta)


def f_score(tp: _Counts, fp: _Counts, cells: _Counts, *, beta: float = 1.0) -> Floats:
    """F-beta of hits, false alarms and cells, numbers or arrays; NaN where there are no cells.

    ``(1 + β²) tp / (tp + fp + β² cells)`` weighs recall `beta` times as much as precision (van Rijsbergen
    1979). F1 is ``2 tp / (2 tp + fp + fn)``: the cells are those found and those missed.
    """
    some = np.asarray(cells) > 0
    upper, lower = f_parts(tp, fp, cells, beta=beta)
    f: Floats = np.where(some, upper / np.where(some, lower, 1), np.nan)
    return f


def f_parts(tp: _Counts, fp: _Counts, cells: _Counts, *, beta: float) -> tuple[Floats, Floats]:
    """What is divided by what in F-beta: ``(1 + β²) tp`` by ``tp + fp + β² cells``."""
    weight = beta * beta
    upper: Floats = np.asarray((1 + weight) * tp, np.float64)
    lower: Floats = np.asarray(tp + fp + weight * cells, np.float64)
    return upper, lower


def best_threshold(curve: Curve) -> float | None:
    """The score at which F1 is highest, the higher of equal ones; None if there are no predictions.

    Without cells no threshold is better than another: then it is the highest score.
    """
    if not len(curve.threshold):
        return None
    return float(curve.threshold[int(np.argmax(curve.f())) if curve.cells else 0])


def average_precision(curve: Curve, kind: ApKind) -> float | None:
    """AP of a curve; None if there are no cells.

    The envelope at a recall is the best precision at that recall or any higher one; beyond the highest
    recall reached it is 0. Three areas under it, never to be compared with each other:

    - ``"all"``: area under the envelope over all recall points (Everingham et al., IJCV 2010, section 4.2
      as changed in the 2010 challenge).
    - ``"11"``: mean of the envelope at recall 0, 0.1, … 1 (Everingham et al., IJCV 2010, section 4.2).
    - ``"101"``: mean of the envelope at recall 0, 0.01, … 1 (Lin et al., ECCV 2014, and its evaluation code).
    """
    if not curve.cells:
        return None
    if kind == "all":
        envelope = precision_envelope(curve.precision)
        return float(np.sum(np.diff(curve.recall, prepend=0.0) * envelope))
    return float(np.mean(interpolated_precision(curve.precision, curve.recall, kind)))


def interpolated_precision(precision: Floats, recall: Floats, kind: ApKind) -> Floats:
    """(11,) or (101,) the envelope at the recalls that ``"11"`` or ``"101"`` names; else as `precision_at`.

    The hundredths are the float64 numbers that pycocotools compares with, 0.35 and 0.57 being a rounding
    error above the fractions 35/100 and 57/100. Tenths are meant as fractions: 3 cells of 10 reach 0.3.
    """
    if kind == "101":
        return precision_at(precision, recall, np.linspace(0.0, 1.0, 101), slack=0.0)
    return precision_at(precision, recall, np.arange(11) / 10)


def precision_at(precision: Floats, recall: Floats, points: Floats, *, slack: float = RECALL_SLACK) -> Floats:
    """(p,) the envelope of a curve at p recalls; 0 where no threshold reaches the recall.

    `precision` and `recall` are the (k,) columns of a curve, or (k, n) of n curves: then (n, p) comes back.
    """
    if precision.ndim > 1:
        envelope = np.concatenate([precision_envelope(precision), np.zeros((1, precision.shape[1]))])
        curves = zip(envelope.T, recall.T, strict=True)
        return np.array([one[np.searchsorted(reached, points - slack)] for one, reached in curves])
    padded = np.append(precision_envelope(precision), 0.0)
    at: Floats = padded[np.searchsorted(recall, points - slack)]
    return at


def precision_envelope(precision: Floats) -> Floats:
    """Best precision at each point of a curve or any later one; points run along the first axis."""
    envelope = np.empty_like(precision)
    np.maximum.accumulate(precision[::-1], axis=0, out=envelope[::-1])
    return envelope

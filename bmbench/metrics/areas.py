"""Average precision: three areas under the same curve, never to be compared with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bmbench.core.types import Floats, Ints
    from bmbench.metrics.protocol import ApKind
    from bmbench.metrics.tally import Curve

_ROUNDING = 1e-12


def average_precision(curve: Curve, kind: ApKind) -> float | None:
    """AP of a curve; None if there are no cells.

    The envelope at a recall is the best precision at that recall or any higher one; beyond the highest
    recall reached it is 0.

    - ``"all"``: area under the envelope over all recall points (Everingham et al., IJCV 2010, section 4.2
      as changed in the 2010 challenge).
    - ``"11"``: mean of the envelope at recall 0, 0.1, … 1 (Everingham et al., IJCV 2010, section 4.2).
    - ``"101"``: mean of the envelope at recall 0, 0.01, … 1 (Lin et al., ECCV 2014, and its evaluation code).
    """
    if not curve.cells:
        return None
    envelope = precision_envelope(curve.precision)
    if kind == "all":
        return float(np.sum(np.diff(curve.recall, prepend=0.0) * envelope))
    padded = np.append(envelope, 0.0)
    return float(np.mean(padded[reaching(curve.recall, kind)]))


def reaching(recall: Floats, kind: ApKind) -> Ints:
    """(11,) or (101,) row of an ascending column that first reaches recall 0, … 1; its length for none.

    The hundredths are the float64 numbers that pycocotools compares with, 0.35 and 0.57 being a rounding
    error above the fractions 35/100 and 57/100. Tenths are meant as fractions: 3 cells of 10 reach 0.3.
    """
    if kind == "101":
        return np.searchsorted(recall, np.linspace(0.0, 1.0, 101), side="left")
    return np.searchsorted(recall, np.arange(11) / 10 - _ROUNDING, side="left")


def precision_envelope(precision: Floats) -> Floats:
    """(k,) best precision at each point of a curve or any later one."""
    envelope: Floats = np.maximum.accumulate(precision[::-1])[::-1]
    return envelope

"""What a user asks of `bmbench budget`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.core.errors import BadInputError
from bmbench.core.numerals import numeral

SHARES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Of the training images."""
CIRCLE_S = 7.0
"""Seconds for a circle, as for a box by its four extreme points (Papadopoulos et al., ICCV 2017, 7.0 s)."""
CONTOUR_S = 79.0
"""Seconds for an outline: those of COCO took 22 hours of work per 1,000 (Lin et al., ECCV 2014)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptions:
    """What was asked for.

    Attributes
    ----------
    study : ReproduceOptions
        Data, methods, tracks, seeds and how they are run; its folder holds a study for each share.
    shares : tuple of float
        Shares of the training images, from above 0 to 1.
    circle_s, contour_s : float
        Seconds of work for one circle (or box), and for one outline.
    """

    study: ReproduceOptions
    shares: tuple[float, ...] = SHARES
    circle_s: float = CIRCLE_S
    contour_s: float = CONTOUR_S


def parse_shares(texts: Sequence[str]) -> tuple[float, ...]:
    """Percentages (``5``, ``12.5``) as shares in ascending order; BadInputError for anything else."""
    found = []
    for text in texts:
        try:
            percent = float(numeral(text))
        except ValueError:
            percent = -1.0
        if not 0 < percent <= 100:
            raise BadInputError(
                "--shares", expected="percentages above 0, at most 100, with commas between them", got=text
            )
        found.append(percent / 100)
    return tuple(sorted(set(found)))

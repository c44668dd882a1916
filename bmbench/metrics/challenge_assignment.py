"""Giving predictions to cells as evaluators of challenges do it; see `docs/metrics.md` for their faults.

They go from cell to cell, or pair everything with everything; bmbench goes from prediction to prediction.
"""

from __future__ import annotations

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Bools, Ints
from bmbench.metrics.assignment import NONE, first_come, rows_in_order
from bmbench.metrics.matching_input import ObjectColumns
from bmbench.metrics.pairs import AdmissiblePairs

MOST_PAIRS = 25_000_000
"""Predictions × cells of one image that `assign_all_pairs` takes: a matrix of 200 MB, some seconds."""


def assign_nearest(pairs: AdmissiblePairs, predictions: ObjectColumns, cells: ObjectColumns) -> Ints:
    """(n,) cell of each prediction, or -1: each cell looks at its nearest prediction only (MONKEY).

    Its confidence does not count. A prediction that is nearest to several cells gets the nearest of them; the
    evaluator of MONKEY counts all of them as found, and one hit along its curve.
    """
    order = rows_in_order(
        (pairs.cell, -pairs.merit), lambda rows: predictions.position(pairs.prediction[rows]), len(pairs)
    )
    cell = pairs.cell[order]
    first = np.ones(len(order), bool)
    first[1:] = cell[1:] != cell[:-1]
    chosen = pairs.take(order[first])
    taken = np.full(len(predictions), NONE)
    nearest = rows_in_order((-chosen.merit,), lambda rows: cells.position(chosen.cell[rows]), len(chosen))
    first_come(taken, chosen.prediction[nearest], chosen.cell[nearest], len(cells))
    return taken


def assign_by_cell(pairs: AdmissiblePairs, predictions: ObjectColumns, cells: ObjectColumns) -> Ints:
    """(n,) cell of each prediction, or -1: cell by cell, in their order, the nearest one still free (MIDOG).

    As ``score_detection`` of evalutils: the order of the annotations decides, confidences do not.
    """
    order = rows_in_order(
        (pairs.cell, -pairs.merit), lambda rows: predictions.position(pairs.prediction[rows]), len(pairs)
    )
    taken = np.full(len(predictions), NONE)
    first_come(taken, pairs.prediction[order], pairs.cell[order], len(cells))
    return taken


def assign_all_pairs(
    pairs: AdmissiblePairs, predictions: ObjectColumns, cells: ObjectColumns, used: Bools
) -> Ints:
    """(n,) cell of each prediction, or -1: least total distance of all, and what is too far is then let go.

    As ``pair_coordinates`` of HoVer-Net (Graham et al. 2019): a pair beyond the limit may keep two from each
    other that lie within it. It takes all distances of an image.

    Raises
    ------
    BadInputError
        If an image has more than `MOST_PAIRS` of them.
    """
    from scipy.optimize import linear_sum_assignment

    within = set(zip(pairs.prediction.tolist(), pairs.cell.tolist(), strict=True))
    taken = np.full(len(predictions), NONE)
    for image in np.intersect1d(predictions.image[used], cells.image).tolist():
        rows, owners = (
            np.flatnonzero(used & (predictions.image == image)),
            np.flatnonzero(cells.image == image),
        )
        if len(rows) * len(owners) > MOST_PAIRS:
            raise BadInputError(
                "too many pairs for the matching of HoVer-Net, which takes all distances of an image",
                expected=f"at most {MOST_PAIRS:,}",
                got=f"{len(rows):,} predictions and {len(owners):,} cells on one image",
                remedy="cut the image into tiles, or use --assignment hungarian with --radius 12",
            )
        distance = np.hypot(
            predictions.x[rows][:, None] - cells.x[owners], predictions.y[rows][:, None] - cells.y[owners]
        )
        best: tuple[Ints, Ints] = linear_sum_assignment(distance)
        for row, owner in zip(rows[best[0]].tolist(), owners[best[1]].tolist(), strict=True):
            if (row, owner) in within:
                taken[row] = owner
    return taken

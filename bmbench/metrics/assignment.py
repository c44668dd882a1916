"""Giving predictions to cells, one pair each.

Ties. Equal scores are one step: inside it the more similar pair goes first, then the pair whose prediction
(by its centre, then its box) comes first on the image, then the pair whose cell does. All of that is read
off the objects, so that no order of images, cells or predictions can move a score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bmbench.core.types import Bools, Floats, Ints
    from bmbench.metrics.objects import Objects
    from bmbench.metrics.pairs import Pairs

NONE = -1
"""The cell of a prediction that has none."""


def assign_greedily(pairs: Pairs, predictions: Objects, cells: Objects, score: Floats) -> Ints:
    """(n,) cell of each prediction, or -1: by descending score, each takes the best cell still free."""
    taken, contested = uncontested(pairs, len(predictions), len(cells))
    rows = contested[_by_priority(pairs.take(contested), predictions, cells, score)]
    first_come(taken, pairs.prediction[rows], pairs.cell[rows], len(cells))
    return taken


def assign_first_choice(pairs: Pairs, predictions: Objects, cells: Objects, score: Floats) -> Ints:
    """(n,) cell of each prediction, or -1: each looks at its best cell only; the best scored one gets it."""
    best = best_pairs(pairs, cells)
    return assign_greedily(pairs.take(best), predictions, cells, score)


def best_pairs(pairs: Pairs, cells: Objects) -> Ints:
    """Rows of the best pair of every prediction: the most similar cell, then the first on the image."""
    order = rows_in_order(
        (pairs.prediction, -pairs.merit), lambda rows: cells.position(pairs.cell[rows]), len(pairs)
    )
    owner = pairs.prediction[order]
    first = np.ones(len(order), bool)
    first[1:] = owner[1:] != owner[:-1]
    return order[first]


def first_come(
    taken: Ints, prediction: Ints, cell: Ints, n_cells: int, *, shared: Bools | None = None
) -> None:
    """Give every cell, in the order of the pairs, to the first free prediction; writes into `taken`.

    Cells in the (n_cells,) mask `shared` can be taken any number of times.
    """
    free_p, free_c = [True] * len(taken), [True] * n_cells
    stays = [False] * n_cells if shared is None else shared.tolist()
    for p, c in zip(prediction.tolist(), cell.tolist(), strict=True):
        if free_p[p] and free_c[c]:
            free_p[p], free_c[c] = False, stays[c]
            taken[p] = c


def uncontested(pairs: Pairs, n_predictions: int, n_cells: int) -> tuple[Ints, Ints]:
    """Cells of the predictions whose only pair is the cell's only pair, and the rows of all other pairs."""
    alone = np.bincount(pairs.prediction, minlength=n_predictions)[pairs.prediction] == 1
    alone &= np.bincount(pairs.cell, minlength=n_cells)[pairs.cell] == 1
    taken = np.full(n_predictions, NONE)
    taken[pairs.prediction[alone]] = pairs.cell[alone]
    return taken, np.flatnonzero(~alone)


def _by_priority(pairs: Pairs, predictions: Objects, cells: Objects, score: Floats) -> Ints:
    """Rows of the pairs, the one that is served first first."""

    def position(rows: Ints) -> tuple[Floats, ...]:
        return (
            *predictions.position(pairs.prediction[rows]),
            *cells.position(pairs.cell[rows]),
        )

    return rows_in_order((-score[pairs.prediction], -pairs.merit), position, len(pairs))


def rows_in_order(
    keys: tuple[Floats | Ints, ...], position: Callable[[Ints], tuple[NDArray[Any], ...]], n: int
) -> Ints:
    """Rows 0 to n − 1 in ascending order of `keys`, the weightiest first; those still equal by position."""
    if not n:
        return np.zeros(0, np.int64)
    order: Ints = np.lexsort(keys[::-1]) if len(keys) > 1 else np.argsort(keys[0])
    same = np.ones(n - 1, bool)
    for key in keys:
        ordered = key[order]
        same &= ordered[1:] == ordered[:-1]
    if not same.any():
        return order
    run = np.zeros(n, np.int64)
    np.cumsum(~same, out=run[1:])
    tied = np.zeros(n, bool)
    tied[1:] |= same
    tied[:-1] |= same
    rows = order[tied]
    order[tied] = rows[np.lexsort((*position(rows)[::-1], run[tied]))]
    return order

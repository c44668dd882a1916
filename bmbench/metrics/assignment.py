"""Giving predictions to cells, one pair each: greedily by score, or as well as can be (Hungarian).

Ties. Equal scores are one step: inside it the more similar pair goes first, then the pair whose prediction
(by its centre, then its box) comes first on the image, then the pair whose cell does. All of that is read
off the objects, so that no order of images, cells or predictions can move a score.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Bools, Floats, Ints
from bmbench.metrics.matching_input import ObjectColumns
from bmbench.metrics.pairs import DECIMALS, AdmissiblePairs

NONE = -1
"""The cell of a prediction that has none."""

_LEXICOGRAPHIC = 16
"""Pairs of a group, at most, that powers of two put in order: sums then stay within the bits of a float64."""

_FEW = 10
"""Pairs of a group, at most, that all ways to choose among are compared of: a thousand ways."""

_AT_ONCE = 1 << 17
"""Ways that are compared at a time: few enough for the processor's cache."""

_BLOCK = 1 << 9
"""Pairs that are solved at a time: SciPy's time grows with the square of the objects, and with the calls."""


def assign_greedily(
    pairs: AdmissiblePairs, predictions: ObjectColumns, cells: ObjectColumns, score: Floats
) -> Ints:
    """(n,) cell of each prediction, or -1: by descending score, each takes the best cell still free."""
    taken, contested = uncontested(pairs, len(predictions), len(cells))
    rows = contested[_by_priority(pairs.take(contested), predictions, cells, score)]
    first_come(taken, pairs.prediction[rows], pairs.cell[rows], len(cells))
    return taken


def assign_first_choice(
    pairs: AdmissiblePairs, predictions: ObjectColumns, cells: ObjectColumns, score: Floats
) -> Ints:
    """(n,) cell of each prediction, or -1: each looks at its best cell only; the best scored one gets it."""
    best = _best_pairs(pairs, cells)
    return assign_greedily(pairs.take(best), predictions, cells, score)


def assign_optimally(
    pairs: AdmissiblePairs, predictions: ObjectColumns, cells: ObjectColumns, score: Floats
) -> Ints:
    """(n,) cell of each prediction, or -1: as many pairs as possible, and of those the least total cost.

    The cost of a pair is what its merit lacks of 1: 1 − IoU, or the distance over the limit (and 1). Each
    prediction may also stay alone, at a price above that of any chain of pairs: so the number of pairs counts
    first, their cost second (Kuhn, Naval Research Logistics Quarterly 1955).

    Ties. Costs are whole numbers of their last decimal, so that sums are exact and equal on paper is equal
    here. Of equally good assignments the first one is taken: that with the first pair (by the position of the
    prediction, its score, the position of the cell), then the second … In groups of more than 16 pairs, where
    the powers of two that say so would be rounded, it is the one that SciPy finds for pairs in that order.
    """
    taken, contested = uncontested(pairs, len(predictions), len(cells))
    few = pairs.take(contested)

    def position(rows: Ints) -> tuple[Floats, ...]:
        who = few.prediction[rows]
        return (*predictions.position(who), -score[who], *cells.position(few.cell[rows]))

    few = few.take(rows_in_order((predictions.x[few.prediction],), position, len(few)))
    in_star = _in_star(few, len(predictions), len(cells))
    star = few.take(in_star)
    star = star.take(np.argsort(-star.merit, kind="stable"))
    first_come(taken, star.prediction, star.cell, len(cells))
    if in_star.all():
        return taken
    tangled, group = _grouped(few.take(~in_star))
    size = np.bincount(group)
    place, n_pairs = np.arange(len(group)) - (np.cumsum(size) - size)[group], size[group]
    unit = np.ldexp(1.0, np.where(n_pairs <= _LEXICOGRAPHIC, n_pairs, 0))
    earliness = np.floor(np.ldexp(unit, -1 - place))
    decimals = 10.0**DECIMALS
    cost = (np.rint((1 - tangled.merit) * decimals) + 1) * unit - earliness
    alone = (n_pairs.astype(np.float64) * (2 * decimals + 1) + 1) * unit
    _take_cheapest(taken, tangled, group, cost=cost, alone=alone)
    return taken


def assign_in_order(pairs: AdmissiblePairs, predictions: ObjectColumns, n_cells: int, score: Floats) -> Bools:
    """(n,) whether each prediction is a hit when predictions are added one by one, by descending score.

    Each prediction either lets the largest matching grow by one pair (a hit, for good) or does not (a false
    alarm, for good): at every point of the order the hits so far are as many as a largest matching of the
    predictions so far has pairs (the sets that can be matched form a matroid; Edmonds and Fulkerson 1965).
    Equal scores: the prediction with the most similar cell first, then the first on the image.

    In a matroid the set that grows so is also the one heaviest set for any weights that fall along the order:
    leaving a prediction alone costs the more, the earlier it comes.
    """
    taken, contested = uncontested(pairs, len(predictions), n_cells)
    few = pairs.take(contested)
    best = np.full(len(predictions), -np.inf)
    np.maximum.at(best, few.prediction, few.merit)
    some = np.unique(few.prediction)

    def position(rows: Ints) -> tuple[Floats, ...]:
        return predictions.position(some[rows])

    order = some[rows_in_order((-score[some], -best[some]), position, len(some))]
    rank = np.empty(len(predictions), np.int64)
    rank[order] = np.arange(len(order))
    few = few.take(np.argsort(rank[few.prediction], kind="stable"))
    in_star = _in_star(few, len(predictions), n_cells)
    star = few.take(in_star)
    first_come(taken, star.prediction, star.cell, n_cells)
    if not in_star.all():
        tangled, group = _grouped(few.take(~in_star))
        alone = (len(some) + 1 - rank[tangled.prediction]).astype(np.float64)
        _take_cheapest(taken, tangled, group, cost=np.ones(len(group)), alone=alone)
    hit: Bools = taken != NONE
    return hit


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


def uncontested(pairs: AdmissiblePairs, n_predictions: int, n_cells: int) -> tuple[Ints, Ints]:
    """Cells of the predictions whose only pair is the cell's only pair, and the rows of all other pairs."""
    alone = np.bincount(pairs.prediction, minlength=n_predictions)[pairs.prediction] == 1
    alone &= np.bincount(pairs.cell, minlength=n_cells)[pairs.cell] == 1
    taken = np.full(n_predictions, NONE)
    taken[pairs.prediction[alone]] = pairs.cell[alone]
    return taken, np.flatnonzero(~alone)


def rows_in_order(
    keys: tuple[Floats | Ints, ...], position: Callable[[Ints], tuple[NDArray[Any], ...]], n: int
) -> Ints:
    """Rows 0 to n − 1 in ascending order of `keys`, the weightiest first; those still equal by position."""
    if not n:
        return np.zeros(0, np.int64)
    order: Ints = np.lexsort(keys[::-1])
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


def _by_priority(
    pairs: AdmissiblePairs, predictions: ObjectColumns, cells: ObjectColumns, score: Floats
) -> Ints:
    """Rows of the pairs, the one that is served first first."""

    def position(rows: Ints) -> tuple[Floats, ...]:
        return (
            *predictions.position(pairs.prediction[rows]),
            *cells.position(pairs.cell[rows]),
        )

    return rows_in_order((-score[pairs.prediction], -pairs.merit), position, len(pairs))


def _best_pairs(pairs: AdmissiblePairs, cells: ObjectColumns) -> Ints:
    """Rows of the best pair of every prediction: the most similar cell, then the first on the image."""
    order = rows_in_order(
        (pairs.prediction, -pairs.merit), lambda rows: cells.position(pairs.cell[rows]), len(pairs)
    )
    owner = pairs.prediction[order]
    first = np.ones(len(order), bool)
    first[1:] = owner[1:] != owner[:-1]
    return order[first]


def _in_star(pairs: AdmissiblePairs, n_predictions: int, n_cells: int) -> Bools:
    """(m,) whether a pair's group has one cell or one prediction only: its best pair is then all it needs."""
    many_p = np.bincount(pairs.prediction, minlength=n_predictions)[pairs.prediction] > 1
    many_c = np.bincount(pairs.cell, minlength=n_cells)[pairs.cell] > 1
    branching_at_cell = np.bincount(pairs.cell, weights=many_p, minlength=n_cells)
    branching_at_prediction = np.bincount(pairs.prediction, weights=many_c, minlength=n_predictions)
    star: Bools = (branching_at_cell[pairs.cell] == 0) | (branching_at_prediction[pairs.prediction] == 0)
    return star


def _grouped(pairs: AdmissiblePairs) -> tuple[AdmissiblePairs, Ints]:
    """The pairs by group, and the (m,) number of each one's: predictions and cells that hang together."""
    prediction, cell = (np.unique(ends, return_inverse=True)[1] for ends in (pairs.prediction, pairs.cell))
    cell = cell + prediction.max() + 1
    least = np.arange(cell.max() + 1)
    while True:
        # Each end points at the least one that it is known to hang together with; at last at that of all.
        first, second = least[prediction], least[cell]
        if (first == second).all():
            break
        lower = np.minimum(first, second)
        np.minimum.at(least, first, lower)
        np.minimum.at(least, second, lower)
        while not np.array_equal(least, further := least[least]):
            least = further
    order = np.argsort(first, kind="stable")
    return pairs.take(order), np.unique(first[order], return_inverse=True)[1]


def _take_cheapest(taken: Ints, pairs: AdmissiblePairs, group: Ints, *, cost: Floats, alone: Floats) -> None:
    """Give cells to predictions so that all of it costs least; writes into `taken`.

    Parameters
    ----------
    group : (m,) int64
        Of each pair, ascending.
    cost : (m,) float64, whole numbers above 0
        Of each pair.
    alone : (m,) float64, whole numbers above the cost of the pair
        Of leaving the prediction of each pair without a cell.
    """
    size = np.bincount(group)
    start, n_pairs = np.cumsum(size) - size, size[group]
    for m in range(1, _FEW + 1):
        rows = start[size == m][:, np.newaxis] + np.arange(m)
        for at in range(0, len(rows), _AT_ONCE >> m):
            few = rows[at : at + (_AT_ONCE >> m)]
            chosen = few[_best_subsets(pairs.prediction[few], pairs.cell[few], (alone - cost)[few])]
            taken[pairs.prediction[chosen]] = pairs.cell[chosen]
    many = np.flatnonzero(n_pairs > _FEW)
    if len(many):
        _solve(taken, pairs.take(many), group[many], cost=cost[many], alone=alone[many])


def _best_subsets(prediction: Ints, cell: Ints, gain: Floats) -> Bools:
    """(g, m) whether each of m pairs is chosen in each of g groups, of all ways to choose the best one.

    It is that with the greatest sum of gains in which no prediction and no cell stands twice.
    """
    m = gain.shape[1]
    subset, bit = np.arange(1 << m), np.arange(m)
    total, allowed = np.zeros((len(gain), len(subset))), np.ones((len(gain), len(subset)), bool)
    for one in range(m):
        chosen = (subset >> one) % 2 == 1
        total += np.where(chosen, gain[:, one, np.newaxis], 0)
        clash = (prediction == prediction[:, [one]]) | (cell == cell[:, [one]])
        others = (np.where(bit > one, clash, 0) << bit).sum(axis=1)
        allowed &= ~chosen | (others[:, np.newaxis] & subset == 0)
    best = np.where(allowed, total, -1).argmax(axis=1)
    is_chosen: Bools = best[:, np.newaxis] >> bit & 1 == 1
    return is_chosen


def _solve(taken: Ints, pairs: AdmissiblePairs, group: Ints, *, cost: Floats, alone: Floats) -> None:
    """As `_take_cheapest`, whatever the groups are like."""
    # SciPy takes long to load, and few sets of images need it.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    ends = np.flatnonzero(np.append(group[1:] != group[:-1], True)) + 1
    cuts = ends[np.append(np.diff(ends // _BLOCK) > 0, True)]
    for start, end in pairwise([0, *cuts.tolist()]):
        row, column = _numbered(pairs.prediction[start:end]), _numbered(pairs.cell[start:end])
        n, n_cells = int(row.max()) + 1, int(column.max()) + 1
        # Each prediction has a column of its own to be alone in. No weight is 0: to SciPy that is no edge.
        own = np.arange(n)
        price = np.empty(n)
        price[row] = alone[start:end]
        weights = np.concatenate([cost[start:end], price])
        # SciPy 1.12 takes no index of 64 bits.
        rows = np.concatenate([row, own]).astype(np.int32)
        columns = np.concatenate([column, n_cells + own]).astype(np.int32)
        graph = coo_array((weights, (rows, columns)), shape=(n, n_cells + n)).tocsr()
        _, best = min_weight_full_bipartite_matching(graph)
        chosen = start + np.flatnonzero(best[row] == column)
        taken[pairs.prediction[chosen]] = pairs.cell[chosen]


def _numbered(values: Ints) -> Ints:
    """(m,) the same values as numbers from 0, in the order in which they first come."""
    _, first, number = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[number]

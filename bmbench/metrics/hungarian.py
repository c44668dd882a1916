"""Optimal assignment on sparse pairs.

Predictions and cells fall into small connected groups; nothing here is dense, and a group of any size is
solved by searches that stay near where they start.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from bmbench.metrics.assignment import NONE, first_come, rows_in_order, uncontested

if TYPE_CHECKING:
    from bmbench.core.types import Bools, Floats, Ints
    from bmbench.metrics.objects import Objects
    from bmbench.metrics.pairs import Pairs


def assign_optimally(pairs: Pairs, predictions: Objects, cells: Objects, cost: Floats) -> Ints:
    """(n,) cell of each prediction, or -1: as many pairs as possible, and of those the least total cost.

    Kuhn, Naval Research Logistics Quarterly 1955, by shortest augmenting paths (Jonker and Volgenant,
    Computing 1987) on the admissible pairs alone. Each prediction may also stay alone, at a price above
    that of any chain of pairs: so the number of pairs counts first, their cost second.

    Parameters
    ----------
    cost : (m,) float64, at least 0
        Of each pair: 1 − IoU, or pixels.
    """
    taken, contested = uncontested(pairs, len(predictions), len(cells))
    if not len(contested):
        return taken
    # Rows and columns in an order of their own make equal costs fall the same way in any order of the files.
    contested = contested[_canonical(pairs.take(contested), predictions, cells)]
    few, cost = pairs.take(contested), cost[contested]
    in_star = _stars(few, len(predictions), len(cells))
    star = np.flatnonzero(in_star)
    star = star[np.argsort(cost[star], kind="stable")]
    first_come(taken, few.prediction[star], few.cell[star], len(cells))
    tangled = np.flatnonzero(~in_star)
    if len(tangled):
        _solve(taken, few.take(tangled), cost[tangled])
    return taken


def assign_in_order(pairs: Pairs, predictions: Objects, n_cells: int, score: Floats) -> Bools:
    """(n,) whether each prediction is a hit when predictions are added one by one, by descending score.

    Each prediction either lets the largest matching grow by one pair (a hit, for good) or does not (a false
    alarm, for good): at every point of the order the hits so far are as many as a largest matching of the
    predictions so far has pairs (the sets that can be matched form a matroid; Edmonds and Fulkerson 1965).
    Equal scores: the prediction with the most similar cell first, then the first on the image.
    """
    taken, contested = uncontested(pairs, len(predictions), n_cells)
    hit: Bools = taken != NONE
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
    in_star = _stars(few, len(predictions), n_cells)
    # The first to come gets the one cell of a star; a star's one prediction comes first to all its cells.
    star = few.take(in_star)
    hit[star.prediction[np.unique(star.cell, return_index=True)[1]]] = True
    search = _Augmenting(few.take(~in_star))
    for start in search.reachable:
        hit[start] = search.add(start)
    return hit


class _Augmenting:
    """A largest matching that grows as predictions are added."""

    def __init__(self, pairs: Pairs) -> None:
        self.reachable: dict[int, list[int]] = {}
        for prediction, cell in zip(pairs.prediction.tolist(), pairs.cell.tolist(), strict=True):
            self.reachable.setdefault(prediction, []).append(cell)
        self._held: dict[int, int] = {}
        self._owner: dict[int, int] = {}
        self._lost: set[int] = set()

    def add(self, start: int) -> bool:
        """Whether the matching grows by this prediction: whether an alternating path leads to a free cell."""
        came_from: dict[int, int] = {}
        queue = [start]
        for prediction in queue:
            for cell in self.reachable[prediction]:
                if cell in came_from or cell in self._lost:
                    continue
                came_from[cell] = prediction
                if cell not in self._owner:
                    self._flip(cell, came_from, start)
                    return True
                queue.append(self._owner[cell])
        # From none of these can a free cell be reached any more, whatever comes later.
        self._lost.update(came_from)
        return False

    def _flip(self, cell: int, came_from: dict[int, int], start: int) -> None:
        while True:
            prediction = came_from[cell]
            before = self._held.get(prediction, NONE)
            self._held[prediction], self._owner[cell] = cell, prediction
            if prediction == start:
                return
            cell = before


def _canonical(pairs: Pairs, predictions: Objects, cells: Objects) -> Ints:
    """Rows of the pairs by the image and position of the prediction, then the position of the cell."""

    def position(rows: Ints) -> tuple[Floats, ...]:
        return (*predictions.position(pairs.prediction[rows]), *cells.position(pairs.cell[rows]))

    return rows_in_order((predictions.image[pairs.prediction],), position, len(pairs))


def _stars(pairs: Pairs, n_predictions: int, n_cells: int) -> Bools:
    """(m,) whether a pair's group has one cell or one prediction only: its cheapest pair is the answer."""
    many_p = np.bincount(pairs.prediction, minlength=n_predictions)[pairs.prediction] > 1
    many_c = np.bincount(pairs.cell, minlength=n_cells)[pairs.cell] > 1
    branching_at_cell = np.bincount(pairs.cell, weights=many_p, minlength=n_cells)
    branching_at_prediction = np.bincount(pairs.prediction, weights=many_c, minlength=n_predictions)
    one_cell = branching_at_cell[pairs.cell] == 0
    one_prediction = branching_at_prediction[pairs.prediction] == 0
    star: Bools = one_cell | one_prediction
    return star


def _solve(taken: Ints, pairs: Pairs, cost: Floats) -> None:
    """Solve all groups that are no stars; writes into `taken`."""
    prediction, row = np.unique(pairs.prediction, return_inverse=True)
    cell, column = np.unique(pairs.cell, return_inverse=True)
    edges: list[list[tuple[int, float]]] = [[] for _ in prediction]
    for i, j, price in zip(row.tolist(), column.tolist(), cost.tolist(), strict=True):
        edges[i].append((j, price))
    size = _group_sizes(edges, len(cell))
    dearest = float(cost.max()) + 1.0
    for i in range(len(prediction)):
        # To stay alone costs more than a whole chain of pairs can.
        edges[i].append((len(cell) + i, size[i] * dearest))
    paths = _ShortestPaths(edges, n_columns=len(cell) + len(prediction))
    for i in dict.fromkeys(row.tolist()):
        paths.add(i)
    for j, i in paths.owner.items():
        if j < len(cell):
            taken[prediction[i]] = cell[j]


def _group_sizes(edges: list[list[tuple[int, float]]], n_columns: int) -> list[int]:
    """Rows and columns in the connected group of each row."""
    n_rows = len(edges)
    parent = list(range(n_rows + n_columns))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for i, reached in enumerate(edges):
        for j, _ in reached:
            parent[root(i)] = root(n_rows + j)
    roots = [root(node) for node in range(n_rows + n_columns)]
    count = np.bincount(roots)
    return [int(count[group]) for group in roots[:n_rows]]


class _ShortestPaths:
    """A cheapest assignment of rows to columns that grows row by row."""

    def __init__(self, edges: list[list[tuple[int, float]]], *, n_columns: int) -> None:
        self.owner: dict[int, int] = {}
        self._edges = edges
        self._held = [NONE] * len(edges)
        self._u = [0.0] * len(edges)
        self._v = [0.0] * n_columns

    def add(self, start: int) -> None:
        """Assign one more row; the assignment of all rows so far stays a cheapest one."""
        shortest: dict[int, tuple[float, int]] = {}
        settled: dict[int, float] = {}
        heap: list[tuple[float, int]] = []
        row, here = start, 0.0
        while True:
            for column, price in self._edges[row]:
                length = here + max(price - self._u[row] - self._v[column], 0.0)
                if column not in settled and (column not in shortest or length < shortest[column][0]):
                    shortest[column] = (length, row)
                    heapq.heappush(heap, (length, column))
            here, column = heapq.heappop(heap)
            while column in settled:
                here, column = heapq.heappop(heap)
            settled[column] = here
            if column not in self.owner:
                break
            row = self.owner[column]
        self._u[start] += here
        for passed, length in settled.items():
            if passed in self.owner:
                self._v[passed] -= here - length
                self._u[self.owner[passed]] += here - length
        self._flip(column, shortest, start)

    def _flip(self, column: int, shortest: dict[int, tuple[float, int]], start: int) -> None:
        while True:
            row = shortest[column][1]
            before = self._held[row]
            self._held[row], self.owner[column] = column, row
            if row == start:
                return
            column = before

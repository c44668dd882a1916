"""Slow answers to the same questions, written straight from the definitions: every pair, every assignment.

Numbers are exact fractions where the question is exact (limits, ties).
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np

from bmbench.core.types import GroundTruth, Predictions, Role


def iou(a: Any, b: Any) -> Fraction:
    """Intersection over union, exact."""
    a, b = [Fraction(float(v)) for v in a], [Fraction(float(v)) for v in b]
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = width * height if width > 0 and height > 0 else Fraction(0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union else Fraction(0)


def distance_squared(a: Any, b: Any) -> Fraction:
    """Squared distance of two points, exact."""
    return sum(
        ((Fraction(float(p)) - Fraction(float(q))) ** 2 for p, q in zip(a, b, strict=True)), Fraction(0)
    )


def similarity(truth: GroundTruth, predictions: Predictions, geometry: str) -> dict[tuple[int, int], Any]:
    """(prediction, annotation) → how well it fits (larger is better), for the pairs within the limit only."""
    found = {}
    for p in range(len(predictions)):
        for a in np.flatnonzero(truth.image == predictions.image[p]).tolist():
            if geometry == "bb":
                value = iou(predictions.box[p], truth.box[a])
                if value > Fraction(1, 2):
                    found[p, a] = value
            else:
                squared = distance_squared(predictions.xy[p], truth.xy[a])
                if squared <= RADIUS**2:
                    found[p, a] = -squared
    return found


RADIUS = 10
"""Of centre matching in the naive answers, pixels."""


def greedy(truth: GroundTruth, predictions: Predictions, geometry: str) -> dict[int, int]:
    """Prediction → cell: pairs by score, then fit, then place on the image; each if both are free."""
    fits = similarity(truth, predictions, geometry)
    place = [(*predictions.xy[p], *predictions.box[p]) for p in range(len(predictions))]
    home = [(*truth.xy[a], *truth.box[a]) for a in range(len(truth.image))]
    order = sorted(
        (pair for pair in fits if is_scored(truth, predictions, pair)),
        key=lambda pair: (-predictions.confidence[pair[0]], -fits[pair], place[pair[0]], home[pair[1]]),
    )
    taken: dict[int, int] = {}
    for p, a in order:
        if p not in taken and a not in taken.values():
            taken[p] = a
    return taken


def is_scored(truth: GroundTruth, predictions: Predictions, pair: tuple[int, int]) -> bool:
    """Whether the pair is of a cell and of a prediction of cells."""
    return truth.role[pair[1]] == Role.CELL and not truth.categories[predictions.label[pair[0]]].artefact


def is_ignored(truth: GroundTruth, predictions: Predictions, p: int, geometry: str, fits: Any) -> bool:
    """Whether an ignored object or region admits a prediction."""
    for a in np.flatnonzero((truth.image == predictions.image[p]) & (truth.role == Role.IGNORE)).tolist():
        if not truth.region[a]:
            if (p, a) in fits:
                return True
            continue
        x0, y0, x1, y1 = truth.box[a]
        if geometry == "cd":
            x, y = predictions.xy[p]
            if x0 <= x <= x1 and y0 <= y <= y1:
                return True
            continue
        b = predictions.box[p]
        width, height = min(x1, b[2]) - max(x0, b[0]), min(y1, b[3]) - max(y0, b[1])
        own = (b[2] - b[0]) * (b[3] - b[1])
        if width > 0 and height > 0 and width * height > own / 2:
            return True
    return False


def counts(truth: GroundTruth, predictions: Predictions, taken: dict[int, int], geometry: str) -> Any:
    """(hits, false alarms, ignored, misses) of an assignment."""
    fits = similarity(truth, predictions, geometry)
    asked = [p for p in range(len(predictions)) if not truth.categories[predictions.label[p]].artefact]
    left = [p for p in asked if p not in taken]
    ignored = sum(is_ignored(truth, predictions, p, geometry, fits) for p in left)
    return len(taken), len(left) - ignored, ignored, int((truth.role == Role.CELL).sum()) - len(taken)


def best_assignment(fits: dict[tuple[int, int], float], n_left: int, n_right: int) -> tuple[int, float]:
    """(pairs, total cost) of the best assignment, all of them tried: most pairs, then the least cost."""
    best = (0, 0.0)
    slots = [*range(n_right), *[-1] * n_left]
    for choice in set(permutations(slots, n_left)):
        pairs = [(left, right) for left, right in enumerate(choice) if (left, right) in fits]
        if sum(right >= 0 for right in choice) != len(pairs):
            continue
        cost = sum(fits[pair] for pair in pairs)
        if len(pairs) > best[0] or (len(pairs) == best[0] and cost < best[1]):
            best = (len(pairs), cost)
    return best


def first_best_assignment(costs: dict[tuple[int, int], int]) -> dict[int, int]:
    """Prediction → cell of the best assignment, all tried: most pairs, then the least cost, then the first.

    `costs` are whole numbers. Of equally good ones the first holds the first pair of `costs`, in its order,
    then the second …
    """
    pairs = list(costs)
    chosen: list[tuple[tuple[int, int], ...]] = [()]
    for pair in pairs:
        chosen += [(*some, pair) for some in chosen if all(pair[0] != p and pair[1] != c for p, c in some)]
    best = min(
        chosen, key=lambda some: (-len(some), sum(costs[p] for p in some), [p not in some for p in pairs])
    )
    return dict(best)


def average_precision(hit: Any, score: Any, n_cells: int) -> float:
    """Area under the envelope, equal scores one step, from the definition."""
    points = []
    for threshold in sorted(set(score), reverse=True):
        kept = [h for h, s in zip(hit, score, strict=True) if s >= threshold]
        points.append((sum(kept) / n_cells, sum(kept) / len(kept)))
    area, before = 0.0, 0.0
    for row, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[row:])
        before = recall
    return area

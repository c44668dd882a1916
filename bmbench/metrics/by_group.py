"""The scores of each group of images, a patient or a slide, by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmbench.core.types import Floats, GroundTruth, Ints
from bmbench.metrics.curve import f_score
from bmbench.metrics.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupScores:
    """Counts of every group at the threshold; row i of every column is group i.

    Attributes
    ----------
    names : tuple of g str
        In alphabetical order; an image without a group is a group of its own.
    images, tp, fp, cells : (g,) int64
        Images, hits, false alarms, cells that must be found.
    f1, precision, recall : (g,) float64
        NaN where undefined: no cells, no predictions.
    """

    names: tuple[str, ...]
    images: Ints
    tp: Ints
    fp: Ints
    cells: Ints
    f1: Floats
    precision: Floats
    recall: Floats

    def __len__(self) -> int:
        return len(self.names)

    def to_json(self) -> list[dict[str, Any]]:
        """One record a group; None where undefined."""
        return list(self._records())

    def _records(self) -> Iterator[dict[str, Any]]:
        for row, name in enumerate(self.names):
            counts = {key: int(getattr(self, key)[row]) for key in ("images", "cells", "tp", "fp")}
            shares = {key: float(getattr(self, key)[row]) for key in ("f1", "precision", "recall")}
            known = {key: None if np.isnan(value) else value for key, value in shares.items()}
            yield {"group": name, **counts, "fn": counts["cells"] - counts["tp"], **known}


def scores_by_group(truth: GroundTruth, scores: Scores) -> GroupScores:
    """Hits, false alarms and cells of each group, from the matching of `scores`, and their ratios."""
    names, group = np.unique(np.asarray(truth.groups, dtype=str), return_inverse=True)
    tp, fp, cells = (_sums(column, group, len(names)) for column in _columns(scores))
    return GroupScores(
        names=tuple(map(str, names)),
        images=np.bincount(group, minlength=len(names)),
        tp=tp,
        fp=fp,
        cells=cells,
        f1=f_score(tp, fp, cells),
        precision=_ratio(tp, tp + fp),
        recall=_ratio(tp, cells),
    )


def _columns(scores: Scores) -> tuple[Ints, Ints, Ints]:
    return scores.images.tp, scores.images.fp, scores.images.cells


def _sums(column: Ints, group: Ints, n: int) -> Ints:
    sums = np.zeros(n, np.int64)
    np.add.at(sums, group, column)
    return sums


def _ratio(part: Ints, whole: Ints) -> Floats:
    share: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share

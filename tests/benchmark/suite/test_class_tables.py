"""Classes told apart: thresholds and radii of their own, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bmbench.benchmark.suite.report.class_tables import class_radii, macro_f1, score_at_own_thresholds
from bmbench.core.types import Category, GroundTruth, Predictions, Role
from bmbench.metrics.protocol import Protocol

WHITE, PLATELET = 0, 1
SIDE = {WHITE: 180.0, PLATELET: 42.0}
CATEGORIES = (Category(id=1, name="white"), Category(id=2, name="platelet"))


def truth(cells):
    """Cells (label, x, y) on one image."""
    label = np.array([one[0] for one in cells])
    xy = np.array([one[1:] for one in cells], float)
    half = np.array([SIDE[one] / 2 for one in label.tolist()])[:, None]
    return GroundTruth(
        image_ids=(1,),
        groups=("a",),
        image=np.zeros(len(cells), np.int64),
        xy=xy,
        box=np.hstack([xy - half, xy + half]),
        label=label,
        role=np.full(len(cells), Role.CELL),
        region=np.zeros(len(cells), bool),
        categories=CATEGORIES,
    )


def answers(found):
    """Predictions (label, x, y, confidence) on it."""
    label = np.array([one[0] for one in found])
    xy = np.array([one[1:3] for one in found], float)
    half = np.array([SIDE[one] / 2 for one in label.tolist()])[:, None]
    return Predictions(
        image=np.zeros(len(found), np.int64),
        xy=xy,
        box=np.hstack([xy - half, xy + half]),
        confidence=np.array([one[3] for one in found]),
        label=label,
    )


def test_each_class_has_a_threshold_and_a_radius_of_its_own():
    chosen = (
        truth([(WHITE, 200, 200), (PLATELET, 600, 200)]),
        answers(
            [
                (WHITE, 200, 200, 0.9),
                (WHITE, 900, 900, 0.8),
                (PLATELET, 600, 200, 0.3),
                (PLATELET, 900, 100, 0.1),
            ]
        ),
    )
    tested = (
        truth([(WHITE, 200, 200), (WHITE, 700, 700), (PLATELET, 600, 200), (PLATELET, 900, 200)]),
        # A white cell 50 px off is found (60 px), a platelet 20 px off is not (14 px); one white answer lies
        # below the threshold of its class, though above that of platelets.
        answers(
            [
                (WHITE, 250, 200, 0.95),
                (WHITE, 700, 700, 0.5),
                (PLATELET, 600, 205, 0.35),
                (PLATELET, 920, 200, 0.4),
            ]
        ),
    )
    assert class_radii(tested[0]) == (("white", 60.0), ("platelet", 14.0))
    points = score_at_own_thresholds(tested, chosen, Protocol(name="paper", radius_px=62.0))
    assert 0.8 < points.thresholds["white"] <= 0.9
    assert 0.1 < points.thresholds["platelet"] <= 0.3
    white, platelet = points.classes["cd"]["white"], points.classes["cd"]["platelet"]
    assert (white.tp, white.fp, white.fn) == (1, 0, 1)
    assert (platelet.tp, platelet.fp, platelet.fn) == (1, 1, 1)
    assert macro_f1(points, 2)[0] == pytest.approx((2 / 3 + 1 / 2) / 2)
    # A third class that was never named takes its share away, and no interval would hold it.
    assert macro_f1(points, 3) == (pytest.approx((2 / 3 + 1 / 2) / 3), None)
    assert macro_f1(None, 3) == (None, None)

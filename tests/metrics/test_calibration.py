"""Calibration: by hand, and on confidences whose calibration is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bmbench.metrics import PROTOCOLS, Tally, evaluate, reliability
from bmbench.statistics.intervals import calibration_interval, with_intervals
from bmbench.statistics.units import units_of

from .scenes import predictions_of, random_scene, square, taken, truth_of

PAPER = PROTOCOLS["paper"]


def test_by_hand() -> None:
    """Hits at 0.9 and 0.98, a false alarm at 0.94; a hit at 0.32, a false alarm at 0.3 and one at 1.

    Step 0.9 to 1: 4 predictions, 2 hits, confidences sum to 3.82; step 0.3 to 0.4: 1 hit of 2, sum 0.62.
    (|2 − 3.82| + |1 − 0.62|) / 6 = 2.2 / 6.
    """
    truth = truth_of([square(200 * k, 0) for k in range(3)])
    places = [square(x, 0) for x in (0, 200, 400, 900, 1200, 1500)]
    found = predictions_of(places, [0.9, 0.98, 0.32, 0.94, 0.3, 1.0])
    scores = evaluate(truth, found, PAPER).cd
    assert scores is not None
    curve = reliability(scores)
    assert curve.count.tolist() == [0, 0, 0, 2, 0, 0, 0, 0, 0, 4]
    assert (curve.precision[3], curve.precision[9]) == (0.5, 0.5)
    assert (curve.confidence[3], curve.confidence[9]) == (pytest.approx(0.31), pytest.approx(3.82 / 4))
    assert curve.error == pytest.approx(2.2 / 6)
    assert curve.to_json()["precision"][0] is None


def test_without_predictions() -> None:
    scores = evaluate(truth_of([square(0, 0)]), predictions_of([], []), PAPER).cd
    assert scores is not None
    assert reliability(scores).error is None


@pytest.mark.parametrize(("power", "error"), [(1, 0.0), (2, 1 / 6), (0.5, 1 / 6)])
def test_of_known_calibration(power: float, error: float) -> None:
    """Confidences c uniform in [0, 1], hits with probability c^power: mean |c − c^power| is 0 or 1/6."""
    rng = np.random.default_rng(1)
    n = 200_000
    confidence = rng.random(n)
    hit = rng.random(n) < confidence**power
    scores: Any = evaluate(truth_of([square(0, 0)]), predictions_of([square(0, 0)], [0.5]), PAPER).cd
    tally = Tally.of(confidence=confidence, hit=hit, image=np.zeros(n, int), cells=np.array([n]))
    assert reliability(replace(scores, tallies=(tally,))).error == pytest.approx(error, abs=0.005)


def test_the_interval_leaves_each_image_out() -> None:
    """It is that of the jackknife: D-ECE of the others, computed from scratch."""
    truth, found = random_scene(11, images=6)
    evaluation = with_intervals(evaluate(truth, found, PAPER, threshold=0.4))
    assert evaluation.cd is not None
    interval = calibration_interval(evaluation.cd, units_of(evaluation))
    whole = reliability(evaluation.cd).error
    assert whole is not None
    assert interval.value == pytest.approx(whole)
    left = []
    for image in range(6):
        others: Any = evaluate(taken(truth, truth.image != image), taken(found, found.image != image), PAPER)
        left.append(reliability(others.cd).error)
    spread = np.sqrt(5 / 6 * np.sum((np.array(left) - np.mean(left)) ** 2))
    low, high = (np.log(end / (1 - end)) for end in interval.interval or (0, 0))
    assert interval.df is not None
    from scipy.stats import t

    reach = t.ppf(0.975, interval.df) * spread / (whole * (1 - whole))
    assert (high - low) / 2 == pytest.approx(reach, rel=1e-6)

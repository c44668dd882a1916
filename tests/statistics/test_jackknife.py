"""Shares of average precision: they add up to it, and each is its slope by the weight of an image."""

import numpy as np
import pytest

from bmbench.metrics import Curve, Tally
from bmbench.metrics.curve import average_precision
from bmbench.statistics.jackknife import ap_shares


def drawn_tally(seed, n_images=8, n=120):
    rng = np.random.default_rng(seed)
    hit = rng.random(n) < 0.6
    image = rng.integers(0, n_images, n)
    cells = np.bincount(image[hit], minlength=n_images) + rng.integers(0, 4, n_images)
    return Tally.of(confidence=rng.integers(1, 40, n) / 40, hit=hit, image=image, cells=cells)


@pytest.mark.parametrize("seed", range(5))
def test_shares_add_up_to_ap(seed):
    tally = drawn_tally(seed)
    assert ap_shares(tally).sum() == pytest.approx(average_precision(Curve.of(tally), "all"), abs=1e-12)


def test_a_share_is_the_slope_of_ap_times_cells_by_the_weight_of_its_image():
    # Without ties the envelope's corners stay for a small change: the difference quotient is the derivative.
    rng = np.random.default_rng(8)
    n, n_images = 60, 5
    hit = rng.random(n) < 0.7
    image = rng.integers(0, n_images, n)
    cells = np.bincount(image[hit], minlength=n_images) + 2
    tally = Tally.of(confidence=rng.random(n), hit=hit, image=image, cells=cells)
    shares = ap_shares(tally)
    for row in range(n_images):
        step = 1e-6
        quotient = [weighted_area(tally, row, 1 + sign * step) for sign in (1, -1)]
        slope = (quotient[0] - quotient[1]) / (2 * step)
        assert shares[row] == pytest.approx(slope / cells.sum(), abs=1e-6)


def weighted_area(tally, row, weight):
    """AP times cells with one image re-weighted: hits of each step times the envelope there."""
    weights = np.where(tally.image == row, weight, 1.0)
    hits = np.cumsum(weights * tally.hit)
    precision = hits / np.cumsum(weights)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((weights * tally.hit * envelope).sum())


def test_a_false_alarm_on_an_image_without_cells_costs_that_image():
    tally = Tally.of(
        confidence=np.array([0.9, 0.8]),
        hit=np.array([False, True]),
        image=np.array([1, 0]),
        cells=np.array([1, 0]),
    )
    # One hit behind one false alarm: AP 1/2. The slope by the empty image: d(1 / (w + 1))/dw = −1/4.
    assert ap_shares(tally).tolist() == pytest.approx([0.75, -0.25])


def test_undefined_ap_has_no_shares():
    tally = Tally.of(
        confidence=np.array([0.5]), hit=np.array([False]), image=np.array([0]), cells=np.array([0])
    )
    assert ap_shares(tally) is None

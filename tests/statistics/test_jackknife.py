"""Metrics without each unit, against those of the other images alone; shares of average precision."""

import numpy as np
import pytest

from bmbench.metrics import Curve, ImageCounts, Tally
from bmbench.metrics.curve import average_precision
from bmbench.statistics.intervals import jackknife_variance
from bmbench.statistics.jackknife import (
    ap_shares,
    average_precision_of,
    froc_mean_of,
    mean_of,
    ratio,
    ratio_of_counts,
)


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


def random_answers(seed, n_images=9, n=150, n_units=5):
    """A tally and the unit of each image; the last unit has no cells."""
    rng = np.random.default_rng(seed)
    tally = drawn_tally(seed, n_images, n)
    unit = np.sort(rng.permutation(np.arange(n_images) % n_units))
    return tally, unit


def left_out(tally, unit, gone):
    """The tally of the images of all units but one, rebuilt from their predictions."""
    images = np.flatnonzero(unit != gone)
    place = np.full(len(unit), -1)
    place[images] = np.arange(len(images))
    kept = place[tally.image] >= 0
    return Tally.of(
        confidence=tally.confidence[kept],
        hit=tally.hit[kept],
        image=place[tally.image[kept]],
        cells=tally.cells[images],
        grouped=tally.grouped,
    )


@pytest.mark.parametrize("kind", ["all", "11", "101"])
@pytest.mark.parametrize("seed", range(4))
def test_ap_without_a_unit_is_that_of_the_other_images(seed, kind):
    tally, unit = random_answers(seed)
    found = average_precision_of([tally], unit, 5, kind)
    assert found.value == average_precision(Curve.of(tally), kind)
    for gone in range(5):
        anew = average_precision(Curve.of(left_out(tally, unit, gone)), kind)
        assert found.without[gone] == pytest.approx(anew, abs=1e-12)
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_froc_without_a_unit_is_that_of_the_other_images(seed):
    rates = (0.5, 1.0, 2.0, 4.0)

    def mean(tally):
        """As `bmbench.metrics.froc` says: the sensitivity at no more than so many false alarms per image."""
        curve = Curve.of(tally)
        reached = np.searchsorted(curve.fp / len(tally.cells), rates, side="right")
        return np.append(0.0, curve.recall)[reached].mean()

    tally, unit = random_answers(seed)
    found = froc_mean_of(tally, unit, 5, rates)
    assert found.value == pytest.approx(mean(tally), abs=1e-12)
    for gone in range(5):
        assert found.without[gone] == pytest.approx(mean(left_out(tally, unit, gone)), abs=1e-12)


def test_many_units_leave_out_shares_of_ap(monkeypatch):
    """Of 300 units: the standard error from shares is that of AP computed anew, within a hundredth."""
    tally = drawn_tally(3, n_images=300, n=6_000)
    anew = average_precision_of([tally], np.arange(300), 300, "all")
    monkeypatch.setattr("bmbench.statistics.jackknife._MOST_STEPS", 0)
    shares = average_precision_of([tally], np.arange(300), 300, "all")
    assert shares.value == anew.value
    errors = [float(np.sqrt(jackknife_variance(one.influence))) for one in (shares, anew)]
    assert errors[0] == pytest.approx(errors[1], rel=0.01)
    assert np.abs(shares.influence - anew.influence).max() < 0.1 * anew.influence.std()


def test_f1_without_a_unit_by_hand():
    # Units: 8 of 10 found with 1 false alarm; 3 of 5 with none; 0 of 0 with 2 false alarms.
    counts = ImageCounts(tp=np.array([8, 3, 0]), fp=np.array([1, 0, 2]), cells=np.array([10, 5, 0]))
    found = ratio_of_counts("f1", counts)
    assert found.value == pytest.approx(22 / 29)
    assert found.without == pytest.approx([6 / 10, 16 / 21, 22 / 27])
    assert found.weight == pytest.approx([19 / 29, 8 / 29, 2 / 29])
    assert found.loss.tolist() == [True, True, True]
    assert found.gain.tolist() == [True, True, False]
    assert ratio_of_counts("precision", counts).without == pytest.approx([3 / 5, 8 / 11, 11 / 12])
    assert ratio_of_counts("recall", counts).loss.tolist() == [True, True, False]


def test_a_false_alarm_behind_the_last_hit_is_no_loss_of_ap():
    tally = Tally.of(
        confidence=np.array([0.9, 0.8, 0.7]),
        hit=np.array([False, True, False]),
        image=np.array([0, 1, 2]),
        cells=np.array([0, 1, 0]),
    )
    assert average_precision_of([tally], np.arange(3), 3, "all").loss.tolist() == [True, False, False]


def test_a_class_on_one_unit_leaves_the_mean_with_it():
    """Without the unit that holds all cells of the second class, macro-F1 is the F1 of the first one."""
    first = ratio(np.array([8, 6, 9]), np.array([10, 10, 10]))
    second = ratio(np.array([1, 0, 0]), np.array([4, 0, 0]))
    found = mean_of([first, second])
    assert found.value == pytest.approx((23 / 30 + 1 / 4) / 2)
    assert found.without == pytest.approx([15 / 20, (17 / 20 + 1 / 4) / 2, (14 / 20 + 1 / 4) / 2])

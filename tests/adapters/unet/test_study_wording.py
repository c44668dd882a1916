"""The study's own wording, where the defaults are not it: overlap, markers, sizes, confidence, regression."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters import METHODS
from bmbench.adapters.unet.encodings.encoding import ENCODINGS, encode
from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC
from bmbench.adapters.unet.encodings.losses import constant_logits
from bmbench.adapters.unet.encodings.object_pixels import Regrowth
from bmbench.adapters.unet.found_cells import Growth, find_objects
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.benchmark.contract import small_settings
from bmbench.core.geometry import ring_area

UNION = UNetSettings(cell_px=20.0, shrink=0.2, overlap="union")  # erosion by 4 px
SIGNED = UNetSettings(cell_px=20.0, scaled="regression", loss="squared")


def taught(name):
    encoding = ENCODINGS.get(name)
    return dataclasses.replace(encoding, curve=SYNTHETIC if encoding.uses_curve else None)


def crowd(generator, circles, n=12, side=60):
    """Circles of many sizes that overlap as they like."""
    radius = generator.uniform(3, 14, n)
    return circles(*np.column_stack([generator.uniform(0, side, (n, 2)), radius]).tolist())


def row(annotations, number):
    return annotations.take(np.array([number]))


@pytest.mark.parametrize("name", ENCODINGS.names())
@pytest.mark.parametrize("scaled", ["weight", "regression"])
def test_united_a_pixel_has_the_highest_target_of_all_its_circles(name, scaled, circles):
    """Each circle encoded alone knows nothing of the others: the answer by another way."""
    settings = dataclasses.replace(UNION, scaled=scaled, loss="squared")
    cells, encoding = crowd(np.random.default_rng(3), circles), taught(name)
    both = encode(cells, (60, 60), encoding=encoding, settings=settings)
    each = [encode(row(cells, k), (60, 60), encoding=encoding, settings=settings) for k in range(len(cells))]
    inside = np.max([one.value[0] != 0 for one in each], axis=0) | (both.value[0] != 0)
    owned = np.array(
        [np.hypot(*np.mgrid[:60, :60][::-1] + 0.5 - c[:2, None, None]) < c[2] for c in cells.circle]
    )
    # Outside a circle its target of 0 is none: only where a circle is does it say anything.
    alone = np.max(np.where(owned, [one.value[0] for one in each], -np.inf), axis=0)
    covered = owned.any(axis=0)
    assert np.array_equal(both.value[0][covered], alone[covered])
    assert not both.value[0][~covered].any()
    assert inside.sum() > 500
    if name == "dont_care":
        seen = np.where(owned, [one.weight for one in each], 0).max(axis=0)
        assert np.array_equal(both.weight[covered], seen[covered])


@pytest.mark.parametrize("name", ENCODINGS.names())
def test_united_the_order_of_the_circles_changes_nothing(name, circles):
    cells, encoding = crowd(np.random.default_rng(4), circles), taught(name)
    back = cells.take(np.arange(len(cells))[::-1])
    one, other = (encode(c, (60, 60), encoding=encoding, settings=UNION) for c in (cells, back))
    assert np.array_equal(one.value, other.value)
    assert np.array_equal(one.weight, other.weight)


def test_two_circles_of_the_study(circles):
    """Radius 20, centres 35 px apart, the column in the middle: 2.5 px deep of 20, of the curve between 0.51
    at 0.075 and 0.74 at 0.125; cut apart, its depth is 0."""
    pair = circles((30.5, 30.5, 20.0), (65.5, 30.5, 20.0))
    settings = UNetSettings(cell_px=40.0)
    apart, united = (
        encode(
            pair, (61, 96), encoding=taught("statistical"), settings=dataclasses.replace(settings, overlap=o)
        )
        for o in ("apart", "union")
    )
    # Pixel 47 ends at x = 48, where the border lies; its centre is 17 px from the left circle's.
    assert apart.value[0, 30, 47] == pytest.approx(0.2449, abs=0.01)
    assert united.value[0, 30, 47] == pytest.approx(
        np.interp(3 / 20, [0.125, 0.175], [0.7359, 0.8775]), abs=1e-4
    )


def discs(height, width, *xyrp):
    y, x = np.mgrid[:height, :width] + 0.5
    probability = np.zeros((height, width), np.float32)
    for cx, cy, r, p in xyrp:
        probability[np.hypot(x - cx, y - cy) < r] = p
    return probability


def found(probability, **changes):
    settings = dataclasses.replace(UNetSettings(cell_px=20.0), **changes)
    return find_objects(probability, settings, Growth(regrowth=lambda _: Regrowth(px=4.0), smallest_px2=1.0))


def test_one_threshold_for_the_whole_distance_loses_what_is_small():
    probability = discs(50, 90, (25, 25, 15, 0.9), (70, 25, 7, 0.9))
    assert len(found(probability)) == 2
    assert len(found(probability, marker_of="image")) == 1
    # Half as deep: from two fifths on both have a marker.
    assert len(found(probability, marker_of="image", marker=0.4)) == 2


def test_confidence_inside_the_outline_holds_the_ring_that_was_shrunk_away():
    probability = discs(60, 60, (30, 30, 10, 0.8))
    (before,) = found(probability).confidence
    (after,) = found(probability, confidence_in="cell").confidence
    assert before == pytest.approx(0.8)
    # 0.8 over a disc of 10 px, 0 around it up to 14 px.
    assert after == pytest.approx(0.8 * 10**2 / 14**2, rel=0.03)


def test_a_smallest_diameter_counts_in_the_image_as_it_is_stored(sample):
    method = METHODS.get("unet_shrink")
    detector = small_settings.learned(method, seed=0)
    decode = method.infer(detector, sample(0).load())
    every = decode(dataclasses.replace(detector.settings, smallest=0.0))
    across = np.sqrt([4 / np.pi * ring_area(rings[0]) for rings in every.contour])
    assert len(every) == len(sample(0).annotations)
    # The network sees the cells at another scale; between two of them in size some stay and some go.
    assert detector.calibration.factor < 0.7
    for limit in (across.min() - 0.1, (across.min() + np.median(across)) / 2, across.max() + 0.1):
        kept = decode(dataclasses.replace(detector.settings, smallest_px=float(limit)))
        assert len(kept) == (across >= limit).sum()


def test_signed_targets_run_from_minus_one_to_one(circles):
    target = encode(
        circles((20.5, 20.5, 15.0)), (41, 41), encoding=taught("statistical_scaled"), settings=SIGNED
    )
    line = target.value[0, 20]
    assert line[20] == 1
    # 1 of 15 px deep: between 0.2449 at 0.025 and 0.5073 at 0.075, scaled from that least value to 1.
    assert line[6] == pytest.approx(2 * (0.4635 - 0.2449) / (1 - 0.2449) - 1, abs=1e-3)
    assert not line[:5].any()
    assert (target.weight == 1).all()


def test_signed_answers_are_fitted_to_their_targets(circles):
    encoding = taught("statistical_scaled")
    target = encode(circles((20.5, 20.5, 15.0)), (41, 41), encoding=encoding, settings=SIGNED)
    value, weight = torch.from_numpy(target.value)[None], torch.from_numpy(target.weight)[None]
    right = torch.atanh(value.clamp(-1 + 1e-6, 1 - 1e-6))
    assert float(encoding.loss(right, value, weight, SIGNED)) == pytest.approx(0, abs=1e-9)
    assert encoding.maps(right, SIGNED).min() < -0.9
    # An answer of 0 everywhere: the mean square of the targets.
    nothing = encoding.loss(torch.zeros_like(value), value, weight, SIGNED)
    assert float(nothing) == pytest.approx(float((target.value**2).mean()), rel=1e-5)
    mean = np.array([float(target.value.mean())])
    assert torch.tanh(constant_logits(mean, signed=True)).numpy() == pytest.approx(mean)


def test_regression_to_targets_below_zero_needs_a_loss_that_knows_them():
    for changes in ({"loss": "cross_entropy"}, {"loss": "squared", "dice": 1.0}):
        with pytest.raises(ValueError, match="expected loss squared or absolute, and dice 0"):
            UNetSettings(scaled="regression", **changes)


def test_an_erosion_without_mercy_leaves_nothing_of_a_small_cell(circles):
    cells = circles((10.0, 10.0, 3.5), (30.0, 15.0, 10.0))
    settings = UNetSettings(cell_px=20.0, keep=1.0)  # erosion by 4 px
    value = encode(cells, (30, 45), encoding=taught("shrink"), settings=settings).value[0]
    assert not value[:, :18].any()
    assert value[15, 30] == 1

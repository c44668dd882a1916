"""What all encodings promise, and each one's target by hand."""

import dataclasses

import numpy as np
import pytest
from scipy.special import logit

torch = pytest.importorskip("torch")

from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest, ForegroundCurve
from bmbench.adapters.unet.encodings.encoding import ENCODINGS, encode, encoding_of, fitted
from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC, measure
from bmbench.adapters.unet.encodings.object_pixels import ObjectPixels
from bmbench.adapters.unet.found_cells import Growth, find_labelled
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.geometry import box_iou
from bmbench.core.types import Annotations, Role

SETTINGS = UNetSettings(cell_px=20.0, shrink=0.2)  # erosion by 4 px
LINE = ForegroundCurve(probability=(0.25, 0.75), source="by hand")
"""1/4 up to depth 1/4, 3/4 from depth 3/4, a straight line between."""
ERODED = ("shrink", "shrink_contour", "dont_care")


def taught(name, *, artefacts=False, curve=SYNTHETIC):
    encoding = ENCODINGS.get(name)
    return dataclasses.replace(encoding, artefacts=artefacts, curve=curve if encoding.uses_curve else None)


def joined(*parts):
    columns = {name: np.concatenate([getattr(p, name) for p in parts]) for name in ("xy", "box", "circle")}
    return Annotations.of(**columns, role=np.concatenate([p.role for p in parts]))


def pixel_targets(name, depth, deepest, *, settings=SETTINGS, curve=LINE):
    pixels = [
        np.full(len(depth), v, np.float32) if np.isscalar(v) else np.float32(v) for v in (depth, deepest)
    ]
    value, weight = ENCODINGS.get(name).pixel_targets(
        ObjectPixels(depth=pixels[0], deepest=pixels[1], settings=settings, curve=curve)
    )
    return value.tolist(), weight.tolist()


def decoded(encoding, value, settings=SETTINGS):
    growth = Growth(regrowth=lambda at: encoding.regrowth(at, settings), smallest_px2=30.0)
    shown = [value[encoding.classes.index(name)] for name in encoding.classes if name != "contour"]
    return find_labelled(np.stack(shown, axis=-1), settings, growth)


def outlined(circle):
    """The same circle as a contour of 200 corners."""
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    return np.column_stack([circle[0] + circle[2] * np.cos(turn), circle[1] + circle[2] * np.sin(turn)])


@pytest.fixture(name="name", params=ENCODINGS.names())
def _name(request):
    return request.param


def test_its_name_is_its_own(name):
    assert ENCODINGS.get(name).name == name


@pytest.mark.parametrize("seeds", ["depth", "map"])
@pytest.mark.parametrize("drawn_as", ["circles", "contours"])
def test_a_perfect_map_gives_every_cell_back(name, drawn_as, seeds, scattered):
    cells = scattered(np.random.default_rng(2), 180, 30, (7.0, 14.0))
    if drawn_as == "contours":
        cells = dataclasses.replace(cells, contour=tuple((outlined(c),) for c in cells.circle))
    encoding = taught(name)
    settings = dataclasses.replace(SETTINGS, seeds=seeds)
    found = decoded(encoding, encode(cells, (180, 180), encoding=encoding, settings=settings).value, settings)
    # F1 = 1 at IoU 0.5: as many objects as cells, and each cell has one of its own.
    assert len(found) == len(cells) > 15
    nearest = np.linalg.norm(cells.xy[:, None] - found.xy[None], axis=2).argmin(axis=1)
    assert len(set(nearest)) == len(cells)
    assert (box_iou(cells.box, found.box[nearest]) > 0.5).all()
    # All but the statistical ones, whose cells are smaller than circles, give the shapes themselves back.
    if not encoding.uses_curve:
        sides = found.box[nearest, 2:] - found.box[nearest, :2]
        assert abs((sides.mean(axis=1) / 2 - cells.circle[:, 2]).mean()) < 0.3


def test_an_empty_patch_is_all_background_and_has_no_objects(name):
    encoding = taught(name)
    target = encode(Annotations.empty(), (12, 16), encoding=encoding, settings=SETTINGS)
    assert target.value.shape == (encoding.outputs, 12, 16)
    assert not target.value.any()
    assert (target.weight == 1).all()
    assert len(decoded(encoding, target.value)) == 0


def test_without_artefacts_asked_for_they_are_background(name, circles):
    encoding = taught(name)
    target = encode(
        circles((20.0, 20.0, 10.0), role=Role.ARTEFACT), (40, 40), encoding=encoding, settings=SETTINGS
    )
    assert not target.value.any()
    assert (target.weight == 1).all()


def test_an_artefact_is_taught_as_a_cell_is_but_in_a_class_of_its_own(name, circles):
    cell, artefact = circles((14.0, 15.0, 10.0)), circles((46.0, 15.0, 10.0), role=Role.ARTEFACT)
    encoding = taught(name, artefacts=True)
    assert encoding.outputs == ENCODINGS.get(name).outputs + 1
    both = encode(joined(cell, artefact), (30, 60), encoding=encoding, settings=SETTINGS)
    left, right = both.value[..., :30], both.value[..., 30:]
    last = encoding.classes.index("artefact")
    # The artefact lies 32 px to the right: its half of the target is the cell's, with the class exchanged.
    assert np.allclose(right[last][:, 2:], left[0][:, :28], atol=1e-4)
    assert not left[last].any()
    assert not right[0].any()
    assert (both.value.sum(axis=0) <= 1 + 1e-6).all()
    assert np.allclose(both.weight[:, 32:], both.weight[:, :28], atol=1e-4)


def test_a_perfect_map_of_cells_and_artefacts_tells_them_apart(name, circles):
    cells = circles((14.0, 15.0, 10.0), (46.0, 16.0, 9.0))
    artefacts = circles((15.0, 46.0, 9.5), (45.0, 45.0, 11.0), role=Role.ARTEFACT)
    encoding = taught(name, artefacts=True)
    target = encode(joined(cells, artefacts), (60, 60), encoding=encoding, settings=SETTINGS)
    found = decoded(encoding, target.value)
    order = np.lexsort((found.xy[:, 0], found.label))
    assert found.label[order].tolist() == [0, 0, 1, 1]
    assert found.xy[order] == pytest.approx(np.array([[14, 15], [46, 16], [15, 46], [45, 45]]), abs=1)


def test_what_is_rather_an_artefact_is_no_cell_however_faint():
    y, x = np.mgrid[:40, :80] + 0.5
    left, right = np.hypot(x - 20, y - 20) < 7, np.hypot(x - 60, y - 20) < 7
    encoding = taught("shrink", artefacts=True)
    cell = np.where(left, 0.5, 0) + np.where(right, 0.35, 0)
    artefact = np.where(left, 0.2, 0) + np.where(right, 0.45, 0)
    found = decoded(encoding, np.stack([cell, artefact]).astype(np.float32))
    assert found.label.tolist() == [0, 1]
    assert found.confidence == pytest.approx([0.5, 0.45])


def test_cross_entropy_is_least_where_the_map_is_the_target(name, scattered):
    cells = scattered(np.random.default_rng(5), 60, 6, (7.0, 11.0))
    encoding = taught(name, artefacts=True)
    target = encode(cells, (60, 60), encoding=encoding, settings=SETTINGS)
    value = np.clip(target.value.astype(float), 0.01, 0.9) / 1.2
    # Logits are relative to the background's: log(p / p of background).
    logits = torch.tensor(np.log(value / (1 - value.sum(axis=0))))[None].requires_grad_()
    loss = encoding.loss(logits, torch.tensor(value)[None], torch.from_numpy(target.weight)[None], SETTINGS)
    (slope,) = torch.autograd.grad(loss.sum(), logits)
    assert slope.abs().max() < 1e-12


def test_its_card_brings_the_same_encoding_back(name):
    encoding = taught(name, artefacts=True)
    again = encoding_of(encoding.to_card())
    assert dataclasses.astuple(again) == dataclasses.astuple(encoding)


def test_eroded_shapes_by_hand():
    # Erosion 4 px, but at most 0.6 of the deepest: a cell of depth 5 is eroded by 3.
    assert pixel_targets("shrink", [3.9, 4.1], 10.0) == ([[0, 1]], [1, 1])
    assert pixel_targets("shrink", [2.9, 3.1], 5.0) == ([[0, 1]], [1, 1])


def test_the_contour_is_the_band_around_the_kernel():
    # Width 0.1 · 20 = 2 px: from depth 4 down to depth 2; below it the cell's rim is background.
    narrow = dataclasses.replace(SETTINGS, contour=0.1)
    value, weight = pixel_targets("shrink_contour", [1.9, 2.1, 3.9, 4.1], 10.0, settings=narrow)
    assert value == [[0, 0, 0, 1], [0, 1, 1, 0]]
    assert weight == [1, 1, 1, 1]


def test_the_ring_of_dont_care_has_no_weight():
    assert pixel_targets("dont_care", [3.9, 4.1], 10.0) == ([[0, 1]], [0, 1])


def test_distance_is_the_depth_as_a_share_of_the_deepest():
    assert pixel_targets("distance", [0.0, 2.0, 8.0], 8.0) == ([[0, 0.25, 1]], [1, 1, 1])


def test_sigmoid_of_the_distance():
    # 1 / (1 + exp(−10 (d − 0.5))): at d = 0, 0.5, 1 that is 1 / (1 + e⁵), 1/2, 1 / (1 + e⁻⁵).
    value, _ = pixel_targets("sigmoid", [0.0, 4.0, 8.0], 8.0)
    assert value[0] == pytest.approx([1 / (1 + np.e**5), 0.5, 1 / (1 + np.e**-5)])


def test_statistical_is_the_curve():
    assert pixel_targets("statistical", [0.0, 4.0, 5.0, 8.0], 8.0)[0][0] == pytest.approx(
        [0.25, 0.5, 0.625, 0.75]
    )


def test_scaled_runs_from_minus_one_to_one():
    # 1/4 … 3/4 → −1 … 1: background with weight 1, then 1/2, then nothing, then foreground with 1/2 and 1.
    value, weight = pixel_targets("statistical_scaled", [0.0, 3.0, 4.0, 5.0, 8.0], 8.0)
    assert value == [[0, 0, 0, 1, 1]]
    assert weight == pytest.approx([1, 0.5, 0, 0.5, 1])


def test_a_curve_that_is_flat_scales_to_foreground():
    flat = ForegroundCurve(probability=(1.0, 1.0), source="by hand")
    assert pixel_targets("statistical_scaled", [0.0, 8.0], 8.0, curve=flat) == ([[1, 1]], [1, 1])


def test_the_statistical_ones_need_a_curve():
    with pytest.raises(ValueError, match="needs a foreground curve"):
        pixel_targets("statistical", [1.0], 8.0, curve=None)


@pytest.mark.parametrize("probability", [(), (0.5, 0.4), (0.5, 1.2)])
def test_a_curve_is_probabilities_that_never_fall(probability):
    with pytest.raises(ValueError, match="never fall"):
        ForegroundCurve(probability=probability, source="by hand")


def test_the_curve_of_a_circle_twice_as_wide_as_its_cell_steps_up_half_way(circles):
    # Radius 40 around a cell of radius 20: foreground from depth (40 − 20) / 40 = 1/2 on, half of 20 bins.
    taught_as = circles((60.0, 60.0, 40.0))
    true = dataclasses.replace(taught_as, contour=((outlined((60.0, 60.0, 20.0)),),))
    curve = measure([(taught_as, true, (120, 120))], source="drawn")
    assert curve.probability[:9] == (0.0,) * 9
    assert curve.probability[11:] == (1.0,) * 9
    assert 0 <= curve.probability[9] <= curve.probability[10] <= 1
    assert curve.source == "drawn: 1 cells on 1 images"


def test_shapes_that_are_the_contours_themselves_are_all_foreground(circles):
    true = dataclasses.replace(circles((30.0, 30.0, 20.0)), contour=((outlined((30.0, 30.0, 20.0)),),))
    assert measure([(true, true, (60, 60))], source="drawn").probability == (1.0,) * 20


def test_without_contours_there_is_no_curve(circles):
    cells = circles((30.0, 30.0, 20.0))
    assert measure([(cells, cells, (60, 60))], source="drawn") is None


def test_what_is_fitted_depends_on_the_training_data(sample, circles):
    plain = sample(1)
    artefact = dataclasses.replace(plain, annotations=circles((20.0, 20.0, 9.0), role=Role.ARTEFACT))
    common = {"validation": [], "settings": SETTINGS, "seed": 0, "augment": augment}
    assert not fitted("shrink", FitRequest(train=[plain], **common)).artefacts
    assert fitted("shrink", FitRequest(train=[plain, artefact], **common)).artefacts
    assert fitted("shrink", FitRequest(train=[plain], **common)).curve is None
    assert fitted("statistical", FitRequest(train=[plain], **common)).curve == SYNTHETIC
    measured = fitted("statistical", FitRequest(train=[plain], **common, foreground_curve=lambda: LINE))
    assert measured.curve == LINE


def test_a_threshold_in_a_cone_or_its_sigmoid_is_undone():
    # Cut off at depth d, radius r leaves (1 − d) r, so d / (1 − d) of that is missing.
    assert ENCODINGS.get("distance").regrowth(0.25, SETTINGS).share == pytest.approx(1 / 3)
    assert ENCODINGS.get("sigmoid").regrowth(0.5, SETTINGS).share == pytest.approx(1)
    depth = 0.5 + logit(0.3) / 10
    assert ENCODINGS.get("sigmoid").regrowth(0.3, SETTINGS).share == pytest.approx(depth / (1 - depth))


@pytest.mark.parametrize("level", [1e-6, 0.003, 0.5, 0.994, 1 - 1e-6])
def test_cells_are_found_at_any_threshold(name, level):
    """The sigmoid of no depth is as low as the first of them, or as high as the last ones."""
    encoding = taught(name)
    settings = dataclasses.replace(SETTINGS, lowest=level, highest=level, faint=level)
    value = np.zeros((encoding.outputs, 60, 60), np.float32)
    value[0, 10:30, 10:30] = 1
    found = decoded(encoding, value, settings)
    assert len(found) == 1
    assert (found.box[0] >= 0).all()
    assert (found.box[0, :2] <= 10.5).all()
    assert (found.box[0, 2:] >= 29.5).all()

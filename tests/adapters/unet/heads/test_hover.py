"""HoVer-Net's maps: targets and the way back coded apart, the loss by hand, and touching cells come apart."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters.unet.heads.head import HEADS
from bmbench.adapters.unet.heads.hover import hover_labels
from bmbench.adapters.unet.heads.settings import HoverSettings
from bmbench.benchmark.contract.drawn_cells import circles
from bmbench.core.types import Role

from .encoding import TOUCHING, encoded

SETTINGS = HoverSettings(cell_px=16.0)
HEAD = HEADS.get("hover")


def test_maps_run_from_minus_one_to_one_through_each_cell():
    _, target = encoded(HEAD, SETTINGS, TOUCHING)
    nearest = np.argmin(
        [
            np.hypot(*(np.mgrid[:48, :48][::-1] + 0.5 - np.array(c[:2])[:, None, None]))
            for c in TOUCHING.circle
        ],
        axis=0,
    )
    for number in range(3):
        pixels = [(y, x) for y, x in np.argwhere(target.value[0] == 1) if nearest[y, x] == number]
        for channel, axis in ((1, 1), (2, 0)):
            middle = sum(pixel[axis] for pixel in pixels) / len(pixels)
            away = [pixel[axis] - middle for pixel in pixels]
            wanted = [one / (max(away) if one > 0 else -min(away)) for one in away]
            found = [target.value[channel][pixel] for pixel in pixels]
            assert found == pytest.approx(wanted, abs=1e-5)
    assert not target.value[1:, target.value[0] == 0].any()


def test_a_cell_at_the_edge_keeps_its_own_middle():
    _, target = encoded(HEAD, SETTINGS, circles((46.5, 24.5, 8.0)))
    assert target.value[1, 24, 46] == pytest.approx(0, abs=1e-6)
    assert target.value[1, 24, 39] == pytest.approx(-7 / 7, abs=1e-6)


def test_touching_cells_come_apart_where_they_touch():
    _, target = encoded(HEAD, SETTINGS, TOUCHING)
    labels = hover_labels(target.value[0], np.moveaxis(target.value[1:], 0, 2), SETTINGS)
    assert labels.max() == 3
    assert ((labels > 0) == (target.value[0] == 1)).all()
    left, right = labels[20, 12], labels[20, 34]
    assert left != right
    # The border lies half-way, at x = 23, up to the width of the derivative's ramp.
    assert (labels[20, 9:22] == left).all()
    assert (labels[20, 24:37] == right).all()
    found = HEAD.find(np.moveaxis(target.value, 0, 2), SETTINGS, 20.0)
    order = np.argsort(found.xy[:, 0])
    assert found.xy[order] == pytest.approx(TOUCHING.xy[[0, 2, 1]], abs=0.8)
    assert found.confidence == pytest.approx(np.ones(3))


def test_without_its_maps_touching_cells_are_one():
    _, target = encoded(HEAD, SETTINGS, TOUCHING)
    flat = np.zeros((48, 48, 2), np.float32)
    assert hover_labels(target.value[0], flat, SETTINGS).max() < 3


def test_kinds_are_told_by_what_is_likelier_inside():
    mixed = dataclasses.replace(TOUCHING, role=np.array([Role.CELL, Role.ARTEFACT, Role.CELL]))
    head, target = encoded(HEAD, SETTINGS, mixed, artefacts=True)
    found = head.find(np.moveaxis(target.value, 0, 2), SETTINGS, 20.0)
    assert found.label[np.argsort(found.xy[:, 0])].tolist() == [0, 0, 1]


def test_the_loss_by_hand():
    # One cell of one pixel in the middle of 5 × 5; logits of 0: maps are wrong by their targets alone.
    target = torch.zeros(1, 3, 5, 5)
    target[0, 0, 2, 2] = 1
    target[0, 1, 2, 3] = 0.5
    settings = HoverSettings(dice=0.0, place_weight=3.0, gradient_weight=2.0)
    found = HEAD.loss(torch.zeros(1, 3, 5, 5), target, torch.ones(1, 5, 5), settings)
    # ln 2 a pixel; 0.25 in one of 25 pixels, the mean of both maps; one pixel to the right the kernel is 1.
    assert float(found[0]) == pytest.approx(np.log(2) + 3 * 0.25 / 2 / 25 + 2 * 0.5**2 / 2, rel=1e-5)


def test_a_mirrored_answer_is_turned_back():
    _, target = encoded(HEAD, SETTINGS, TOUCHING)
    maps = np.moveaxis(target.value, 0, 2)
    for mirrored in ((True, False), (False, True), (True, True)):
        turned = circles(
            *(
                (48 - x if mirrored[0] else x, 48 - y if mirrored[1] else y, r)
                for x, y, r in TOUCHING.circle.tolist()
            )
        )
        back = HEAD.upright(np.moveaxis(encoded(HEAD, SETTINGS, turned)[1].value, 0, 2), mirrored)
        # A pixel on the border between two belongs to the first of them.
        assert np.abs(back - maps).mean() < 0.01


def parted_as_published(probable, across, below):
    """(h, w) labels as the paper's program makes them of nuclei of 32 px, coded apart but for the flood.

    Derivatives over 21 pixels, an opening with a disc of 5, no component of fewer than 10 pixels, edges from
    0.4 of the way from the least to the largest slope.
    """
    from skimage.segmentation import watershed

    def from_0_to_1(values):
        return (values - values.min()) / (values.max() - values.min())

    def without_specks(mask):
        label, n = ndimage.label(mask)
        return np.isin(label, [i for i in range(1, n + 1) if (label == i).sum() >= 10])

    # Sobel's rows: (1 + z)^20 smooths, and (1 + z)^18 (z^2 - 1) is the slope.
    smooth = np.poly1d([1, 1]) ** 20
    slope = np.poly1d([1, 1]) ** 18 * np.poly1d([1, 0, -1])
    slopes = []
    for values, axis in ((across, 1), (below, 0)):
        inner = ndimage.correlate1d(from_0_to_1(values), slope.c[::-1], axis=axis, mode="mirror")
        slopes.append(1 - from_0_to_1(ndimage.correlate1d(inner, smooth.c, axis=1 - axis, mode="mirror")))
    ground = without_specks(probable >= 0.5)
    edge = np.where(ground, np.maximum(*slopes), 0)
    kernel = np.array([0.25, 0.5, 0.25])
    basin = np.where(ground, edge - 1, 0)
    for axis in (0, 1):
        basin = ndimage.correlate1d(basin, kernel, axis=axis, mode="mirror")
    marker = ndimage.binary_fill_holes(ground & (edge < 0.4))
    disc = np.array([[0, 0, 1, 0, 0], *[[1, 1, 1, 1, 1]] * 3, [0, 0, 1, 0, 0]], bool)
    eroded = ndimage.binary_erosion(marker, disc, border_value=1)
    opened = ndimage.binary_dilation(eroded, disc)
    return watershed(basin, ndimage.label(without_specks(opened))[0], mask=ground)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noisy_maps_of_a_crowd_are_parted_as_the_paper_does(seed):
    rng = np.random.default_rng(seed)
    crowd = circles(*(tuple(one) for one in rng.uniform((8, 8, 9), (152, 152, 20), (18, 3)).tolist()))
    settings = HoverSettings(cell_px=32.0, speck=10 / 32**2)
    _, target = encoded(HEAD, settings, crowd, side=160)
    maps = target.value + rng.normal(0, 0.15, target.value.shape)
    maps = np.stack([ndimage.gaussian_filter(one, 1.0) for one in maps]).astype(np.float32)
    ours = hover_labels(maps[0], np.moveaxis(maps[1:], 0, 2), settings)
    theirs = parted_as_published(*maps.astype(np.float64))
    assert ours.max() == theirs.max() > 8
    pairs = np.zeros((ours.max() + 1, theirs.max() + 1))
    np.add.at(pairs, (ours, theirs), 1)
    assert (pairs.max(axis=1) / pairs.sum(axis=1)).min() > 0.97

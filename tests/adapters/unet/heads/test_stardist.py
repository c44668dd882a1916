"""StarDist's targets against the paper's program coded apart, its loss by hand, and the way back to cells."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters.unet.heads.head import HEADS
from bmbench.adapters.unet.heads.settings import StarSettings
from bmbench.adapters.unet.heads.star_polygons import RAYS
from bmbench.adapters.unet.heads.stardist import mirrored_rays, star_distances
from bmbench.benchmark.contract.drawn_cells import circles
from bmbench.core.types import Role

from .encoding import encoded

SETTINGS = StarSettings(cell_px=16.0)
HEAD = HEADS.get("stardist")


def walked(label, rays):
    """The distances, a pixel and a ray at a time, as the paper's program walks."""
    height, width = label.shape
    found = np.zeros((rays, height, width))
    for (row, column), value in np.ndenumerate(label):
        for ray in range(rays if value else 0):
            angle = 2 * np.pi * ray / rays
            down, right, step, inside = np.sin(angle), np.cos(angle), 0, True
            while inside:
                step += 1
                y, x = round(row + step * down), round(column + step * right)
                inside = 0 <= y < height and 0 <= x < width and label[y, x] == value
            found[ray, row, column] = step - (1 - 0.5 / max(abs(down), abs(right)))
    return found


def test_distances_are_those_of_the_papers_program():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:26, :30]
    label = np.zeros((26, 30), np.int32)
    for i, (a, b, r) in enumerate(rng.uniform((2, 2, 3), (28, 24, 8), (7, 3)), start=1):
        label[np.hypot(x - a, (y - b) * 1.4) < r] = i
    assert star_distances(label, 0) == pytest.approx(walked(label, RAYS), abs=1e-4)
    inner = star_distances(label, 4)
    assert inner == pytest.approx(walked(label, RAYS)[:, 4:-4, 4:-4], abs=1e-4)


def test_the_published_package_measures_the_same_distances():
    geometry = pytest.importorskip(
        "stardist.geometry", reason="the judge is the package stardist, not installed here"
    )
    y, x = np.mgrid[:40, :40]
    label = (np.hypot(x - 15, y - 18) < 9).astype(np.int32) + 2 * (np.hypot(x - 30, y - 20) < 6)
    theirs = np.moveaxis(geometry.star_dist(label, RAYS), 2, 0)
    # It adds a ray's steps in single precision: in the middle between two pixels it may take the other.
    apart = np.abs(star_distances(label, 0) - theirs) > 1e-3
    assert apart.mean() < 0.01


def test_a_target_says_the_cell_it_was_made_of():
    cells = circles((20.0, 18.0, 8.0), (34.0, 30.0, 6.5), (47.0, 10.0, 8.0))
    head, target = encoded(HEAD, SETTINGS, cells)
    found = head.find(np.moveaxis(target.value, 0, 2), SETTINGS, 20.0)
    order = np.argsort(found.xy[:, 0])
    assert found.xy[order[:2]] == pytest.approx(cells.xy[:2], abs=0.4)
    sides = found.box[order[:2], 2:] - found.box[order[:2], :2]
    assert sides == pytest.approx(np.repeat(2 * cells.circle[:2, 2:], 2, axis=1), abs=1.0)
    # The third is cut off at the patch's edge, which its distances do not know.
    assert found.box[order[2], 2] == 48
    assert found.box[order[2], 0] == pytest.approx(39, abs=1)
    assert len(found) == 3


def test_probability_is_depth_as_a_share_of_the_deepest():
    _, target = encoded(HEAD, SETTINGS, circles((24.5, 24.5, 8.0)))
    assert target.value[0, 24, 24] == pytest.approx(1)
    assert target.value[0, 24, 28] == pytest.approx(0.5)
    assert target.value[0, 24, 33] == 0
    assert target.value[1:, 24, 33].max() == 0
    assert target.value[1, 24, 24] == pytest.approx(8, abs=0.51)


def test_artefacts_have_a_channel_only_where_they_are_a_class_and_ignored_ones_no_weight():
    cells = circles((14.0, 14.0, 7.0), (34.0, 14.0, 7.0), (14.0, 34.0, 7.0))
    mixed = dataclasses.replace(cells, role=np.array([Role.CELL, Role.ARTEFACT, Role.IGNORE]))
    _, without = encoded(HEAD, SETTINGS, mixed)
    assert without.value[:, 14, 34].max() == 0
    assert without.weight[14, 34] == 1
    assert without.weight[34, 14] == 0
    _, with_class = encoded(HEAD, SETTINGS, mixed, artefacts=True)
    assert with_class.value[:2, 14, 14] == pytest.approx([1, 0], abs=0.1)
    assert with_class.value[:2, 14, 34] == pytest.approx([0, 1], abs=0.1)


def test_classes_of_cells_have_a_channel_each():
    cells = dataclasses.replace(circles((14.0, 14.0, 7.0), (34.0, 34.0, 7.0)), label=np.array([2, 0]))
    head, target = encoded(HEAD, SETTINGS, cells, cells=3)
    found = head.find(np.moveaxis(target.value, 0, 2), SETTINGS, 20.0)
    assert found.label[np.argsort(found.xy[:, 0])].tolist() == [2, 0]


def test_the_loss_by_hand():
    # Two pixels, one in a cell with probability 0.5 and distances of 4 px; all logits are 0.
    target = torch.zeros(1, 1 + RAYS, 1, 2)
    target[0, 0, 0, 0], target[0, 1:, 0, 0] = 0.5, 4.0
    found = HEAD.loss(torch.zeros_like(target), target, torch.ones(1, 1, 2), SETTINGS)
    # Cross-entropy of 0.5 is ln 2 at both; the error of 4 px counts 0.5 of one pixel, at least 1 in the sum.
    assert float(found[0]) == pytest.approx(np.log(2) + 0.2 * 0.5 * 4, rel=1e-5)


def test_a_mirrored_answer_is_turned_back():
    rng = np.random.default_rng(2)
    cells = circles((20.0, 18.0, 8.0), (34.0, 30.0, 6.0))
    away = rng.uniform(1, 3, 2)
    cells = dataclasses.replace(cells, circle=cells.circle + np.array([*away, 0.0]))
    _, target = encoded(HEAD, SETTINGS, cells)
    maps = np.moveaxis(target.value, 0, 2)
    for mirrored in ((True, False), (False, True), (True, True)):
        turned = circles(
            *(
                (48 - x if mirrored[0] else x, 48 - y if mirrored[1] else y, r)
                for x, y, r in cells.circle.tolist()
            )
        )
        back = HEAD.upright(np.moveaxis(encoded(HEAD, SETTINGS, turned)[1].value, 0, 2), mirrored)
        # Rays end at pixel centres, and a mirror rounds the other way.
        assert np.abs(back - maps).mean() < 0.05
    rays = np.arange(RAYS, dtype=np.float32)[None, None]
    assert mirrored_rays(rays, (True, False))[0, 0, :3].tolist() == [16, 15, 14]
    assert mirrored_rays(rays, (False, True))[0, 0, :3].tolist() == [0, 31, 30]


def test_a_card_brings_the_head_back_and_refuses_a_strangers():
    from bmbench.adapters.unet.heads.head import head_of

    head = dataclasses.replace(HEAD, cells=3, artefacts=True)
    assert head_of(head.to_card()).outputs == 4 + RAYS
    with pytest.raises(ValueError, match="expected a number from 1"):
        head_of({**head.to_card(), "cells": 10**9})

"""The map of centres: its target and focal loss by the paper's formula coded apart, and peaks by hand."""

import dataclasses
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters.unet.heads.head import HEADS
from bmbench.adapters.unet.heads.settings import HeatmapSettings
from bmbench.benchmark.contract.drawn_cells import circles
from bmbench.core.types import Role

from .encoding import encoded

SETTINGS = HeatmapSettings(cell_px=16.0, lowest=0.2, spread=0.1, apart=0.25)
HEAD = HEADS.get("heatmap")


def test_a_target_is_the_highest_gaussian_of_all_cells():
    cells = circles((20.3, 18.7, 8.0), (26.0, 18.0, 5.0), (-1.0, 30.0, 6.0))
    _, target = encoded(HEAD, SETTINGS, cells)
    for y in range(48):
        for x in range(48):
            wanted = max(
                math.exp(-((x - math.floor(a)) ** 2 + (y - math.floor(b)) ** 2) / (2 * (0.2 * r) ** 2))
                for a, b, r in cells.circle.tolist()
            )
            # Beyond four deviations it is cut off.
            assert target.value[0, y, x] == pytest.approx(wanted, abs=math.exp(-8))
    assert np.argwhere(target.value[0] == 1).tolist() == [[18, 20], [18, 26]]
    assert target.value[1:, 18, 20].tolist() == [16, 16]
    assert target.value[1:, 18, 26].tolist() == [10, 10]
    assert np.count_nonzero(target.value[1]) == 2


def test_an_outline_gives_the_sides_of_its_box():
    cells = circles((20.0, 20.0, 8.0))
    ring = np.array([[10.0, 16.0], [30.0, 16.0], [30.0, 24.0], [10.0, 24.0]])
    cells = dataclasses.replace(cells, box=np.array([[10.0, 16.0, 30.0, 24.0]]), contour=((ring,),))
    _, target = encoded(HEAD, SETTINGS, cells)
    assert target.value[1:, 20, 20].tolist() == [20, 8]


def test_the_loss_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    _, target = encoded(HEAD, SETTINGS, circles((12.0, 12.0, 6.0), (30.0, 28.0, 8.0)))
    logits = rng.normal(0, 2, (3, 48, 48))
    focal, size, centres = 0.0, 0.0, 0
    for y in range(48):
        for x in range(48):
            wanted = float(target.value[0, y, x])
            # The network's 0 is a chance of one in ten.
            said = 1 / (1 + 9 * math.exp(-logits[0, y, x]))
            if wanted == 1:
                focal += (1 - said) ** 2 * math.log(said)
                centres += 1
                size += sum(
                    abs((1 + logits[1 + k, y, x] / 2) * 16 - target.value[1 + k, y, x]) for k in range(2)
                )
            else:
                focal += (1 - wanted) ** 4 * said**2 * math.log(1 - said)
    value = torch.from_numpy(target.value)[None].double()
    found = HEAD.loss(torch.from_numpy(logits)[None], value, torch.ones(1, 48, 48).double(), SETTINGS)
    assert centres == 2
    assert float(found[0]) == pytest.approx((-focal + SETTINGS.size_weight * size) / 2, rel=1e-5)


def test_ignored_pixels_cost_nothing():
    cells = circles((12.0, 12.0, 6.0), (30.0, 28.0, 8.0))
    ignored = dataclasses.replace(cells, role=np.array([Role.CELL, Role.IGNORE]))
    _, target = encoded(HEAD, SETTINGS, ignored)
    assert target.value[0, 28, 30] == 0
    weight = torch.from_numpy(target.weight)[None]
    value = torch.from_numpy(target.value)[None]
    logits = torch.zeros_like(value)
    before = HEAD.loss(logits, value, weight, SETTINGS)
    logits[:, :, 24:33, 26:35] = 7.0
    assert torch.equal(HEAD.loss(logits, value, weight, SETTINGS), before)


def test_peaks_by_hand():
    maps = np.zeros((40, 60, 4), np.float32)
    maps[..., 2:] = 10.0
    maps[10, 10, :2] = 0.9, 0.3
    maps[10, 13, 0] = 0.8  # within four pixels of a higher one
    maps[10, 20, :2] = 0.5, 0.6  # surer of the second kind
    maps[30, 30:32, 0] = 0.7  # one plateau, one peak
    maps[38, 58, 0], maps[38, 58, 2:] = 0.4, (12.0, 8.0)
    maps[25, 50, 0] = 0.15  # not sure enough
    found = dataclasses.replace(HEAD, cells=2).find(maps, SETTINGS, 20.0)
    order = np.argsort(-found.confidence)
    assert found.xy[order].tolist() == [[10.5, 10.5], [31.0, 30.5], [20.5, 10.5], [58.5, 38.5]]
    assert found.confidence[order] == pytest.approx([0.9, 0.7, 0.6, 0.4])
    assert found.label[order].tolist() == [0, 0, 1, 0]
    assert found.box[order[0]].tolist() == [5.5, 5.5, 15.5, 15.5]
    assert found.box[order[3]].tolist() == [52.5, 34.5, 60, 40]
    assert HEAD.find(np.full((1, 1, 3), 0.5, np.float32), SETTINGS, 0.0).xy.tolist() == [[0.5, 0.5]]
    assert not len(HEAD.find(np.zeros((5, 5, 3), np.float32), SETTINGS, 20.0))


def test_a_target_says_the_cells_that_it_was_made_of():
    cells = circles((20.3, 18.7, 8.0), (36.0, 28.0, 7.0))
    mixed = dataclasses.replace(cells, role=np.array([Role.CELL, Role.ARTEFACT]))
    _, without = encoded(HEAD, SETTINGS, mixed)
    assert len(HEAD.find(np.moveaxis(without.value, 0, 2), SETTINGS, 20.0)) == 1
    head, target = encoded(HEAD, SETTINGS, mixed, artefacts=True)
    found = head.find(np.moveaxis(target.value, 0, 2), SETTINGS, 20.0)
    order = np.argsort(found.xy[:, 0])
    assert found.xy[order] == pytest.approx(cells.xy, abs=0.71)
    assert found.label[order].tolist() == [0, 1]
    assert (found.box[order, 2] - found.box[order, 0]).tolist() == [16, 14]

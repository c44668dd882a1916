"""How circles overlap and what they cover, on shapes whose areas are known."""

import dataclasses
import math

import numpy as np
import pytest

from bmbench.core.geometry import rings_box
from bmbench.core.types import Annotations, Role, Sample
from bmbench.datasets.weak.weakness import weak_statistics


def square(x, y, side):
    return (np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], float),)


def image(*shapes, size=(200, 200), roles=None):
    box = np.array([rings_box(rings) for rings in shapes])
    annotations = Annotations.of(
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        contour=shapes,
        role=np.zeros(len(shapes), np.int64) if roles is None else np.array(roles),
    )
    return Sample(
        image_id=1, name="drawn", width=size[0], height=size[1], group="drawn", annotations=annotations,
        load=lambda: np.zeros((size[1], size[0], 3), np.uint8),
    )  # fmt: skip


def test_a_square_alone():
    """Side 40: area 1600; its circle has radius 20 √2, area 800 π, of an image of 40000."""
    exact, jittered = weak_statistics([image(square(80, 80, 40))])
    circle = 800 * math.pi
    assert (exact.jitter_px, exact.circles, exact.overlapping, exact.covered_twice) == (0, 1, 0, 0)
    assert exact.covered == pytest.approx(circle / 40000, rel=5e-3)
    assert exact.cells == pytest.approx(1600 / 40000)
    assert exact.not_cell == pytest.approx(1 - 1600 / circle, rel=5e-3)
    assert exact.missed == pytest.approx(0, abs=1e-3)
    assert exact.cover == pytest.approx(circle / 1600)
    # The study's 3 px for cells of 165 px, for one of 2 √(1600 / π) = 45.1 px.
    assert jittered.jitter_px == pytest.approx(3 * 2 * math.sqrt(1600 / math.pi) / 165)


def test_two_circles_share_a_lens():
    """Squares of side 40, 44 apart: radius r = 20 √2, d = 44; lens 2 r² acos(d / 2r) − d/2 √(4r² − d²)."""
    exact, _ = weak_statistics([image(square(50, 80, 40), square(94, 80, 40), square(50, 10, 4))])
    r, d = 20 * math.sqrt(2), 44.0
    lens = 2 * r * r * math.acos(d / (2 * r)) - d / 2 * math.sqrt(4 * r * r - d * d)
    covered = 2 * math.pi * r * r - lens + math.pi * 8
    assert exact.overlapping == pytest.approx(2 / 3)
    assert exact.covered == pytest.approx(covered / 40000, rel=5e-3)
    assert exact.covered_twice == pytest.approx(lens / covered, rel=2e-2)


def test_only_outlined_cells_count_and_what_lies_outside_the_image_does_not():
    """Half of the only cell lies outside; the artefact is no cell."""
    smear = image(square(-20, 80, 40), square(100, 100, 30), roles=[Role.CELL, Role.ARTEFACT])
    exact, _ = weak_statistics([smear])
    assert exact.circles == 1
    assert exact.cells == pytest.approx(800 / 40000)
    assert exact.covered == pytest.approx(400 * math.pi / 40000, rel=3e-3)


def test_without_outlines_there_is_nothing_to_say():
    smear = image(square(80, 80, 40))
    bare = dataclasses.replace(smear.annotations, contour=((),))
    assert weak_statistics([dataclasses.replace(smear, annotations=bare)]) == ()


def test_areas_of_a_large_set_are_counted_on_images_all_over_it(monkeypatch):
    """Of five images the first, the third and the last: two empty ones would halve the share."""
    monkeypatch.setattr("bmbench.datasets.weak.weakness.MOST_COUNTED", 3)
    full, empty = image(square(80, 80, 40)), image(square(0, 0, 1))
    exact, _ = weak_statistics([full, empty, full, empty, full])
    assert (exact.circles, exact.counted_on) == (5, 3)
    assert exact.cells == pytest.approx(1600 / 40000)


def test_info_shows_the_table(bmbench, marrow):
    answer = bmbench("datasets", "info", marrow)
    assert answer.code == 0
    row = next(line for line in answer.out.splitlines() if "overlap another one" in line)
    assert row.count("%") == 2

"""Owner and depth of pixels, by hand-worked cases and laws."""

import dataclasses

import numpy as np
import pytest

from bmbench.adapters.unet.encodings import depth_map as depth_module
from bmbench.adapters.unet.encodings.depth_map import depth_map, ignored_regions
from bmbench.core.types import Annotations, Role


def test_depth_in_a_lone_circle_is_the_radius_less_the_distance_to_its_centre(circles):
    result = depth_map(circles((20.3, 14.8, 9.0)), 40, 50)
    y, x = np.mgrid[:40, :50] + 0.5
    expected = np.maximum(9 - np.hypot(x - 20.3, y - 14.8), 0)
    assert result.depth == pytest.approx(expected, abs=1e-4)
    assert (result.owner > 0).tolist() == (expected > 1e-4).tolist()


def test_equal_circles_share_their_overlap_along_the_line_between(circles):
    # Centres 10 px apart, radius 7: the border is x = 15.5. Pixel (13, 10) has its centre at x = 13.5:
    # 4 px to its circle's outline behind it, 2 px to the border; the border is nearer.
    result = depth_map(circles((10.5, 10.5, 7.0), (20.5, 10.5, 7.0)), 21, 31)
    assert result.depth[10, 13] == pytest.approx(2.0, abs=1e-3)
    assert result.depth[10, 17] == pytest.approx(2.0, abs=1e-3)
    assert (result.owner[:, :15] != 2).all()
    assert (result.owner[:, 16:] != 1).all()


def test_a_small_circle_inside_a_large_one_keeps_its_centre(circles):
    # Power distance would give it away: at the small centre 8² − 12² = −80 is less than −7² = −49.
    result = depth_map(circles((20.0, 20.0, 12.0), (28.0, 20.0, 7.0)), 40, 40)
    assert result.owner[20, 28] == 2
    assert result.owner[20, 19] == 1
    assert result.deepest.min() > 2


def test_the_edge_of_the_image_is_no_outline(circles):
    # Pixel (0, 7) has its centre at (0.5, 7.5), √(0.5² + 0.5²) = 0.707 from the circle's at (0, 8).
    result = depth_map(circles((0.0, 8.0, 5.0)), 16, 16)
    assert result.depth[7, 0] == pytest.approx(5 - np.sqrt(0.5), abs=1e-4)
    assert result.deepest[0] == pytest.approx(5 - np.sqrt(0.5), abs=1e-4)


def test_an_image_cut_from_a_larger_one_has_the_same_depths(scattered):
    crowd = scattered(np.random.default_rng(6), 60, 40, (3.0, 7.0))
    whole = depth_map(dataclasses.replace(crowd, circle=crowd.circle * [1, 1, 1.5]), 60, 60)
    moved = dataclasses.replace(crowd, circle=crowd.circle * [1, 1, 1.5] - [14, 9, 0])
    part = depth_map(moved, 30, 25)
    assert part.depth == pytest.approx(whole.depth[9:39, 14:39], abs=1e-4)
    assert part.deepest == pytest.approx(whole.deepest, abs=1e-4)
    assert (part.owner > 0)[:, [0, -1]].any()
    assert (part.owner > 0)[[0, -1]].any()


def test_depth_in_a_contour_is_the_distance_of_pixel_centres_to_it():
    square = np.array([[4.0, 4.0], [12.0, 4.0], [12.0, 12.0], [4.0, 12.0]])
    annotations = Annotations.of(
        xy=np.array([[8.0, 8.0]]), box=np.array([[4.0, 4.0, 12.0, 12.0]]), contour=((square,),)
    )
    result = depth_map(annotations, 16, 16)
    assert result.depth[8, 4] == pytest.approx(0.5)  # centre at x = 4.5, edge at 4
    assert result.depth[7, 7] == pytest.approx(3.5)
    assert (result.owner > 0).sum() == 64


def test_a_hole_in_a_contour_is_outside():
    outer = np.array([[2.0, 2.0], [18.0, 2.0], [18.0, 18.0], [2.0, 18.0]])
    hole = np.array([[8.0, 8.0], [12.0, 8.0], [12.0, 12.0], [8.0, 12.0]])
    annotations = Annotations.of(
        xy=np.array([[10.0, 10.0]]), box=np.array([[2.0, 2.0, 18.0, 18.0]]), contour=((outer, hole),)
    )
    assert (depth_map(annotations, 20, 20).owner > 0).sum() == 16 * 16 - 4 * 4


def test_artefacts_own_nothing(circles):
    assert not depth_map(circles((8.0, 8.0, 5.0), role=Role.ARTEFACT), 16, 16).owner.any()


def test_a_circle_marked_twice_counts_once(circles):
    once, twice = circles((8.0, 8.0, 5.0)), circles((8.0, 8.0, 5.0), (8.0, 8.0, 5.0))
    assert np.array_equal(depth_map(once, 16, 16).depth, depth_map(twice, 16, 16).depth)


def test_the_order_of_objects_does_not_matter(scattered):
    generator = np.random.default_rng(3)
    crowd = scattered(generator, 60, 30, (4.0, 9.0))
    crowded = dataclasses.replace(crowd, circle=crowd.circle * [1, 1, 1.5])
    order = generator.permutation(len(crowded))
    one, other = depth_map(crowded, 60, 60), depth_map(crowded.take(order), 60, 60)
    assert np.array_equal(one.depth, other.depth)
    back = np.concatenate([[0], order + 1])
    assert np.array_equal(one.owner, back[other.owner])


def test_working_in_chunks_changes_nothing(scattered, monkeypatch):
    crowd = scattered(np.random.default_rng(4), 60, 30, (4.0, 9.0))
    crowded = dataclasses.replace(crowd, circle=crowd.circle * [1, 1, 1.5])
    whole = depth_map(crowded, 60, 60)
    monkeypatch.setattr(depth_module, "_CHUNK", 3 * 31**2)
    parts = depth_map(crowded, 60, 60)
    assert np.array_equal(whole.depth, parts.depth)
    assert np.array_equal(whole.owner, parts.owner)


def outlined(generator, n):
    """Bent outlines, some with a hole, that overlap each other and reach beyond an image of 60 px."""
    contours = []
    for middle, radius in zip(generator.uniform(-5, 65, (n, 2)), generator.uniform(0.5, 12, n), strict=True):
        angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        away = radius * generator.uniform(0.6, 1.3, (12, 1)) * np.column_stack([np.cos(angle), np.sin(angle)])
        contours.append((middle + away, middle + away / 3)[: 1 + int(generator.random() < 0.3)])
    contours[1] = contours[0]
    box = np.array([[*rings[0].min(axis=0), *rings[0].max(axis=0)] for rings in contours])
    return Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, contour=tuple(contours))


@pytest.mark.parametrize("rank", [None, lambda depth, deepest: depth / np.maximum(deepest, 1)])
@pytest.mark.parametrize("beyond", [0.0, 3.0])
def test_outlines_drawn_together_are_those_of_each_alone(rank, beyond):
    """A pixel is the deepest one's, or that of the highest rank, and of equal ones the first one's."""
    crowd = outlined(np.random.default_rng(5), 25)
    together = depth_map(crowd, 60, 60, rank=rank, beyond=beyond)
    owner, depth, best = np.zeros((60, 60), int), np.full((60, 60), 0 - beyond), np.full((60, 60), -np.inf)
    if rank is None:
        best[:] = -beyond
    for row in range(len(crowd)):
        alone = depth_map(crowd.take(np.array([row])), 60, 60, rank=rank, beyond=beyond)
        assert together.deepest[row] == alone.deepest[0]
        height = alone.depth if rank is None else rank(alone.depth, alone.deepest[0])
        wins = (alone.owner > 0) & (height > best)
        owner[wins], depth[wins], best[wins] = row + 1, alone.depth[wins], height[wins]
    assert np.array_equal(together.owner, owner)
    assert np.array_equal(together.depth, depth)


def test_no_objects_no_owners():
    result = depth_map(Annotations.empty(), 5, 7)
    assert result.owner.shape == (5, 7)
    assert not result.owner.any()


def test_an_ignored_region_is_its_outline_circle_or_box():
    triangle = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    annotations = Annotations.of(
        xy=np.array([[4.0, 4.0], [20.0, 20.0], [30.0, 4.0]]),
        box=np.array([[0.0, 0.0, 8.0, 8.0], [16.0, 16.0, 24.0, 24.0], [28.0, 2.0, 32.0, 6.0]]),
        circle=np.array([[0.0, 0.0, 0.0], [20.0, 20.0, 4.0], [0.0, 0.0, 0.0]]),
        contour=((triangle,), (), ()),
        role=np.full(3, Role.IGNORE, np.int64),
        region=np.ones(3, bool),
    )
    inside = ignored_regions(annotations, 32, 40)
    assert inside[1, 1]
    assert not inside[7, 7]
    assert inside[20, 23]
    assert not inside[16, 16]
    assert inside[2:6, 28:32].all()
    assert inside[:10, 26:].sum() == 16


def test_of_one_circle_given_twice_the_cell_has_the_pixels(circles):
    ignored, cell = circles((8.0, 8.0, 5.0), role=Role.IGNORE), circles((8.0, 8.0, 5.0))
    names = ("xy", "box", "circle", "label", "role", "region")
    columns = {name: np.concatenate([getattr(ignored, name), getattr(cell, name)]) for name in names}
    result = depth_map(Annotations(contour=((), ()), **columns), 16, 16)
    assert set(np.unique(result.owner)) == {0, 2}


def test_ignored_outlines_that_overlap_are_ignored_where_they_do():
    square = np.array([[2.0, 2], [10, 2], [10, 10], [2, 10]])
    box = np.array([[2.0, 2, 10, 10], [5.0, 5, 13, 13]])
    outlines = Annotations.of(
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        contour=((square,), (square + 3,)),
        role=np.full(2, int(Role.IGNORE)),
        region=np.ones(2, bool),
    )
    # Two squares of 64 pixels that share 5 × 5.
    assert ignored_regions(outlines, 16, 16).sum() == 64 + 64 - 25

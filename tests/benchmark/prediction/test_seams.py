"""Each cell once: hand-made views of one seam, and slides of discs cut in every way."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmbench.benchmark.prediction.image import ImageJob, cells, predict_tiles
from bmbench.benchmark.prediction.journal import Journal
from bmbench.benchmark.prediction.seams import Views, _same_cell, candidates, near_seams, settle
from bmbench.benchmark.prediction.selection import EVERYTHING
from bmbench.benchmark.prediction.tiles import Grid
from bmbench.core.geometry import box_iou
from bmbench.core.progress import Silent
from bmbench.core.types import Detections, Floats, Ints

from .spots import DarkSpots, discs, in_memory

GRID = Grid.of((200, 100), tile_px=140, margin_px=40, band_px=15)
"""Two tiles; the seam lies at x = 100."""
LEFT, RIGHT = GRID.tiles()


def reported(left: list[list[float]], right: list[list[float]]) -> list[tuple[int, int]]:
    """(tile, row) of what is reported of rows x, y, radius, confidence that each tile sees."""
    parts = [(LEFT, found(left)), (RIGHT, found(right))]
    parts = [(tile, candidates(views, tile, GRID)) for tile, views in parts]
    views = near_seams(parts, GRID)
    kept = settle(views)
    return sorted(zip(views.tile[kept].tolist(), views.row[kept].tolist(), strict=True))


def found(rows: list[list[float]]) -> Detections:
    x, y, radius, confidence = np.array(rows).reshape(-1, 4).T
    box = np.column_stack([x - radius, y - radius, x + radius, y + radius])
    return Detections.of(xy=np.column_stack([x, y]), box=box, confidence=confidence)


def test_a_cell_that_both_tiles_own_is_reported_by_the_surer_one() -> None:
    assert reported([[98, 50, 10, 0.7]], [[101, 50, 10, 0.8]]) == [(1, 0)]


def test_a_cell_that_neither_tile_owns_is_reported_once() -> None:
    assert reported([[101, 50, 10, 0.7]], [[99, 50, 10, 0.6]]) == [(0, 0)]


def test_the_owner_reports_although_the_other_one_is_surer() -> None:
    assert reported([[95, 50, 10, 0.3]], [[97, 50, 10, 0.9]]) == [(0, 0)]


def test_what_only_the_neighbour_sees_is_left_to_the_owner() -> None:
    assert reported([[105, 50, 10, 0.9]], []) == []


def test_two_touching_cells_on_both_sides_are_both_reported() -> None:
    both = [[92, 50, 10, 0.9], [110, 50, 10, 0.9]]
    assert reported(both, both) == [(0, 0), (1, 1)]


def test_a_nucleus_and_its_cell_in_different_tiles_are_one() -> None:
    """IoU of the boxes 16² / 40² = 0.16, but the centres are 4 px apart."""
    assert reported([[97, 50, 20, 0.9]], [[101, 50, 8, 0.8]]) == [(0, 0)]


def test_long_views_that_overlap_are_one() -> None:
    """Boxes [60, 100] and [70, 130] in x, [40, 60] in y: IoU 30 / 70 = 0.43; the centres are 20 px apart,
    more than half of the radii's sum (15 + 20) / 2."""
    left, right = (
        Detections.of(
            xy=np.array([[x, 50.0]]), box=np.array([[x0, 40.0, x1, 60.0]]), confidence=np.array([c])
        )
        for x, x0, x1, c in ((80.0, 60.0, 100.0, 0.9), (100.0, 70.0, 130.0, 0.8))
    )
    views = near_seams([(LEFT, left), (RIGHT, right)], GRID)
    assert views.owned.tolist() == [True, True]
    assert settle(views).tolist() == [True, False]


def test_two_views_in_a_third_tile_do_not_outvote_its_own() -> None:
    """At a corner: the owner has the centre at 27 px inside its core, two others at 14 px in their bands."""
    grid = Grid.of((200, 200), tile_px=140, margin_px=40, band_px=15)
    tiles = grid.tiles()
    places = [[73.0, 73.0, 20.0, 0.9], [86.0, 80.0, 20.0, 0.9], [80.0, 86.0, 20.0, 0.9]]
    parts = [(tile, candidates(found([row]), tile, grid)) for tile, row in zip(tiles, places, strict=False)]
    views = near_seams(parts, grid)
    assert [len(part) for _, part in parts] == [1, 1, 1]
    assert views.tile[settle(views)].tolist() == [0]


def test_views_of_the_same_tile_never_rule_each_other_out() -> None:
    """Two overlapping answers of one tile (a nucleus inside a cell) are its detector's affair."""
    assert reported([[90, 50, 10, 0.9], [91, 50, 9, 0.8]], []) == [(0, 0), (0, 1)]


def test_two_cells_that_their_neighbour_sees_as_one_are_both_reported() -> None:
    """Left sees boxes [77, 97] and [99, 119] in x; right sees one, [77, 119], with its centre at 98 (not its
    own). IoU of either with the whole: 20 / 42 = 0.48 in x, 20 / 42 in y: 400 / 1764 = 0.23 for square boxes
    of one; so the whole is flat: y from 40 to 60."""
    left = found([[87, 50, 10, 0.9], [109, 50, 10, 0.9]])
    whole = Detections.of(
        xy=np.array([[98.0, 50.0]]), box=np.array([[77.0, 40.0, 119.0, 60.0]]), confidence=np.array([0.9])
    )
    views = near_seams([(LEFT, left), (RIGHT, candidates(whole, RIGHT, GRID))], GRID)
    kept = settle(views)
    assert sorted(zip(views.tile[kept].tolist(), views.row[kept].tolist(), strict=True)) == [(0, 0), (0, 1)]


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), octaves=st.sampled_from([0.1, 1.0, 4.0]))
def test_views_of_one_cell_are_found_whatever_their_sizes(seed: int, octaves: float) -> None:
    """Against every pair of views: of like sizes, and of tiny, giant and flat ones."""
    rng = np.random.default_rng(seed)
    side = 40 * 2.0 ** rng.uniform(-octaves, octaves, (60, 2))
    corner = rng.uniform(0, 60, (60, 2)) - side / 2
    views = near(np.column_stack([corner, corner + side]), tile=rng.integers(0, 3, 60))
    a, b = np.divmod(np.arange(60 * 60), 60)
    apart = np.hypot(*(corner[a] + side[a] / 2 - corner[b] - side[b] / 2).T)
    radii = (side[a].mean(axis=1) + side[b].mean(axis=1)) / 2
    same = (apart < 0.5 * radii) | (box_iou(views.box[a], views.box[b]) > 0.3)
    expected: dict[int, list[int]] = {}
    for one, other in np.column_stack([a, b])[same & (views.tile[a] != views.tile[b])].tolist():
        expected.setdefault(one, []).append(other)
    assert {view: sorted(others) for view, others in _same_cell(views).items()} == expected


@pytest.mark.parametrize(("radius", "other", "apart", "same"), [
    # Half of the radii's sum is 66, and the boxes share next to nothing.
    (4, 128, 65, True),
    (4, 128, 67, False),
    # Half of the radii's sum is 20; IoU (40 - 21) / (40 + 21) = 0.31, and 18 / 62 = 0.29.
    (20, 20, 21, True),
    (20, 20, 22, False),
])  # fmt: skip
def test_views_of_one_cell_are_as_far_apart_as_this(
    radius: int, other: int, apart: int, *, same: bool
) -> None:
    box = np.array([[-radius, -radius, radius, radius], [apart - other, -other, apart + other, other]], float)
    assert _same_cell(near(box, tile=np.array([0, 1]))) == ({0: [1], 1: [0]} if same else {})


def test_one_giant_does_not_make_all_views_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    def counting(a: Floats, b: Floats) -> Floats:
        looked_at.append(len(a))
        return box_iou(a, b)

    monkeypatch.setattr("bmbench.benchmark.prediction.seams.box_iou", counting)
    corner = 20.0 * np.column_stack(np.divmod(np.arange(2000), 50))
    box = np.column_stack([corner, corner + 15])
    giant = np.concatenate([box, [[-1000, -1000, 2000, 2000]]])
    settle(near(giant, tile=np.arange(2001) % 2))
    # Of the small ones each has at most 8 around it, and the giant has all.
    assert sum(looked_at) <= 2000 * 8 / 2 + 2000


def near(box: Floats, *, tile: Ints) -> Views:
    n = len(box)
    return Views(tile=tile, row=np.arange(n), box=box, confidence=np.ones(n), owned=np.ones(n, bool))


def _job(grid: Grid, size: tuple[int, int]) -> ImageJob:
    return ImageJob(
        path=Path(__file__),
        name="discs",
        size=size,
        um_per_px=None,
        ratio=np.ones(2),
        grid=grid,
        tiles=tuple(grid.tiles()),
        selection=EVERYTHING,
    )


def answered(pixels: Any, grid: Grid, detector: Any) -> Detections:
    """Everything reported, through reading, tiles, journal and seams."""
    size = pixels.shape[1], pixels.shape[0]
    job = _job(grid, size)
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j", {}) as journal:
        predict_tiles(in_memory(pixels), job, detector, journal, Silent())
        parts = [part for _, part in cells(job, journal, 0.0)]
    return Detections.of(
        xy=np.concatenate([part.xy for part in parts]),
        box=np.concatenate([part.box for part in parts]),
        confidence=np.concatenate([part.confidence for part in parts]),
    )


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), tile=st.integers(110, 300), radius=st.floats(3, 12))
def test_tiles_find_what_the_whole_image_shows(seed: int, tile: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(120, 500)), int(rng.integers(120, 500))
    pixels, _ = discs(rng, size, 60, radius)
    whole = DarkSpots().predict(pixels)
    grid = Grid.of(size, tile_px=tile, margin_px=40, band_px=12)
    tiled = answered(pixels, grid, DarkSpots())
    order, order_tiled = np.lexsort(whole.xy.T), np.lexsort(tiled.xy.T)
    np.testing.assert_allclose(tiled.box[order_tiled], whole.box[order])
    np.testing.assert_allclose(tiled.confidence[order_tiled], whole.confidence[order])


class Unsteady(DarkSpots):
    """Puts each centre up to 3 px off, another way in every tile."""

    def predict(self, image: Any) -> Detections:
        spots = DarkSpots().predict(image)
        rng = np.random.default_rng(int(image.sum()) % 2**32)
        off = rng.uniform(-3, 3, spots.xy.shape)
        return Detections.of(xy=spots.xy + off, box=spots.box + np.tile(off, 2), confidence=spots.confidence)


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), tile=st.integers(110, 200))
def test_an_unsteady_detector_loses_and_doubles_no_cell(seed: int, tile: int) -> None:
    rng = np.random.default_rng(seed)
    pixels, centres = discs(rng, (400, 300), 80, 9.0)
    grid = Grid.of((400, 300), tile_px=tile, margin_px=40, band_px=12)
    tiled = answered(pixels, grid, Unsteady())
    nearest = np.hypot(*(tiled.xy[:, None] - centres[None]).transpose(2, 0, 1)).argmin(axis=1)
    assert sorted(nearest.tolist()) == list(range(len(centres)))

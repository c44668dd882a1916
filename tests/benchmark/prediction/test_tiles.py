"""Cores share out an image; what a detector sees holds its core and its margin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmbench.benchmark.prediction.tiles import Grid, within

SIZES = st.tuples(st.integers(1, 700), st.integers(1, 700))
# Whole numbers too: that is where cores meet.
COORDINATES = st.floats(-50, 750) | st.integers(-5, 75).map(lambda tenth: tenth * 10.0) | st.integers(0, 700)


@given(size=SIZES, tile=st.integers(40, 300), margin=st.integers(0, 19))
def test_every_pixel_has_one_core(size: tuple[int, int], tile: int, margin: int) -> None:
    grid = Grid.of(size, tile_px=tile, margin_px=margin, band_px=margin / 2)
    owners = np.zeros(size[::-1], int)
    for piece in grid.tiles():
        x0, y0, x1, y1 = piece.core
        owners[y0:y1, x0:x1] += 1
    assert (owners == 1).all()


@given(size=SIZES, tile=st.integers(40, 300), margin=st.integers(0, 19))
def test_a_tile_sees_its_margin_and_is_no_larger_than_asked(
    size: tuple[int, int], tile: int, margin: int
) -> None:
    grid = Grid.of(size, tile_px=tile, margin_px=margin, band_px=0)
    for piece in grid.tiles():
        for axis in (0, 1):
            low, high = piece.seen[axis], piece.seen[axis + 2]
            assert high - low <= tile
            assert low == max(piece.core[axis] - margin, 0)
            assert high == min(piece.core[axis + 2] + margin, size[axis])


@given(
    size=SIZES,
    tile=st.integers(40, 300),
    points=st.lists(st.tuples(COORDINATES, COORDINATES), min_size=1, max_size=30),
)
def test_every_centre_has_one_owner_also_beyond_the_edge(
    size: tuple[int, int], tile: int, points: list[tuple[float, float]]
) -> None:
    grid = Grid.of(size, tile_px=tile, margin_px=10, band_px=5)
    xy = np.array(points)
    owners = np.sum([within(xy, piece.core, grid.size) for piece in grid.tiles()], axis=0)
    assert (owners == 1).all()


def test_a_centre_on_a_seam_belongs_to_the_right_and_to_the_lower_tile() -> None:
    grid = Grid.of((200, 200), tile_px=140, margin_px=40, band_px=15)
    for xy, owner in (((100, 99), 1), ((99, 100), 2), ((100, 100), 3), ((99.9, 99.9), 0)):
        owners = [within(np.array([xy], float), piece.core, grid.size)[0] for piece in grid.tiles()]
        assert owners == [number == owner for number in range(4)]


def test_an_image_no_larger_than_a_tile_is_one_piece() -> None:
    grid = Grid.of((300, 200), tile_px=300, margin_px=50, band_px=10)
    (piece,) = grid.tiles()
    assert piece.core == piece.seen == (0, 0, 300, 200)
    assert len(Grid.of((301, 200), tile_px=300, margin_px=50, band_px=10)) == 2


def test_numbers_stay_those_of_the_whole_grid() -> None:
    grid = Grid.of((400, 400), tile_px=120, margin_px=10, band_px=5)
    numbers = [piece.number for piece in grid.tiles(lambda core: core[0] > 0)]
    assert numbers == [n for n in range(len(grid)) if n % 4]


@pytest.mark.parametrize(("tile", "margin", "band"), [(100, 50, 10), (100, 20, 21)])
def test_impossible_tiles_are_refused(tile: int, margin: int, band: float) -> None:
    with pytest.raises(ValueError, match="no tiles"):
        Grid.of((500, 500), tile_px=tile, margin_px=margin, band_px=band)

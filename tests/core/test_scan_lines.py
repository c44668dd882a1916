"""Runs of many outlines at once: the pixels of each are those of it alone."""

import numpy as np
import pytest

from bmbench.core.geometry import rings_mask
from bmbench.core.scan_lines import pixels_of, runs_inside, runs_of_mask

WIDTH, HEIGHT = 31, 23


def outline(rng, grid):
    """One to three rings of one to ten corners, crossing each other, some outside the image."""
    rings = [rng.uniform(-5, 30, (int(rng.integers(1, 11)), 2)) for _ in range(int(rng.integers(1, 4)))]
    return tuple(np.round(ring * grid) / grid if grid else ring for ring in rings)


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("grid", [0, 1, 2])
def test_runs_are_the_masks_of_the_outlines_one_by_one(grid, lower):
    rng = np.random.default_rng(grid)
    outlines = [outline(rng, grid) for _ in range(60)]
    windows = np.sort(rng.integers(0, (WIDTH, HEIGHT), (60, 2, 2)), axis=1).reshape(60, 4)
    pixels, owner = pixels_of(runs_inside(outlines, windows, lower=lower), WIDTH)
    assert (np.diff(owner) >= 0).all()
    for row, (rings, (x0, y0, x1, y1)) in enumerate(zip(outlines, windows.tolist(), strict=True)):
        expected = np.zeros((HEIGHT, WIDTH), np.uint8)
        expected[y0:y1, x0:x1] = rings_mask(rings, y1 - y0, x1 - x0, corner=(x0, y0), lower=lower)
        found = np.zeros(HEIGHT * WIDTH, np.uint8)
        np.add.at(found, pixels[owner == row], 1)
        assert np.array_equal(found.reshape(HEIGHT, WIDTH), expected)


def test_a_square_holds_the_pixels_whose_middles_it_holds():
    """Corners at 1.5 and 4.5: the middles 1.5, 2.5 and 3.5 of the pixels 1, 2 and 3; 4.5 is outside."""
    square = (np.array([[1.5, 1.5], [4.5, 1.5], [4.5, 4.5], [1.5, 4.5]]),)
    runs = runs_inside([square], np.array([[0, 0, 10, 10]]))
    assert [column.tolist() for column in runs] == [[0, 0, 0], [1, 2, 3], [1, 1, 1], [4, 4, 4]]


def test_a_mask_has_a_run_in_each_of_its_rows():
    mask = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 0]], bool)
    assert [column.tolist() for column in runs_of_mask(mask, 7, (10, 20))] == [
        [7, 7],
        [21, 22],
        [11, 10],
        [13, 11],
    ]

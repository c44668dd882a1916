"""Sizes of nuclei and colours, measured: on drawn discs, resized images, blank ones."""

import numpy as np
import pytest
from PIL import Image

from bmbench.adapters.images.appearance import (
    Appearance,
    appearance,
    colours,
    nucleus_diameter,
    recoloured,
    spread,
    standardising_table,
    windows,
)
from bmbench.datasets.synthetic.dataset import sample


def discs(diameter, *, side=400, seed=0, ground=225, dark=70):
    """Dark discs of one diameter that do not touch, on a pale ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] + 0.5
    image = np.full((side, side, 3), ground, np.uint8)
    centres = []
    for _ in range(4000):
        xy = rng.uniform(diameter, side - diameter, 2)
        if len(centres) < 25 and all(np.hypot(*(xy - other)) > 1.6 * diameter for other in centres):
            centres.append(xy)
            image[(x - xy[0]) ** 2 + (y - xy[1]) ** 2 <= diameter**2 / 4] = dark
    return image


def at(image, factor):
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BOX if factor < 1 else None))


@pytest.mark.parametrize("diameter", [10, 17, 24, 40])
def test_discs_have_the_diameter_that_they_were_drawn_with(diameter):
    assert nucleus_diameter([discs(diameter)]) == pytest.approx(diameter, rel=0.1)


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.4, 2.0])
def test_a_resized_image_has_resized_nuclei(factor):
    image = discs(24)
    whole = nucleus_diameter([image])
    assert nucleus_diameter([at(image, factor)]) == pytest.approx(factor * whole, rel=0.06)


def test_smears_at_half_the_scale_have_nuclei_of_half_the_size():
    for number in (1, 2):
        image = sample(number).load()
        assert nucleus_diameter([at(image, 0.5)]) == pytest.approx(nucleus_diameter([image]) / 2, rel=0.06)


def test_darker_nuclei_are_not_larger_ones():
    assert nucleus_diameter([discs(24, dark=30)]) == pytest.approx(nucleus_diameter([discs(24)]), rel=0.05)


def test_where_nothing_stands_out_no_size_is_told():
    rng = np.random.default_rng(0)
    noise = rng.normal(230, 2, (200, 200, 3)).astype(np.uint8)
    blank, point = np.full((200, 200, 3), 230, np.uint8), np.zeros((1, 1, 3), np.uint8)
    for image in (blank, noise, point, noise[:5, :7]):
        assert nucleus_diameter([image]) is None
    assert nucleus_diameter([]) is None


def test_a_colour_cast_is_removed():
    """An image moved by a factor and an offset in each channel comes back, up to two grey levels."""
    image = sample(0).load().astype(float)
    image = np.clip(image, 40, 250).astype(np.uint8)
    cast = np.rint(image * [0.8, 0.7, 0.9] + [20.0, 40.0, 10.0]).astype(np.uint8)
    mean, deviation = colours([image])
    learned = Appearance(nucleus_px=None, mean=tuple(mean), deviation=tuple(deviation))
    back = recoloured(cast, standardising_table(*colours([cast]), learned))
    assert np.abs(back.astype(int) - image).max() <= 2
    assert np.abs(np.array(colours([back])) - colours([image])).max() < 0.2


def test_an_empty_picture_does_not_become_noise():
    """A deviation of 1 would be blown up 40 times; it is at most 4."""
    learned = Appearance(nucleus_px=None, mean=(200.0, 160.0, 190.0), deviation=(40.0, 40.0, 40.0))
    blank = np.full((50, 50, 3), 230, np.uint8)
    blank[::2] += 2
    back = recoloured(blank, standardising_table(*colours([blank]), learned))
    assert np.ptp(back.astype(int), axis=(0, 1)).max() <= 8


def test_windows_are_equal_parts_and_few():
    assert windows(640, 512) == [(0, 0, 640, 512)]
    assert windows(1200, 900) == [(0, 0, 600, 900), (600, 0, 1200, 900)]
    many = windows(100_000, 80_000)
    assert len(many) == 9
    assert all(x1 - x0 <= 1024 and y1 - y0 <= 1024 for x0, y0, x1, y1 in many)
    assert windows(3000, 3000, lambda window: window[0] == 0) == [
        (0, 0, 1000, 1000),
        (0, 1000, 1000, 2000),
        (0, 2000, 1000, 3000),
    ]
    assert spread(3) == [0, 1, 2]
    assert spread(24) == list(range(0, 24, 2))


def test_a_set_looks_like_the_middle_of_its_images():
    small, large = discs(16), discs(30)
    look = appearance([small, large, large])
    assert look.nucleus_px == pytest.approx(nucleus_diameter([large]), abs=0.01)
    mean = (colours([small])[0] + 2 * colours([large])[0]) / 3
    assert look.mean == pytest.approx(mean, abs=0.01)

"""The picture of all encodings that a run leaves behind."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from bmbench.adapters import METHODS
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.unet.encodings.pictures import busiest

from ...conftest import circles, sample


def test_the_picture_shows_the_image_and_targets(sample, tmp_path):
    method = METHODS.get("unet_sigmoid")
    request = FitRequest(
        train=[sample(1), sample(2)],
        validation=(),
        settings=method.settings["quick"],
        seed=0,
        augment=augment,
    )
    method.draw(request, tmp_path / "targets.png")
    with Image.open(tmp_path / "targets.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert min(pixels.shape[:2]) > 500

    def share(*colour):
        return (np.abs(pixels - colour).max(axis=2) < 12).mean()

    # Drawn cells are (90, 40, 140); the ends of the colour scale are (0, 34, 77) and (254, 232, 56).
    assert share(90, 40, 140) > 0.003
    assert share(0, 34, 77) > 0.03
    assert share(254, 232, 56) > 0.01


def crowd(xy):
    """An image with a cell of 40 px diameter at each place: the picture's own scale."""
    annotations = circles(*np.column_stack([xy, np.full(len(xy), 20.0)]))
    image = np.random.default_rng(len(xy)).integers(0, 256, (500, 500, 3), np.uint8)
    return dataclasses.replace(sample(1), width=500, height=500, annotations=annotations, load=lambda: image)


def asked(*train):
    return FitRequest(
        train=train,
        validation=(),
        settings=METHODS.get("unet_shrink").settings["quick"],
        seed=0,
        augment=augment,
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_patch_lies_around_the_cell_with_the_most_cells_near(seed):
    # Places on a grid of 20 px: many cells are exactly 80 px apart, which is not near, and many tie.
    generator = np.random.default_rng(seed)
    images = [generator.integers(0, 26, (n, 2)) * 20.0 for n in (40, 0, 60, 60)]
    best = (0, 0, 0)
    for number, xy in enumerate(images):
        for row, place in enumerate(xy):
            near = sum(max(abs(place - other)) < 80 for other in xy)
            best = max(best, (near, -number, -row))
    centre = images[-best[1]][-best[2]]
    train = [crowd(xy) for xy in images]
    left, top = np.clip(centre - 100, 0, 300).astype(int)
    image, annotations = busiest(asked(*train))
    assert np.array_equal(image, train[-best[1]].load()[top : top + 200, left : left + 200])
    assert annotations.xy.tolist() == (images[-best[1]] - (left, top)).tolist()


def test_many_cells_are_not_paired_one_with_every_other():
    places = np.random.default_rng(0).uniform(0, 500, (3000, 2))
    request = asked(crowd(places))
    tracemalloc.start()
    try:
        busiest(request)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A byte for every pair would be 9 MB; outlines, circles and the image are less than 4.
    assert most < 9e6

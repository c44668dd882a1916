"""Targets and what is found in them, on cases drawn by hand, as pictures.

Each picture has a column for each encoding: above, the target (white: cell, orange: contour, blue: the loss
does not look, as far as it does not); below, the objects found in that target as a map, one colour each.
After a wanted change, remake them and look at every one:

    PYTHONPATH=. python tests/adapters/unet/test_pictures.py
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.draw import polygon

from bmbench.adapters.unet.encodings.encoding import ENCODINGS, encode
from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC
from bmbench.adapters.unet.found_cells import Growth, find_labelled
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.geometry import circle_box
from bmbench.core.types import Annotations

PICTURES = Path(__file__).parent / "pictures"
SETTINGS = UNetSettings(cell_px=20.0, shrink=0.2)
HEIGHT, WIDTH, GAP, ZOOM = 40, 56, 2, 2
CASES = {
    "two_touching_circles": ((18.0, 20.0, 10.0), (38.0, 20.0, 10.0)),
    "a_circle_at_the_border": ((3.0, 20.0, 10.0), (30.0, 1.0, 9.0)),
    "a_cell_inside_the_circle_of_another": ((25.0, 20.0, 15.0), (34.0, 21.0, 7.0)),
    "an_empty_patch": (),
}
ORANGE, BLUE = np.array([230, 159, 0]), np.array([0, 114, 178])
COLOURS = np.array([[0, 0, 0], [86, 180, 233], [213, 94, 0], [0, 158, 115]])


def annotations_of(case):
    circle = np.array(CASES[case], float).reshape(-1, 3)
    return Annotations.of(xy=circle[:, :2], box=circle_box(circle), circle=circle)


def column(case, name):
    encoding = ENCODINGS.get(name)
    encoding = dataclasses.replace(encoding, curve=SYNTHETIC if encoding.uses_curve else None)
    target = encode(annotations_of(case), (HEIGHT, WIDTH), encoding=encoding, settings=SETTINGS)
    taught = target.value[0][..., None] * np.full(3, 255.0)
    if "contour" in encoding.classes:
        taught += target.value[1][..., None] * ORANGE
    taught = target.weight[..., None] * taught + (1 - target.weight[..., None]) * BLUE
    growth = Growth(regrowth=lambda at: encoding.regrowth(at, SETTINGS), smallest_px2=30.0)
    found = find_labelled(target.value[:1].transpose(1, 2, 0), SETTINGS, growth)
    shown = np.zeros((HEIGHT, WIDTH), int)
    for number, i in enumerate(np.lexsort(found.xy.T), start=1):
        shown[polygon(*(found.contour[i][0] - 0.5).T[::-1], shown.shape)] = number
    gap = np.full((GAP, WIDTH, 3), 128)
    return np.concatenate([taught, gap, COLOURS[shown]])


def picture(case):
    columns = [column(case, name) for name in ENCODINGS.names()]
    gap = np.full((len(columns[0]), GAP, 3), 128)
    parts = [part for one in columns for part in (one, gap)][:-1]
    pixels = np.round(np.concatenate(parts, axis=1)).astype(np.uint8)
    return pixels.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)


def panels(pixels):
    """(2, encodings, height, width, 3) the targets and the objects of a picture, without gaps and zoom."""
    small = pixels[::ZOOM, ::ZOOM].astype(int)
    rows, columns = HEIGHT + GAP, WIDTH + GAP
    return np.stack(
        [
            [small[top : top + HEIGHT, left : left + WIDTH] for left in range(0, small.shape[1], columns)]
            for top in range(0, small.shape[0], rows)
        ]
    )


@pytest.mark.parametrize("case", CASES)
def test_targets_and_objects_look_as_they_did(case):
    with Image.open(PICTURES / f"{case}.png") as image:
        expected = np.asarray(image.convert("RGB"))
    drawn = picture(case)
    assert drawn.shape == expected.shape
    changed = (np.abs(panels(drawn) - panels(expected)).max(axis=-1) > 8).sum(axis=(2, 3))
    # A kernel may have five pixels: no target may miss one.
    assert not changed[0].any()
    # Other versions of OpenCV and scikit-image may round a few pixels of an outline otherwise.
    assert changed[1].max() <= 8


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    for case in CASES:
        Image.fromarray(picture(case)).save(PICTURES / f"{case}.png", optimize=True)


if __name__ == "__main__":
    main()

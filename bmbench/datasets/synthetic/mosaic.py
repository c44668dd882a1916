"""A whole slide with known cells: synthetic smears side by side, as a pyramidal TIFF.

A few smears of one stain are drawn, without the objects that their borders would cut, and laid in a grid
as they are, turned and mirrored: every cell is whole and its outline known. Where the smear ends, towards
the corners of a large slide, there is empty glass.
"""

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import writing
from bmbench.core.progress import Progress
from bmbench.core.types import Annotations, Floats, Pixels, Role, Sample
from bmbench.datasets.synthetic.kinds import CATEGORIES, MEAN_CELL_UM
from bmbench.datasets.synthetic.scene import Scene, annotate, compose
from bmbench.datasets.synthetic.stain import N_SLIDES, slide

TILE_PX = 512
LEVELS = (1, 4, 16)
"""Downsampling of the pyramid's levels."""
FIRST_SCENE = 9000
"""Number of the first smear: beyond those of any data set of synthetic images."""
JPEG_QUALITY = 90


@dataclass(frozen=True, kw_only=True, eq=False)
class Mosaic:
    """A slide that is not stored anywhere as a whole.

    Attributes
    ----------
    smears : tuple of (pixels, annotations)
        Square, all of one size, drawn once and laid several times.
    places : (rows, columns) int64
        Which smear lies there; -1 for glass.
    turns : (rows, columns) int64
        How it lies: quarter turns to the left, plus 4 where it is mirrored first.
    """

    smears: tuple[tuple[Pixels, Annotations], ...]
    places: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    turns: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    glass: Pixels
    um_per_px: float

    @property
    def patch_px(self) -> int:
        """Side of one smear."""
        return len(self.glass)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the slide."""
        rows, columns = self.places.shape
        return columns * self.patch_px, rows * self.patch_px

    def read(self, x: int, y: int, width: int, height: int) -> Pixels:
        """(height, width, 3) a part of the slide; glass beyond its edges."""
        side = self.patch_px
        out = np.empty((height, width, 3), np.uint8)
        for row in range(y // side, -(-(y + height) // side)):
            for column in range(x // side, -(-(x + width) // side)):
                top, left = max(row * side, y), max(column * side, x)
                bottom, right = min(row * side + side, y + height), min(column * side + side, x + width)
                smear = self._lying(row, column)
                part = smear[
                    top - row * side : bottom - row * side, left - column * side : right - column * side
                ]
                out[top - y : bottom - y, left - x : right - x] = part
        return out

    @cached_property
    def annotations(self) -> Annotations:
        """Everything on the slide, row by row of the grid."""
        parts = [
            _laid(self.smears[self.places[row, column]][1], int(self.turns[row, column]), self.patch_px)
            for row, column in np.argwhere(self.places >= 0)
        ]
        corners = [np.array([column, row]) * self.patch_px for row, column in np.argwhere(self.places >= 0)]
        return _joined(parts, corners)

    def _lying(self, row: int, column: int) -> Pixels:
        if not (0 <= row < self.places.shape[0] and 0 <= column < self.places.shape[1]):
            return self.glass
        if self.places[row, column] < 0:
            return self.glass
        pixels, turn = self.smears[self.places[row, column]][0], int(self.turns[row, column])
        return np.rot90(pixels[:, ::-1] if turn >= 4 else pixels, turn % 4)


def mosaic(
    *, patches: int, patch_px: int, n_cells: int, seed: int, smears: int = 12, cell_px: float = 44.0
) -> Mosaic:
    """A slide of `patches` × `patches` smears with exactly `n_cells` whole cells.

    Raises
    ------
    BadInputError
        If so many cells do not fit.
    """
    rng = np.random.default_rng([seed, 77])
    filled = _filled(patches)
    n_filled = int(filled.sum())
    fewest, extra = divmod(n_cells, n_filled)
    densest = max(range(N_SLIDES), key=lambda number: slide(seed, number).cells)
    drawn = []
    for i in range(smears):
        # Half of the smears have one cell more, for the places that make up the remainder.
        number = FIRST_SCENE // N_SLIDES * N_SLIDES + densest + i * N_SLIDES
        scene = compose(seed=seed, number=number, size_px=patch_px, cell_px=cell_px)
        drawn.append(_drawn(_thinned(scene, fewest + (i % 2), rng)))
    places = np.full((patches, patches), -1, np.int64)
    more = np.zeros(n_filled, np.int64)
    more[rng.permutation(n_filled)[:extra]] = 1
    places[filled] = 2 * rng.integers(0, smears // 2, n_filled) + more
    return Mosaic(
        smears=tuple(drawn),
        places=places,
        turns=rng.integers(0, 8, (patches, patches)),
        glass=_glass(slide(seed, densest).light, patch_px, rng),
        um_per_px=MEAN_CELL_UM / cell_px,
    )


def write_slide(path: Path, here: Mosaic, *, progress: Progress) -> None:
    """Write the slide as a pyramidal TIFF in JPEG tiles, whole or not at all, a few tiles at a time."""
    import tifffile

    per_cm = 1e4 / here.um_per_px
    sizes = [tuple(-(-length // factor) for length in here.size) for factor in LEVELS]
    total = sum(-(-width // TILE_PX) * -(-height // TILE_PX) for width, height in sizes)
    with writing(path) as aside:
        with tifffile.TiffWriter(aside, bigtiff=True) as file:
            tiles = _tiles(here, sizes)
            stage = progress.track(tiles, description="Writing the slide", total=total)
            for number, (factor, (width, height)) in enumerate(zip(LEVELS, sizes, strict=True)):
                n_tiles = -(-width // TILE_PX) * -(-height // TILE_PX)
                file.write(
                    itertools.islice(stage, n_tiles),
                    shape=(height, width, 3),
                    dtype=np.uint8,
                    tile=(TILE_PX, TILE_PX),
                    photometric="rgb",
                    compression="zlib",
                    subfiletype=1 if number else 0,
                    resolution=(per_cm / factor, per_cm / factor),
                    resolutionunit="CENTIMETER",
                    metadata=None,
                    # How the colours of JPEG tiles are thinned out: by two in both directions.
                    extratags=[(530, "H", 2, (2, 2), True)],
                )
        _declare_jpeg(aside)


def write_truth(path: Path, here: Mosaic, *, name: str) -> None:
    """Write everything on the slide as a COCO file with one image, `name`, whose id is its name.

    Objects are written as boxes: their outlines would be twenty times the text.
    """
    from bmbench.datasets.formats.coco.samples import write_coco

    width, height = here.size
    whole = Sample(
        image_id=name,
        name=name,
        width=width,
        height=height,
        group=name,
        annotations=dataclasses.replace(here.annotations, contour=((),) * len(here.annotations)),
        load=lambda: here.read(0, 0, width, height),
        um_per_px=here.um_per_px,
    )
    write_coco(path, [whole], CATEGORIES)


def _filled(patches: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which places a smear covers: those whose middle lies in a rounded square."""
    at = np.abs((np.arange(patches) + 0.5) / patches * 2 - 1) ** 4
    return np.asarray(at[:, None] + at[None] <= 1, bool)


def _thinned(scene: Scene, n_cells: int, rng: np.random.Generator) -> Scene:
    """The scene with `n_cells` cells and no object that its border cuts."""
    inside = [
        thing
        for thing in scene.things
        if thing.outline.points.min() >= 2 and thing.outline.points.max() <= scene.size_px - 2
    ]
    rows = [i for i, thing in enumerate(inside) if not thing.kind.category.artefact]
    if len(rows) < n_cells:
        got = f"{n_cells} in a smear that has room for {len(rows)}"
        raise BadInputError("too many cells for the slide", got=got)
    dropped = set(rng.permutation(rows)[n_cells:].tolist())
    things = tuple(thing for i, thing in enumerate(inside) if i not in dropped)
    return dataclasses.replace(scene, things=things)


def _drawn(scene: Scene) -> tuple[Pixels, Annotations]:
    from bmbench.datasets.synthetic.render import render

    annotations = annotate(scene)
    if (annotations.role == Role.IGNORE).any():
        raise ValueError("an object is cut although all of them lie inside")
    return render(scene), annotations


def _glass(light: Floats, side: int, rng: np.random.Generator) -> Pixels:
    grey = 255 * light + rng.normal(0, 1.5, (side, side, 3))
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def _tiles(here: Mosaic, sizes: list[tuple[int, ...]]) -> Iterator[bytes]:
    for factor, (width, height) in zip(LEVELS, sizes, strict=True):
        for top in range(0, height, TILE_PX):
            for left in range(0, width, TILE_PX):
                tile = _reduced(here, left, top, factor)
                yield _jpeg(tile)


def _declare_jpeg(path: Path) -> None:
    """Correct the tags: tifffile writes ready tiles of the compressions it knows alone, and JPEG is none."""
    import tifffile

    with tifffile.TiffFile(path, mode="r+") as file:
        for page in file.pages:
            tags: Any = page.aspage().tags
            tags["Compression"].overwrite(7)
            tags["PhotometricInterpretation"].overwrite(6)


def _reduced(here: Mosaic, left: int, top: int, factor: int) -> Pixels:
    """A tile of a level: averages of `factor` × `factor` pixels, read in strips of the tile."""
    from PIL import Image

    if factor == 1:
        return here.read(left, top, TILE_PX, TILE_PX)
    tile = np.empty((TILE_PX, TILE_PX, 3), np.uint8)
    rows = max(1, 1024 // factor)
    for row in range(0, TILE_PX, rows):
        part = here.read(left * factor, (top + row) * factor, TILE_PX * factor, rows * factor)
        tile[row : row + rows] = np.asarray(Image.fromarray(part).reduce(factor))
    return tile


def _jpeg(tile: Pixels) -> bytes:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.fromarray(tile).save(file, format="JPEG", quality=JPEG_QUALITY, subsampling="4:2:0")
    return file.getvalue()


def _laid(annotations: Annotations, turn: int, side: int) -> Annotations:
    """The annotations of a smear that was mirrored (turn ≥ 4) and turned to the left `turn` % 4 times."""

    def moved(xy: Floats) -> Floats:
        x, y = (side - xy[:, 0] if turn >= 4 else xy[:, 0]), xy[:, 1]
        for _ in range(turn % 4):
            x, y = y, side - x
        return np.column_stack([x, y])

    contour = tuple(tuple(moved(ring) for ring in rings) for rings in annotations.contour)
    corners = moved(annotations.box[:, :2]), moved(annotations.box[:, 2:])
    box = np.concatenate([np.minimum(*corners), np.maximum(*corners)], axis=1)
    return dataclasses.replace(annotations, xy=moved(annotations.xy), box=box, contour=contour)


def _joined(
    parts: list[Annotations], corners: list[np.ndarray[tuple[int], np.dtype[np.int64]]]
) -> Annotations:
    shifted = list(zip(parts, corners, strict=True))
    return Annotations.of(
        xy=np.concatenate([part.xy + corner for part, corner in shifted]),
        box=np.concatenate([part.box + np.tile(corner, 2) for part, corner in shifted]),
        contour=tuple(
            tuple(ring + corner for ring in rings) for part, corner in shifted for rings in part.contour
        ),
        label=np.concatenate([part.label for part in parts]),
        role=np.concatenate([part.role for part in parts]),
    )

"""A small SCN file: a glass that is nearly empty, and a scanned area far from its corner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from bmbench.core.types import Pixels

NM = 250
"""Nanometres in a pixel of the scanned area."""


def write_scn(path: Path, pixels: Pixels, *, corner: tuple[int, int]) -> None:
    """Two levels of `pixels`, whose corner lies at `corner` (pixels) on a glass twice as large."""
    height, width = pixels.shape[:2]
    area = width * NM, height * NM, corner[0] * NM, corner[1] * NM
    glass = 2 * (corner[0] + width) * NM, 2 * (corner[1] + height) * NM, 0, 0
    overview = np.full((128, 128, 3), 230, np.uint8)
    levels = [pixels, np.ascontiguousarray(pixels[::2, ::2])]
    sizes = [(level.shape[1], level.shape[0], number) for number, level in enumerate(levels, start=1)]
    xml = (
        '<?xml version="1.0"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01" uuid="u:0">'
        f'<collection name="c" uuid="urn:uuid:9" sizeX="{glass[0]}" sizeY="{glass[1]}"><barcode/>'
        f"{_image(glass, [(128, 128, 0)], 0.6)}{_image(area, sizes, 20)}</collection></scn>"
    )
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for number, image in enumerate([overview, *levels]):
            facts = {"description": xml} if number == 0 else {}
            file.write(image, tile=(128, 128), photometric="rgb", metadata=None, **facts)


def _image(view: tuple[int, int, int, int], levels: list[tuple[int, int, int]], power: float) -> str:
    rows = "".join(
        f'<dimension sizeX="{w}" sizeY="{h}" r="{r}" ifd="{ifd}"/>' for r, (w, h, ifd) in enumerate(levels)
    )
    return (
        f'<image name="i{power}" uuid="urn:uuid:{power}"><creationDate>2020-01-01T00:00:00Z</creationDate>'
        '<device model="Leica SCN400" version="1"/>'
        f'<pixels sizeX="{levels[0][0]}" sizeY="{levels[0][1]}">{rows}</pixels>'
        f'<view sizeX="{view[0]}" sizeY="{view[1]}" offsetX="{view[2]}" offsetY="{view[3]}" spacingZ="0"/>'
        f"<scanSettings><objectiveSettings><objective>{power}</objective></objectiveSettings>"
        "<illuminationSettings><illuminationSource>brightfield</illuminationSource></illuminationSettings>"
        "</scanSettings></image>"
    )

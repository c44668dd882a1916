"""Pictures of what was counted: outlines on the image, a colour and a sign for each class, a legend below."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.benchmark.counting.looks import Look, sign
from bmbench.core.files import writing
from bmbench.core.types import Detections, Floats, Pixels
from bmbench.datasets.slides import opened, read_scaled

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MOST_PX = 4096
"""Longest side of an overlay."""
SMALL_PX = 1500
"""Images whose longest side is shorter are drawn at twice their size: lines then cover less of a cell."""
OUTLINE_POINTS = 48
_SIGN_PX = 5.0
_BAND_PX, _FONT_PX = 26, 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountOverlay:
    """A picture that cells are drawn on, part by part.

    Attributes
    ----------
    plain : (height, width, 3) uint8
        The image at the picture's scale, without marks.
    factor : float
        Pixels of the picture in one of level 0.
    """

    plain: Pixels
    factor: float
    picture: Picture
    looks: Sequence[Look]

    def draw(self, found: Detections) -> None:
        """Mark the cells."""
        from PIL import ImageDraw

        canvas = ImageDraw.Draw(self.picture)
        rows = [
            (outline_of(found, row, self.factor), self.looks[found.label[row]]) for row in range(len(found))
        ]
        # All rims below all lines: the rim of a neighbour hides nothing.
        for rim in (True, False):
            for rings, look in rows:
                for ring in rings:
                    _line(canvas, [*map(tuple, ring.tolist())], look, rim=rim)
        for rings, look in rows:
            _sign(canvas, rings, look)


def overlay_of(path: Path, *, white: int | None, looks: Sequence[Look]) -> CountOverlay:
    """The image of a file at the scale of its overlay, still without marks."""
    from PIL import Image

    with opened(path, white=white) as slide:
        longest = max(slide.finest)
        factor = 2.0 if longest <= SMALL_PX else min(1.0, MOST_PX / longest)
        size = max(1, round(slide.width * factor)), max(1, round(slide.height * factor))
        plain = read_scaled(slide, size)
    return CountOverlay(plain=plain, factor=factor, picture=Image.fromarray(plain.copy()), looks=looks)


def write_overlay(path: Path, overlay: CountOverlay, legend: Sequence[tuple[str, Look]]) -> None:
    """Write the picture with its legend as PNG; a look beside each text."""
    with writing(path, synced=False) as aside:
        _with_legend(overlay.picture, legend).save(aside, format="PNG", compress_level=4)


def outline_of(found: Detections, row: int, factor: float) -> list[Floats]:
    """The outline of a cell on a picture, else the ellipse in its box; closed lines."""
    if found.contour[row]:
        rings = [thinned(ring, OUTLINE_POINTS) * factor for ring in found.contour[row]]
        return [np.concatenate([ring, ring[:1]]) for ring in rings]
    x0, y0, x1, y1 = found.box[row] * factor
    angle = np.linspace(0, 2 * np.pi, OUTLINE_POINTS + 1)
    return [
        np.column_stack(
            [(x0 + x1) / 2 + (x1 - x0) / 2 * np.cos(angle), (y0 + y1) / 2 + (y1 - y0) / 2 * np.sin(angle)]
        )
    ]


def thinned(ring: Floats, most: int) -> Floats:
    """At most so many points of a closed polygon, evenly chosen."""
    if len(ring) <= most:
        return ring
    kept: Floats = ring[np.linspace(0, len(ring), most, endpoint=False).astype(int)]
    return kept


def _line(canvas: Any, points: list[tuple[float, float]], look: Look, *, rim: bool) -> None:
    canvas.line(points, fill=(255, 255, 255) if rim else look.rgb, width=4 if rim else 2, joint="curve")


def _sign(canvas: Any, rings: Sequence[Floats], look: Look) -> None:
    """The sign of a class on the top of an outline: beside the cell, not over it."""
    top = rings[0][int(np.argmin(rings[0][:, 1]))]
    for line in sign(look.shape, float(top[0]), float(top[1]), _SIGN_PX):
        if len(line) == 2:
            _line(canvas, line, look, rim=True)
            _line(canvas, line, look, rim=False)
        else:
            canvas.polygon(line, fill=look.rgb, outline=(255, 255, 255))


def _with_legend(picture: Picture, legend: Sequence[tuple[str, Look]]) -> Picture:
    from PIL import Image, ImageDraw

    lines = list(_lines(legend, picture.width))
    whole = Image.new("RGB", (picture.width, picture.height + _BAND_PX * len(lines)), (255, 255, 255))
    whole.paste(picture)
    canvas = ImageDraw.Draw(whole)
    for number, line in enumerate(lines):
        y = picture.height + _BAND_PX * number + _BAND_PX / 2
        for x, text, look in line:
            for stroke in sign(look.shape, x + 10, y, _SIGN_PX + 1):
                if len(stroke) == 2:
                    canvas.line(stroke, fill=look.rgb, width=3)
                else:
                    canvas.polygon(stroke, fill=look.rgb)
            canvas.text((x + 22, y), text, fill=(0, 0, 0), font=_font(), anchor="lm")
    return whole


def _lines(legend: Sequence[tuple[str, Look]], width: int) -> Iterator[list[tuple[float, str, Look]]]:
    """The entries of a legend in lines of a width, each with where it begins."""
    line: list[tuple[float, str, Look]] = []
    x = 4.0
    for text, look in legend:
        wide = 22 + float(_font().getlength(text)) + 18
        if line and x + wide > width:
            yield line
            line, x = [], 4.0
        line.append((x, text, look))
        x += wide
    if line:
        yield line


@functools.cache
def _font() -> Any:
    """DejaVu, which matplotlib brings along: Pillow's own letters lack most alphabets."""
    import matplotlib as mpl
    from PIL import ImageFont

    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", _FONT_PX)

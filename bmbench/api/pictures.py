"""Detections on their image, as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bmbench.benchmark.drawing.gallery import Overlay, draw_overlay
from bmbench.core.errors import BadInputError
from bmbench.core.types import Bools, Floats
from bmbench.present.words import many

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINT_PX = 12.0
"""Side of what is drawn for a centre without extent."""


def drawn_detections(named: NDArray[Any], box: Floats, image: Any) -> Figure:
    """The detections of one image drawn on it; those of all images where they have but one.

    Parameters
    ----------
    named : (n,) array
        The image of each detection.
    box : (n, 4) float64, pixels
    image : array or path

    Raises
    ------
    BadInputError
        If the detections are of several images, and the one that is given is none of them.
    """
    from matplotlib.figure import Figure

    pixels, name = _pixels(image)
    images = list(dict.fromkeys(named.tolist()))
    here = np.ones(len(named), bool)
    if len(images) > 1:
        wanted = [one for one in images if name and Path(str(one)).stem == Path(name).stem]
        if not wanted:
            expected, got = "the path of one of them", name or "an array"
            raise BadInputError(f"detections on {len(images)} images", expected=expected, got=got)
        here = named == wanted[0]
    box = _with_extent(box[here])
    none = np.zeros((0, 4))
    height, width = pixels.shape[:2]
    figure = Figure(figsize=(8, 8 * height / width + 0.5), layout="compressed")
    axes = figure.add_subplot()
    draw_overlay(axes, pixels, Overlay(row=0, hit=box, miss=none, false_alarm=none))
    axes.set_title(f"{name + ': ' if name else ''}{many(len(box), 'detection')}", fontsize=10)
    return figure


def _pixels(image: Any) -> tuple[Any, str]:
    if isinstance(image, str | Path):
        from bmbench.datasets.reading.images import read_rgb

        return read_rgb(Path(image)), Path(image).name
    pixels = np.asarray(image)
    return (np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels), ""


def _with_extent(box: Floats) -> Floats:
    bare: Bools = np.any(box[:, 2:] <= box[:, :2], axis=1)
    reach = np.array([-POINT_PX, -POINT_PX, POINT_PX, POINT_PX]) / 2
    return np.where(bare[:, None], box + reach, box)

"""How each encoding sees a cell: all mappings from depth to target, and all targets of one patch."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.adapters.images.working_scale import at_working_scale, mean_diameter
from bmbench.adapters.learning.fit_request import FitRequest, ForegroundCurve
from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.encodings.encoding import ENCODINGS, Encoding, encode
from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC
from bmbench.adapters.unet.encodings.object_pixels import ObjectPixels
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.files import writing
from bmbench.core.objects import moved, object_circles
from bmbench.core.types import Annotations, Bools, Pixels, Role

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = {
    "dont_care": ("#56B4E9", "-", 6.0),
    "shrink": ("#000000", "-", 2.5),
    "shrink_contour": ("#D55E00", "--", 1.5),
    "distance": ("#0072B2", "-", 1.5),
    "sigmoid": ("#009E73", "-", 1.5),
    "statistical": ("#CC79A7", "-", 1.5),
    "statistical_scaled": ("#E69F00", "-", 1.5),
}
"""Colours that colour-blind readers tell apart (Okabe and Ito), dashes and widths where lines coincide."""
PATCH_CELLS = 5.0
"""Side of the patch that is shown, in mean cell diameters."""
NEAR = 0.8
"""Share of half that side within which a cell counts as near."""
SHOWN_CELL_PX = 40.0
"""Mean cell diameter in the picture: finer than networks need, so that shapes are smooth."""


def draw_targets(request: FitRequest, path: Path, *, title: str = "") -> None:
    """Write a picture (PNG): above, target against depth for all encodings; below, one patch in all of them.

    The patch is the part of the training images with the most cells, with the shapes that the method sees.
    """
    from matplotlib.figure import Figure

    curve = request.foreground_curve() or SYNTHETIC
    settings = dataclasses.replace(request.settings, cell_px=SHOWN_CELL_PX)
    image, annotations = busiest(request)
    figure = Figure(figsize=(11, 8.6), layout="constrained")
    above, below = np.ravel(np.asarray(figure.subfigures(2, 1, height_ratios=(1, 1.35)), object))
    if title:
        figure.suptitle(title)
    _draw_mappings(above.add_subplot(), settings, curve)
    axes = below.subplots(2, 4).ravel()
    _draw_patch(axes[0], image, annotations)
    for axis, name in zip(axes[1:], ENCODINGS.names(), strict=True):
        encoding = _with_curve(name, curve)
        target = encode(annotations, image.shape[:2], encoding=encoding, settings=settings)
        least = -1.0 if encoding.may_be_signed else 0.0
        wanted = _signed(target.value[0], target.weight, encoding, settings)
        shown = axis.imshow(wanted, cmap="cividis", vmin=least, vmax=1)
        _overlay(axis, target.weight == 0, "0.75")
        if "contour" in encoding.classes:
            _overlay(axis, target.value[1] > 0, LINES["shrink_contour"][0])
        axis.set(title=f"unet_{name}", xticks=[], yticks=[])
        below.colorbar(shown, ax=axis, shrink=0.8, ticks=sorted({least, 0.0, 1.0}))
    below.supxlabel(
        "orange: contour, a class of its own; grey: the loss does not look (ignored objects too)",
        fontsize="medium",
    )
    with writing(path) as aside:
        figure.savefig(aside, dpi=100, format="png", metadata={"Software": None})


def _draw_mappings(axis: Axes, settings: UNetSettings, curve: ForegroundCurve) -> None:
    """Target against normalised depth, in a cell of mean size."""
    depth = np.linspace(0, 1, 501, dtype=np.float32)
    radius = np.float32(settings.cell_px / 2)
    for name, (colour, dashes, width) in LINES.items():
        encoding = _with_curve(name, curve)
        pixels = ObjectPixels(
            depth=depth * radius, deepest=np.full_like(depth, radius), settings=settings, curve=encoding.curve
        )
        value, weight = encoding.pixel_targets(pixels)
        wanted = _signed(value[0], weight, encoding, settings)
        seen = (weight > 0) | (name != "dont_care")
        axis.plot(depth, np.where(seen, wanted, np.nan), dashes, color=colour, linewidth=width, label=name)
        if "contour" in encoding.classes:
            axis.plot(depth, value[1], ":", color=colour, linewidth=width, label="its contour class")
    axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.set(
        xlabel="depth d in an annotated shape of mean size (0: outline, 1: centre)",
        ylabel="target",
        xlim=(0, 1),
    )
    axis.set_title(f"curve of the statistical encodings from {curve.source}", fontsize="medium")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def _draw_patch(axis: Axes, image: Pixels, annotations: Annotations) -> None:
    from matplotlib.patches import Circle, Polygon

    axis.imshow(image)
    for rings, circle, role in zip(
        annotations.contour, object_circles(annotations), annotations.role, strict=True
    ):
        if role != Role.CELL:
            continue
        style: dict[str, Any] = {"fill": False, "edgecolor": "white", "linewidth": 1.2}
        for ring in rings:
            axis.add_patch(Polygon(ring - 0.5, **style))
        if not rings:
            axis.add_patch(Circle(tuple(circle[:2] - 0.5), circle[2], **style))
    axis.set(title="annotated shapes", xticks=[], yticks=[])


def busiest(request: FitRequest) -> tuple[Pixels, Annotations]:
    """The part of the training images around a cell that has the most cells near it, and its annotations.

    Near is less than two cell diameters away, in x and in y. Of several such cells, the first.
    """
    from scipy.spatial import cKDTree

    factor = SHOWN_CELL_PX / mean_diameter(sample.annotations for sample in request.train)
    reach = PATCH_CELLS * SHOWN_CELL_PX / 2
    best: tuple[int, int, Any] = (0, 0, np.zeros(2))
    for number, sample in enumerate(request.train):
        xy = sample.annotations.xy[sample.annotations.role == Role.CELL] * factor
        # Counted, not listed: where many cells lie close together there are too many pairs to hold.
        near = cKDTree(xy).query_ball_point(xy, np.nextafter(reach * NEAR, 0), p=np.inf, return_length=True)
        if len(near) and near.max() > best[0]:
            best = int(near.max()), number, xy[int(near.argmax())]
    source = at_working_scale(request.train[best[1]], factor)
    height, width = source.image.shape[:2]
    side = int(2 * reach)
    left, top = (
        int(np.clip(c - reach, 0, max(n - side, 0))) for c, n in zip(best[2], (width, height), strict=True)
    )
    part = source.image[top : top + side, left : left + side]
    return part, moved(source.annotations, np.array([-left, -top], float))


def _with_curve(name: str, curve: ForegroundCurve) -> Encoding:
    return dataclasses.replace(ENCODINGS.get(name), curve=curve)


def _signed(value: Reals, weight: Reals, encoding: Encoding, settings: UNetSettings) -> Reals:
    """What is wanted of a pixel; between −1 and 1 where that is the encoding's scale."""
    if not encoding.may_be_signed or encoding.is_signed(settings):
        return value
    return (2 * value - 1) * weight


def _overlay(axis: Axes, where: Bools, colour: str) -> None:
    from matplotlib.colors import to_rgb

    layer = np.zeros((*where.shape, 4))
    layer[where] = (*to_rgb(colour), 1.0)
    axis.imshow(layer)

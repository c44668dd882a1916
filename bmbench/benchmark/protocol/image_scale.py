"""The scale of a run's images: what a slide needs to know to be read at the same one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bmbench.core.types import Role, Sample

SAME_SIZE = 0.05
"""Pixel sizes that differ by less, relative to their median, are one."""
SAME_SCALE = 0.01
"""Pixel sizes that differ by less are the same: scanners are not calibrated better."""


def pixel_size(samples: Sequence[Sample]) -> float | None:
    """µm per px of these images; None where one does not know it, or they differ."""
    known = [sample.um_per_px for sample in samples if sample.um_per_px is not None]
    if not known or len(known) < len(samples):
        return None
    middle = float(np.median(known))
    return middle if max(abs(um - middle) for um in known) <= SAME_SIZE * middle else None


def largest_cell(samples: Sequence[Sample]) -> float | None:
    """The longest side of a cell's box, or diameter of its circle, in pixels; None without a cell."""
    sides = [0.0]
    for sample in samples:
        here = sample.annotations
        cell = here.role == Role.CELL
        sides += (here.box[cell, 2:] - here.box[cell, :2]).max(axis=1).tolist()
        sides += (2 * here.circle[cell, 2]).tolist()
    largest = max(sides)
    return round(float(largest), 3) if largest > 0 else None


def mean_cell(samples: Sequence[Sample]) -> float | None:
    """Mean diameter of the annotated cells, in pixels; None without a cell that has a size."""
    from bmbench.core.objects import mean_cell_diameter

    mean = mean_cell_diameter(sample.annotations for sample in samples)
    return round(mean, 3) if mean else None


def uncropped(samples: Sequence[Sample], settings: Any) -> str:
    """What is said where training patches hold most of the images whole; empty where they are cropped.

    `settings` are a method's; those of one that draws patches have `cell_px`, the diameter to which the mean
    cell is resized, and `patch_px`.
    """
    side, cell_px = getattr(settings, "patch_px", None), getattr(settings, "cell_px", None)
    mean = mean_cell(samples)
    if side is None or cell_px is None or mean is None:
        return ""
    across = np.array([min(sample.width, sample.height) for sample in samples]) * cell_px / mean
    whole = int((across <= side).sum())
    if 2 * whole < len(samples):
        return ""
    return (
        f"a training patch of {side} px holds {whole} of {len(samples)} training images whole (median "
        f"{np.median(across):.0f} px at {cell_px:g} px a cell), so they are turned and not cropped; "
        "a crop needs a smaller --set patch_px, or a larger --set cell_px"
    )


def white(samples: Sequence[Sample]) -> int | None:
    """The value of 16-bit images that is white, one for all of a set; None of 8-bit ones."""
    return max((sample.white for sample in samples if sample.white is not None), default=None)


def scale(image_um: float | None, trained_um: float | None) -> float:
    """Pixels of the working grid in one of the image: 1 where a pixel size is unknown, or both are equal."""
    if image_um is None or trained_um is None or abs(image_um / trained_um - 1) < SAME_SCALE:
        return 1.0
    return image_um / trained_um

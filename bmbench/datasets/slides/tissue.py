"""Where on a slide there is anything stained."""

import numpy as np

from bmbench.core.types import Bools, Pixels
from bmbench.datasets.slides.slide import Slide, read_scaled

THUMBNAIL_UM = 6.0
"""Pixel size of the thumbnail: the smallest nucleated cell covers a pixel of it."""
ASSUMED_UM = 0.25
"""Pixel size of a slide that does not say its own, for the thumbnail only."""
STAINED = 0.12
"""A pixel is stained if a channel is darker than the empty slide's by this share."""
PADDING = 8
"""Scanners fill what they did not scan with white or with black: pixels up to this grey level are black."""


def thumbnail(slide: Slide) -> Pixels:
    """(h, w, 3) the whole slide at about `THUMBNAIL_UM`, read piece by piece."""
    factor = max(THUMBNAIL_UM / (slide.um_per_px or ASSUMED_UM), 1.0)
    width, height = (max(1, round(length / factor)) for length in slide.finest)
    return read_scaled(slide, (width, height))


def stained(image: Pixels) -> Bools:
    """(h, w) where a thumbnail shows something that takes stain: cells, red cells, plasma, dirt.

    The empty slide's colour is the brightest that at least a hundredth of the (not black) pixels reach,
    channel by channel. It is a rule without a threshold to be found: a smear that fills the whole slide
    has no second mode that one could be found from.
    """
    seen: Bools = image.max(axis=2) > PADDING
    if not seen.any():
        return seen
    empty = np.maximum(np.percentile(image[seen], 99, axis=0), 1.0)
    darker = (image < empty * (1 - STAINED)).any(axis=2)
    return np.asarray(darker & seen, bool)

"""What is white in 16-bit images: one value for a whole set, never the maximum of one image.

A 16-bit file seldom uses all of its range (cameras have 10, 12 or 14 bits), and does not say which part. The
least number of bits that holds nearly all pixels of every image is taken; hot pixels and a lost column of a
camera are fewer than those left out.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Pixels

FULL = 0xFFFF
BITS = (8, 10, 12, 14, 16)
"""Depths of cameras."""
SHARE = 0.99
"""Of the values of each image that must not be brighter than white."""


def white_of(images: Iterable[NDArray[Any]]) -> int:
    """The white of images, from their values as stored: 255, 1023, 4095, 16383 or 65535.

    >>> white_of([np.array([[7, 3000, 900]], np.uint16)])
    4095
    """
    brightest = max((_bright(values) for values in images), default=0)
    return next((1 << bits) - 1 for bits in BITS if brightest < 1 << bits)


def share_above(values: NDArray[Any], white: int) -> float:
    """Which share of the values is brighter than white."""
    return float((values > white).mean()) if values.size else 0.0


def to_8_bits(values: NDArray[np.uint16], white: int) -> Pixels:
    """The values with `white` and all that is brighter as 255; whole bits are cut where white allows it."""
    shift = white.bit_length() - 8
    if white + 1 == 1 << white.bit_length() and shift >= 0:
        return np.asarray(np.minimum(values >> shift, 255), np.uint8)
    scaled = (np.minimum(values, white).astype(np.uint32) * 255 + white // 2) // white
    return np.asarray(scaled, np.uint8)


def _bright(values: NDArray[Any]) -> int:
    """The value below which nearly all lie."""
    if not values.size:
        return 0
    count = np.cumsum(np.bincount(values.ravel(), minlength=1))
    return int(np.searchsorted(count, SHARE * values.size))

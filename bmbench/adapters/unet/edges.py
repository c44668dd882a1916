"""Exact distances to the edge of a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def edge_distance(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w) distance from each pixel of the mask to the nearest one outside it, between centres; 0 outside.

    Correctly rounded up to 1,600 px. OpenCV's own last digit depends on where in memory an array happens to
    lie; squared distances are whole numbers, and their roots are the same everywhere. Where nothing is
    outside, it is the sum of the sides.
    """
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    np.minimum(distance, np.float32(sum(mask.shape)), out=distance)
    np.square(distance, out=distance)
    np.rint(distance, out=distance)
    root: NDArray[np.float32] = np.sqrt(distance, out=distance)
    return root

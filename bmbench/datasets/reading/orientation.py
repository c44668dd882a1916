"""How a picture is to be turned to be seen upright: EXIF orientation, in files and in arrays.

The tag says how the stored rows and columns lie: 1 as they are to be seen; 2 mirrored; 3 upside down; 4 both;
5 to 8 the same with rows and columns exchanged.
"""

import struct
from typing import Any, BinaryIO

from numpy.typing import NDArray

TAG = 274
UPRIGHT = 1
_TEXTS = (b"iTXt", b"tEXt", b"zTXt")


def turned_upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """(h, w, …) stored pixels as they are to be seen: EXIF 2.3, table 4.6.5 and figure 10.

    >>> import numpy as np
    >>> turned_upright(np.array([[1, 2, 3], [4, 5, 6]]), 6).tolist()
    [[4, 1], [5, 2], [6, 3]]
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(width, height) of a picture as it is to be seen."""
    return size[::-1] if orientation in (5, 6, 7, 8) else size


def orientation_of(tag: object) -> int:
    """The orientation that a tag states; 1 for none and for what is none."""
    return int(tag) if isinstance(tag, int) and 2 <= tag <= 8 else UPRIGHT


def png_tells_orientation(file: BinaryIO) -> bool:
    """Whether a PNG file has metadata that may state an orientation, wherever in it; reads no pixels."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        start = file.read(min(length, 24)) if kind in _TEXTS else b""
        if kind == b"eXIf" or start.startswith((b"XML:com.adobe.xmp", b"Raw profile")):
            return True
        file.seek(length - len(start) + 4, 1)
    return False

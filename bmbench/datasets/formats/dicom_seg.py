"""DICOM segmentations of a whole slide: masks, one a segment (extra ``wsi``).

DICOM PS3.3, A.51 and C.8.20: BINARY (one bit a pixel), FRACTIONAL (a probability or an occupied share) and
LABELMAP (every pixel holds the number of its segment). Frames are tiles of the slide's full resolution: each
says where it lies and of which segment it is, or all stand in order (TILED_FULL: segment, row, column).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.types import Bools
from bmbench.datasets.reading.dicom_header import dicom_errors, read_dicom, read_header

LIMIT_PX = 1 << 28
"""Pixels of all frames, and of the masks made of them."""
_FRACTIONAL, _LABELMAP = "FRACTIONAL", "LABELMAP"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentMask:
    """One segment.

    Attributes
    ----------
    mask : (height, width) bool
    origin : (x, y), pixels
        Where the mask lies on the slide.
    """

    label: str
    mask: Bools
    origin: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """What one file says.

    Attributes
    ----------
    size : (width, height), pixels
        That of the whole slide.
    fractional : str
        What a value between 0 and 1 is, PROBABILITY or OCCUPANCY; empty for masks.
    """

    size: tuple[int, int]
    segments: tuple[SegmentMask, ...]
    fractional: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    number: int
    segment: int | None
    x: int
    y: int


def segmented_images(path: Path) -> frozenset[str]:
    """The instances that a segmentation refers to: those whose pixels it is of."""
    found = read_header(path, ("ReferencedSeriesSequence",)).get("ReferencedSeriesSequence") or []
    with dicom_errors(path, "damaged segmentation"):
        return frozenset(
            str(item.ReferencedSOPInstanceUID)
            for series in found
            for item in series.get("ReferencedInstanceSequence") or []
        )


def read_segmentation(path: Path, *, level: float = 0.5) -> Segmentation:
    """The masks of a segmentation's segments; those without a pixel are left out.

    Parameters
    ----------
    level : float
        From which value on a pixel of a FRACTIONAL one belongs to its segment.

    Raises
    ------
    BadInputError
        If it is damaged, no segmentation of a slide, or too large.
    MissingExtraError
        If pydicom is not installed.
    """
    data = read_dicom(path, pixels=True)
    with dicom_errors(path, "damaged segmentation, or one whose pixels are packed in a way that is not read"):
        if "TotalPixelMatrixColumns" not in data:
            raise BadInputError(
                "a segmentation, and of no slide", where=str(path), expected="tiles of a slide"
            )
        count = int(data.get("NumberOfFrames", 1))
        _check(count * int(data.Rows) * int(data.Columns), path)
        kind = str(data.SegmentationType)
        pixels = data.pixel_array.reshape(count, int(data.Rows), int(data.Columns))
        labels = {int(item.SegmentNumber): _label(item) for item in data.SegmentSequence}
        if kind == _FRACTIONAL:
            pixels = pixels >= max(1, math.ceil(level * int(data.MaximumFractionalValue)))
        frames = list(_frames(data, count, kind, labels))
        size = int(data.TotalPixelMatrixColumns), int(data.TotalPixelMatrixRows)
        if kind == _LABELMAP:
            empty = int(data.get("PixelPaddingValue", 0))
            segments = _of_numbers(pixels, frames, size, (labels, empty), path)
        else:
            segments = _of_masks(pixels.astype(bool), frames, size, labels, path)
        fractional = str(data.get("SegmentationFractionalType", "")) if kind == _FRACTIONAL else ""
        return Segmentation(size=size, segments=tuple(segments), fractional=fractional)


def _check(pixels: int, path: Path) -> None:
    if pixels > LIMIT_PX:
        raise BadInputError(
            "segmentation too large", where=str(path), expected=f"at most {LIMIT_PX:,} px", got=f"{pixels:,}"
        )


def _label(item: Any) -> str:
    """The segment's own name, else what is segmented."""
    kinds = item.get("SegmentedPropertyTypeCodeSequence") or []
    return str(item.get("SegmentLabel", "")).strip() or "".join(str(kind.CodeMeaning) for kind in kinds[:1])


def _frames(data: Any, count: int, kind: str, labels: Mapping[int, str]) -> Iterator[_Frame]:
    """Where each frame lies, in pixels from the slide's first one, and of which segment it is."""
    rows, columns = int(data.Rows), int(data.Columns)
    if str(data.get("DimensionOrganizationType", "")) == "TILED_FULL":
        across = math.ceil(int(data.TotalPixelMatrixColumns) / columns)
        tiles = across * math.ceil(int(data.TotalPixelMatrixRows) / rows)
        numbers: list[int | None] = [None] if kind == _LABELMAP else [*sorted(labels)]
        if count != tiles * len(numbers) or int(data.get("TotalPixelMatrixFocalPlanes", 1)) > 1:
            raise ValueError(f"{count} frames for {tiles} tiles of {len(numbers)} segments")
        for frame in range(count):
            down, right = divmod(frame % tiles, across)
            yield _Frame(number=frame, segment=numbers[frame // tiles], x=right * columns, y=down * rows)
        return
    shared = data.SharedFunctionalGroupsSequence[0]
    for frame, own in enumerate(data.PerFrameFunctionalGroupsSequence[:count]):
        place = own.PlanePositionSlideSequence[0]
        segment = None
        if kind != _LABELMAP:
            named = own if "SegmentIdentificationSequence" in own else shared
            segment = int(named.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        x = int(place.ColumnPositionInTotalImagePixelMatrix) - 1
        y = int(place.RowPositionInTotalImagePixelMatrix) - 1
        yield _Frame(number=frame, segment=segment, x=x, y=y)


def _of_masks(
    pixels: Bools, frames: list[_Frame], size: tuple[int, int], labels: Mapping[int, str], path: Path
) -> Iterator[SegmentMask]:
    """A mask of each segment, as large as the frames that show it."""
    filled = np.asarray(pixels.any(axis=(1, 2)), bool)
    own: dict[int, list[_Frame]] = {}
    for frame in frames:
        if frame.segment is not None and filled[frame.number]:
            own.setdefault(frame.segment, []).append(frame)
    for number in sorted(own):
        canvas, origin = _canvas(pixels, own[number], size, path)
        yield SegmentMask(label=labels[number], mask=canvas, origin=origin)


def _of_numbers(
    pixels: NDArray[Any],
    frames: list[_Frame],
    size: tuple[int, int],
    names: tuple[Mapping[int, str], int],
    path: Path,
) -> Iterator[SegmentMask]:
    """A mask of each number of a label map; the number of the background is left out."""
    from scipy import ndimage

    canvas, origin = _canvas(pixels, frames, size, path)
    labels, empty = names
    # The number 0 is a segment where another one is the background: it is looked for as the last.
    last = int(canvas.max(initial=0)) + 1
    numbers = np.where(canvas == empty, 0, np.where(canvas == 0, last, canvas)).astype(np.int64)
    for place, window in enumerate(ndimage.find_objects(numbers), start=1):
        number = 0 if place == last else place
        if window is not None:
            corner = (origin[0] + window[1].start, origin[1] + window[0].start)
            yield SegmentMask(label=labels[number], mask=canvas[window] == number, origin=corner)


def _canvas(
    pixels: NDArray[Any], frames: list[_Frame], size: tuple[int, int], path: Path
) -> tuple[NDArray[Any], tuple[int, int]]:
    """Some frames put together, cut at the slide's edges, and where they begin on it."""
    height, width = pixels.shape[1:]
    left, top = min(frame.x for frame in frames), min(frame.y for frame in frames)
    right = min(max(frame.x for frame in frames) + width, size[0])
    bottom = min(max(frame.y for frame in frames) + height, size[1])
    if left < 0 or top < 0 or right <= left or bottom <= top:
        raise ValueError("a frame outside its slide")
    _check((right - left) * (bottom - top), path)
    canvas = np.zeros((bottom - top, right - left), pixels.dtype)
    for frame in frames:
        part = canvas[frame.y - top : frame.y - top + height, frame.x - left : frame.x - left + width]
        np.maximum(part, pixels[frame.number, : part.shape[0], : part.shape[1]], out=part)
    return canvas, (left, top)

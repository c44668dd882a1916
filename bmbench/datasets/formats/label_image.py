"""Label images: every pixel holds the number of the object it belongs to, 0 for none.

As a format of data sets, one image a picture: shapes become the pixels whose centres they hold, an earlier
object gives way to a later one, and classes are lost. InstanSeg writes two planes, nuclei and then cells, of
which one is to be chosen.
"""

import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.files import writing
from bmbench.core.geometry import rectangle, rings_box
from bmbench.core.scan_lines import Runs, pixels_of, runs_inside, runs_of_mask
from bmbench.core.types import Annotations, Bools, Floats, Ints, Role
from bmbench.datasets.formats.annotation_folder import read_folder
from bmbench.datasets.formats.codec import Codec, Content, Left
from bmbench.datasets.formats.marks import UNNAMED, Marks
from bmbench.datasets.formats.masks import label_rings
from bmbench.datasets.reading.images import read_raw
from bmbench.datasets.reading.safe_pickle import read_saved
from bmbench.datasets.reading.tiff_files import LIMIT_PX

OUTLINES = ("nucleus", "cell")
"""What the planes of a label image with two of them show: InstanSeg's order."""
LARGEST = 2**16 - 1
EXTENSIONS = (".png", ".tif", ".tiff", ".npy")
_AT_ONCE = 256
"""Objects whose pixels are listed together."""


def read_labels(path: Path, size: tuple[int, int] | None = None, *, outline: str = "") -> Ints:
    """(height, width) object numbers of a 16- or 32-bit PNG or TIFF.

    Parameters
    ----------
    size : (width, height), optional
        That of the image; another one is refused.
    outline : one of `OUTLINES`, optional
        Which plane is read, where there are two.

    Raises
    ------
    BadInputError
        If the file is no such image. Eight bits are refused: more than 255 objects overflow there, and
        the damage is silent.
    """
    raw = _saved(path) if path.suffix.lower() == ".npy" else read_raw(path, planes=True)
    raw = _one_plane(raw, outline, path)
    if raw.ndim != 2 or raw.dtype.kind not in "iu" or raw.dtype.itemsize < 2:
        channels = raw.shape[2] if raw.ndim == 3 else 1
        raise BadInputError(
            "not a label image",
            where=str(path),
            expected="one channel of 16 or 32 bits",
            got=f"{channels} of {raw.dtype}",
            remedy="save the labels as 16-bit PNG or TIFF",
        )
    if raw.min(initial=0) < 0:
        raise BadInputError("negative label", where=str(path), got=str(raw.min()))
    if size is not None and (raw.shape[1], raw.shape[0]) != size:
        raise BadInputError(
            "label image of another size than the image",
            where=str(path),
            expected=f"{size[0]} × {size[1]} px",
            got=f"{raw.shape[1]} × {raw.shape[0]} px",
        )
    return raw.astype(np.int64)


def _one_plane(raw: NDArray[Any], outline: str, path: Path) -> NDArray[Any]:
    """The plane that is asked for, of two; everything else as it is."""
    wide = raw.dtype.kind in "iu" and raw.dtype.itemsize > 1
    if raw.ndim != 3 or raw.shape[2] != len(OUTLINES) or not wide:
        return raw
    if not outline:
        raise BadInputError(
            "two label images in one file, as InstanSeg writes of nuclei and cells",
            where=str(path),
            remedy="say which one: --option outline=nucleus (the first) or outline=cell (the second)",
        )
    return raw[:, :, OUTLINES.index(outline)]


def _saved(path: Path) -> NDArray[Any]:
    """An array that NumPy has saved, as CellSAM's and others' scripts do; of two planes (h, w, 2)."""
    value = read_saved(path)
    if not isinstance(value, np.ndarray):
        raise BadInputError("not a label image", where=str(path), got=type(value).__name__)
    plane = value.squeeze()
    if plane.ndim == 3 and len(plane) == len(OUTLINES):
        plane = np.moveaxis(plane, 0, -1)
    if plane.ndim not in (2, 3) or (plane.ndim == 3 and plane.shape[2] != len(OUTLINES)) or not plane.size:
        raise BadInputError("not one label image", where=str(path), got=f"the shape {value.shape}"[:60])
    return plane.astype(np.int64) if plane.dtype.kind in "iu" and plane.dtype.itemsize > 1 else plane


def label_annotations(labels: NDArray[Any]) -> Annotations:
    """The objects of a (height, width) label image in the order of their numbers, as plain cells.

    Contours run along pixel edges and are exact in area; an object in several parts or with holes has
    several rings. The box is that of the contour, the centre that of the box.
    """
    dense = _dense(labels)
    contour = label_rings(dense, int(dense.max(initial=0)))
    box = np.array([rings_box(rings) for rings in contour]).reshape(-1, 4)
    return Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, contour=tuple(contour))


def _dense(labels: NDArray[Any]) -> NDArray[np.int32]:
    """The same objects, numbered from 1 without gaps, in the same order."""
    if labels.max(initial=0) <= 2 * labels.size:
        # One look at each pixel; sorting them all takes twenty times as long.
        there = np.bincount(labels.ravel()) > 0
        there[:1] = False
        number: NDArray[np.int32] = np.cumsum(there, dtype=np.int32)
        return np.asarray(number[labels])
    numbers, dense = np.unique(labels, return_inverse=True)
    return (dense.reshape(labels.shape) + int(numbers[0] != 0)).astype(np.int32)


def read(path: Path, images: Path | None = None, *, outline: str = "") -> Content:
    """The images of a folder with ``labels`` (or ``masks``) and ``images``, or of one label image.

    Parameters
    ----------
    outline : one of `OUTLINES`, optional
        See `read_labels`.
    """
    if outline and outline not in OUTLINES:
        raise UnknownNameError("outline", outline, OUTLINES)
    # Where a file lists the images, or another folder holds them, this one holds nothing else.
    own = (path.name.lower(),) if images is not None and images != path else ()
    folders = ("labels", "masks", "annotations", *own)
    parts = partial(parse, outline=outline)
    return read_folder(path, images, suffixes=EXTENSIONS, parse=parts, folders=folders)


def parse(path: Path, _size: Callable[[], tuple[int, int]], *, outline: str = "") -> Marks:
    """The objects of one label image, cells all of them."""
    labels = read_labels(path, outline=outline)
    annotations = label_annotations(labels)
    return Marks(
        annotations=annotations,
        classes=((UNNAMED, False),) if len(annotations) else (),
        size=(labels.shape[1], labels.shape[0]),
        notes=_background(labels, annotations),
    )


def _background(labels: Ints, annotations: Annotations) -> tuple[str, ...]:
    """A note where one of several objects fills most of the image, edge to edge: watersheds number it."""
    whole = annotations.box == (0, 0, labels.shape[1], labels.shape[0])
    numbers = np.unique(labels[labels > 0]) if len(annotations) > 1 and whole.all(axis=1).any() else ()
    wide = [number for number in numbers if 2 * np.count_nonzero(labels == number) > labels.size]
    return tuple(
        f"an object on most of the image, from edge to edge: number {n}, the background?" for n in wide
    )


def write(path: Path, content: Content) -> list[Left]:
    """Write one image with 16 bits a pixel; ignored, pointlike and wholly covered objects are left out.

    Raises
    ------
    BadInputError
        If there are more objects than 16 bits can number.
    """
    from PIL import Image

    sample = content.samples[0]
    fit = np.flatnonzero((sample.annotations.role != Role.IGNORE) & _has_extent(sample.annotations))
    if len(fit) > LARGEST:
        raise BadInputError(f"more than {LARGEST} objects", where=sample.name, remedy="use another format")
    if sample.width * sample.height > LIMIT_PX:
        # What an annotation file says of an image that nobody has opened yet.
        raise BadInputError(
            "image too large for a label image",
            where=sample.name,
            expected=f"at most {LIMIT_PX:,} pixels",
            got=f"{sample.width:,} × {sample.height:,}",
            remedy="correct width and height, or use another format",
        )
    labels = draw_labels(sample.annotations.take(fit), (sample.height, sample.width))
    shown = np.bincount(labels.ravel(), minlength=len(fit) + 1) > 0
    hidden = np.flatnonzero(~shown[1:]) + 1
    left = [
        Left(image_id=sample.image_id, row=int(row), why="ignored object, or a point")
        for row in np.setdiff1d(np.arange(len(sample.annotations)), fit)
    ]
    left += [Left(image_id=sample.image_id, row=int(fit[n - 1]), why="covered by others") for n in hidden]
    with writing(path) as aside:
        # Rows of numbers that repeat: looking for runs alone takes two thirds of the time, and less room.
        Image.fromarray(labels).save(aside, format="PNG", compress_type=zlib.Z_RLE)
    return left


def draw_labels(annotations: Annotations, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """(height, width) the number of the last object, from 1 on, whose shape holds each pixel's centre."""
    labels = np.zeros(shape, np.uint16)
    low = np.maximum(np.floor(annotations.box[:, :2]), 0)
    high = np.minimum(np.ceil(annotations.box[:, 2:]), shape[::-1])
    windows = np.column_stack([low, high]).astype(np.int64)
    seen = np.flatnonzero((high > low).all(axis=1))
    for start in range(0, len(seen), _AT_ONCE):
        runs = _runs(annotations, seen[start : start + _AT_ONCE], windows)
        pixels, owner = pixels_of(runs, shape[1])
        # Of a pixel that stands here more than once, the last counts.
        labels.ravel()[pixels] = owner + 1
    return labels


def _runs(annotations: Annotations, rows: Ints, windows: Ints) -> Runs:
    """The runs of pixels whose centres the shapes of some objects hold, object by object."""
    contours = annotations.contour
    drawn = (annotations.circle[rows, 2] <= 0) | np.array([bool(contours[row]) for row in rows], bool)
    outlined = rows[drawn]
    parts = [_of_disc(annotations.circle[row], int(row), windows[row]) for row in rows[~drawn].tolist()]
    if len(outlined):
        shapes = [contours[row] or rectangle(*annotations.box[row]) for row in outlined.tolist()]
        runs = runs_inside(shapes, windows[outlined])
        parts.append(runs._replace(owner=outlined[runs.owner]))
    found = Runs(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    order = np.argsort(found.owner, kind="stable")
    return Runs(*(column[order] for column in found))


def _of_disc(circle: Floats, row: int, window: Ints) -> Runs:
    (x, y, radius), (x0, y0, x1, y1) = circle.tolist(), window.tolist()
    down, right = np.ogrid[y0:y1, x0:x1]
    inside = np.hypot(right + 0.5 - x, down + 0.5 - y) <= radius
    return runs_of_mask(inside, row, (x0, y0))


def _has_extent(annotations: Annotations) -> Bools:
    return np.asarray(np.all(annotations.box[:, 2:] > annotations.box[:, :2], axis=1), bool)


CODEC = Codec(
    name="labels",
    title="label images (16-bit PNG; PNG, TIFF and NPY of 16 or 32 bits are read)",
    extensions=EXTENSIONS,
    layout="image",
    carries=frozenset(),
    read=read,
    write=write,
    folder="labels",
    choices={"outline": "nucleus or cell: which of the two planes that InstanSeg writes"},
)

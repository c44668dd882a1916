"""The types that every layer shares.

Pixel convention: continuous coordinates, origin at the top-left corner of the top-left pixel, x to the
right, y down; the centre of pixel (column i, row j) is (i + 0.5, j + 0.5). ``xy`` is (n, 2), x then y;
``box`` is (n, 4), x0 y0 x1 y1. All coordinates are float64 pixels.

Two sizes of record hold the same facts. `Annotations` and `Detections` describe *one image*, with every
geometry that was drawn: what training and drawing need. `GroundTruth` and `Predictions` describe *a whole
set of images* as flat columns, one row per object, with the two geometries that are scored (centre and
box): what matching needs, at a million objects as at ten.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Pixels: TypeAlias = NDArray[np.uint8]
"""(height, width, 3) RGB."""
Rings: TypeAlias = tuple[Floats, ...]
"""The outline of one object: one (k, 2) closed polygon per part, the last point not repeated."""
ImageId: TypeAlias = int | str


class Role(enum.IntEnum):
    """What an annotated object counts as."""

    CELL = 0
    ARTEFACT = 1
    """A cell-like object that must not be counted: smudge cell, damaged cell, granules."""
    IGNORE = 2
    """An object or region where predictions count neither way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A class of objects, as in COCO: `artefact` is its supercategory."""

    id: int
    name: str
    artefact: bool = False


CELL = Category(id=1, name="cell")
_ARTEFACT_WORDS = ("artefact", "artifact", "artefakt")
"""By which files, in whatever language, say that objects must not be counted."""


def is_artefact_kind(kind: str) -> bool:
    """Whether the supercategory of a class is that of artefacts."""
    return kind.lower() in _ARTEFACT_WORDS


def is_artefact_name(name: str) -> bool:
    """Whether the name of a class says that its objects must not be counted."""
    return any(word in name.lower() for word in _ARTEFACT_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotations:
    """What experts marked on one image; row i of every column is object i.

    Attributes
    ----------
    xy : (n, 2) float64, pixels
        Centre: the `center` that was given, else the circle's, else that of the box.
    box : (n, 4) float64, pixels
        Bounding box.
    circle : (n, 3) float64, pixels
        x, y, radius of the weak annotation; radius 0 where none was given.
    contour : tuple of n Rings
        Precise outline; ``()`` where none was given.
    label : (n,) int64
        Row of the data set's categories.
    role : (n,) int64
        A `Role`.
    region : (n,) bool
        True where the object is an ignored region (COCO `iscrowd`); its role is then IGNORE.
    """

    xy: Floats
    box: Floats
    circle: Floats
    contour: tuple[Rings, ...]
    label: Ints
    role: Ints
    region: Bools

    def __post_init__(self) -> None:
        n = len(self.xy)
        _check_columns(self, n, {"xy": (n, 2), "box": (n, 4), "circle": (n, 3)})

    def __len__(self) -> int:
        return len(self.xy)

    @classmethod
    def empty(cls) -> Annotations:
        """No object at all."""
        return cls.of(xy=np.zeros((0, 2)), box=np.zeros((0, 4)))

    @classmethod
    def of(cls, *, xy: Floats, box: Floats, **columns: Any) -> Annotations:
        """Annotations from centres and boxes; every column left out is as for plain cells."""
        n = len(xy)
        plain: dict[str, Any] = {
            "circle": np.zeros((n, 3)),
            "contour": ((),) * n,
            "label": np.zeros(n, np.int64),
            "role": np.full(n, Role.CELL, np.int64),
            "region": np.zeros(n, bool),
        }
        return cls(xy=xy, box=box, **(plain | columns))

    def take(self, rows: Ints | Bools) -> Annotations:
        """The objects of these rows (indices or a mask)."""
        index = np.arange(len(self))[rows]
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        contour = columns.pop("contour")
        return Annotations(
            contour=tuple(contour[i] for i in index),
            **{name: value[index] for name, value in columns.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """The cells that a detector found on one image; row i of every column is detection i.

    Attributes
    ----------
    xy : (n, 2) float64, pixels
        Centre.
    box : (n, 4) float64, pixels
        Bounding box.
    confidence : (n,) float64 in [0, 1]
        The detector's belief.
    label : (n,) int64
        Row of the data set's categories.
    contour : tuple of n Rings
        Outline; ``()`` where the detector gives none.
    """

    xy: Floats
    box: Floats
    confidence: Floats
    label: Ints
    contour: tuple[Rings, ...]

    def __post_init__(self) -> None:
        n = len(self.xy)
        _check_columns(self, n, {"xy": (n, 2), "box": (n, 4)})

    def __len__(self) -> int:
        return len(self.xy)

    @classmethod
    def empty(cls) -> Detections:
        """No detection at all."""
        return cls.of(xy=np.zeros((0, 2)), box=np.zeros((0, 4)), confidence=np.zeros(0))

    @classmethod
    def of(cls, *, xy: Floats, box: Floats, confidence: Floats, **columns: Any) -> Detections:
        """Detections of the first category without outlines, unless columns say otherwise."""
        n = len(xy)
        plain: dict[str, Any] = {"label": np.zeros(n, np.int64), "contour": ((),) * n}
        return cls(xy=xy, box=box, confidence=confidence, **(plain | columns))

    def take(self, rows: Ints | Bools) -> Detections:
        """The detections of these rows (indices or a mask)."""
        index = np.arange(len(self))[rows]
        return Detections(
            xy=self.xy[index],
            box=self.box[index],
            confidence=self.confidence[index],
            label=self.label[index],
            contour=tuple(self.contour[i] for i in index),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """One image with its annotations; pixels are read when `load` is called.

    `group` is the patient or slide (the unit of splits and intervals); it is the image's own name where
    the data set knows no groups. `um_per_px` is None where the pixel size is not known, `file` where the
    pixels come from no file of their own, `white` (the value that is white) where they have 8 bits; `within`
    is the folder that a file from outside must lie in (see `bmbench.core.gate`).
    """

    image_id: ImageId
    name: str
    width: int
    height: int
    group: str
    annotations: Annotations
    load: Callable[[], Pixels]
    um_per_px: float | None = None
    file: Path | None = None
    within: Path | None = None
    white: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroundTruth:
    """The annotations of a whole set of images as flat columns; row i of every column is object i.

    Attributes
    ----------
    image_ids : tuple of m ImageId
        Every image of the set, those without objects too.
    groups : tuple of m str
        Patient or slide of each image; the image's own id where none is known.
    categories : tuple of Category
    image : (n,) int64
        Row of `image_ids`.
    xy, box, label, role, region
        As in `Annotations`.
    names, numbers : tuple of m str, and of m ImageId, or None
        File names, and the numbers of a COCO file that keeps other ids beside (``source_id``): by these, too,
        predictions may call an image.
    size : (n, 2) float64, pixels, or None
        Width and height exactly as a file states them (x + w − x is not always w); None: from `box`.
    area : (n,) float64, square pixels, or None
        The area that a file states (of the outline, usually); None: that of the box.
    image_mm2 : (m,) float64, or None
        Area of each image in square millimetres; NaN where its extent or scale is not known, None where
        none is.
    um_per_px : (m,) float64, or None
        Pixel size of each image in micrometres; NaN where it is not known, None where none is.
    outline : tuple of n Rings, or None
        Outlines, ``()`` where an object has none; None where they were not asked for.
    """

    image_ids: tuple[ImageId, ...]
    groups: tuple[str, ...]
    image: Ints
    xy: Floats
    box: Floats
    label: Ints
    role: Ints
    region: Bools
    categories: tuple[Category, ...] = (CELL,)
    size: Floats | None = None
    area: Floats | None = None
    names: tuple[str, ...] | None = None
    numbers: tuple[ImageId, ...] | None = None
    image_mm2: Floats | None = None
    um_per_px: Floats | None = None
    outline: tuple[Rings, ...] | None = None

    def __post_init__(self) -> None:
        n, m = len(self.image), len(self.image_ids)
        shapes = {"xy": (n, 2), "box": (n, 4), "size": (n, 2), "image_mm2": (m,), "um_per_px": (m,)}
        _check_columns(self, n, shapes, skip=("image_ids", "groups", "categories", "names", "numbers"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """The detections of a whole set of images as flat columns; row i of every column is detection i.

    Attributes
    ----------
    image : (n,) int64
        Row of the ground truth's `image_ids`.
    xy : (n, 2) float64, pixels
        Centre: the `center` that was given, else that of the box.
    box : (n, 4) float64, pixels
    confidence : (n,) float64 in [0, 1]
    label : (n,) int64
        Row of the ground truth's `categories`.
    size : (n, 2) float64, pixels, or None
        Width and height exactly as a file states them; None: from `box`.
    notes : tuple of str
        What was assumed in reading them.
    outline : tuple of n Rings, or None
        As in `GroundTruth`.
    """

    image: Ints
    xy: Floats
    box: Floats
    confidence: Floats
    label: Ints
    schema: str = field(default="coco-results")
    size: Floats | None = None
    notes: tuple[str, ...] = ()
    outline: tuple[Rings, ...] | None = None

    def __post_init__(self) -> None:
        n = len(self.image)
        _check_columns(self, n, {"xy": (n, 2), "box": (n, 4), "size": (n, 2)}, skip=("schema", "notes"))

    def __len__(self) -> int:
        return len(self.image)


def _check_columns(
    record: Any, n: int, shapes: dict[str, tuple[int, ...]], skip: tuple[str, ...] = ()
) -> None:
    for column in fields(record):
        if column.name in skip:
            continue
        value = getattr(record, column.name)
        if value is None:
            continue
        got = value.shape if isinstance(value, np.ndarray) else (len(value),)
        expected = shapes.get(column.name, (n,))
        if got != expected:
            kind = type(record).__name__
            raise ValueError(f"{kind}.{column.name} has shape {got}, expected {expected}")

"""The objects of a COCO file, each decided here alone: where it is, how large, and what it counts as."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes
from bmbench.core.geometry import rings_box
from bmbench.core.types import (
    Bools,
    Category,
    Floats,
    ImageId,
    Ints,
    Rings,
    Role,
    is_artefact_kind,
    is_artefact_name,
)
from bmbench.datasets.formats.coco.outlines import outline, polygons
from bmbench.datasets.formats.coco.texts import without_texts
from bmbench.datasets.formats.coco.turned import Turned, turn
from bmbench.datasets.reading.json_lists import Columns, JsonLists
from bmbench.datasets.reading.limits import MARK
from bmbench.datasets.reading.record_checks import (
    Coordinate,
    RowNumbers,
    Whole,
    boxes_of,
    corners_and_size,
    id_column,
    refuse,
    refuse_repeats,
    replaced,
)

_AT_ONCE = 256
"""Outlines that are read together; where one of them is no polygon, each is read by itself."""
Id = Whole | str
Flag = (
    Annotated[int, msgspec.Meta(ge=0, le=1, title="0 or 1")]
    | Annotated[float, msgspec.Meta(ge=0, le=1, multiple_of=1, title="0 or 1")]
    | bool
)


class AnnotationRecord(msgspec.Struct, gc=False):
    """What is read of an annotation, beside its outline."""

    image_id: Id
    category_id: Whole
    id: Id | None = None
    bbox: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    area: float | None = None
    iscrowd: Flag | None = None
    ignore: Flag | None = None
    circle: tuple[Coordinate, Coordinate, Coordinate] | None = None
    center: tuple[Coordinate, Coordinate] | None = None


class _Scored(msgspec.Struct, gc=False):
    score: Any = None


class _Outlined(msgspec.Struct, gc=False):
    segmentation: msgspec.Raw = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CocoObjects:
    """A file; row i of every column is annotation i.

    Attributes
    ----------
    images : id → record
        In the order of the file.
    categories : tuple of Category
    image, label : (n,) int64
        Rows of `images` and `categories`.
    box, size, xy : (n, 4), (n, 2), (n, 2) float64, pixels
        x0 y0 x1 y1; width and height as stated; centre.
    circle : (n, 3) float64, pixels, or None
        x, y and radius; NaN where there is none.
    area : (n,) float64, square pixels
        The stated area, that of the box where none is stated.
    role : (n,) int64
    region : (n,) bool
    outlines : row → Rings
        Those that were asked for or needed, and are there.
    unsure : int
        How many annotations have a confidence.
    notes : tuple of str
        What was assumed in reading.
    """

    images: Mapping[ImageId, Any]
    categories: tuple[Category, ...]
    image: Ints
    label: Ints
    box: Floats
    size: Floats
    xy: Floats
    circle: Floats | None
    area: Floats
    role: Ints
    region: Bools
    outlines: Mapping[int, Rings]
    unsure: int = 0
    notes: tuple[str, ...] = ()


def read_objects(
    path: Path, kind: type[msgspec.Struct], *, outlines: bool, guess: bool = False
) -> CocoObjects:
    """What a COCO file says, its lists being of the types that `kind` says.

    The box is `bbox`, else that of the outline, else that of the circle, else the point `center`; the centre
    is `center`, else the circle's, else that of the box. An object is an artefact if its category is one, and
    to be ignored if `ignore` or `iscrowd` says so. Without `outlines`, only those are read that must serve as
    box. With `guess`, the end of the annotations is guessed, as `JsonLists` says.

    Raises
    ------
    BadInputError
        If it is no such file, or contradicts itself: with the file, the index and the remedy.
    """
    text = read_bytes(path).removeprefix(MARK)
    try:
        return _objects(path, text, kind, outlines=outlines, guess=guess)
    except BadInputError:
        mended = None if guess else without_texts(text)
        if mended is None:
            raise
    found = _objects(path, mended[0], kind, outlines=outlines, guess=False)
    return replace(found, notes=(f"texts read as the numbers that they spell: {', '.join(mended[1])}",))


def _objects(
    path: Path, text: bytes, kind: type[msgspec.Struct], *, outlines: bool, guess: bool
) -> CocoObjects:
    """What a text says; see `read_objects`."""
    file = _opened(path, text, kind, guess=guess)
    category_records, image_records = file.records("categories"), file.records("images")
    columns, where = file.columns("annotations"), f"{path}, annotations"
    # Few files have these keys, and a long text is not searched for what it cannot hold.
    rare = () if file.is_plain("annotations") else ("rotation", "score") if outlines else ("rotation",)
    words = {word for word in rare if f'"{word}"'.encode() in text}
    bare = np.ones(len(columns["image_id"]), bool)
    if columns["bbox"] is not None:
        bare = np.isnan(columns["bbox"][:, 0])
    wanted = np.ones(len(bare), bool) if outlines else bare
    segments = file.columns("annotations", _Outlined)["segmentation"] if wanted.any() else None
    turned = file.columns("annotations", Turned)["attributes"] if "rotation" in words else None
    scores = file.columns("annotations", _Scored)["score"] if "score" in words else None
    file.close()
    categories, images = _categories(category_records, path), _by_id(image_records, f"{path}, images")
    image, label = _rows(columns, tuple(images), categories, where)
    rings = {} if segments is None else _outlines(segments, wanted, [image_records[i] for i in image], where)
    box, size = corners_and_size(_boxes(columns, bare, rings, where), where=where)
    if turned is not None:
        turn(turned, (box, size), rings, kept=~bare)
    region, ignored = (
        np.zeros(len(bare), bool) if columns[key] is None else columns[key].astype(bool)
        for key in ("iscrowd", "ignore")
    )
    artefact = np.array([category.artefact for category in categories], bool)
    role = np.where(artefact[label], int(Role.ARTEFACT), int(Role.CELL)).astype(np.int64, copy=False)
    role[region | ignored] = Role.IGNORE
    return CocoObjects(
        images=images,
        categories=categories,
        image=image,
        label=label,
        box=box,
        size=size,
        xy=replaced(columns["center"], replaced(columns["circle"], box[:, :2] + size / 2)),
        circle=columns["circle"],
        area=_areas(columns["area"], size, where),
        role=role,
        region=region,
        outlines=rings,
        unsure=0 if scores is None else sum(score is not None for score in scores.tolist()),
    )


def own_ids(records: Mapping[ImageId, Any], *, where: str) -> tuple[ImageId, ...]:
    """The own id of each image: the ``source_id`` that stands beside, or else what the file calls it.

    Raises
    ------
    BadInputError
        If two images have one.
    """
    own = [number if one.source_id is None else one.source_id for number, one in records.items()]
    ids = id_column(own)
    refuse_repeats(ids, where=where)
    return tuple(ids.tolist())


def _opened(path: Path, text: bytes, kind: type[msgspec.Struct], *, guess: bool) -> JsonLists:
    """The file; BadInputError if it is a list."""
    if text[:64].lstrip()[:1] == b"[":
        raise BadInputError(
            "not a COCO data set",
            where=str(path),
            expected="an object with images, annotations and categories",
            got="a list (predictions?)",
            remedy="give the ground truth here",
        )
    ends = ("annotations", "image_id") if guess else None
    return JsonLists(path, text, kind, title="COCO data set", guess=ends)


def _by_id(records: list[Any], where: str) -> dict[Any, Any]:
    ids = id_column([record.id for record in records])
    refuse_repeats(ids, where=where)
    return dict(zip(ids.tolist(), records, strict=True))


def _categories(records: list[Any], path: Path) -> tuple[Category, ...]:
    """The categories; one without a name is called by its id.

    Only bmbench writes ``artefact``, where the name of a class says what its objects are not.
    """
    if not records:
        raise BadInputError("no category", where=str(path), remedy="add one to 'categories'")
    return tuple(
        Category(
            id=number,
            name=record.name or str(number),
            artefact=is_artefact_kind(record.supercategory or "")
            or (is_artefact_name(record.name or "") if record.artefact is None else bool(record.artefact)),
        )
        for number, record in _by_id(records, f"{path}, categories").items()
    )


def _rows(
    columns: Columns, images: tuple[ImageId, ...], categories: tuple[Category, ...], where: str
) -> tuple[Ints, Ints]:
    """(n,) rows of the images and of the categories that annotations name."""
    if columns["id"] is not None:
        refuse_repeats(columns["id"], where=where)
    image = RowNumbers(images).find(
        columns["image_id"], where=where, field="image_id", expected="an id listed in 'images'"
    )
    label = RowNumbers([category.id for category in categories]).find(
        columns["category_id"], where=where, field="category_id", expected="an id listed in 'categories'"
    )
    return image, label


def _boxes(columns: Columns, bare: Bools, rings: Mapping[int, Rings], where: str) -> Floats:
    """(n, 4) x y width height; `bare` are the annotations without a `bbox`."""
    circle = columns["circle"]
    if circle is not None:
        refuse(circle[:, 2] <= 0, "circle without extent", where=where, field="circle", got=circle)
    boxes = boxes_of(columns, len(bare))
    for row in set(rings).intersection(np.flatnonzero(bare).tolist()):
        x0, y0, x1, y1 = rings_box(rings[row]).tolist()
        boxes[row] = x0, y0, x1 - x0, y1 - y0
    expected = "a bbox, a segmentation, a circle [x, y, radius] or a center [x, y]"
    refuse(np.isnan(boxes[:, 0]), "object without a place", where=where, expected=expected)
    return boxes


def _outlines(segments: NDArray[Any], wanted: Bools, images: list[Any], where: str) -> dict[int, Rings]:
    """The outlines of the wanted annotations that have one; `images` are the records of their images."""
    rings = {}
    rows = [row for row in np.flatnonzero(wanted).tolist() if segments[row] is not None]
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        texts = [bytes(segments[row]) for row in some]
        found = polygons(texts)
        if found is None:
            sizes = [(int(images[row].width or 0), int(images[row].height or 0)) for row in some]
            places = [f"{where}[{row}].segmentation" for row in some]
            found = [
                outline(text, size, where=at) for text, size, at in zip(texts, sizes, places, strict=True)
            ]
        rings.update({row: shape for row, shape in zip(some, found, strict=True) if shape})
    return rings


def _areas(given: Floats | None, size: Floats, where: str) -> Floats:
    """(n,) the stated area, that of the box where none is stated."""
    of_box: Floats = size[:, 0] * size[:, 1]
    if given is None:
        return of_box
    refuse(given < 0, "negative area", where=where, field="area", expected="at least 0", got=given)
    return np.where(np.isnan(given), of_box, given)

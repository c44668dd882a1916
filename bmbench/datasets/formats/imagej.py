"""ImageJ ROI zips: one an image, as ImageJ, Cellpose and StarDist write them (extra ``imagej``).

Polygons, freehand outlines, ovals, rectangles, composites (holes and parts) and points. Class and role stand
in the properties of a ROI (``class: WBC``), where ImageJ keeps them; a ROI without them has the class of its
group, or none. Coordinates are stored in single precision, as ImageJ does.

A ROI may belong to one position of a stack (slice, or channel, depth and time), and so may each point of one.
Those of several positions are never laid over one another on one image.
"""

import io
import logging
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.files import writing
from bmbench.core.types import Annotations, Bools, Floats, Role
from bmbench.datasets.formats.annotation_folder import read_folder
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import UNNAMED, Collector, Flags, Marks, ring_of
from bmbench.datasets.reading.limits import read_limited

MEMBER_LIMIT = 1_000_000
MEMBER_LIMIT_BYTES = 64 << 20
TOTAL_LIMIT_BYTES = 2 << 30
_VERSION = 227
_DAMAGED = (
    ValueError, TypeError, struct.error, LookupError, MemoryError, ArithmeticError, RuntimeError,
    AttributeError,
)  # fmt: skip
"""What roifile raises on one damaged ROI or another."""
_NAMED = re.compile(r"(\d{4,})-\d{4,}-\d{4,}", re.ASCII)
_FIRST = "c1,z1,t1"


def read(path: Path, images: Path | None = None, *, plane: str = "") -> Content:
    """The images of a folder of ROI zips, or of one; see `read_folder`.

    `plane` is the position of a stack that the images show, as `position` spells it.

    Raises
    ------
    MissingExtraError
        If roifile is not installed.
    BadInputError
        If a zip or a ROI in it is damaged, unpacks to more than annotations do, or holds ROIs of several
        positions of a stack and none is chosen.
    """
    return read_folder(path, images, suffixes=(".zip", ".roi"), parse=partial(parse, plane=plane))


def parse(path: Path, _size: Callable[[], tuple[int, int]], *, plane: str = "") -> Marks:
    """The objects of one zip, or of one ROI alone."""
    roifile = _roifile()
    collector = Collector(str(path))
    rois = []
    for name, data in _members(path):
        where = f"{path}, {name}"
        try:
            roi = roifile.ImagejRoi.frombytes(data)
            rois.append((roi, where, _places(roi, name.rsplit("/", 1)[-1].rpartition(".")[0])))
        except _DAMAGED as error:
            raise _no_roi(where, error) from None
    for roi, where, here in _of_one_plane(rois, plane, collector.notes, str(path)):
        try:
            _add(collector, roi, roifile.ROI_TYPE, where, here=here)
        except _DAMAGED as error:
            raise _no_roi(where, error) from None
    return collector.marks()


def position(roi: Any, name: str = "") -> str:
    """Where in a stack a ROI belongs: "7" is slice 7, "c1,z3,t2" a place in a hyperstack; "" is everywhere.

    In files of old versions of ImageJ the name alone says it (slice, y and x: ``0007-0112-0093``).
    The first of every axis is slice 1.
    """
    if roi.position > 0:
        return str(roi.position)
    axes = (("c", roi.c_position), ("z", roi.z_position), ("t", roi.t_position))
    place = ",".join(f"{axis}{number}" for axis, number in axes if number > 0)
    named = _NAMED.fullmatch(name)
    return ("1" if place == _FIRST else place) or (str(int(named[1])) if named else "")


def _places(roi: Any, name: str) -> list[str]:
    """The position of a ROI, or of each point of one whose points have their own."""
    counted = roi.counter_positions
    if counted is None or not np.any(counted):
        return [position(roi, name)]
    return [str(number) if number else "" for number in counted.tolist()]


def _no_roi(where: str, error: Exception) -> BadInputError:
    return BadInputError("not an ImageJ ROI", where=where, got=str(error)[:80])


def _of_one_plane(
    rois: Sequence[tuple[Any, str, list[str]]], plane: str, notes: list[str], where: str
) -> list[tuple[Any, str, Bools]]:
    """The ROIs that belong to one position, or to all of them, with which of their points do.

    The others are named in `notes`.
    """
    there = list(dict.fromkeys(place for _, _, places in rois for place in places if place))
    if not plane and len(there) > 1:
        more = " …" if len(there) > 6 else ""
        raise BadInputError(
            f"ROIs of {len(there)} positions of a stack, for one image",
            where=where,
            got=f"{', '.join(there[:6])}{more}",
            remedy=f"say which one the image shows, as in --option plane={there[0]}",
        )
    asked = "1" if plane == _FIRST else plane or "".join(there)
    here = [(roi, name, np.isin(places, ["", asked])) for roi, name, places in rois]
    left = sum(int((~some).sum()) for _, _, some in here)
    if left:
        notes.append(f"left out: ROI of another position of the stack ({left})")
    return [entry for entry in here if entry[2].any()]


def write(path: Path, content: Content) -> list[Left]:
    """Write one image; nothing is left out."""
    roifile = _roifile()
    sample = content.samples[0]
    with writing(path) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in range(len(sample.annotations)):
            name = content.categories[sample.annotations.label[row]].name
            roi = _roi(roifile, sample.annotations, row)
            roi.version = _VERSION
            roi.name = f"{row + 1:06d}"
            roi.props = _properties(sample.annotations, row, name)
            # A fixed time: the same objects give the same bytes.
            entry = zipfile.ZipInfo(f"{roi.name}.roi", date_time=(2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, roi.tobytes())
    return []


def _roifile() -> Any:
    try:
        import roifile
    except ImportError:
        raise MissingExtraError("roifile, which ImageJ ROIs need,", extra="imagej") from None
    # By itself it tells of each damaged field on the error stream.
    logger = logging.getLogger("roifile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return roifile


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    data = read_limited(path)
    if path.suffix.lower() == ".roi":
        yield path.name, data
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if _is_roi(entry.filename)]
            total = sum(entry.file_size for entry in entries)
            largest = max((entry.file_size for entry in entries), default=0)
            if len(entries) > MEMBER_LIMIT or total > TOTAL_LIMIT_BYTES or largest > MEMBER_LIMIT_BYTES:
                raise BadInputError(
                    "unpacks to far more than annotations do", where=str(path), got=f"{total:,} bytes"
                )
            for entry in entries:
                with archive.open(entry) as member:
                    # What the directory states may be a lie: no more than that is ever unpacked.
                    yield entry.filename, member.read(entry.file_size)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ) as error:
        raise BadInputError("not a zip, or a damaged one", where=str(path), got=str(error)[:80]) from None


def _is_roi(name: str) -> bool:
    # Archives made on a Mac hold a shadow of every file, ``__MACOSX/._NAME.roi``, which is no ROI.
    return name.lower().endswith(".roi") and not name.rsplit("/", 1)[-1].startswith("._")


def _add(collector: Collector, roi: Any, kinds: Any, where: str, *, here: Bools) -> None:
    facts = dict(line.partition(": ")[::2] for line in roi.props.splitlines())
    name = facts.get("class") or (f"group {roi.group}" if roi.group else UNNAMED)
    role = facts.get("role")
    flags = Flags(ignore=role in ("ignore", "region"), region=role == "region")
    if roi.roitype in (kinds.RECT, kinds.OVAL) and not roi.composite:
        _add_oval_or_box(collector, roi, name, flags, oval=roi.roitype == kinds.OVAL)
    elif roi.composite:
        parts = roi.coordinates(multi=True)
        rings = tuple(ring_of(part, where) for part in parts if len({tuple(p) for p in part.tolist()}) >= 3)
        if rings:
            collector.add(name, rings=rings, **flags)
    elif roi.roitype == kinds.POINT:
        shift = 0.0 if roi.subpixelresolution else 0.5
        points = roi.coordinates().astype(np.float64) + shift
        for point in points[here] if len(here) == len(points) else points:
            collector.add(name, point=point.tolist(), **flags)
    elif roi.roitype in (kinds.POLYGON, kinds.FREEHAND, kinds.TRACED):
        collector.add(name, rings=(ring_of(roi.coordinates().astype(np.float64), where),), **flags)
    else:
        collector.notes.append(f"left out: {roi.roitype.name.lower()}")


def _add_oval_or_box(collector: Collector, roi: Any, name: str, flags: Flags, *, oval: bool) -> None:
    x, y, width, height = roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top
    if roi.subpixelrect:
        x, y, width, height = roi.xd, roi.yd, roi.widthd, roi.heightd
    if oval and abs(width - height) <= 1e-4 * max(width, 1.0):
        # The middle and the radius were stored as single-precision corner and size.
        collector.add(name, circle=(x + width / 2, y + height / 2, (width + height) / 4), **flags)
    elif oval:
        angle = np.arange(64) * (2 * np.pi / 64)
        corners = np.stack(
            [x + width / 2 * (1 + np.cos(angle)), y + height / 2 * (1 + np.sin(angle))], axis=1
        )
        collector.add(name, rings=(corners,), **flags)
    else:
        collector.add(name, box=(x, y, x + width, y + height), **flags)


def _roi(roifile: Any, annotations: Annotations, row: int) -> Any:
    kinds = roifile.ROI_TYPE
    rings, (x, y, radius) = annotations.contour[row], annotations.circle[row].tolist()
    low, high = annotations.box[row].reshape(2, 2)
    if len(rings) == 1:
        roi = roifile.ImagejRoi.frompoints(rings[0].astype(np.float64))
        roi.roitype = kinds.POLYGON
        return roi
    if rings:
        return _composite(roifile, rings, low, high)
    if radius <= 0 and not (high > low).all():
        roi = roifile.ImagejRoi.frompoints(annotations.xy[row : row + 1])
        roi.roitype = kinds.POINT
        return roi
    roi = roifile.ImagejRoi()
    roi.roitype = kinds.OVAL if radius > 0 else kinds.RECT
    roi.options = roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    if radius > 0:
        low, high = np.array([x - radius, y - radius]), np.array([x + radius, y + radius])
    _frame(roi, low, high)
    (roi.xd, roi.yd), (roi.widthd, roi.heightd) = low.tolist(), (high - low).tolist()
    return roi


def _composite(roifile: Any, rings: tuple[Floats, ...], low: Floats, high: Floats) -> Any:
    """A shape of several closed paths: move (0) to the first corner, lines (1) to the others, close (4)."""
    path: list[float] = []
    for ring in rings:
        for number, (x, y) in enumerate(ring.tolist()):
            path += [1.0 if number else 0.0, x, y]
        path.append(4.0)
    roi = roifile.ImagejRoi()
    roi.roitype = roifile.ROI_TYPE.RECT
    _frame(roi, low, high)
    roi.multi_coordinates = np.array(path, np.float32)
    roi.shape_roi_size = len(path)
    return roi


def _frame(roi: Any, low: Floats, high: Floats) -> None:
    (roi.left, roi.top), (roi.right, roi.bottom) = np.floor(low).astype(int), np.ceil(high).astype(int)


def _properties(annotations: Annotations, row: int, name: str) -> str:
    text = f"class: {name}\n"
    if annotations.role[row] == Role.IGNORE:
        text += f"role: {'region' if annotations.region[row] else 'ignore'}\n"
    return text


CODEC = Codec(
    name="imagej",
    title="ImageJ ROI zips",
    extensions=(".zip", ".roi"),
    layout="image",
    carries=frozenset(
        {Fact.OUTLINE, Fact.RINGS, Fact.CIRCLE, Fact.POINT, Fact.CLASS, Fact.IGNORE, Fact.REGION}
    ),
    read=read,
    write=write,
    folder="rois",
    choices={"plane": "the position of a stack that the images show: a slice, or c1,z3,t2"},
    as_stored=True,
    extra="imagej",
)

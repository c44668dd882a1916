"""Hamamatsu NDPA: ``SLIDE.ndpi.ndpa`` beside the slide, in nanometres from the middle of the glass.

Where the scanned area lies on the glass, and how large its pixels are, stands in the slide alone, which has
to be there (private TIFF tags of NDPI; OpenSlide, "Hamamatsu format").
"""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.gate import open_file
from bmbench.core.types import Floats
from bmbench.datasets.formats.annotation_folder import read_folder
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.marks import UNNAMED, Collector, Marks, ring_of
from bmbench.datasets.reading.safe_xml import read_xml
from bmbench.datasets.reading.tables import decimal_number
from bmbench.datasets.reading.tiff_files import tiff_file
from bmbench.datasets.slides.slide import DAMAGE

_OFFSETS = (65422, 65423)
"""TIFF tags: nanometres from the middle of the glass to that of the scanned area, x and y."""
_RESOLUTION = ("XResolution", "YResolution")
_NM_PER_UNIT = {2: 25_400_000.0, 3: 10_000_000.0}
"""Inch and centimetre, by the tag ResolutionUnit."""


def read(path: Path, images: Path | None = None) -> Content:
    """The slides of a folder of NDPA files, or of one file; see `read_folder`.

    Raises
    ------
    BadInputError
        If the slide is not beside the file, or does not say where its pixels lie.
    """
    folder = path if path.is_dir() else path.parent
    homes = [folder if images is None or images.is_file() else images, folder, folder / "images"]

    def parse(file: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
        name = file.name[: -len(".ndpa")]
        slide = next((home / name for home in homes if (home / name).is_file()), None)
        if slide is None:
            raise BadInputError(
                "no slide beside its annotations",
                where=str(file),
                expected=f"{name}, for coordinates count from the middle of the glass",
                remedy="name the folder of the slides with --data",
            )
        return _parse(file, slide)

    return read_folder(path, images, suffixes=(".ndpa",), parse=parse)


def _parse(path: Path, slide: Path) -> Marks:
    root = read_xml(path)
    if root.tag != "annotations":
        raise BadInputError("not an NDPA file", where=str(path), expected="<annotations>", got=root.tag[:40])
    collector = Collector(str(path))
    origin, nm_per_px, size = _frame(slide)
    for number, view in enumerate(root.iter("ndpviewstate"), start=1):
        where = f"{path}, ndpviewstate {number}"
        item = view.find("annotation")
        if item is None:
            continue
        unit = (view.findtext("coordformat") or "nanometers").strip()
        if unit != "nanometers":
            raise BadInputError("another unit", where=where, expected="nanometers", got=unit[:40])
        name = (view.findtext("title") or "").strip() or UNNAMED
        _add(collector, item, name, where, (origin, nm_per_px))
    return collector.marks(image=slide.name, size=size)


def _add(
    collector: Collector, item: ElementTree.Element, name: str, where: str, frame: tuple[Floats, Floats]
) -> None:
    """Take in one annotation; lines are left out and named."""
    origin, nm_per_px = frame
    kind = item.get("type", "")
    listed = [[_number(point, axis, where) for axis in ("x", "y")] for point in item.iter("point")]
    if kind == "freehand" and (item.findtext("closed") or "1").strip() == "1":
        collector.add(name, rings=(ring_of(((np.array(listed) - origin) / nm_per_px).tolist(), where),))
    elif kind == "circle":
        centre = (np.array([_number(item, "x", where), _number(item, "y", where)]) - origin) / nm_per_px
        radius = _number(item, "radius", where) / float(nm_per_px.mean())
        collector.add(name, circle=(*centre.tolist(), radius))
    elif kind in ("pin", "pointer"):
        point = (np.array([_number(item, "x", where), _number(item, "y", where)]) - origin) / nm_per_px
        collector.add(name, point=point.tolist())
    else:
        collector.notes.append(f"left out: {kind[:30] or 'annotation without a type'}")


def _frame(slide: Path) -> tuple[Floats, Floats, tuple[int, int]]:
    """Where the slide's first pixel lies from the middle of the glass and a pixel's size, in nm; its size."""
    with open_file(slide, limit=None) as file:
        try:
            with tiff_file(file) as tiff:
                tags = tiff.pages[0].tags
                size = np.array([tags["ImageWidth"].value, tags["ImageLength"].value], np.float64)
                offset = np.array([tags[code].value for code in _OFFSETS], np.float64)
                dots = np.array([np.divide(*tags[name].value) for name in _RESOLUTION], np.float64)
                unit = _NM_PER_UNIT[int(tags["ResolutionUnit"].value)]
        except DAMAGE as error:
            raise BadInputError(
                "no slide of Hamamatsu, or a damaged one", where=str(slide), got=f"{error}"[:80]
            ) from None
    nm_per_px: Floats = unit / dots
    if not (np.isfinite(nm_per_px).all() and (nm_per_px > 0).all() and np.isfinite(offset).all()):
        raise BadInputError("slide without a pixel size", where=str(slide))
    return offset - nm_per_px * size / 2, nm_per_px, (int(size[0]), int(size[1]))


def _number(item: ElementTree.Element, name: str, where: str) -> float:
    value = decimal_number(item.findtext(name) or "")
    if not abs(value) < 1e12:
        raise BadInputError(f"no number <{name}>", where=where, got=repr(item.findtext(name))[:40])
    return value


CODEC = Codec(
    name="ndpa",
    title="Hamamatsu NDPA",
    extensions=(".ndpa",),
    layout="image",
    carries=frozenset(),
    read=read,
)

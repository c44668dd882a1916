"""DICOM annotations (Microscopy Bulk Simple Annotations) and segmentations of any slide.

Points, polygons, ellipses and rectangles, or masks. A file names the instance of the slide that it belongs
to; several may belong to one. The slides lie in the same folder, in folders in it or beside it, or where
``--data`` says. A segment stands for a cell or for all cells of a class, which it does not say: each of its
connected parts is an object, unless ``parts=together`` says otherwise.
"""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.geometry import ellipse_ring
from bmbench.core.numerals import numeral
from bmbench.core.types import Annotations, Floats, Sample
from bmbench.datasets.formats.annotation_folder import join_marks
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.dicom_ann import LINE, POINTS_OF, POLYGON, BulkGroup, read_bulk_annotations
from bmbench.datasets.formats.dicom_seg import read_segmentation, segmented_images
from bmbench.datasets.formats.marks import UNNAMED, Collector, ring_of
from bmbench.datasets.formats.masks import label_rings
from bmbench.datasets.reading.dicom_header import read_header
from bmbench.datasets.slides.dicom_series import SlideSeries, dicom_files
from bmbench.datasets.slides.whole_images import read_whole

SUFFIXES = (".dcm",)
PARTS = ("apart", "together")
_MASKS = "SEG"
_ROUND_PX = 0.01
"""The axes of a circle differ by less: coordinates are written in single precision."""


def read(path: Path, images: Path | None = None, *, parts: str = "", level: str = "") -> Content:
    """The slides of a folder of annotation files, or of one file, with all that was drawn on them.

    Parameters
    ----------
    parts : one of `PARTS`, optional
        Whether each connected part of a segment is an object of its own.
    level : str, optional
        From which share of 1 on a pixel belongs to a fractional segment.

    Raises
    ------
    BadInputError
        If a file is damaged, or the slide of none is there.
    MissingExtraError
        If pydicom is not installed.
    """
    folder = path if path.is_dir() else path.parent
    places = [images] if images is not None else [folder, folder.parent]
    segments = _Segments.asked(parts, level)
    found_in = ((place, dicom_files(place, together=True)[0]) for place in places)
    home, slides = next(((place, there) for place, there in found_in if there), (places[-1], ()))
    files = dicom_files(folder, together=True, kinds=("ANN", _MASKS))[1] if path.is_dir() else (path,)
    by_image = {uid: slide for slide in slides for uid in slide.instances}
    drawn: dict[str, Collector] = {}
    absent = []
    for file in files:
        masks = read_header(file, ("Modality",)).get("Modality") == _MASKS
        bulk = None if masks else read_bulk_annotations(file, (*POINTS_OF, POLYGON, LINE))
        uids = segmented_images(file) if bulk is None else {bulk.image_uid}
        slide = next((by_image[uid] for uid in uids if uid in by_image), None)
        if slide is None:
            absent.append(file)
            continue
        collector = drawn.setdefault(slide.uid, Collector(str(file)))
        if bulk is None:
            segments.add(collector, file, slide)
        for group in bulk.groups if bulk is not None else ():
            _add(collector, group, str(file))
    if not drawn:
        raise BadInputError(
            "no slide of these annotations",
            where=str(path),
            expected="the slide whose instance they name, at full resolution",
            got=f"{len(slides)} other slides in {home}" if slides else f"no slide (SM) in {home}",
            remedy="name their folder with --data",
        )
    notes = []
    if absent:
        notes = [f"left out: {len(absent)} annotation files whose slide is not here ({absent[0].name})"]
    samples = [(_sample(slide, home), drawn[slide.uid].marks()) for slide in slides if slide.uid in drawn]
    return join_marks(samples, notes=notes, where=str(path))


def _sample(slide: SlideSeries, home: Path) -> Sample:
    size = (slide.width, slide.height)
    name = slide.file.relative_to(home).as_posix()
    return Sample(
        image_id=name,
        name=name,
        width=size[0],
        height=size[1],
        group=slide.patient,
        annotations=Annotations.empty(),
        load=partial(read_whole, slide.file, size, within=home),
        um_per_px=slide.um_per_px,
        file=slide.file,
        within=home,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segments:
    """How segments are read."""

    together: bool
    level: float

    @classmethod
    def asked(cls, parts: str, level: str) -> "_Segments":
        if parts and parts not in PARTS:
            raise UnknownNameError("choice of parts", parts, PARTS)
        try:
            share = float(numeral(level) or 0.5)
        except ValueError:
            share = math.nan
        if not 0 < share <= 1:
            raise BadInputError(
                "--option level", expected="a number above 0, at most 1", got=repr(level)[:40]
            )
        return cls(together=parts == "together", level=share)

    def add(self, collector: Collector, file: Path, slide: SlideSeries) -> None:
        """Take in the segments of a file."""
        from scipy import ndimage

        found = read_segmentation(file, level=self.level)
        if found.size != (slide.width, slide.height):
            raise BadInputError(
                "a segmentation of another size than its slide",
                where=str(file),
                expected=f"{slide.width} × {slide.height} px",
                got=f"{found.size[0]} × {found.size[1]} px",
            )
        n_parts = 0
        for segment in found.segments:
            labels, count = ndimage.label(segment.mask)
            if self.together:
                labels, count = segment.mask.view(np.uint8), 1
            for rings in label_rings(labels, count, segment.origin):
                collector.add(segment.label or UNNAMED, rings=rings)
            n_parts += count
        if n_parts > len(found.segments):
            collector.notes.append(
                f"{len(found.segments)} segments are {n_parts:,} objects, each a connected part: cells that "
                "touch are one (--option parts=together: each segment is an object)"
            )
        if found.fractional:
            what = f"{found.fractional.lower()} from {self.level:g} on is inside"
            collector.notes.append(f"{what} (--option level=SHARE says otherwise)")


def _add(collector: Collector, group: BulkGroup, where: str) -> None:
    name = group.label.strip() or UNNAMED
    if group.kind == LINE:
        collector.notes += [f"left out: line ({len(group.graphics)})"] if group.graphics else []
        return
    for points in group.graphics:
        if group.kind == "POINT":
            collector.add(name, point=points[0].tolist())
        elif group.kind == "ELLIPSE":
            _add_ellipse(collector, name, points)
        elif group.kind == "RECTANGLE" and _is_upright(points):
            collector.add(name, box=[*points.min(axis=0), *points.max(axis=0)])
        else:
            collector.add(name, rings=(ring_of(points.tolist(), f"{where}, group {group.label!r}"),))


def _add_ellipse(collector: Collector, name: str, points: Floats) -> None:
    """An ellipse, of which both ends of the longer axis are given and then those of the shorter one."""
    centre = points.mean(axis=0)
    (across, down), other = points[1] - points[0], points[3] - points[2]
    radii = math.hypot(across, down) / 2, math.hypot(*other) / 2
    if abs(radii[0] - radii[1]) <= _ROUND_PX and radii[0] > 0:
        collector.add(name, circle=(*centre.tolist(), sum(radii) / 2))
    else:
        collector.add(name, rings=(ellipse_ring(centre, radii, math.atan2(down, across)),))


def _is_upright(points: Floats) -> bool:
    """Whether four corners are those of a box whose sides run along the pixels."""
    low, high = points.min(axis=0), points.max(axis=0)
    return bool(((points == low) | (points == high)).all() and len(np.unique(points, axis=0)) == 4)


CODEC = Codec(
    name="dicom",
    title="DICOM annotations (ANN) and segmentations (SEG) of slides",
    extensions=SUFFIXES,
    layout="image",
    carries=frozenset(),
    read=read,
    extra="wsi",
    together=True,
    choices={
        "parts": "apart or together: whether each connected part of a segment is an object",
        "level": "from which share of 1 on a pixel belongs to a fractional segment",
    },
)

"""DICOM annotations (Microscopy Bulk Simple Annotations) of any slide.

Points, polygons, ellipses and rectangles. A file names the instance of the slide that it belongs to; several
may belong to one. The slides lie in the same folder, in folders in it or beside it, or where ``--data`` says.
"""

import math
from functools import partial
from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import ellipse_ring
from bmbench.core.types import Annotations, Floats, Sample
from bmbench.datasets.formats.annotation_folder import join_marks
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.dicom_ann import LINE, POINTS_OF, POLYGON, BulkGroup, read_bulk_annotations
from bmbench.datasets.formats.marks import UNNAMED, Collector, ring_of
from bmbench.datasets.slides.dicom_series import SlideSeries, dicom_files
from bmbench.datasets.slides.whole_images import read_whole

SUFFIXES = (".dcm",)
_ROUND_PX = 0.01
"""The axes of a circle differ by less: coordinates are written in single precision."""


def read(path: Path, images: Path | None = None) -> Content:
    """The slides of a folder of annotation files, or of one file, with all that was drawn on them.

    Raises
    ------
    BadInputError
        If a file is damaged, or the slide of none is there.
    MissingExtraError
        If pydicom is not installed.
    """
    folder = path if path.is_dir() else path.parent
    places = [images] if images is not None else [folder, folder.parent]
    found_in = ((place, dicom_files(place, together=True)[0]) for place in places)
    home, slides = next(((place, there) for place, there in found_in if there), (places[0], ()))
    files = dicom_files(folder, together=True)[1] if path.is_dir() else (path,)
    by_image = {uid: slide for slide in slides for uid in slide.instances}
    drawn: dict[str, Collector] = {}
    absent = []
    for file in files:
        found = read_bulk_annotations(file, (*POINTS_OF, POLYGON, LINE))
        slide = by_image.get(found.image_uid)
        if slide is None:
            absent.append(file)
            continue
        collector = drawn.setdefault(slide.uid, Collector(str(file)))
        for group in found.groups:
            _add(collector, group, str(file))
    if not drawn:
        raise BadInputError(
            "no slide of these annotations",
            where=str(path),
            expected=f"DICOM files of a slide (SM) in {places[-1]}",
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
    title="DICOM annotations (ANN) of slides",
    extensions=SUFFIXES,
    layout="image",
    carries=frozenset(),
    read=read,
    extra="wsi",
    together=True,
)

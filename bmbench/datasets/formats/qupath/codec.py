"""QuPath GeoJSON as a format of data sets: one file an image.

Areas that hold other objects, objects of a class that ends in ``*`` (which QuPath ignores) and those on
another plane of a stack are no cells of the image. They are left out and named.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.geometry import ellipse_ring
from bmbench.core.numerals import numeral
from bmbench.core.types import Bools, Ints
from bmbench.datasets.formats.annotation_folder import ANNOTATION_FOLDERS, annotation_files, read_folder
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import UNSURE, Area, Marks
from bmbench.datasets.formats.qupath.areas import areas, held, longer_sides
from bmbench.datasets.formats.qupath.class_outlines import holds_classes, parted
from bmbench.datasets.formats.qupath.geojson import QupathFile, read_qupath, write_qupath

SUFFIXES = (".geojson", ".geojson.gz")
ALSO = (".json", ".json.gz")
"""Endings of GeoJSON files where none has one of `SUFFIXES`."""
OBJECTS = {"annotations": ("annotation",), "detections": ("detection", "cell"), "cells": ("cell",), "all": ()}
"""What ``--option objects=…`` takes: these kinds, or everything, areas too."""
OUTLINES = ("cell", "nucleus")
PARTS = ("apart", "together")
TAKEN_APART = "objects that hold all cells of a class, taken apart (--option parts=together says otherwise)"


def read(
    path: Path,
    images: Path | None = None,
    *,
    objects: str = "",
    outline: str = "cell",
    plane: str = "",
    parts: str = "",
) -> Content:
    """The images of a folder of GeoJSON files, or of one file; see `read_folder`.

    Parameters
    ----------
    objects : one of `OBJECTS`, optional
        Without it, every object but areas.
    outline : "cell" or "nucleus"
        Which shape an object has that has both.
    plane : "Z" or "Z,T", optional
        Which slice and time point of a stack the images show.
    parts : "apart" or "together", optional
        Whether each part of an outline is an object of its own; without it, those of files that hold all
        cells of a class in one object.

    Raises
    ------
    BadInputError
        If a choice is none, or objects lie on several planes and none of them on the first.
    """
    if objects and objects not in OBJECTS:
        raise UnknownNameError("choice of objects", objects, OBJECTS)
    if outline not in OUTLINES:
        raise UnknownNameError("outline", outline, OUTLINES)
    if parts and parts not in PARTS:
        raise UnknownNameError("choice of parts", parts, PARTS)
    suffixes = _suffixes(path)
    files, _ = annotation_files(path, suffixes, ANNOTATION_FOLDERS)
    found = [read_qupath(file, nucleus=outline == "nucleus") for file in files]
    split = [parts == "apart" or (not parts and holds_classes(one)) for one in found]
    found = [parted(one) if apart else one for one, apart in zip(found, split, strict=True)]
    planes = [_plane(one, plane, str(file)) for one, file in zip(found, files, strict=True)]
    marks = dict(zip(files, _marks(found, objects, planes, nucleus=outline == "nucleus"), strict=True))
    for file, apart in zip(files, split, strict=True):
        if apart and not parts:
            noted = (*marks[file].notes, TAKEN_APART)
            marks[file] = replace(marks[file], notes=noted)

    def parse(file: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
        return marks[file]

    return read_folder(path, images, suffixes=suffixes, parse=parse)


def _suffixes(path: Path) -> tuple[str, ...]:
    """The endings of the GeoJSON files there: ``.json`` only where none has an ending of its own."""
    if not path.is_dir():
        return SUFFIXES if path.name.lower().endswith(SUFFIXES) else ALSO
    try:
        annotation_files(path, SUFFIXES, ANNOTATION_FOLDERS)
    except BadInputError:
        return ALSO
    return SUFFIXES


def cells_of(files: Sequence[QupathFile]) -> list[QupathFile]:
    """Of each file of a set what marks cells, artefacts and ignored regions, and nothing else."""
    return [one.take(rows) for one, rows in zip(files, _kept(files), strict=True)]


def write(path: Path, content: Content) -> list[Left]:
    """Write the annotations of one image, editable in QuPath; nothing is left out."""
    write_qupath(path, content.samples[0].annotations, content.categories)
    return []


def _kept(files: Sequence[QupathFile]) -> list[Bools]:
    """(n,) of each file which objects are no areas, and not to be ignored by the name of their class."""
    drawn = [(one.kind == "annotation") & ~one.own for one in files]
    holds = [held(one.annotations, hand) for one, hand in zip(files, drawn, strict=True)]
    sides = [longer_sides(one.annotations) for one in files]
    found = areas(sides, holds, [_names(one) for one in files], drawn)
    return [~area & ~_starred(one) for one, area in zip(files, found, strict=True)]


def _marks(
    files: Sequence[QupathFile], objects: str, planes: Sequence[Bools], *, nucleus: bool
) -> list[Marks]:
    marks = []
    cells = [np.ones(len(one.own), bool) for one in files] if objects == "all" else _kept(files)
    for one, kept, here in zip(files, cells, planes, strict=True):
        kinds = OBJECTS.get(objects)
        wanted = np.isin(one.kind, kinds) if kinds else np.ones(len(kept), bool)
        left = Counter(f"left out: {word}" for word, n in one.left_out.items() for _ in range(n))
        names, starred = _names(one), _starred(one)
        for row in np.flatnonzero(~(wanted & kept & here)).tolist():
            left[_why(one, row, names[row], wanted=wanted[row], here=here[row], starred=starred[row])] += 1
        left.update({f"left out: the nuclei of {one.nuclei} cells": 0} if one.nuclei and not nucleus else {})
        sure = int(np.isfinite(one.confidence[wanted & kept & here]).sum())
        left.update({UNSURE: sure} if sure else {})
        named = ", ".join(sorted(one.names)[:5])
        left.update({f"objects with a name and no class: {named}": sum(one.names.values())} if named else {})
        chosen = one.take(wanted & kept & here)
        notes = tuple(text if n == 0 else f"{text} ({n})" for text, n in left.items())
        marks.append(
            Marks(
                annotations=chosen.annotations,
                classes=chosen.classes,
                notes=notes,
                confidence=chosen.confidence if sure else np.zeros(0),
                areas=_areas(one, np.flatnonzero(~kept & here), starred),
            )
        )
    return marks


def _areas(one: QupathFile, rows: Ints, starred: Bools) -> tuple[Area, ...]:
    """Those of these objects that somebody drew, with an outline."""
    found = []
    for row in rows[one.kind[rows] == "annotation"].tolist():
        (x, y, radius), rings = one.annotations.circle[row], one.annotations.contour[row]
        if radius > 0:
            rings = (ellipse_ring((x, y), (radius, radius), 0.0),)
        if rings:
            name = one.classes[one.annotations.label[row]][0]
            found.append(Area(name=name, rings=rings, passed_over=bool(starred[row])))
    return tuple(found)


def _why(one: QupathFile, row: int, name: str, *, wanted: bool, here: bool, starred: bool) -> str:
    """Why an object is left out."""
    if not here:
        z, t = one.plane[row].tolist()
        return f"left out: object on another plane of the stack, z {z}, t {t}"
    if not wanted:
        return f"left out: {one.kind[row]}"
    if starred:
        return f"left out: object of the class {name}, which QuPath ignores"
    return f"left out: area of the class {name} that holds other objects"


def _names(one: QupathFile) -> list[str]:
    return [one.classes[label][0] for label in one.annotations.label.tolist()]


def _starred(one: QupathFile) -> Bools:
    ignored = np.array([name.endswith("*") for name, _ in one.classes], bool)
    return ignored[one.annotations.label] & ~one.own


def _plane(one: QupathFile, asked: str, where: str) -> Bools:
    """(n,) which objects lie on the plane that is asked for, else on the first one, else on the only one."""
    there: Ints = np.unique(one.plane, axis=0)
    if asked:
        try:
            wanted = [int(numeral(word)) for word in f"{asked},0".split(",")[:2]]
        except ValueError:
            raise BadInputError("--option plane", expected="Z or Z,T", got=repr(asked)) from None
    elif len(there) > 1 and there.any(axis=1).all():
        shown = "; ".join(f"z {z}, t {t}" for z, t in there[:4].tolist())
        raise BadInputError(
            f"objects on {len(there)} planes of a stack, for one image",
            where=where,
            got=shown,
            remedy="say which one the image shows, as in --option plane=3",
        )
    else:
        wanted = there[0].tolist() if len(there) else [0, 0]
    on: Bools = (one.plane == wanted).all(axis=1)
    return on


CODEC = Codec(
    name="qupath",
    title="QuPath GeoJSON",
    extensions=SUFFIXES,
    layout="image",
    carries=frozenset(
        {Fact.OUTLINE, Fact.RINGS, Fact.CIRCLE, Fact.POINT, Fact.CLASS, Fact.IGNORE, Fact.REGION}
    ),
    read=read,
    write=write,
    choices={
        "objects": "detections, annotations, cells or all; without it, all but areas",
        "outline": "cell or nucleus",
        "plane": "the slice of a stack that the images show: Z or Z,T",
        "parts": "apart or together: whether the parts of an outline are objects of their own",
    },
    as_stored=True,
)

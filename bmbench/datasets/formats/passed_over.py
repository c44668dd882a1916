"""Classes that QuPath passes over, whose name ends in ``*``, in the files of other programs.

QuPath's tables of measurements and what scripts make of its objects (COCO, CSV …) hold them as well. They
mean the same there: ``Ignore*`` is an ignored region, and what has another such class (``Region*``,
``Necrosis*``) is no cell but an area. GeoJSON is read by the rules of `bmbench.datasets.formats.qupath`.
"""

import dataclasses
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from bmbench.core.geometry import ellipse_ring, rectangle
from bmbench.core.types import CELL, Annotations, Bools, Role, Sample
from bmbench.datasets.formats.annotation_folder import relabel
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.marks import Area

IGNORED = "ignore*"


def without_starred(content: Content, declared: Collection[str]) -> Content:
    """The content with areas for the objects of such classes, and notes of what was left out or ignored.

    Classes that the user has `declared` to be of cells or artefacts keep their objects.
    """
    names = [category.name for category in content.categories]
    starred = np.array([name.endswith("*") and name not in declared for name in names], bool)
    if not starred.any():
        return content
    ignored = np.array([name.lower() == IGNORED for name in names], bool) & starred
    kept = np.flatnonzero(~starred)
    categories = tuple(content.categories[row] for row in kept) or (CELL,)
    artefact = np.array([category.artefact for category in categories], bool)
    # Ignored regions are of no class: any will do.
    row_of = np.where(starred, 0, np.cumsum(~starred) - 1)
    samples: list[Sample] = []
    areas, count = dict(content.areas), Counter[str]()
    confidence = dict(content.confidence)
    for sample in content.samples:
        own = sample.annotations
        open_ = own.role != Role.IGNORE
        gone = (starred & ~ignored)[own.label] & open_
        aside = ignored[own.label] & open_
        count.update(names[label] for label in own.label[gone | aside].tolist())
        found = as_areas(own, gone, names, passed_over=True)
        if found:
            areas[sample.image_id] = (*areas.get(sample.image_id, ()), *found)
        role = np.where(aside, int(Role.IGNORE), own.role)
        marked = dataclasses.replace(own, role=role, region=own.region | aside).take(~gone)
        samples.append(dataclasses.replace(sample, annotations=relabel(marked, row_of, artefact)))
        if sample.image_id in confidence:
            confidence[sample.image_id] = confidence[sample.image_id][~gone]
    notes = tuple(
        f"ignored regions: objects of the class {name} ({count[name]:,}); --cell '{name}' says otherwise"
        if name.lower() == IGNORED
        else f"left out: object of the class {name}, which QuPath ignores ({count[name]:,}); "
        f"--cell '{name}' says otherwise"
        for name in sorted(count)
    )
    return dataclasses.replace(
        content,
        samples=tuple(samples),
        categories=categories,
        areas=areas,
        confidence=confidence,
        notes=(*content.notes, *notes),
    )


def as_areas(
    annotations: Annotations, chosen: Bools, names: Sequence[str], *, passed_over: bool
) -> list[Area]:
    """The `chosen` objects (n,) as areas of their classes' `names`; points are none."""
    found = []
    for row in np.flatnonzero(chosen).tolist():
        rings = annotations.contour[row]
        x, y, radius = annotations.circle[row].tolist()
        if not rings:
            round_one = radius > 0
            rings = (
                (ellipse_ring((x, y), (radius, radius), 0.0),)
                if round_one
                else rectangle(*annotations.box[row].tolist())
            )
        found.append(Area(name=names[annotations.label[row]], rings=rings, passed_over=passed_over))
    return found

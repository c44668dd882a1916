"""Regions that somebody annotated on slides: each becomes an image of the data set.

Nobody marks all cells of a slide. A pathologist draws areas and marks the cells in these; on the rest of the
slide nothing can be said of a detection. Which areas are regions:

- with ``regions=NAME``, areas and objects of that class, in whatever format;
- else areas of QuPath's class ``Region*``, whether they hold anything or not, if there are any;
- else areas that hold objects.

Of areas inside each other the inner ones are taken. A whole slide with such areas is cut unasked, a field
of view only with ``regions=areas`` or a name: there, most often, all cells are marked.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.geometry import inner_point, rings_area, rings_box, rings_contain
from bmbench.core.numerals import numeral
from bmbench.core.objects import moved
from bmbench.core.objects import with_regions as with_ignored
from bmbench.core.types import Annotations, Bools, Category, Ints, Role, Sample
from bmbench.datasets.formats.annotation_folder import relabel
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.marks import Area
from bmbench.datasets.formats.passed_over import as_areas
from bmbench.datasets.formats.settle import names_in
from bmbench.datasets.slides.region_images import (
    MARGIN_PX,
    Window,
    outside_region,
    region_pixels,
    region_window,
)
from bmbench.datasets.slides.whole_images import is_image_there, is_slide, pixel_size_of

CHOICES: Mapping[str, str] = {
    "regions": "which areas of slides are the images: areas, no, or names of their classes",
    "margin_px": "pixels around a region that its image shows too, as an ignored region",
}
"""What a user may say about any set with ``--option NAME=VALUE``."""
AREAS, NO = "areas", "no"
_REGION = "region*"
"""QuPath's own class for what shall be looked at."""
_SHOWN = 3


def with_regions(content: Content, choices: Mapping[str, str], *, where: str) -> Content:
    """The set with an image for each region, and notes of the rule and of what lies in no region.

    Raises
    ------
    BadInputError
        If regions are asked for and there is none, or one is too large or outside its slide.
    UnknownNameError
        If a class is asked for that no area and no object has.
    """
    asked = choices.get("regions", "")
    margin = _margin(choices.get("margin_px", ""))
    if asked == NO:
        return content
    names = _names(content, asked) if asked not in ("", AREAS) else ()
    rule, chosen = _chosen(content, names)
    there = [sample for sample in content.samples if chosen[sample.image_id] and _is_there(sample)]
    if asked and not there:
        raise BadInputError(
            "no area for regions on an image that is there",
            where=where,
            expected=f"areas {rule}",
            remedy="draw some, or name their class with --option regions=NAME",
        )
    cut = {sample.image_id for sample in there if asked or is_slide(sample.file, _size(sample))}
    if not cut:
        line = "areas are drawn: --option regions=areas makes an image of each"
        return dataclasses.replace(content, notes=(*content.notes, line)) if there else content
    found = _Cut(content, names, margin)
    for sample in content.samples:
        if sample.image_id in cut:
            found.slide(sample, chosen[sample.image_id])
        elif asked:
            found.left_whole.append(sample)
        else:
            found.keep(sample)
    return found.content(rule)


class _Cut:
    """The images that become of a set's slides, and what is to be said about it."""

    def __init__(self, content: Content, names: Sequence[str], margin: float) -> None:
        self.before, self.margin = content, margin
        used = [row for row, category in enumerate(content.categories) if category.name not in names]
        self.categories: tuple[Category, ...] = tuple(content.categories[row] for row in used)
        self._row_of = np.zeros(len(content.categories), np.int64)
        self._row_of[used] = np.arange(len(used))
        self._of_region = np.array([category.name in names for category in content.categories], bool)
        self._artefact = np.array([category.artefact for category in self.categories], bool)
        self.samples: list[Sample] = []
        self.subsets = dict(content.subsets)
        self.outside: dict[str, int] = {}
        self.left_whole: list[Sample] = []
        self.n_regions, self.n_slides, self.n_outer = 0, 0, 0

    def keep(self, sample: Sample) -> None:
        own = sample.annotations.take(~self._of_region[sample.annotations.label])
        marked = relabel(own, self._row_of, self._artefact)
        self.samples.append(dataclasses.replace(sample, annotations=marked))

    def slide(self, sample: Sample, areas: Sequence[Area]) -> None:
        """Take in an image for each region of a slide, from its top to its bottom."""
        assert sample.file is not None
        inner = _innermost(areas)
        self.n_slides, self.n_outer = self.n_slides + 1, self.n_outer + len(areas) - len(inner)
        objects = sample.annotations.take(~self._of_region[sample.annotations.label])
        objects = relabel(objects, self._row_of, self._artefact)
        um = sample.um_per_px or pixel_size_of(sample.file, within=sample.within)
        stem = str(PurePosixPath(sample.name).with_suffix(""))
        owned = np.zeros(len(objects), bool)
        inner.sort(key=lambda area: rings_box(area.rings)[[1, 0]].tolist())
        for number, area in enumerate(inner, start=1):
            name = f"{stem}_{number:02d}"
            inside = rings_contain(area.rings, objects.xy)
            owned |= inside
            window = region_window(_on_slide(area, sample), _size(sample), self.margin, where=name)
            self.samples.append(
                Sample(
                    image_id=name,
                    name=name,
                    width=window[2] - window[0],
                    height=window[3] - window[1],
                    group=sample.group,
                    annotations=_marked(objects, inside, area, window),
                    load=partial(region_pixels, sample.file, _size(sample), window, white=sample.white),
                    um_per_px=um,
                    white=sample.white,
                )
            )
            if sample.image_id in self.before.subsets:
                self.subsets[name] = self.before.subsets[sample.image_id]
        self.n_regions += len(inner)
        self.subsets.pop(sample.image_id, None)
        left = int((~owned & ~objects.region).sum())
        if left:
            self.outside[sample.name] = left

    def content(self, rule: str) -> Content:
        rule = f"areas {rule} (--option regions=NAME chooses others, regions=no none)"
        images = f"{self.n_regions} areas on {self.n_slides} slides, with {self.margin:g} px around them"
        notes = [f"the images of the set are {images}: {rule}"]
        if self.n_outer:
            notes.append(f"left out: {self.n_outer} areas that hold other regions")
        if self.outside:
            some = ", ".join(f"{name}: {count:,}" for name, count in list(self.outside.items())[:_SHOWN])
            more = len(self.outside) - _SHOWN
            some += f" and on {more} more" if more > 0 else ""
            notes.append(f"left out: {sum(self.outside.values()):,} objects in no region ({some})")
        if self.left_whole:
            some = ", ".join(sample.name for sample in self.left_whole[:_SHOWN])
            lost = sum(len(sample.annotations) for sample in self.left_whole)
            notes.append(
                f"left out: {len(self.left_whole)} images without a region, with {lost:,} objects ({some})"
            )
        return dataclasses.replace(
            self.before,
            samples=tuple(self.samples),
            categories=self.categories,
            subsets=self.subsets,
            notes=(*self.before.notes, *notes),
            confidence={},
            areas={},
        )


def _chosen(content: Content, names: Sequence[str]) -> tuple[str, dict[object, list[Area]]]:
    """The rule in words, and the regions of every image by it."""
    drawn = [area for areas in content.areas.values() for area in areas]
    of_region = any(area.name.lower() == _REGION for area in drawn)
    rule = "that hold objects"
    if names:
        rule = f"of the class {', '.join(names)}"
    elif of_region:
        rule = "of the class Region*"
    chosen: dict[object, list[Area]] = {}
    for sample in content.samples:
        areas = list(content.areas.get(sample.image_id, ()))
        if names:
            areas = [area for area in areas if area.name in names]
            own, words = sample.annotations, [category.name for category in content.categories]
            named = np.isin(own.label, [row for row, word in enumerate(words) if word in names])
            areas += as_areas(own, np.asarray(named, bool), words, passed_over=False)
        elif of_region:
            areas = [area for area in areas if area.name.lower() == _REGION]
        else:
            areas = [area for area in areas if not area.passed_over]
        chosen[sample.image_id] = [area for area in areas if rings_area(area.rings) > 0]
    return rule, chosen


def _names(content: Content, asked: str) -> tuple[str, ...]:
    known = [category.name for category in content.categories]
    known += [area.name for areas in content.areas.values() for area in areas]
    names = names_in(asked, known)
    for name in names:
        if name not in known:
            raise UnknownNameError("class of regions", name, tuple(dict.fromkeys((*known, AREAS, NO))))
    return names


def _innermost(areas: Sequence[Area]) -> list[Area]:
    """The areas that hold no other one."""
    size = [rings_area(area.rings) for area in areas]
    places = np.array([inner_point(area.rings[0]) for area in areas])
    kept = []
    for row, area in enumerate(areas):
        held = rings_contain(area.rings, places).tolist()
        if not any(held[other] and size[other] < size[row] for other in range(len(areas))):
            kept.append(area)
    return kept


def _on_slide(area: Area, sample: Sample) -> tuple[np.ndarray, ...]:
    box = rings_box(area.rings)
    if (box[:2] >= _size(sample)).any() or (box[2:] <= 0).any():
        raise BadInputError(
            "a region outside its slide",
            where=f"{sample.name}, area of the class {area.name}",
            expected=f"inside {sample.width} × {sample.height} px",
            got=", ".join(f"{edge:.0f}" for edge in box.tolist()),
            remedy="export the objects of this very slide",
        )
    return area.rings


def _marked(objects: Annotations, inside: Bools, area: Area, window: Window) -> Annotations:
    """The objects of a region in pixels of its image; those seen whole around it are there, and ignored."""
    low, high = np.array(window[:2]), np.array(window[2:])
    whole = ((objects.box[:, :2] >= low) & (objects.box[:, 2:] <= high)).all(axis=1)
    rows: Ints = np.flatnonzero(inside | whole)
    some = moved(objects.take(rows), -low.astype(np.float64))
    role = np.where(inside[rows], some.role, int(Role.IGNORE))
    return with_ignored(dataclasses.replace(some, role=role), outside_region(area.rings, window))


def _size(sample: Sample) -> tuple[int, int]:
    return sample.width, sample.height


def _is_there(sample: Sample) -> bool:
    return sample.file is not None and is_image_there(sample.file)


def _margin(text: str) -> float:
    try:
        margin = float(numeral(text) or MARGIN_PX)
    except ValueError:
        margin = math.nan
    if not 0 <= margin <= 1e6:
        raise BadInputError("--option margin_px", expected="a number from 0 on", got=repr(text[:40]))
    return margin

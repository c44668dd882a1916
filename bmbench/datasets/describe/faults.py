"""Faults of annotations and images, found by looking; each is one sentence with names and numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bmbench.core.dataset import Picture, Split, Subset
from bmbench.core.geometry import box_iou, rings_box
from bmbench.core.spatial_index import iou_reach, near_boxes
from bmbench.core.types import Annotations, Category, Floats, Ints, Rings, Role, Sample
from bmbench.datasets.formats.ring_nesting import parts_with_holes
from bmbench.datasets.reading.picture_copies import FLAT_SHARE, alike, in_part, same
from bmbench.datasets.splits.leakage import copies_apart, leaks

DUPLICATE_IOU = 0.8
"""Two boxes of one class that overlap more mark one object twice."""
USUAL = 0.8
"""A class that this share of the images has is missed where it is absent."""
OUTSIDE_PX = 1.0
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault: what it is, how often, and where (the first few places)."""

    kind: str
    count: int
    text: str


def find_faults(split: Split, pictures: Sequence[Picture]) -> tuple[Fault, ...]:
    """What is wrong, or looks wrong, in a data set; the gravest first."""
    samples = [sample for part in split.samples.values() for sample in part]
    found = [
        *_leaks(split.samples, pictures),
        _fault("left out or assumed in reading", list(split.faults)),
        _fault("same pixels", [f"{a} and {b}" for a, b in same(pictures)]),
        _fault("nearly the same picture", _pairs(split.samples, pictures, alike(pictures))),
        _fault("parts of one field", _pairs(split.samples, pictures, in_part(pictures))),
        _fault("objects without extent", list(_empty_boxes(samples, split.categories))),
        outside(samples, split.categories),
        *in_parts(samples, split.categories),
        _fault("shape reaches over the edge of the image", list(_over_the_edge(samples, split.categories))),
        _fault("marked twice", list(_duplicates(samples, split.categories))),
        _fault("images without any object", [s.name for s in samples if not len(s.annotations)]),
        *_absent_classes(samples, split.categories),
        _fault("part of an image of one colour", list(_flat(pictures))),
    ]
    return tuple(fault for fault in found if fault is not None)


def outside(samples: Sequence[Sample], categories: Sequence[Category]) -> Fault | None:
    """The objects whose centre does not lie on their image; None for nothing."""
    return _fault("centre outside the image", list(_outside(samples, categories)))


def in_parts(samples: Sequence[Sample], categories: Sequence[Category]) -> list[Fault]:
    """Objects whose parts lie further apart than they are large, and masks that nobody labelled.

    Both come from label images: a stray pixel with the number of a cell, and one number for all cells.
    """
    unlabelled, scattered = [], []
    for sample in samples:
        shapes = sample.annotations.contour
        parts = {row: _parts(shapes[row]) for row in np.flatnonzero(~sample.annotations.region).tolist()}
        rows = [row for row, boxes in parts.items() if len(boxes) > 1 and _lie_apart(boxes)]
        if rows and len(rows) == len(parts):
            total = sum(map(len, parts.values()))
            unlabelled.append(f"{sample.name}: {len(rows)} for {total} parts that lie apart")
        else:
            scattered += [_place(sample, row, categories) for row in rows]
    found = [
        _fault("masks that nobody labelled: every number stands for several parts", unlabelled),
        _fault("parts further apart than they are large", scattered),
    ]
    return [fault for fault in found if fault is not None]


def _parts(rings: Rings) -> Floats:
    """(k, 4) the box of each part of an outline, holes left out."""
    if len(rings) < 2:
        return np.zeros((len(rings), 4))
    return np.array([rings_box((part[0],)) for part in parts_with_holes(rings)])


def _lie_apart(boxes: Floats) -> bool:
    """Whether one of the boxes is nearer to none of the others than the smaller of both is large."""
    gap = np.maximum(boxes[:, None, :2] - boxes[None, :, 2:], boxes[None, :, :2] - boxes[:, None, 2:])
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    apart = np.clip(gap, 0, None).max(axis=2) > np.minimum(side[:, None], side[None])
    return bool((apart | np.eye(len(boxes), dtype=bool)).all(axis=1).any())


def left_to_other_annotators(split: Split, variant: Split, name: str) -> Fault | None:
    """What another set of annotations of the same pixels marks as objects to be ignored; None for nothing."""
    counts = [f"{sample.name}: {n} beside {len(own)}" for own, sample, n in _added(split, variant) if n > 0]
    total = sum(n for _, _, n in _added(split, variant))
    if not total:
        return None
    return Fault(
        kind="cells that are not marked",
        count=total,
        text=f"{name}, a later annotation of the same pixels, has {total} more ({_some(counts)})",
    )


def duplicate_pairs(images: Sequence[Annotations]) -> Ints:
    """(m, 3) image and two rows on it: objects of one class that overlap by more than `DUPLICATE_IOU`."""
    objects = [np.flatnonzero(~one.region) for one in images]
    image = np.repeat(np.arange(len(images)), [len(rows) for rows in objects])
    row = np.concatenate([np.zeros(0, np.int64), *objects])
    box = np.concatenate(
        [np.zeros((0, 4)), *(one.box[rows] for one, rows in zip(images, objects, strict=True))]
    )
    label = np.concatenate(
        [np.zeros(0, np.int64), *(one.label[rows] for one, rows in zip(images, objects, strict=True))]
    )
    # All images together: for each by itself the search takes longer to set up than to make.
    pairs = near_boxes(box, box, partial(iou_reach, iou=DUPLICATE_IOU), images=(image, image))
    a, b = pairs[pairs[:, 0] < pairs[:, 1]].T
    twice = (box_iou(box[a], box[b]) > DUPLICATE_IOU) & (label[a] == label[b])
    a, b = a[twice], b[twice]
    order = np.lexsort((b, a))
    return np.column_stack([image[a], row[a], row[b]])[order]


def _added(split: Split, variant: Split) -> list[tuple[Annotations, Sample, int]]:
    own = {s.image_id: s for part in split.samples.values() for s in part}
    other = [s for part in variant.samples.values() for s in part]
    return [
        (own[s.image_id].annotations, s, int((s.annotations.role == Role.IGNORE).sum()))
        for s in other
        if s.image_id in own
    ]


def _leaks(samples: Mapping[Subset, Sequence[Sample]], pictures: Sequence[Picture]) -> Iterator[Fault | None]:
    torn: list[str] = []
    if pictures:
        ids = (sample.image_id for part in samples.values() for sample in part)
        seen = dict(zip(ids, pictures, strict=True))
        torn = [f"{a} ({one}) and {b} ({other})" for a, one, b, other, _ in copies_apart(samples, seen)]
    yield _fault("in two subsets", [*leaks(samples), *torn])


def _pairs(
    samples: Mapping[Subset, Sequence[Sample]], pictures: Sequence[Picture], rows: Sequence[tuple[int, int]]
) -> list[str]:
    """Pairs of images, each with its subset where these differ."""
    subsets = [subset for subset, part in samples.items() for _ in part]
    found = []
    for a, b in rows:
        one, other = (f" ({subsets[row]})" if subsets[a] != subsets[b] else "" for row in (a, b))
        found.append(f"{pictures[a].name}{one} and {pictures[b].name}{other}")
    return found


def _empty_boxes(samples: Sequence[Sample], categories: Sequence[Category]) -> Iterator[str]:
    for sample in samples:
        size = sample.annotations.box[:, 2:] - sample.annotations.box[:, :2]
        for row in np.flatnonzero((size <= 1).any(axis=1) & (sample.annotations.circle[:, 2] <= 0)):
            yield _place(sample, int(row), categories)


def _outside(samples: Sequence[Sample], categories: Sequence[Category]) -> Iterator[str]:
    for sample in samples:
        xy, size = sample.annotations.xy, np.array([sample.width, sample.height])
        for row in np.flatnonzero(((xy < 0) | (xy > size)).any(axis=1)):
            yield _place(sample, int(row), categories)


def _over_the_edge(samples: Sequence[Sample], categories: Sequence[Category]) -> Iterator[str]:
    """Circles around cells at the edge reach over it by nature; outlines and boxes do not."""
    for sample in samples:
        box, size = sample.annotations.box, np.array([sample.width, sample.height])
        beyond = (box[:, :2] < -OUTSIDE_PX).any(axis=1) | (box[:, 2:] > size + OUTSIDE_PX).any(axis=1)
        for row in np.flatnonzero(beyond & (sample.annotations.circle[:, 2] <= 0)):
            yield _place(sample, int(row), categories)


def _duplicates(samples: Sequence[Sample], categories: Sequence[Category]) -> Iterator[str]:
    for image, row, _ in duplicate_pairs([sample.annotations for sample in samples]).tolist():
        yield _place(samples[image], row, categories)


def _absent_classes(samples: Sequence[Sample], categories: Sequence[Category]) -> Iterator[Fault | None]:
    marked = [sample for sample in samples if len(sample.annotations)]
    for label, category in enumerate(categories):
        has = [bool((sample.annotations.label == label).any()) for sample in marked]
        if len(categories) > 1 and sum(has) >= USUAL * len(has) and not all(has):
            names = [sample.name for sample, there in zip(marked, has, strict=True) if not there]
            share = f"{100 * sum(has) / len(has):.0f} % of the images have it"
            yield _fault(f"images without {category.name}, perhaps not marked ({share})", names)


def _flat(pictures: Sequence[Picture]) -> Iterator[str]:
    for picture in pictures:
        share, colour = picture.flat
        if share >= FLAT_SHARE:
            yield f"{picture.name}: {100 * share:.0f} % is exactly {colour}"


def _fault(kind: str, places: list[str]) -> Fault | None:
    return Fault(kind=kind, count=len(places), text=_some(places)) if places else None


def _place(sample: Sample, row: int, categories: Sequence[Category]) -> str:
    x, y = sample.annotations.xy[row]
    return f"{sample.name}: {categories[sample.annotations.label[row]].name} at ({x:.1f}, {y:.1f})"


def _some(places: Sequence[str]) -> str:
    more = f"; and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return "; ".join(places[:_SHOWN]) + more

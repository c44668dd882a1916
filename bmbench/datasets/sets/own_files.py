"""A user's own images, with annotations in any format that bmbench reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bmbench.core.dataset import SUBSETS, Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.errors import BadInputError
from bmbench.core.objects import mean_cell_diameter
from bmbench.core.types import Role, Sample
from bmbench.datasets.formats.coco.codec import annotation_file
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.recognise import read_any, sniff, split_name
from bmbench.datasets.reading.images import check_size
from bmbench.datasets.sets.options import choice, positive
from bmbench.datasets.splits.balanced import split_samples

OPTIONS = ("radius_px", "split_by")
"""Options of every user's set, beside what may be said about its files."""


def own_dataset(name: str, images: Path | None = None, options: Mapping[str, str] | None = None) -> Dataset:
    """The data set of a file or folder, ``PATH`` or ``FORMAT:PATH``.

    Images lie beside the annotations, in ``images`` beside them, or in the folder that `images` and
    `LoadRequest.data` name. Where the files say which subset an image is in, that holds; if none does, the
    split is computed (seeded, classes balanced, groups whole unless ``split_by=image``). The matching radius
    is a third of the mean cell diameter, unless the option ``radius_px`` says otherwise.

    Raises
    ------
    BadInputError
        If there is no such file, it is in no known format, or holds no cell.
    """
    named, path = split_name(name)
    content = read_own(name, images, options or {})
    if path.is_dir() and (named or sniff(path)) == "coco":
        path = annotation_file(path)
    diameter = mean_cell_diameter(sample.annotations for sample in content.samples)
    if diameter is None:
        raise BadInputError("no cell is annotated", where=str(path), remedy=_why_no_cell(content))
    if diameter == 0:
        raise BadInputError(
            "cells are points without a size",
            where=str(path),
            remedy="give them a radius, as bmbench datasets weaken --radius-px does",
        )
    card = DatasetCard(
        name=split_name(name)[1].stem,
        title=f"images of {path.name}",
        modality="not stated",
        annotation=_kind(content.samples),
        licence="not stated",
        citation="not stated",
        radius_px=round(diameter / 3, 1),
        source=str(path),
    )

    def load(request: LoadRequest) -> Split:
        return _load(name, card, request)

    return Dataset(card=card, load=load)


def read_own(name: str, images: Path | None, options: Mapping[str, str]) -> Content:
    """Every image of a file or folder, read as the options say."""
    choices = {option: text for option, text in options.items() if option not in OPTIONS}
    return read_any(name, images, choices=choices)


def _load(name: str, card: DatasetCard, request: LoadRequest) -> Split:
    content = read_own(name, request.data, request.options)
    for sample in content.samples:
        if sample.file is not None:
            check_size(sample.file, (sample.width, sample.height), within=sample.within)
    unplaced = [sample.name for sample in content.samples if sample.image_id not in content.subsets]
    if content.subsets and unplaced:
        raise BadInputError(
            f"image {unplaced[0]} has no 'split'",
            where=name,
            expected=f"one of {', '.join(SUBSETS)} in every image record, or in none",
        )
    if unplaced:
        whole_groups = choice(request, "split_by", "group", ("group", "image")) == "group"
        samples = split_samples(
            content.samples, n_classes=len(content.categories), seed=request.seed, whole_groups=whole_groups
        )
    else:
        samples = {
            subset: tuple(s for s in content.samples if content.subsets[s.image_id] == subset)
            for subset in SUBSETS
        }
    return Split(
        samples=samples,
        radius_px=positive(request, "radius_px", card.radius_px),
        categories=content.categories,
        faults=content.notes,
    )


def _kind(samples: Sequence[Sample]) -> str:
    """What most objects have: contours, circles or only boxes."""
    parts = [sample.annotations for sample in samples]
    total = sum(len(part) for part in parts)
    if 2 * sum(bool(rings) for part in parts for rings in part.contour) > total:
        return "contours"
    if 2 * sum(int((part.circle[:, 2] > 0).sum()) for part in parts) > total:
        return "circles"
    return "boxes"


def _why_no_cell(content: Content) -> str:
    if any(sample.annotations.region.any() for sample in content.samples):
        return "objects with iscrowd 1 are ignored regions, which some programs write for every mask"
    if any((sample.annotations.role == Role.ARTEFACT).any() for sample in content.samples):
        return "every category has the supercategory artefact"
    return "annotate at least one"

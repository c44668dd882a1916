"""A user's own images, with annotations in any format that bmbench reads."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from bmbench.core.dataset import SUBSETS, Dataset, DatasetCard, LoadRequest, Split, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.objects import mean_cell_diameter
from bmbench.core.progress import Silent
from bmbench.core.types import Role, Sample
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.layout import find_layout
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.reading.picture_copies import MOST_ALIKE
from bmbench.datasets.sets.options import choice, positive
from bmbench.datasets.slides.whole_images import check_whole
from bmbench.datasets.splits.balanced import split_samples
from bmbench.datasets.splits.dealing import dealt_out
from bmbench.datasets.splits.leakage import pictures_of, units_of

OPTIONS = ("radius_px", "split_by")
"""Options of every user's set, beside what may be said about its files."""


def own_dataset(name: str, images: Path | None = None, options: Mapping[str, str] | None = None) -> Dataset:
    """The data set of a file or folder, ``PATH`` or ``FORMAT:PATH``.

    Images lie beside the annotations, in ``images`` beside them, or in the folder that `images` and
    `LoadRequest.data` name. Where its maker says which subset an image is in, that holds; if nobody does, the
    split is computed (seeded, classes balanced, groups whole unless ``split_by=image``). The matching radius
    is a third of the mean cell diameter, unless the option ``radius_px`` says otherwise.

    Raises
    ------
    BadInputError
        If there is no such file, it is in no known format, or holds no cell.
    """
    content = read_own(name, images, options or {})
    layout = find_layout(name)
    path = layout.parts[0].path if len(layout.parts) == 1 else layout.root
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
        name=layout.root.stem,
        title=f"images of {path.name}",
        modality="not stated",
        annotation=_kind(content.samples),
        licence="not stated",
        citation="not stated",
        radius_px=round(diameter / 3, 1),
        source=str(path),
    )

    def load(request: LoadRequest) -> Split:
        # The same files, said to be read in the same way, are not read twice.
        same = request.data == images and _choices(request.options) == _choices(options or {})
        return _load(name, card, request, content if same else read_own(name, request.data, request.options))

    return Dataset(card=card, load=load)


def read_own(name: str, images: Path | None, options: Mapping[str, str]) -> Content:
    """Every image of a file or folder, read as the options say."""
    return read_any(name, images, choices=_choices(options))


def _choices(options: Mapping[str, str]) -> dict[str, str]:
    """What is said about the files."""
    return {option: text for option, text in options.items() if option not in OPTIONS}


def _load(name: str, card: DatasetCard, request: LoadRequest, content: Content) -> Split:
    for sample in content.samples:
        if sample.file is not None:
            check_whole(sample.file, (sample.width, sample.height), within=sample.within)
    samples, faults, source = _split(content, name, request)
    return Split(
        samples=samples,
        radius_px=positive(request, "radius_px", card.radius_px),
        categories=content.categories,
        faults=(*content.notes, *faults),
        split_from=source,
    )


def _split(
    content: Content, name: str, request: LoadRequest
) -> tuple[Mapping[Subset, tuple[Sample, ...]], tuple[str, ...], str]:
    """The samples by subset, what was left out, and in words where the split comes from."""
    by = choice(request, "split_by", "group", ("group", "image", "none"))
    if by == "none":
        nothing: dict[Subset, tuple[Sample, ...]] = dict.fromkeys(SUBSETS, ())
        return nothing | {"test": content.samples}, (), "not split: all images stand under test"
    whole_groups = by == "group"
    n_classes = len(content.categories)
    stated = {content.subsets[s.image_id] for s in content.samples if s.image_id in content.subsets}
    if not stated or stated == {"train"}:
        kept, copies = _copies_together(content.samples, request, whole_groups=whole_groups)
        samples = split_samples(
            kept, n_classes=n_classes, seed=request.seed, whole_groups=whole_groups or copies > 0
        )
        unit = "groups" if whole_groups else "images"
        only = f"; {content.split_from} states training images alone" if stated else ""
        faults = (f"{copies} images are copies of others and stay with them",) if copies else ()
        return _themselves(samples, content), faults, f"computed, seed {request.seed}, whole {unit}{only}"
    unplaced = [sample.name for sample in content.samples if sample.image_id not in content.subsets]
    if unplaced and content.split_from == "its annotation files":
        raise BadInputError(
            f"image {unplaced[0]} has no 'split'",
            where=name,
            expected=f"one of {', '.join(SUBSETS)} in every image record, or in none",
        )
    faults = (
        (f"{len(unplaced)} images are in none of the maker's subsets ({unplaced[0]}, …)",) if unplaced else ()
    )
    parts = {
        subset: tuple(s for s in content.samples if content.subsets.get(s.image_id) == subset)
        for subset in SUBSETS
    }
    kept, _ = _copies_together(content.samples, request, whole_groups=True)
    place = {sample.image_id: sample for sample in kept}
    together = {subset: [place[sample.image_id] for sample in part] for subset, part in parts.items()}
    samples, dealt = dealt_out(together, n_classes)
    return (
        _themselves(samples, content),
        faults,
        f"the maker's, from {content.split_from}" + (f"; {dealt}" if dealt else ""),
    )


def _copies_together(
    samples: Sequence[Sample], request: LoadRequest, *, whole_groups: bool
) -> tuple[Sequence[Sample], int]:
    """The samples in groups that hold all copies of a picture as well, and how many are copies.

    What has no copies is returned as it is. Of more images than are compared anywhere none is looked at.
    """
    if len(samples) > MOST_ALIKE:
        return samples, 0
    pictures = request.look(samples) if request.look else pictures_of(samples, Silent())
    copies = len(samples) - len(set(units_of(samples, pictures, whole_groups=False)))
    if not copies:
        return samples, 0
    units = units_of(samples, pictures, whole_groups=whole_groups)
    joined = zip(samples, units, strict=True)
    return [dataclasses.replace(sample, group=f"unit {unit:06d}") for sample, unit in joined], copies


def _themselves(
    parts: Mapping[Subset, Sequence[Sample]], content: Content
) -> Mapping[Subset, tuple[Sample, ...]]:
    """The same images with the groups that they have."""
    own = {sample.image_id: sample for sample in content.samples}
    return {subset: tuple(own[sample.image_id] for sample in part) for subset, part in parts.items()}


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

"""`bmbench datasets split`: subsets of given sizes, written down, with the proof that they are apart."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.numerals import numeral
from bmbench.core.progress import Progress
from bmbench.core.types import ImageId, Sample
from bmbench.datasets.exchange.weaken_files import write_beside
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.splits.balanced import FRACTIONS, Balance, balance, balanced_split
from bmbench.datasets.splits.leakage import pictures_of, refuse_leaks, units_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """How to split.

    Attributes
    ----------
    sizes : four numbers
        Images of train, validation, optimisation and test, or their shares.
    by : "group" or "image"
        What stays whole. Images with the same pixels always stay together.
    """

    sizes: tuple[float, ...] = FRACTIONS
    by: Literal["group", "image"] = "group"
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SplitResult:
    """The set with its subsets, the balance table, and what was joined because it is one picture."""

    content: Content
    table: tuple[Balance, ...]
    notes: tuple[str, ...]


def split_content(content: Content, plan: SplitPlan, progress: Progress) -> SplitResult:
    """The images in four subsets; the same for the same seed, in whatever order the images come.

    Raises
    ------
    BadInputError
        If the sizes do not add up to the images, or fewer than four units are there to be dealt out.
    """
    samples = sorted(content.samples, key=lambda sample: (sample.name, str(sample.image_id)))
    _check_sizes(plan.sizes, len(samples))
    pictures = pictures_of(samples, progress)
    units = units_of(samples, pictures, whole_groups=plan.by == "group")
    if max(units, default=-1) + 1 < len(SUBSETS):
        kind = "groups" if plan.by == "group" else "different images"
        raise BadInputError(
            f"{max(units, default=-1) + 1} {kind} cannot be split into {len(SUBSETS)} subsets",
            remedy="choose --by image" if plan.by == "group" else "add images",
        )
    n_classes = len(content.categories)
    counts = np.array([np.bincount(s.annotations.label, minlength=n_classes) for s in samples], np.float64)
    chosen = balanced_split(counts, np.array(units, np.int64), seed=plan.seed, fractions=plan.sizes)
    subsets: dict[ImageId, Subset] = {
        sample.image_id: SUBSETS[number] for sample, number in zip(samples, chosen.tolist(), strict=True)
    }
    split = dataclasses.replace(content, subsets=subsets)
    parts = by_subset(split)
    refuse_leaks(_ungrouped(parts) if plan.by == "image" else parts, pictures, "the new split")
    copies = len(samples) - len(set(units_of(samples, pictures, whole_groups=False)))
    notes = (f"{copies} images are copies of others, or nearly, and stay with them",) if copies else ()
    return SplitResult(content=split, table=balance(parts, n_classes), notes=notes)


def write_split(path: Path, result: SplitResult) -> tuple[str, ...]:
    """Write a split set as a COCO file, whose image records name their subset; see `write_beside`."""
    return write_beside(path, result.content)


def check_split(content: Content, progress: Progress, where: str) -> tuple[Balance, ...]:
    """The balance table of a set whose files say the subsets.

    Raises
    ------
    BadInputError
        If an image has no subset, or two subsets share a group or a picture: names them.
    """
    missing = [sample.name for sample in content.samples if sample.image_id not in content.subsets]
    if missing or not content.samples:
        raise BadInputError(
            f"{len(missing)} images have no subset", where=where, got=", ".join(missing[:5]) or "no image"
        )
    parts = by_subset(content)
    refuse_leaks(parts, pictures_of(content.samples, progress), where)
    return balance(parts, len(content.categories))


def by_subset(content: Content) -> Mapping[Subset, tuple[Sample, ...]]:
    """The images of each subset, in their order."""
    return {
        subset: tuple(s for s in content.samples if content.subsets[s.image_id] == subset)
        for subset in SUBSETS
    }


def parse_sizes(text: str) -> tuple[float, ...]:
    """Four numbers from text such as ``57,11,11,22``; BadInputError otherwise."""
    try:
        sizes = tuple(float(numeral(word)) for word in text.split(","))
    except ValueError:
        sizes = ()
    if len(sizes) != len(SUBSETS) or not all(0 < size < 1e9 for size in sizes):
        raise BadInputError(
            f"--sizes {text!r}", expected="four numbers above 0: train, validation, optimisation, test"
        )
    return sizes


def _check_sizes(sizes: Sequence[float], n: int) -> None:
    """Sizes that are images (whole, more than 100 in all or as many as there are) must add up."""
    total = sum(sizes)
    counts = all(float(size).is_integer() for size in sizes) and round(total) != 100
    if counts and total > 1 and total != n:
        raise BadInputError(
            f"sizes of {total:g} images for {n}", remedy="give sizes that add up, or shares of 100 or of 1"
        )


def _ungrouped(parts: Mapping[Subset, Sequence[Sample]]) -> Mapping[Subset, tuple[Sample, ...]]:
    return {
        subset: tuple(dataclasses.replace(sample, group=str(sample.image_id)) for sample in samples)
        for subset, samples in parts.items()
    }

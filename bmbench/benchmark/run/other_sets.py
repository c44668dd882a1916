"""Images of other sets than a run's own, found and read, and the scale at which its detector sees them."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.benchmark.protocol.image_scale import scale
from bmbench.benchmark.protocol.other_sets import OtherSet, refuse_namesakes
from bmbench.core.dataset import DatasetCard
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Progress
from bmbench.core.types import Category, Sample
from bmbench.metrics.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OtherImages:
    """Images of another set, found and read once."""

    wish: OtherSet
    card: DatasetCard
    samples: tuple[Sample, ...]
    categories: tuple[Category, ...]
    protocol: Protocol
    data_hash: str

    def facts(self) -> dict[str, Any]:
        """What a run's records say about it."""
        return {
            "asked": str(self.wish),
            "dataset": self.card.name,
            "options": dict(self.wish.options),
            "images": len(self.samples),
            "data_hash": self.data_hash,
        }


def find_places(
    wishes: Sequence[OtherSet],
    *,
    own: str,
    own_data: Path | None,
    learned: Callable[[], Collection[str]],
    seed: int,
    progress: Progress,
) -> tuple[OtherImages, ...]:
    """The images that are asked for; every one is read once, so that a bad one is found early.

    Parameters
    ----------
    own, own_data
        Name of the run's own data set and its folder, which other choices of the same set lie in too.
    learned : () → names of images
        Those of its own set that the detector has seen; asked for where a place may share them.
    seed : int
        The run's: where a set has no split of its own, it is the same as there.

    Raises
    ------
    BadInputError
        If a set cannot be read, is named twice, has no such image, or holds images that the run learned from.
    """
    refuse_namesakes(wishes)
    places = [_find(wish, own=own, own_data=own_data, seed=seed, progress=progress) for wish in wishes]
    for place in places:
        if related(place.card, own):
            refuse_seen(place, learned())
    return tuple(places)


def refuse_seen(place: OtherImages, learned: Collection[str]) -> None:
    """Nothing, or a BadInputError where a detector has learned from images of these names."""
    seen = [sample.name for sample in place.samples if sample.name in learned]
    if seen:
        raise BadInputError(
            f"--test-on {place.wish.name}: the detector has learned from {seen[0]}",
            got=f"{len(seen)} of {len(place.samples)} images",
            remedy="test on its test subset, with the same choices of the split",
        )


def working_factor(
    um_per_px: float | None,
    *,
    cell_px: float | None,
    trained_um: float | None,
    trained_cell_px: float | None,
) -> tuple[float, str]:
    """By what an image is resized before the detector sees it, and what that rests on.

    The stated diameter of its cells goes before pixel sizes: tissues differ in more than the scanner.
    Without either the image stays as it is.

    Raises
    ------
    BadInputError
        If a diameter is stated and the run does not know that of its own cells.
    """
    if cell_px is not None:
        if trained_cell_px is None:
            raise BadInputError(
                "the run does not know how large its own cells were",
                remedy="leave cell_px out, or train anew",
            )
        return trained_cell_px / cell_px, "cell diameter"
    if um_per_px is None or trained_um is None:
        return 1.0, "unchanged: pixel size unknown"
    return scale(um_per_px, trained_um), "pixel size"


def related(card: DatasetCard, own: str) -> bool:
    """Whether a set may have images of the data set `own`: it is that one, or other annotations of it."""
    from bmbench.datasets import DATASETS

    others = DATASETS.get(own).card.also_scored_as if own in DATASETS else ()
    return card.name == own or card.name in others or own in card.also_scored_as


def _find(wish: OtherSet, *, own: str, own_data: Path | None, seed: int, progress: Progress) -> OtherImages:
    from bmbench.core.dataset import LoadRequest
    from bmbench.datasets import DATASETS, open_dataset
    from bmbench.datasets.describe.data_hash import DataHash
    from bmbench.metrics.protocol import PROTOCOLS

    dataset = open_dataset(wish.dataset, data=wish.data, options=wish.options)
    shared = own_data if wish.data is None and dataset.card.name == own else wish.data
    request = LoadRequest(data=shared, seed=seed, options=wish.options)
    if wish.dataset in DATASETS or wish.use == "test":
        split = dataset.load(request)
        parts = split.samples.values() if wish.use == "all" else [split.samples["test"]]
        samples = tuple(sample for part in parts for sample in part)
        categories, radius_px = split.categories, split.radius_px
    else:
        samples, categories, radius_px = _of_file(wish, dataset.card, request)
    if not samples:
        raise BadInputError(f"--test-on {wish.name}: no image", remedy="choose use=all")
    digest = DataHash(categories)
    stage = progress.track(samples, description=f"Reading {wish.name}", total=len(samples))
    for sample in stage:
        # Decoded, so that a damaged one is found before any work is done.
        digest.add(sample, sample.load())
    return OtherImages(
        wish=wish,
        card=dataset.card,
        samples=samples,
        categories=categories,
        protocol=dataclasses.replace(PROTOCOLS[dataset.card.protocol], radius_px=radius_px),
        data_hash=digest.hexdigest(),
    )


def _of_file(
    wish: OtherSet, card: DatasetCard, request: Any
) -> tuple[tuple[Sample, ...], tuple[Category, ...], float]:
    """Samples, categories and matching radius of a user's own file: a set may be too small to be split."""
    from bmbench.datasets.sets.options import positive
    from bmbench.datasets.sets.own_files import read_own

    content = read_own(wish.dataset, request.data, request.options)
    tested = tuple(s for s in content.samples if content.subsets.get(s.image_id) == "test")
    chosen = content.samples if wish.use == "all" or not content.subsets else tested
    return tuple(chosen), content.categories, positive(request, "radius_px", card.radius_px)

"""A maker's split of two or three subsets made one of four: what a run needs beside it is dealt out.

No image of the maker's test subset leaves it and none comes in: what others have scored stays what is scored.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.types import Sample
from bmbench.datasets.splits.balanced import FRACTIONS, balanced_split

_LEARNING: tuple[Subset, ...] = ("train", "validation", "optimisation")


def dealt_out(
    stated: Mapping[Subset, Sequence[Sample]], n_classes: int
) -> tuple[Mapping[Subset, tuple[Sample, ...]], str]:
    """The four subsets of a run, and in words what was dealt out; an empty text for nothing.

    Validation images are halved into validation and optimisation images. Where a maker has no test images,
    the validation images are the test images; validation and optimisation images then come out of the
    training images. Groups stay whole, classes are balanced, and nothing depends on a seed.
    """
    parts = {subset: tuple(stated.get(subset, ())) for subset in SUBSETS}
    if parts["optimisation"] or not parts["train"]:
        return parts, ""
    said = []
    if not parts["test"] and parts["validation"]:
        parts["test"], parts["validation"] = parts["validation"], ()
        said.append("its validation images are the test images, for it has no others")
    if parts["validation"]:
        halves: tuple[Subset, ...] = ("validation", "optimisation")
        parts |= _deal(parts["validation"], halves, (1.0, 1.0), n_classes)
        said.append("its validation images are dealt out to validation and optimisation")
    elif parts["test"]:
        parts |= _deal(parts["train"], _LEARNING, FRACTIONS[:3], n_classes)
        said.append("validation and optimisation images are dealt out of its training images")
    return parts, "; ".join(said)


def _deal(
    samples: Sequence[Sample], subsets: Sequence[Subset], shares: Sequence[float], n_classes: int
) -> dict[Subset, tuple[Sample, ...]]:
    """The samples in these subsets, groups whole; the last subset gets all where there is one group alone."""
    ordered = sorted(samples, key=lambda sample: (sample.name, str(sample.image_id)))
    units = np.unique([sample.group for sample in ordered], return_inverse=True)[1].ravel()
    n_units = int(units.max()) + 1
    if n_units < len(subsets):
        own = subsets[-1] if len(subsets) == 2 else subsets[0]
        return {subset: tuple(samples) if subset == own else () for subset in subsets}
    counts = np.array([np.bincount(s.annotations.label, minlength=n_classes) for s in ordered], np.float64)
    chosen = balanced_split(counts, units, seed=0, fractions=shares)
    return {
        subset: tuple(s for s, own in zip(ordered, chosen.tolist(), strict=True) if own == number)
        for number, subset in enumerate(subsets)
    }

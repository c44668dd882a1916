"""One rule that puts a patient, slide or image into the same subset in every copy of a published set.

The place of a group is the number, between 0 and 1, that the first eight bytes of the SHA-256 of
``SET/GROUP`` make. Below 0.56 it is for training, below 0.67 for validation, below 0.78 for optimisation,
and for test above that: the study's shares. Groups that the makers held out for test stay there; then the
others share out the rest in the proportions 56, 11 and 11.

A copy of a few groups may leave a subset empty. Then, and only then, its groups are dealt out in the order
of their places.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.types import Sample
from bmbench.datasets.splits.balanced import FRACTIONS, subset_sizes


def fixed_subsets(groups: Iterable[str], dataset: str, test: Collection[str] = ()) -> Mapping[str, Subset]:
    """The subset of each group; the rule is in the module's text.

    Parameters
    ----------
    test : collection of str
        Groups that the makers of the set held out; those that are not there do not matter.

    Raises
    ------
    BadInputError
        If there are too few groups to have one in every subset.
    """
    ordered = sorted(set(groups), key=lambda group: (_place(dataset, group), group))
    held = [group for group in ordered if group in test]
    free = [group for group in ordered if group not in test]
    names = SUBSETS[:-1] if held else SUBSETS
    if len(free) < len(names):
        raise BadInputError(
            f"{len(ordered)} groups of {dataset} cannot be split into {len(SUBSETS)} subsets",
            expected=f"at least {len(names)} beside those held out for test",
            remedy="get more of the set",
        )
    shares = FRACTIONS[: len(names)]
    ends = np.cumsum(shares) / np.sum(shares)
    chosen = [int(np.searchsorted(ends[:-1], _place(dataset, group), side="right")) for group in free]
    if set(chosen) != set(range(len(names))):
        chosen = np.repeat(np.arange(len(names)), subset_sizes(len(free), shares)).tolist()
    table = {group: names[number] for group, number in zip(free, chosen, strict=True)}
    return {**table, **dict.fromkeys(held, SUBSETS[-1])}


def by_subset(samples: Sequence[Sample], table: Mapping[str, Subset]) -> Mapping[Subset, tuple[Sample, ...]]:
    """The samples by the subset of their group, in the order given."""
    return {
        subset: tuple(sample for sample in samples if table[sample.group] == subset) for subset in SUBSETS
    }


def _place(dataset: str, group: str) -> float:
    digest = hashlib.sha256(f"{dataset}/{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64

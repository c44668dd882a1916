"""Splitting images into subsets of given sizes with about the same classes in each.

Packages for this balance the presence of labels, not their counts, and miss the sizes. Here pairs of images
change places as long as that brings the object counts of the subsets closer to their share, from several
random starts; the best end wins. Images of one group (patient, slide) stay together: then whole groups move
or change places, and the number of images counts as one class more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.types import Floats, Ints, Sample

FRACTIONS: tuple[float, ...] = (0.56, 0.11, 0.11, 0.22)
"""Shares of train, validation, optimisation and test images in the study."""
_STARTS = 20
_START_IMAGES = 2000
"""Fewer starts for larger sets, which balance themselves: images times starts stays below this."""
_SWEEPS = 50
_LEAST_GAIN = 1e-9
"""Above what rounding adds up to, so that the descent ends."""
_PARTNERS = 256
"""Partners tried for one image: all of them in any set of the field's usual size."""


class TooFewToSplitError(BadInputError):
    """Fewer images, or groups that are to stay whole, than there are subsets."""


def subset_sizes(n: int, fractions: Sequence[float] = FRACTIONS) -> tuple[int, ...]:
    """How many of `n` go into each subset: largest remainders, and at least one where `n` allows."""
    exact = np.array(fractions) / np.sum(fractions) * n
    sizes = np.floor(exact).astype(int)
    for subset in np.argsort(sizes - exact, kind="stable")[: n - sizes.sum()]:
        sizes[subset] += 1
    while n >= len(sizes) and (sizes == 0).any():
        sizes[np.argmin(sizes)] += 1
        sizes[np.argmax(sizes)] -= 1
    return tuple(int(size) for size in sizes)


def split_samples(
    samples: Sequence[Sample], *, n_classes: int, seed: int, whole_groups: bool = True
) -> Mapping[Subset, tuple[Sample, ...]]:
    """The samples by subset, in the study's shares (56, 11, 11, 22 %).

    The outcome depends on the seed and the samples, not on their order.

    Raises
    ------
    TooFewToSplitError
        If there are fewer than four images, or fewer than four groups that are to stay whole.
    """
    ordered = sorted(samples, key=lambda sample: (sample.name, str(sample.image_id)))
    names = [sample.group if whole_groups else str(row) for row, sample in enumerate(ordered)]
    n_units = len(set(names))
    if n_units < len(SUBSETS):
        unit = "groups" if n_units < len(ordered) else "images"
        raise TooFewToSplitError(
            f"{n_units} {unit} cannot be split into {len(SUBSETS)} subsets",
            expected=f"at least {len(SUBSETS)}",
            remedy=f"annotate more {unit}, or give every image record of a COCO file a 'split'"
            + (", or choose the option split_by=image" if unit == "groups" else ""),
        )
    counts = np.array([np.bincount(s.annotations.label, minlength=n_classes) for s in ordered], np.float64)
    subset = balanced_split(counts, np.unique(names, return_inverse=True)[1].ravel(), seed=seed)
    return {
        name: tuple(sample for sample, own in zip(ordered, subset, strict=True) if own == number)
        for number, name in enumerate(SUBSETS)
    }


def balanced_split(
    counts: Floats, groups: Ints, *, seed: int, fractions: Sequence[float] = FRACTIONS
) -> Ints:
    """(n,) subset of each image: sizes exact without groups, classes balanced, groups whole.

    Minimises the sum over subsets and classes of the squared relative deviation from the subset's share of
    the objects; rare classes weigh as much as common ones.

    Parameters
    ----------
    counts : (n, k) float64
        Objects of class j on image i.
    groups : (n,) int64
        Group of image i, from 0 on without gaps; at least as many as subsets.
    """
    n_units = int(groups.max()) + 1
    unit_counts = np.zeros((n_units, counts.shape[1] + 2))
    np.add.at(unit_counts, groups, np.column_stack([counts, counts.sum(axis=1), np.ones(len(counts))]))
    weights = unit_counts[:, unit_counts.sum(axis=0) > 0]
    weights /= weights.sum(axis=0)
    deal = np.repeat(np.arange(len(fractions)), subset_sizes(n_units, fractions))
    rng = np.random.default_rng(seed)
    descents = []
    for _ in range(max(1, min(_STARTS, _START_IMAGES // n_units))):
        descent = _Descent(weights, np.array(fractions) / np.sum(fractions), rng.permutation(deal))
        # Where every unit is one image, exchanging keeps the sizes exact; whole groups also move alone.
        descent.run(rng, moves=n_units < len(counts))
        descents.append(descent)
    best = min(descents, key=lambda descent: float(descent.cost(descent.sums)))
    chosen: Ints = best.subset[groups].astype(np.int64)
    return chosen


class _Descent:
    """Units on their way to a balanced assignment.

    Attributes
    ----------
    weights : (n, k) float64
        Unit i's share of all objects of class j.
    shares : (m,) float64
        The share of each subset.
    subset : (n,) int64
        Where each unit is now.
    sums : (m, k) float64
        Share of the objects of class j in each subset now.
    """

    def __init__(self, weights: Floats, shares: Floats, subset: Ints) -> None:
        self.weights, self.shares, self.subset = weights, shares, subset
        self.sums: Floats = np.array([weights[subset == s].sum(axis=0) for s in range(len(shares))])

    def cost(self, sums: Floats) -> Floats:
        """(...) squared relative deviations of (..., m, k) sums from the shares, added up."""
        share = self.shares[:, None]
        cost: Floats = (((sums - share) / share) ** 2).sum(axis=(-2, -1))
        return cost

    def run(self, rng: np.random.Generator, *, moves: bool) -> None:
        """Exchange units between subsets, and move them if `moves`, as long as it pays."""
        for _ in range(_SWEEPS):
            before = self.subset.copy()
            for unit in rng.permutation(len(self.subset)):
                others = np.flatnonzero(self.subset != self.subset[unit])
                if len(others) > _PARTNERS:
                    others = rng.choice(others, _PARTNERS, replace=False)
                self._exchange(unit, others)
                if moves:
                    self._move(unit)
            if (self.subset == before).all():
                break

    def _exchange(self, unit: int, others: Ints) -> None:
        home, away = self.subset[unit], self.subset[others]
        gain = self.weights[others] - self.weights[unit]
        trial = np.repeat(self.sums[None], len(others), axis=0)
        trial[:, home] += gain
        trial[np.arange(len(others)), away] -= gain
        best = self._best(trial)
        if best is not None:
            self.subset[unit], self.subset[others[best]] = away[best], home

    def _move(self, unit: int) -> None:
        home = self.subset[unit]
        if np.count_nonzero(self.subset == home) == 1:
            return
        targets = np.arange(len(self.shares))
        trial = np.repeat(self.sums[None], len(targets), axis=0)
        trial[:, home] -= self.weights[unit]
        trial[targets, targets] += self.weights[unit]
        best = self._best(trial)
        if best is not None:
            self.subset[unit] = targets[best]

    def _best(self, trial: Floats) -> int | None:
        """The best of the (t, m, k) sums, taken over as the present ones; None if none is better."""
        costs = self.cost(trial)
        best = int(np.argmin(costs))
        if costs[best] >= self.cost(self.sums) - _LEAST_GAIN:
            return None
        self.sums = trial[best]
        return best


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One subset's row of the balance table.

    Attributes
    ----------
    objects : tuple of int
        Annotated objects by category.
    shares : tuple of float or None
        The subset's share of all objects of that category; None where there is none at all.
    """

    subset: Subset
    images: int
    groups: int
    objects: tuple[int, ...]
    shares: tuple[float | None, ...]


def balance(samples: Mapping[Subset, Sequence[Sample]], n_classes: int) -> tuple[Balance, ...]:
    """How many images, groups and objects of each category each subset holds."""
    counts = {
        subset: np.sum(
            [np.bincount(s.annotations.label, minlength=n_classes) for s in part]
            or np.zeros((1, n_classes), int),
            axis=0,
        )
        for subset, part in samples.items()
    }
    total = np.sum(list(counts.values()), axis=0)
    return tuple(
        Balance(
            subset=subset,
            images=len(part),
            groups=len({sample.group for sample in part}),
            objects=tuple(int(n) for n in counts[subset]),
            shares=tuple(
                float(n / whole) if whole else None for n, whole in zip(counts[subset], total, strict=True)
            ),
        )
        for subset, part in samples.items()
    )

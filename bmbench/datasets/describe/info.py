"""What `bmbench datasets list` and `bmbench datasets info` say, as records; nothing is printed here."""

from dataclasses import dataclass

import numpy as np

from bmbench.core.dataset import DatasetCard, Split
from bmbench.core.objects import cell_diameters, mean_size
from bmbench.core.types import Category, Role
from bmbench.datasets import DATASETS
from bmbench.datasets.describe.data_hash import data_hash
from bmbench.datasets.splits.balanced import Balance, balance
from bmbench.datasets.splits.leakage import leaks


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """What a loaded data set holds.

    Attributes
    ----------
    subsets : tuple of Balance
        Images, groups and objects of each category, by subset.
    roles : role name → objects
        Over the whole set.
    image_sizes : tuple of (width, height, images), pixels
        The sizes that occur, the most frequent first.
    mean_diameter_px, median_diameter_px : float or None
        Of the cells; None without any.
    faults : tuple of str
        What was left out of the published files.
    leaks : tuple of str
        What lies in two subsets.
    hash : str
        See `bmbench.datasets.describe.data_hash`.
    """

    categories: tuple[Category, ...]
    radius_px: float
    subsets: tuple[Balance, ...]
    roles: dict[str, int]
    image_sizes: tuple[tuple[int, int, int], ...]
    mean_diameter_px: float | None
    median_diameter_px: float | None
    faults: tuple[str, ...]
    leaks: tuple[str, ...]
    hash: str


def cards() -> tuple[DatasetCard, ...]:
    """The card of every data set known by name."""
    found, _ = DATASETS.loaded()
    return tuple(dataset.card for dataset in found.values())


def describe(split: Split) -> DatasetInfo:
    """What a data set holds; reads every image's file for the hash, and decodes none.

    Raises
    ------
    BadInputError
        If an image is missing.
    """
    samples = [sample for part in split.samples.values() for sample in part]
    annotations = [sample.annotations for sample in samples]
    sizes, counts = np.unique(
        np.array([(sample.width, sample.height) for sample in samples]).reshape(-1, 2),
        axis=0,
        return_counts=True,
    )
    cells = cell_diameters(annotations)
    sized = cells[cells > 0]
    order = np.argsort(-counts, kind="stable")
    return DatasetInfo(
        categories=split.categories,
        radius_px=split.radius_px,
        subsets=balance(split.samples, len(split.categories)),
        roles={role.name.lower(): int(sum((a.role == role).sum() for a in annotations)) for role in Role},
        image_sizes=tuple((int(sizes[i, 0]), int(sizes[i, 1]), int(counts[i])) for i in order),
        mean_diameter_px=mean_size(cells),
        median_diameter_px=float(np.median(sized)) if len(sized) else None,
        faults=split.faults,
        leaks=leaks(split.samples),
        hash=data_hash(split),
    )

"""Cards, loaders, codecs, the weak-annotation simulator, splits, the synthetic generator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bmbench.core.registry import Registry

if TYPE_CHECKING:
    from bmbench.datasets.dataset import Dataset

DATASETS: Registry[Dataset] = Registry(
    "data set",
    (
        ("synthetic", "bmbench.datasets.synthetic.dataset:DATASET"),
        ("kainz", "bmbench.datasets.kainz:DATASET"),
        ("kainz_mbm", "bmbench.datasets.kainz:DATASET_MBM"),
        ("dsb_purple", "bmbench.datasets.dsb_purple:DATASET"),
        ("bccd", "bmbench.datasets.bccd:DATASET"),
    ),
)
"""Every data set that bmbench knows by name."""


def open_dataset(name: str) -> Dataset:
    """The data set of that name, or the one in a user's own COCO file or folder at that path.

    Raises
    ------
    UnknownNameError
        If it is neither.
    """
    if name in DATASETS:
        return DATASETS.get(name)
    path = Path(name)
    if path.suffix.lower() == ".json" or len(path.parts) > 1 or path.exists():
        from bmbench.datasets.coco_dataset import coco_dataset

        return coco_dataset(path)
    return DATASETS.get(name)

"""What the names of folders and lists say: which subset is in them."""

from bmbench.core.dataset import Subset

SUBSET_WORDS: dict[str, Subset] = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "dev": "validation",
    "optimisation": "optimisation",
    "optimization": "optimisation",
    "test": "test",
    "testing": "test",
    "tst": "test",
}
"""How makers call their subsets, in small letters."""

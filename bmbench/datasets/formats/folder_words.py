"""What the names of folders and lists say: which subset is in them, or only that images or labels are."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from bmbench.core.dataset import SUBSETS, Subset

IMAGE_WORDS = ("images", "jpegimages", "image", "imgs", "img", "obj_train_data")
LABEL_WORDS = ("annotations", "annotation", "labels", "label", "labeltxt", "rois", "masks", "ann", "gt")
MASK_FOLDERS = ("labels", "masks", "label", "gt")
"""Folders in which an image is a label image."""
CONTAINERS = frozenset(
    (*IMAGE_WORDS, *LABEL_WORDS, "data", "obj_train_data", "obj_valid_data", "obj_test_data")
)
"""Folders that say what kind of file lies in them, and nothing about the images."""
SUBSET_WORDS: dict[str, Subset] = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "validierung": "validation",
    "dev": "validation",
    "optimisation": "optimisation",
    "optimization": "optimisation",
    "test": "test",
    "testing": "test",
    "tst": "test",
}
"""How makers call their subsets, in small letters."""


def unknown_subsets(words: Mapping[str, int]) -> list[str]:
    """A note for each word of a maker's that is no subset, with the number of its images."""
    return [f"subset {word!r} of {n} images is none of {', '.join(SUBSETS)}" for word, n in words.items()]


def subset_word(name: str) -> Subset | None:
    """The subset that the name of a folder or list says, whatever is beside the word; None for none or two.

    >>> subset_word("Train"), subset_word("instances_val2017"), subset_word("testis")
    ('train', 'validation', None)
    """
    found = {SUBSET_WORDS[word] for word in re.findall(r"[a-z]+", name.lower()) if word in SUBSET_WORDS}
    return found.pop() if len(found) == 1 else None


def folder_subset(parts: Iterable[str]) -> Subset | None:
    """The subset that a folder of this path is: it is called like one, not merely like something with one."""
    for part in parts:
        word = re.sub(r"[_\- ]?(\d{4}|images|imgs|set|labels|masks|annotations|data)$", "", part.lower())
        if word in SUBSET_WORDS:
            return SUBSET_WORDS[word]
    return None


def plain_place(path: Path | PurePosixPath) -> str:
    """A path without the folders that only say what kind of file lies in them.

    >>> plain_place(PurePosixPath("train/images/a.jpg")), plain_place(PurePosixPath("images/train/a.jpg"))
    ('train/a.jpg', 'train/a.jpg')
    """
    *folders, name = path.parts
    return PurePosixPath(*(part for part in folders if part.lower() not in CONTAINERS), name).as_posix()


def folders_called(folder: Path, words: Iterable[str]) -> list[Path]:
    """The folders in a folder that have one of these names in any case, in the order of the words."""
    try:
        there = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return []
    return [entry for word in words for entry in there if entry.name.lower() == word.lower()]

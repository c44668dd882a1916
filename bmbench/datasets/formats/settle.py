"""What holds for a set in whatever format: which of its classes are artefacts."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from bmbench.core.artefacts import Declared, artefacts_line
from bmbench.datasets.formats.annotation_folder import relabel
from bmbench.datasets.formats.codec import Content

CHOICES: Mapping[str, str] = {
    "artefact": "classes whose objects are artefacts",
    "cell": "classes whose objects are cells, whatever their name says",
}
"""What a user may say about any set with ``--option NAME=VALUE``."""


def settled(content: Content, choices: Mapping[str, str], *, where: str) -> Content:
    """The set as the user's `choices` (some of `CHOICES`) have it, with a note of what was taken for what.

    Raises
    ------
    BadInputError
        If a choice names a class that the set does not have.
    """
    known = [category.name for category in content.categories]
    declared = Declared(
        artefacts=names_in(choices.get("artefact", ""), known), cells=names_in(choices.get("cell", ""), known)
    )
    categories = declared.kinds(content.categories, where=where)
    if categories != content.categories:
        rows = np.arange(len(categories))
        artefact = np.array([category.artefact for category in categories], bool)
        content = dataclasses.replace(
            content,
            categories=categories,
            samples=tuple(
                dataclasses.replace(s, annotations=relabel(s.annotations, rows, artefact))
                for s in content.samples
            ),
        )
    line = artefacts_line(categories)
    return dataclasses.replace(content, notes=(*content.notes, line)) if line else content


def names_in(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The names of classes in a text: one a line, or with commas between them where no class is called so."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    names = [[line] if line in known else [part.strip() for part in line.split(",")] for line in lines]
    return tuple(dict.fromkeys(name for some in names for name in some if name))

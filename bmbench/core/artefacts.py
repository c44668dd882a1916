"""Which classes are those of artefacts: what a user says of them, and what a reader is told.

What files say of them is decided by `is_artefact_kind` and `is_artefact_name`, in every format alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Category, GroundTruth, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Names of classes that a user declares to be of artefacts, or of cells, whatever their files say."""

    artefacts: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()

    def kinds(self, categories: Sequence[Category], *, where: str) -> tuple[Category, ...]:
        """The classes, each of the kind that was declared.

        Raises
        ------
        BadInputError
            If a name is that of no class, or is declared to be both.
        """
        known = [category.name for category in categories]
        for option, names in (("--artefact", self.artefacts), ("--cell", self.cells)):
            for name in names:
                if name not in known:
                    raise BadInputError(f"{option}: no class {name!r}", where=where, got=", ".join(known))
        both = [name for name in self.artefacts if name in self.cells]
        if both:
            raise BadInputError(f"class {both[0]!r} is given as cells and as artefacts", where=where)
        return tuple(
            replace(one, artefact=one.name in self.artefacts or (one.artefact and one.name not in self.cells))
            for one in categories
        )

    def truth(self, truth: GroundTruth, *, where: str) -> GroundTruth:
        """A ground truth with its classes as declared; ignored objects stay so."""
        categories = self.kinds(truth.categories, where=where)
        if categories == truth.categories:
            return truth
        artefact = np.array([category.artefact for category in categories], bool)[truth.label]
        role = np.where(artefact, int(Role.ARTEFACT), int(Role.CELL))
        role = np.where(truth.role == Role.IGNORE, truth.role, role).astype(np.int64)
        return replace(truth, categories=categories, role=role)


def artefacts_line(categories: Sequence[Category]) -> str:
    """Which classes count as artefacts, in one line; empty where none does."""
    names = [category.name for category in categories if category.artefact]
    words = "class" if len(names) == 1 else "classes"
    return f"{words} taken for artefacts: {', '.join(names)} (--cell NAME says otherwise)" if names else ""

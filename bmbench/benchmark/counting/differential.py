"""The differential of a patient or of everything: percentages, sums, ratios, cut-offs, what stands apart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmbench.benchmark.protocol.lineages import (
    APART,
    ARTEFACT,
    CUT_OFFS,
    ERYTHROID,
    MYELOID,
    NOT_COUNTED,
    SMUDGE,
    UNIDENTIFIED,
    CountedClass,
)
from bmbench.core.types import Ints
from bmbench.present.words import UNDEFINED, many
from bmbench.statistics.differential import (
    CellRatio,
    CellShare,
    CutOff,
    beside_cut_off,
    cell_ratio,
    cell_shares,
)

ENOUGH_CELLS = 500
"""Cells that a marrow differential rests on (ICSH 2008)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differential:
    """The differential count of some images.

    Attributes
    ----------
    name : str
        Of the patient; "all" of everything.
    images : int
    cells : int
        Those that the percentages are of: identified, and of a counted class.
    classes, lineages, sums : tuple of CellShare
        Share of each counted class; of each lineage with more than one class; of each further sum.
    cut_offs : tuple of CutOff
    myeloid_to_erythroid : CellRatio or None
        None where no class is of the one or of the other.
    unidentified, smudge, artefacts, not_counted : int or None
        What stands apart; None where no class is of it, so that none can be found.
    """

    name: str
    images: int
    cells: int
    classes: tuple[CellShare, ...]
    lineages: tuple[CellShare, ...]
    sums: tuple[CellShare, ...]
    cut_offs: tuple[CutOff, ...]
    myeloid_to_erythroid: CellRatio | None
    unidentified: int | None
    smudge: int | None
    artefacts: int | None
    not_counted: int | None

    @property
    def per_100(self) -> Mapping[str, float | None]:
        """What `apart` holds beside 100 cells; None where there are no cells."""
        return {name: 100 * n / self.cells if self.cells else None for name, n in self.apart.items()}

    @property
    def apart(self) -> Mapping[str, int]:
        """Unidentified cells, smudge cells and artefacts; only those that the classes can tell."""
        each = {"unidentified": self.unidentified, "smudge": self.smudge, "artefacts": self.artefacts}
        return {name: n for name, n in each.items() if n is not None}

    @property
    def artefact_share(self) -> float | None:
        """Artefacts and smudge cells among all that was found: high where the sample is poor.

        None where nothing was found, and where no class is of either.
        """
        found = self.cells + sum(self.apart.values())
        poor = [n for n in (self.smudge, self.artefacts) if n is not None]
        return sum(poor) / found if found and poor else None

    @property
    def one_class(self) -> bool:
        """Whether a single class is counted, whose share of itself says nothing."""
        return len(self.classes) < 2

    def shares(self) -> Iterator[tuple[str, CellShare]]:
        """Each share with what it is of: "class", "lineage" or "sum"."""
        for kind, some in (("class", self.classes), ("lineage", self.lineages), ("sum", self.sums)):
            yield from ((kind, one) for one in some)


def differential(
    name: str,
    classes: Sequence[CountedClass],
    counts: Ints,
    unit: Ints,
    *,
    cut_offs: Mapping[str, Sequence[float]] = CUT_OFFS,
) -> Differential:
    """The differential of (images, classes) counts whose images are of these (images,) units."""
    n_units = int(unit.max()) + 1 if len(unit) else 0
    by_unit = np.zeros((n_units, len(classes)), np.int64)
    np.add.at(by_unit, unit, counts)
    counted = np.array([one.counted for one in classes], bool)
    of = by_unit[:, counted].sum(axis=1)
    own = cell_shares([one.name for one in classes if one.counted], by_unit[:, counted], of)
    lineages = _summed(classes, by_unit, of, what="lineage")
    sums = _summed(classes, by_unit, of, what="sum")
    by_name = {one.name: one for one in (*own, *lineages, *sums)}
    myeloid, erythroid = (_of_lineage(classes, by_unit, lineage) for lineage in (MYELOID, ERYTHROID))
    there = {one.lineage for one in classes}
    apart = {kind: int(_of_lineage(classes, by_unit, kind).sum()) for kind in APART if kind in there}
    return Differential(
        name=name,
        images=len(counts),
        cells=int(of.sum()),
        classes=tuple(own),
        lineages=tuple(one for one in lineages if _has_several(classes, one.name)),
        sums=tuple(one for one in sums if _is_a_sum(classes, one.name)),
        cut_offs=tuple(
            beside_cut_off(by_name[name], at)
            for name, some in cut_offs.items()
            if name in by_name
            for at in some
        ),
        myeloid_to_erythroid=cell_ratio(myeloid, erythroid)
        if {MYELOID, ERYTHROID} <= {one.lineage for one in classes}
        else None,
        unidentified=apart.get(UNIDENTIFIED),
        smudge=apart.get(SMUDGE),
        artefacts=apart.get(ARTEFACT),
        not_counted=apart.get(NOT_COUNTED),
    )


def remarks(found: Sequence[Differential], *, unit: str) -> Iterator[str]:
    """What a reader of the differentials should know, a sentence each; `unit` is what varies in the first."""
    few = [one for one in found if 0 < one.cells < ENOUGH_CELLS]
    if few:
        rest = f" (likewise {len(few) - 1} more)" if len(few) > 1 else ""
        yield (
            f"{few[0].name}{rest}: {many(few[0].cells, 'cell')} counted; a marrow differential rests on "
            f"{ENOUGH_CELLS} (ICSH 2008)"
        )
    without = [one for one in found if any(share.of and share.interval is None for share in one.classes)]
    if without:
        first = without[0]
        what = unit if first is found[0] else "image"
        rest = f" (likewise {len(without) - 1} more)" if len(without) > 1 else ""
        yield (
            f"{first.name}: {many(first.classes[0].n_units, what)} cannot show how {what}s differ{rest}; the "
            "binomial limits alone are given, which are too narrow"
        )


def to_json(found: Differential) -> dict[str, Any]:
    """The differential as JSON holds it."""
    import dataclasses

    value = dataclasses.asdict(found)
    return value | {"per_100": dict(found.per_100), "artefact_share": found.artefact_share}


def _summed(classes: Sequence[CountedClass], by_unit: Ints, of: Ints, *, what: str) -> list[CellShare]:
    names = [name for name in dict.fromkeys(getattr(one, what) for one in classes if one.counted) if name]
    columns = [
        [row for row, one in enumerate(classes) if one.counted and getattr(one, what) == name]
        for name in names
    ]
    sums = [by_unit[:, some].sum(axis=1) for some in columns]
    return cell_shares(names, np.stack(sums, axis=1), of) if names else []


def _of_lineage(classes: Sequence[CountedClass], by_unit: Ints, lineage: str) -> Ints:
    rows = [row for row, one in enumerate(classes) if one.lineage == lineage]
    total: Ints = by_unit[:, rows].sum(axis=1)
    return total


def _has_several(classes: Sequence[CountedClass], lineage: str) -> bool:
    return sum(one.lineage == lineage for one in classes) > 1


def _is_a_sum(classes: Sequence[CountedClass], name: str) -> bool:
    """Whether a sum is of more than one class: of one alone it says nothing new."""
    return sum(one.sum == name for one in classes) > 1


def unknown_cut_offs(classes: Sequence[CountedClass], cut_offs: Mapping[str, Sequence[float]]) -> list[str]:
    """Names of cut-offs that no class, lineage or sum has."""
    known = {name for one in classes if one.counted for name in (one.name, one.lineage, one.sum)}
    return [name for name in cut_offs if name not in known]


def sureness(cut: CutOff) -> str:
    """How sure it is that a share lies at or above a cut-off, in per cent that never say 0 or 100."""
    if cut.chance is None:
        return UNDEFINED
    if not 0.001 <= cut.chance <= 0.999:
        return "> 99.9 %" if cut.chance > 0.5 else "< 0.1 %"
    return f"{100 * cut.chance:.{1 if min(cut.chance, 1 - cut.chance) < 0.01 else 0}f} %"

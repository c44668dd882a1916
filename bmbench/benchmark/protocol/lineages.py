"""What a class counts as in a differential: its lineage, or why it stands apart.

The rules follow the guideline for marrow reports (Lee et al., ICSH, Int J Lab Hematol 2008): blasts,
granulocytes, monocytes, lymphocytes, plasma cells and nucleated red cells are counted; megakaryocytes,
macrophages, stroma, red cells and platelets are not; smudge cells stand apart. The M:E ratio is that of
granulocytes, monocytes and their precursors to nucleated red cells. A file of the user's says otherwise.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bmbench.core.errors import BadInputError
from bmbench.core.types import Category
from bmbench.datasets.reading.tables import read_table
from bmbench.present.words import listed

MYELOID, ERYTHROID, LYMPHOID, PLASMA, BLASTS, OTHER = (
    "myeloid", "erythroid", "lymphoid", "plasma cells", "blasts", "other cells",
)  # fmt: skip
UNIDENTIFIED, SMUDGE, ARTEFACT, NOT_COUNTED = "unidentified", "smudge", "artefact", "not counted"
APART = (UNIDENTIFIED, SMUDGE, ARTEFACT, NOT_COUNTED)
"""What stands apart from the percentages."""
CUT_OFFS: Mapping[str, tuple[float, ...]] = {PLASMA: (0.1,), BLASTS: (0.05, 0.1, 0.2)}
"""Shares that diagnoses hang on: 10 % plasma cells (myeloma; Rajkumar et al., Lancet Oncol 2014), 5, 10 and
20 % blasts (dysplasia and leukaemia; WHO 2016)."""
_RULES: tuple[tuple[str, str, str], ...] = (
    (r"smudge|gumprecht|basket cell", SMUDGE, ""),
    (r"erythroblast|normoblast|erythroid|\bnrbc|nucleated red", ERYTHROID, ""),
    (r"megakaryo|macrophage|histiocyt|gaucher|phagocyt|osteo|stroma|adipo|fat cell|spicule", NOT_COUNTED, ""),
    (r"erythrocyt|\brbcs?\b|red blood|red cell|reticulocyt|thrombocyt|platelet", NOT_COUNTED, ""),
    (r"plasma ?cell|plasmablast|plasmocyt|plasmacyt|myeloma", PLASMA, PLASMA),
    (r"lympho(cytic |id )?blast", LYMPHOID, BLASTS),
    (r"(myelo|mono)(cytic |id )?blast", MYELOID, BLASTS),
    (r"\bblasts?\b|leukaemi|leukemi", BLASTS, BLASTS),
    (r"unidentif|unknown|unclassif|no consensus|not identif|haematological structure", UNIDENTIFIED, ""),
    (r"lympho|hairy|\bnk\b", LYMPHOID, ""),
    (r"myelocyt|\bband\b|segment|neutrophil|eosinophil|basophil|granulocyt|myeloid", MYELOID, ""),
    (r"monocyt|mononuclear", MYELOID, ""),
)  # fmt: skip
"""Words in a class's name → its lineage, and the sum beside that has a cut-off; the first that fits."""
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedClass:
    """A class, and what it counts as.

    Attributes
    ----------
    name : str
    lineage : str
        Of its cells, or one of `APART`.
    sum : str
        A further sum that it belongs to, such as blasts of all lineages; empty without one.
    """

    name: str
    lineage: str
    sum: str = ""

    @property
    def counted(self) -> bool:
        """Whether it is in the percentages."""
        return self.lineage not in APART


def counted_classes(categories: Sequence[Category], path: Path | None = None) -> tuple[CountedClass, ...]:
    """What each class counts as: by the user's file where it names the class, else by its name.

    Parameters
    ----------
    path : Path, optional
        A table with the columns ``class`` and ``lineage``, and perhaps ``sum``. A lineage may have any name;
        ``unidentified``, ``smudge``, ``artefact`` and ``not counted`` stand apart.

    Raises
    ------
    BadInputError
        If the file is no such table, names a class twice or none of these classes.
    """
    stated = {} if path is None else stated_lineages(path)
    if path is not None and not any(one.name in stated for one in categories):
        raise BadInputError(
            "none of the classes is in it",
            where=str(path),
            expected=listed([one.name for one in categories[:_SHOWN]]),
            got=listed(list(stated)[:_SHOWN]) if stated else "no class",
        )
    return tuple(stated.get(one.name) or _by_name(one) for one in categories)


def lineages_line(classes: Sequence[CountedClass]) -> str:
    """What the classes were taken for, in one line; empty where only one is counted."""
    if sum(one.counted for one in classes) < 2:
        return ""
    parts = []
    for lineage in dict.fromkeys(one.lineage for one in classes):
        names = [one.name for one in classes if one.lineage == lineage]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        parts.append(f"{lineage}: {', '.join(names[:_SHOWN])}{more}")
    return f"classes are taken for {'; '.join(parts)} (--lineages TABLE says otherwise)"


def tells_artefacts(classes: Sequence[CountedClass]) -> bool:
    """Whether a class is of artefacts or smudge cells, so that none found is none there."""
    return any(one.lineage in {ARTEFACT, SMUDGE} for one in classes)


def _by_name(category: Category) -> CountedClass:
    words = re.sub(r"[\s_\-]+", " ", category.name).lower()
    lineage, summed = next(
        ((lineage, summed) for pattern, lineage, summed in _RULES if re.search(pattern, words)),
        (OTHER, ""),
    )
    if category.artefact and lineage not in {SMUDGE, NOT_COUNTED}:
        lineage, summed = ARTEFACT, ""
    return CountedClass(name=category.name, lineage=lineage, sum=summed)


def stated_lineages(path: Path) -> dict[str, CountedClass]:
    """The classes of a user's table, by name; see `counted_classes`."""
    table = read_table(path)
    names = [name.lower() for name in table.columns]
    if "class" not in names or "lineage" not in names:
        raise BadInputError(
            "columns missing",
            where=f"{path}, line 1",
            expected="class and lineage, and perhaps sum",
            got=", ".join(table.columns)[:80],
        )
    table.require_narrow()
    found: dict[str, CountedClass] = {}
    for where, cells in table.rows:
        row = dict(zip(names, cells, strict=True))
        if not row["class"] or not row["lineage"]:
            raise BadInputError("row without a class or a lineage", where=where)
        if row["class"] in found:
            raise BadInputError("class named twice", where=where, got=row["class"][:80])
        lineage = row["lineage"].lower() if row["lineage"].lower() in APART else row["lineage"]
        found[row["class"]] = CountedClass(name=row["class"], lineage=lineage, sum=row.get("sum", ""))
    return found

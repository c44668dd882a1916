"""What a reader of scores should know of the rules, the classes and the answer: a line each.

Imports are late, as in `score_files`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import Protocol


def class_notes(truth: GroundTruth) -> tuple[str, ...]:
    """Which classes of the ground truth are taken for artefacts, and which for cells that QuPath ignores."""
    from bmbench.core.artefacts import artefacts_line

    return tuple(filter(None, (artefacts_line(truth.categories), _starred_line(truth))))


def _starred_line(truth: GroundTruth) -> str:
    """How many cells are of classes ending in ``*``: areas, if QuPath made the file and not its user."""
    from bmbench.core.types import Role

    starred = {row: one.name for row, one in enumerate(truth.categories) if one.name.endswith("*")}
    count = {name: int((truth.label[truth.role == Role.CELL] == row).sum()) for row, name in starred.items()}
    named = ", ".join(f"{name} ({n:,})" for name, n in sorted(count.items()) if n)
    if not named:
        return ""
    return (
        f"counted as cells: {named}; QuPath ignores classes ending in *, and `bmbench datasets convert` "
        "leaves them out"
    )


def rule_notes(truth: GroundTruth, protocol: Protocol) -> tuple[str, ...]:
    """What a reader should know of the rules: where centres match beyond half the mean diameter of the cells.

    From there on a prediction whose centre lies outside the cell counts as a hit. The diameter is the mean
    side of the boxes that have an extent.
    """
    from bmbench.core.types import Role
    from bmbench.metrics.radii import object_radii

    sides = (truth.box[:, 2:] - truth.box[:, :2]).mean(axis=1)
    sized = (truth.role == Role.CELL) & (sides > 0)
    radii, radius = object_radii(truth, protocol), protocol.radius_px
    if radii is not None:
        radius = float(radii[sized].mean()) if sized.any() else None
    if radius is None or not sized.any() or radius <= (mean := float(sides[sized].mean())) / 2:
        return ()
    mean_of = "" if radii is None else " on average"
    note = (
        f"centres match up to {radius:.4g} px apart{mean_of}, but cells are {mean:.1f} px across on average: "
        f"the study's third of the diameter would be --radius {mean / 3:.1f}"
    )
    return (note,)


def answer_notes(truth: GroundTruth, predictions: Predictions) -> tuple[str, ...]:
    """That most images with cells have no prediction: a file of a part of them is scored against all."""
    import numpy as np

    from bmbench.core.types import Role

    # As tables: np.unique loads numpy.ma, and sorts.
    with_cells, with_answer = np.zeros((2, len(truth.image_ids)), bool)
    with_cells[truth.image[truth.role == Role.CELL]] = True
    with_answer[predictions.image] = True
    n, answered = int(with_cells.sum()), int((with_cells & with_answer).sum())
    if answered >= n / 2:
        return ()
    note = (
        f"{n - answered} of {n} images with cells have no prediction, and all their cells count as missed: "
        "was every image predicted? If not, give the ground truth of the predicted images alone (of a run: "
        "its truth.json)"
    )
    return (note,)


def outline_notes(truth: GroundTruth, predictions: Predictions, protocol: Protocol) -> tuple[str, ...]:
    """How many objects count by their boxes, where outlines are matched and they have none."""
    from bmbench.core.types import Role
    from bmbench.present.words import many

    if not protocol.outlines:
        return ()
    cells = [row for row, role in enumerate(truth.role.tolist()) if role == Role.CELL]
    bare = {
        "cell": (len(cells), sum(not (truth.outline or ())[row] for row in cells)),
        "prediction": (len(predictions), sum(not rings for rings in predictions.outline or ())),
    }
    return tuple(
        f"{without:,} of {many(of, word)} without an outline count by their boxes"
        for word, (of, without) in bare.items()
        if without
    )


def by_class_notes(truth: GroundTruth, predictions: Predictions, protocol: Protocol) -> tuple[str, ...]:
    """What was assumed of classes by rules that need them, where the truth or the answer tells none apart."""
    if not protocol.per_class and protocol.name not in _CLASSES_BESIDE:
        return ()
    return tuple(_assumed_of_classes(truth, predictions, protocol))


_CLASSES_BESIDE = ("hovernet",)
"""Protocols that match without classes, and whose evaluators report them beside."""


def _assumed_of_classes(truth: GroundTruth, predictions: Predictions, protocol: Protocol) -> Iterator[str]:
    from bmbench.core.types import Role
    from bmbench.metrics.protocol import PROTOCOLS
    from bmbench.metrics.radii import missing_classes

    names = [category.name for category in truth.categories]
    cells = [row for row, category in enumerate(truth.categories) if not category.artefact]
    annotated = sorted(set(truth.label[truth.role == Role.CELL].tolist()) & set(cells))
    answered = sorted(set(predictions.label.tolist()) & set(cells))
    rules = PROTOCOLS.get(protocol.name)
    named = protocol.name in _CLASSES_BESIDE or (rules is not None and rules.per_class)
    whose = f"the protocol {protocol.name}" if named else "scoring by class"
    if len(annotated) == 1:
        one = names[annotated[0]]
        yield f"{whose} wants classes of cells, and the ground truth has one: all cells count as {one!r}"
    elif len(annotated) > 1 and len(answered) == 1:
        others = len(annotated) - (answered[0] in annotated)
        others_are = "other class" if others == 1 else f"{others} other classes"
        yield (
            f"{whose} wants classes of cells, and all predictions are of one: by class, each counts as "
            f"{names[answered[0]]!r}, and cells of the {others_are} as missed"
        )
    missing = missing_classes(names, protocol)
    limit = protocol.words("cd").removesuffix(", by class")
    if missing:
        yield f"no class {' or '.join(missing)} in the ground truth: other cells match within {limit}"

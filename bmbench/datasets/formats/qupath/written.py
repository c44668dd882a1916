"""Objects → features as QuPath reads them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from bmbench.core.types import Annotations, Category, Detections, Floats, Role, is_artefact_name
from bmbench.datasets.formats.qupath.areas import held
from bmbench.datasets.formats.qupath.shapes import shapes

Marks: TypeAlias = Annotations | Detections
Kind: TypeAlias = Literal["annotation", "detection"]
IGNORE_CLASS = "Ignore*"
_COLOURS = {Role.CELL: [0, 114, 178], Role.ARTEFACT: [213, 94, 0], Role.IGNORE: [128, 128, 128]}


def written_features(
    marks: Marks,
    categories: Sequence[Category],
    *,
    kind: Kind | None,
    decimals: int,
    measured: Mapping[str, Floats],
) -> Iterator[dict[str, Any]]:
    """The features of a part; `id` is still to be set."""
    found = isinstance(marks, Detections)
    object_type = kind or ("detection" if found else "annotation")
    geometries = shapes(marks, decimals)
    columns = {"Confidence": marks.confidence, **measured} if isinstance(marks, Detections) else measured
    values = {name: np.round(column, 6).tolist() for name, column in columns.items()}
    roles = [Role.CELL] * len(marks) if isinstance(marks, Detections) else [Role(r) for r in marks.role]
    classes: dict[tuple[int, Role], dict[str, Any]] = {}
    holding = None
    if isinstance(marks, Annotations):
        holding = held(marks, np.full(len(marks), object_type == "annotation"))
    for row, (label, geometry) in enumerate(zip(marks.label.tolist(), geometries, strict=True)):
        category, role = categories[label], roles[row]
        if found and category.artefact:
            role = Role.ARTEFACT
        if (label, role) not in classes:
            name = IGNORE_CLASS if role == Role.IGNORE else category.name
            classes[label, role] = {"name": name, "color": _COLOURS[role]}
        properties: dict[str, Any] = {
            "objectType": object_type,
            "classification": classes[label, role],
        }
        if isinstance(marks, Annotations):
            metadata = _metadata(marks, row, category, geometry)
            if holding is not None and (holding[row] or category.name.endswith("*")):
                # Without this word it would pass for an area.
                metadata["cell"] = "1"
            if metadata:
                properties["metadata"] = metadata
        measurements = {name: column[row] for name, column in values.items() if column[row] == column[row]}
        if measurements:
            properties["measurements"] = measurements
        yield {"type": "Feature", "id": "", "geometry": geometry, "properties": properties}


def _metadata(marks: Annotations, row: int, category: Category, geometry: dict[str, Any]) -> dict[str, str]:
    """What QuPath has no word for; it keeps such texts through a correction."""
    facts: dict[str, str] = {}
    if marks.role[row] == Role.IGNORE:
        facts |= {"category": category.name, "region": str(int(marks.region[row]))}
    if category.artefact and not is_artefact_name(category.name):
        facts["artefact"] = "1"
    if geometry["type"] == "Polygon" and not marks.contour[row] and marks.circle[row, 2] <= 0:
        facts["shape"] = "box"
    return facts

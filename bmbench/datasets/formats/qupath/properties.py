"""What the properties of QuPath's features say: kind, class, measurements, confidence.

TIAToolbox and others write their own words beside QuPath's.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bmbench.datasets.formats.qupath.positions import LIMIT_PX
from bmbench.datasets.formats.qupath.schema import Classification, Properties

CONFIDENCE_NAMES = ("confidence", "score", "detection probability", "probability")
"""Measurements that hold a detector's belief, in lower case: bmbench's, COCO's, StarDist's."""
_KINDS = {
    "pathdetectionobject": "detection",
    "pathannotationobject": "annotation",
    "pathcellobject": "cell",
    "pathtileobject": "tile",
    "tmacoreobject": "tmacore",
    "pathrootobject": "root",
}
KIND_WORDS = frozenset(_KINDS.values())
NOTHING: Mapping[str, Any] = {}


def confidence_of(measurements: Mapping[str, float | None]) -> float:
    """The detector's belief among the measurements; NaN where there is none."""
    for name, value in measurements.items():
        if value is not None and _says_confidence(name):
            return value
    return math.nan


@lru_cache(maxsize=4096)
def _says_confidence(name: str) -> bool:
    return name.lower() in CONFIDENCE_NAMES


def kind_of(identity: str | int | None, properties: Properties) -> str:
    """What sort of object it is: annotation, detection, cell and so on."""
    kind = properties.objectType or properties.object_type
    if kind is None and isinstance(properties.type, str) and properties.type.lower() in KIND_WORDS:
        kind = properties.type
    if kind is None and isinstance(identity, str):
        kind = _KINDS.get(identity.lower())
    return kind.lower() if kind else "annotation"


def class_of(properties: Properties) -> str:
    """The class of an object; an empty text for none.

    TIAToolbox calls it the type of an object, a name or a number.
    """
    given, kind = properties.classification, properties.type
    if type(given) is Classification and given.name:
        return given.name
    named = given.name or ": ".join(given.names or []) if isinstance(given, Classification) else given
    if named or kind is None or (isinstance(kind, str) and kind.lower() in KIND_WORDS):
        return named or ""
    return kind if isinstance(kind, str) else f"type {kind}"[:80]


def measured_of(properties: Properties) -> Mapping[str, float | None]:
    """The measurements by name; what other programs believe of an object is one."""
    given = properties.measurements
    if isinstance(given, dict):
        return given
    if given:
        return {item.name: item.value for item in given}
    sure = properties.score if properties.prob is None else properties.prob
    return {"probability": float(sure)} if isinstance(sure, int | float) and abs(sure) < LIMIT_PX else NOTHING

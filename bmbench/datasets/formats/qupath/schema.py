"""The features of QuPath's GeoJSON in its three dialects, as records.

=====================  =======================  ==========================  =========================
fact                   from 0.4                 0.3                         0.2
=====================  =======================  ==========================  =========================
kind of object         ``objectType``           ``object_type``             ``id: PathDetectionObject``
measurements           map                      list of name and value      list of name and value
classification         ``name`` or ``names``    ``name``                    ``name``
its colour             ``color: [r, g, b]``     ``colorRGB``                ``colorRGB``
=====================  =======================  ==========================  =========================

The adapters of qupath-core (`QuPathTypeAdapters`, `ROITypeAdapters`) are the source. Coordinates are pixels
of the full resolution from the corner of the top-left pixel: bmbench's own.
"""

from typing import Any, Literal

import msgspec

NO_NUCLEUS = msgspec.Raw(b"")


class Plane(msgspec.Struct, gc=False):
    """Where in a stack a shape lies: slice and time point."""

    z: int = 0
    t: int = 0


class Polygon(msgspec.Struct, tag_field="type", tag="Polygon", gc=False):
    """An outline and its holes."""

    coordinates: msgspec.Raw
    isEllipse: bool = False  # noqa: N815
    plane: Plane | None = None


class Classification(msgspec.Struct, gc=False):
    """The class of an object; `names` are the parts of a derived one."""

    name: str | None = None
    names: list[str] | None = None


class Measurement(msgspec.Struct, gc=False):
    """One measurement, as written before QuPath 0.4."""

    name: str
    value: float | None = None


class Properties(msgspec.Struct, gc=False):
    """What QuPath knows about an object beside its shape.

    `type` is the kind of an object, or its class where TIAToolbox wrote it, `prob` and `score` what other
    programs believe of it.
    """

    objectType: str | None = None  # noqa: N815
    object_type: str | None = None
    type: Any = None
    name: Any = None
    classification: Classification | str | None = None
    measurements: dict[str, float | None] | list[Measurement] | None = None
    metadata: dict[str, Any] | None = None
    childObjects: list[Any] | None = None  # noqa: N815
    prob: Any = None
    score: Any = None


class Feature(msgspec.Struct, gc=False):
    """One object with a plain outline: what nearly all of a large file is."""

    geometry: Polygon
    properties: Properties
    type: Literal["Feature"]
    id: str | int | None = None
    nucleusGeometry: msgspec.Raw = NO_NUCLEUS  # noqa: N815


class AnyFeature(msgspec.Struct, gc=False):
    """One object of any shape."""

    geometry: dict[str, Any] | None = None
    properties: Properties | None = None
    type: str | None = None
    id: str | int | None = None
    nucleusGeometry: dict[str, Any] | None = None  # noqa: N815

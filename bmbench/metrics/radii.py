"""How far centres may lie apart, object by object: by the scale of its image, by its class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.numerals import numeral
from bmbench.core.types import Floats, GroundTruth
from bmbench.metrics.protocol import PROTOCOLS, Protocol


def object_radii(truth: GroundTruth, protocol: Protocol) -> Floats | None:
    """(n,) matching limit of every annotation in pixels; None where the protocol has one for all.

    It is that of the annotation's class, not of what a prediction calls it, and of its image's scale.

    Raises
    ------
    BadInputError
        If a limit in µm is asked for and an image with annotations has no scale, or a class is none of the
        ground truth's.
    """
    limit = protocol.limit("cd")
    if limit is None or (protocol.radius_um is None and not protocol.class_radii):
        return None
    names = [category.name for category in truth.categories]
    by_class = np.full(len(names), limit)
    for name, radius, rows in _limits_by_class(names, protocol):
        if not rows:
            raise UnknownNameError("class", name, names)
        by_class[rows] = radius
    radii: Floats = by_class[truth.label]
    return radii if protocol.radius_um is None else radii / _scales(truth)


def _limits_by_class(names: Sequence[str], protocol: Protocol) -> Iterator[tuple[str, float, list[int]]]:
    """Class, limit and its rows. Those of a named protocol are for its own classes, each scored by itself.

    There, unlike where a user names them, a plural and a capital letter make no other class.
    """
    of_protocol = PROTOCOLS[protocol.name].class_radii if protocol.name in PROTOCOLS else ()
    for name, radius in protocol.class_radii:
        if (name, radius) not in of_protocol:
            yield name, radius, [row for row, known in enumerate(names) if known == name]
            continue
        rows = _called(name, names)
        if rows and protocol.per_class:
            yield name, radius, rows


def missing_classes(names: Sequence[str], protocol: Protocol) -> list[str]:
    """The classes that a named protocol scores within a limit of their own, and that are none of these."""
    of_protocol = PROTOCOLS[protocol.name].class_radii if protocol.name in PROTOCOLS else ()
    wanted = [name for name, radius in protocol.class_radii if (name, radius) in of_protocol]
    return [name for name in wanted if protocol.per_class and not _called(name, names)]


def _called(name: str, names: Sequence[str]) -> list[int]:
    return [row for row, known in enumerate(names) if known.lower().rstrip("s") == name]


def _scales(truth: GroundTruth) -> Floats:
    """(n,) µm a pixel of the image of every annotation."""
    every = np.full(len(truth.image_ids), np.nan) if truth.um_per_px is None else truth.um_per_px
    scale: Floats = every[truth.image]
    if not np.isfinite(scale).all():
        without = [truth.image_ids[row] for row in np.unique(truth.image[~np.isfinite(scale)])]
        raise BadInputError(
            "a matching limit in µm, and images without a scale",
            expected="um_per_px in every image of the ground truth",
            got=f"{len(without)} without, the first one {without[0]!r}",
            remedy="add um_per_px to them, or give the limit in pixels (--radius)",
        )
    return scale


def parsed_radii(px: Sequence[str], um: Sequence[str]) -> dict[str, Any]:
    """The changes of a protocol that a command line asks for: ``8``, ``blast=12``, in px or in µm.

    Raises
    ------
    BadInputError
        If both units are given, or a text is no number above 0 or a class and one, or says a limit twice.
    """
    option, texts = ("--radius-um", um) if um else ("--radius", px)
    if px and um:
        raise BadInputError(
            "--radius and --radius-um", expected="one of them", remedy="leave one of them out"
        )
    limits: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        value = _positive(number)
        if value is None or name in limits:
            raise BadInputError(
                option,
                expected="a number above 0, or CLASS=NUMBER, each once",
                got=repr(text),
                remedy=f"write, for example, {option} 8 {option} blast=12",
            )
        limits[name] = value
    plain = limits.pop("", None)
    if um and plain is None:
        raise BadInputError(
            "--radius-um", expected="a limit for all other classes", remedy="add, for example, --radius-um 5"
        )
    changes: dict[str, Any] = {"radius_um" if um else "radius_px": plain}
    return changes | {"class_radii": tuple(limits.items()) or None}


def _positive(text: str) -> float | None:
    try:
        value = float(numeral(text))
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None

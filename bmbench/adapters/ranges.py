"""What the numbers among a method's settings may be: a range beside each field, and one check of all.

A settings record says ``learning_rate: NotNegative = 1e-3`` and calls `require_ranges` once it is made.
"""

import math
from functools import cache
from typing import Annotated, Any, TypeAlias, get_type_hints

from msgspec import Meta

from bmbench.adapters.images.tiling import rounded_up

PositiveInt: TypeAlias = Annotated[int, Meta(gt=0, le=10_000_000)]
"""A count, or steps. A trained model is a stranger's file: no number in it may be a loop without end."""
Side: TypeAlias = Annotated[int, Meta(gt=0, le=65_536)]
"""Pixels along a patch or a tile."""
Few: TypeAlias = Annotated[int, Meta(gt=0, le=64)]
"""How often something is done to one image, or doubled in a network."""
PositiveFloat: TypeAlias = Annotated[float, Meta(gt=0)]
NotNegative: TypeAlias = Annotated[float, Meta(ge=0)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]


def require_ranges(settings: Any) -> None:
    """Nothing, or a ValueError that names a setting that is infinite or outside the range of its field."""
    for name, meta in _ranges(settings.__class__):
        value = getattr(settings, name)
        if not _holds(meta, value):
            raise ValueError(f"{name} is {value}, expected {_words(meta)}")
        if isinstance(value, float) and math.isinf(value):
            raise ValueError(f"{name} is {value}, expected a finite number")


def require_tiles(*, tile_px: int, overlap_px: int, stride: int) -> None:
    """Nothing, or a ValueError where `bmbench.adapters.images.tiling.Tiling.of` could not cut an image so."""
    if overlap_px < 0:
        raise ValueError(f"overlap_px is {overlap_px}, expected 0 or more")
    if rounded_up(overlap_px, stride) >= rounded_up(tile_px, stride):
        raise ValueError(
            f"overlap_px is {overlap_px}, expected less than tile_px, {tile_px}, "
            f"when both are rounded up to multiples of {stride}"
        )


@cache
def _ranges(record: type) -> tuple[tuple[str, Meta], ...]:
    """Name and range of each field that has one, those of base classes too."""
    hints = get_type_hints(record, include_extras=True)
    return tuple(
        (name, extra)
        for name, hint in hints.items()
        for extra in getattr(hint, "__metadata__", ())
        if isinstance(extra, Meta)
    )


def _holds(meta: Meta, value: float) -> bool:
    """Whether the value lies in the range; no range holds NaN."""
    return (
        (meta.gt is None or value > meta.gt)
        and (meta.ge is None or value >= meta.ge)
        and (meta.lt is None or value < meta.lt)
        and (meta.le is None or value <= meta.le)
    )


def _words(meta: Meta) -> str:
    if meta.ge is not None and meta.le is not None:
        return f"{meta.ge} to {meta.le}"
    low = f"more than {meta.gt}" if meta.gt is not None else f"{meta.ge} or more"
    high = f" and at most {meta.le}" if meta.le is not None else ""
    return low + (f" and less than {meta.lt}" if meta.lt is not None else high)

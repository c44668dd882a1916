"""What the numbers among a method's settings may be, and what must hold between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bmbench.adapters.images.tiling import rounded_up

if TYPE_CHECKING:
    from collections.abc import Iterable


def require_ranges(
    settings: Any,
    *,
    positive: Iterable[str] = (),
    not_negative: Iterable[str] = (),
    shares: Iterable[str] = (),
) -> None:
    """Nothing, or a ValueError that names a setting that is not finite or out of its range.

    Of the settings of those names, the first must be more than 0, the second 0 or more, the third 0 to 1.
    """
    for name in positive:
        if not getattr(settings, name) > 0:
            raise ValueError(f"{name} is {getattr(settings, name)}, expected more than 0")
    for name in not_negative:
        if not getattr(settings, name) >= 0:
            raise ValueError(f"{name} is {getattr(settings, name)}, expected 0 or more")
    for name in shares:
        if not 0 <= getattr(settings, name) <= 1:
            raise ValueError(f"{name} is {getattr(settings, name)}, expected 0 to 1")
    for name in (*positive, *not_negative):
        if math.isinf(getattr(settings, name)):
            raise ValueError(f"{name} is {getattr(settings, name)}, expected a finite number")


def require_tiles(*, tile_px: int, overlap_px: int, stride: int) -> None:
    """Nothing, or a ValueError where `bmbench.adapters.images.tiling.Tiling.of` could not cut an image so."""
    if overlap_px < 0:
        raise ValueError(f"overlap_px is {overlap_px}, expected 0 or more")
    if rounded_up(overlap_px, stride) >= rounded_up(tile_px, stride):
        raise ValueError(
            f"overlap_px is {overlap_px}, expected less than tile_px, {tile_px}, "
            f"when both are rounded up to multiples of {stride}"
        )

"""What an encoder asks of a training, before it begins."""

from __future__ import annotations

import dataclasses
from typing import Any

from bmbench.adapters.encoders.choice import NONE, published_facts
from bmbench.adapters.learning.fit_request import FitRequest


def suited_to_encoder(request: FitRequest) -> FitRequest:
    """The request, whose tiles are as large as its patches where the encoder looks at a whole tile at once.

    Says which encoder it is, under whose licence its published weights stand, and what was changed.

    Raises
    ------
    BadInputError
        If timm has no such model, or it cannot be an encoder.
    MissingExtraError
        If timm is not installed.
    """
    settings: Any = request.settings
    name = getattr(settings, "encoder", NONE)
    if name == NONE:
        return request
    licence = published_facts(name).get("license") or "not stated"
    request.progress.note(
        f"encoder {name} of timm; licence of its published weights, as timm says: {licence}"
    )
    from bmbench.adapters.encoders.layout import layout_of

    if not layout_of(name).attends or settings.tile_px <= settings.patch_px:
        return request
    # Two of the longest strides: else no tile would be left beside an overlap.
    tile = max(settings.patch_px, 64)
    request.progress.note(
        f"{name} looks at a whole tile at once: tiles are {tile} px wide, as its patches are"
    )
    changes = {"tile_px": tile, "overlap_px": min(settings.overlap_px, tile // 2)}
    return dataclasses.replace(request, settings=dataclasses.replace(settings, **changes))

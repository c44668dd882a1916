"""What a run's shapes say about foreground: measured on its training images, where experts drew contours."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bmbench.adapters.unet.curve import ForegroundCurve
    from bmbench.benchmark.protocol.supervision import Supervision
    from bmbench.core.types import Sample


def foreground_curve(
    samples: Sequence[Sample], supervision: Supervision, *, name: str
) -> Callable[[], ForegroundCurve | None]:
    """A function that measures the curve when it is called first, and then remembers it.

    The shapes are the very ones that the method learns from (simulated circles in the weak track); the
    foreground is what the experts drew on the same images. None where they drew no contours.
    """

    @cache
    def measured() -> ForegroundCurve | None:
        from bmbench.adapters.unet.curve import measure

        taught = supervision.view(samples)
        drawn = replace(supervision, jitter_px=None).view(samples)
        images = (
            (one.annotations, other.annotations, (one.height, one.width))
            for one, other in zip(taught, drawn, strict=True)
        )
        return measure(images, source=name)

    return measured

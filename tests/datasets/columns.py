"""The annotations of many samples as the flat columns that are scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.core.types import Annotations, GroundTruth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import Category, Sample


def ground_truth(samples: Sequence[Sample], categories: Sequence[Category]) -> GroundTruth:
    """Every object of the samples, image by image in their order."""
    parts = [sample.annotations for sample in samples] or [Annotations.empty()]
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("xy", "box", "label", "role", "region")
    }
    return GroundTruth(
        image_ids=tuple(sample.image_id for sample in samples),
        groups=tuple(sample.group for sample in samples),
        image=np.repeat(np.arange(len(parts)), [len(part) for part in parts]).astype(np.int64),
        categories=tuple(categories),
        **columns,
    )

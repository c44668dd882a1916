"""Training patches: images at working scale, augmented, with their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.images.training_images import Drawing, Source, draw_view
from bmbench.adapters.unet.encodings.depth_map import depth_map, ignored_regions
from bmbench.adapters.unet.encodings.encoding import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bmbench.adapters.method import Augment
    from bmbench.adapters.unet.encodings.encoding import Encoding
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.core.types import Annotations, Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """What the network sees at once, and what it shall say."""

    image: Pixels
    target: Target


def draw_patch(
    sources: Sequence[Source],
    *,
    augment: Augment,
    encoding: Encoding,
    settings: UNetSettings,
    generator: np.random.Generator,
) -> Patch:
    """A random patch; every pixel of the training images is equally likely to be in it."""
    drawing = Drawing(
        augment=augment,
        side_px=settings.patch_px,
        stain_jitter=settings.stain_jitter,
        stain_shift=settings.stain_shift,
    )
    view = draw_view(sources, drawing, generator)
    target = encode(view.annotations, view.image.shape[:2], encoding=encoding, settings=settings)
    return Patch(image=view.image, target=target)


def encode(
    annotations: Annotations, size: tuple[int, ...], *, encoding: Encoding, settings: UNetSettings
) -> Target:
    """The target of one image of (height, width) at working scale, without weight on ignored regions."""
    height, width = size
    depths = depth_map(annotations, height, width, artefacts=encoding.artefacts)
    target = encoding.target(depths, annotations, settings)
    if not annotations.region.any():
        return target
    outside = ~ignored_regions(annotations, height, width)
    return Target(value=target.value, weight=target.weight * outside)


def fixed_patches(sources: Sequence[Source], *, encoding: Encoding, settings: UNetSettings) -> list[Patch]:
    """Patches that cover the images, at most `validation_patches` of them, spread evenly."""
    patches = []
    side = settings.patch_px
    for source in sources:
        height, width = source.image.shape[:2]
        target = encode(source.annotations, (height, width), encoding=encoding, settings=settings)
        patches += [
            _cut(source.image, target, y, x, side)
            for y in range(0, max(height - side // 2, 1), side)
            for x in range(0, max(width - side // 2, 1), side)
        ]
    most = min(settings.validation_patches, len(patches))
    return [patches[i * len(patches) // most] for i in range(most)]


def _cut(image: Pixels, target: Target, y: int, x: int, side: int) -> Patch:
    """The (side, side) patch at (y, x); beyond the image's edge it is mirrored and has no weight."""
    height, width = image.shape[:2]
    part = np.s_[y : y + side, x : x + side]
    missing = ((0, max(0, y + side - height)), (0, max(0, x + side - width)))

    def padded(values: NDArray[np.float32]) -> NDArray[np.float32]:
        before = ((0, 0),) * (values.ndim - 2)
        return np.pad(values[..., *part], (*before, *missing))

    return Patch(
        image=np.pad(image[part], (*missing, (0, 0)), mode="symmetric"),
        target=Target(value=padded(target.value), weight=padded(target.weight)),
    )

"""Training patches: images at working scale, augmented, with their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.images.working_scale import TrainingImage, ViewSettings, random_view
from bmbench.adapters.unet.encodings.encoding import TargetMap, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bmbench.adapters.images.augment import Augment
    from bmbench.adapters.unet.encodings.encoding import Encoding
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.core.types import Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UNetPatch:
    """What the network sees at once, and what it shall say."""

    image: Pixels
    target: TargetMap


def draw_patch(
    images: Sequence[TrainingImage],
    *,
    augment: Augment,
    encoding: Encoding,
    settings: UNetSettings,
    generator: np.random.Generator,
) -> UNetPatch:
    """A random patch; every pixel of the training images is equally likely to be in it."""
    wanted = ViewSettings(
        augment=augment,
        side_px=settings.patch_px,
        stain_jitter=settings.stain_jitter,
        stain_shift=settings.stain_shift,
    )
    view = random_view(images, wanted, generator)
    target = encode(view.annotations, view.image.shape[:2], encoding=encoding, settings=settings)
    return UNetPatch(image=view.image, target=target)


def fixed_patches(
    images: Sequence[TrainingImage], *, encoding: Encoding, settings: UNetSettings
) -> list[UNetPatch]:
    """Patches that cover the images, at most `validation_patches` of them, spread evenly."""
    patches = []
    side = settings.patch_px
    for one in images:
        height, width = one.image.shape[:2]
        target = encode(one.annotations, (height, width), encoding=encoding, settings=settings)
        patches += [
            _cut(one.image, target, y, x, side)
            for y in range(0, max(height - side // 2, 1), side)
            for x in range(0, max(width - side // 2, 1), side)
        ]
    most = min(settings.validation_patches, len(patches))
    return [patches[i * len(patches) // most] for i in range(most)]


def _cut(image: Pixels, target: TargetMap, y: int, x: int, side: int) -> UNetPatch:
    """The (side, side) patch at (y, x); beyond the image's edge it is mirrored and has no weight."""
    height, width = image.shape[:2]
    part = np.s_[y : y + side, x : x + side]
    missing = ((0, max(0, y + side - height)), (0, max(0, x + side - width)))

    def padded(values: NDArray[np.float32]) -> NDArray[np.float32]:
        before = ((0, 0),) * (values.ndim - 2)
        return np.pad(values[..., *part], (*before, *missing))

    return UNetPatch(
        image=np.pad(image[part], (*missing, (0, 0)), mode="symmetric"),
        target=TargetMap(value=padded(target.value), weight=padded(target.weight)),
    )

"""Patches and tiles go into torchvision's networks as they are."""

from __future__ import annotations

from typing import Any

import torch
from torchvision.models.detection.transform import GeneralizedRCNNTransform


class AsTheyAre(GeneralizedRCNNTransform):  # type: ignore[misc]
    """Neither resized nor normalised, which is done before; answers keep the pixels of their tile.

    Masks stay small, each in its own box: torchvision would paste every one into an image of the tile's
    size, which costs more than all the rest.
    """

    def __init__(self, stride: int) -> None:
        super().__init__(1, 1, [0.0], [1.0], size_divisible=stride)

    def normalize(self, image: torch.Tensor) -> torch.Tensor:
        """The image as it is."""
        return image

    def resize(self, image: torch.Tensor, target: Any = None) -> tuple[torch.Tensor, Any]:
        """Image and target as they are."""
        return image, target

    def postprocess(self, result: Any, *_: Any) -> Any:
        """The answers as they are."""
        return result

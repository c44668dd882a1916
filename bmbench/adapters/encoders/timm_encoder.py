"""A model of timm as the encoder of a network: an image → a map for each level that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import nn

from bmbench.adapters.encoders.choice import EncoderSettings
from bmbench.adapters.encoders.layout import bare_model, layout_of
from bmbench.adapters.learning.reproducible import seeded


class Encoder(nn.Module):
    """(n, 3, h, w) image → for each level, fine to coarse, a map of (n, width, h / 2^level, w / 2^level).

    Height and width are multiples of the coarsest level's places. A plain transformer has maps of one size
    alone: each is enlarged or reduced to its level, and the image is resized before until one of its patches
    covers as many pixels as a place of its own level (14 px for 16 px in the image).
    """

    def __init__(self, settings: EncoderSettings, widths: Mapping[int, int]) -> None:
        super().__init__()
        levels = tuple(sorted(widths))
        layout = layout_of(settings.encoder)
        self.levels, self.numbers = levels, layout.maps_of(levels)
        self.patch_px, self.place_px = layout.patch_px, 2 ** layout.levels[0]
        self.frozen = settings.encoder_frozen
        self.model = _cut(settings.encoder, self.numbers, plain=bool(layout.patch_px))
        self.lateral = nn.ModuleList(
            nn.Conv2d(layout.channels[number], widths[level], 1)
            for level, number in zip(levels, self.numbers, strict=True)
        )
        unused = _unused(settings.encoder, self.numbers, plain=bool(layout.patch_px))
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(not self.frozen and name not in unused)
        self.train()

    def train(self, mode: bool = True) -> Encoder:  # noqa: FBT001, FBT002
        """As torch's; a frozen model keeps the statistics that it was loaded with."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """The maps."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            maps = _maps(self.model, self._seen(image), self.numbers, plain=bool(self.patch_px))
        pairs = zip(self.levels, self.lateral, maps, strict=True)
        return [self._at(level, lateral(one), image) for level, lateral, one in pairs]

    def _seen(self, image: torch.Tensor) -> torch.Tensor:
        """The image as the model is to see it."""
        if not self.patch_px or self.patch_px == self.place_px:
            return image
        size = [side // self.place_px * self.patch_px for side in image.shape[2:]]
        return nn.functional.interpolate(image, size=size, mode="bilinear", antialias=True)

    def _at(self, level: int, one: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """The map at the size of a level."""
        size = [side // 2**level for side in image.shape[2:]]
        if list(one.shape[2:]) == size:
            return one
        return nn.functional.interpolate(one, size=size, mode="bilinear", align_corners=False)


def _maps(model: Any, image: torch.Tensor, numbers: tuple[int, ...], *, plain: bool) -> list[torch.Tensor]:
    """The model's maps of these numbers; a plain transformer's are normalised as its last one is."""
    maps: list[torch.Tensor] = model.forward_intermediates(
        image, indices=list(numbers), norm=plain, output_fmt="NCHW", intermediates_only=True
    )
    return maps


def _cut(name: str, numbers: tuple[int, ...], *, plain: bool) -> Any:
    """The model without what comes after the last of these maps."""
    model = bare_model(name)
    model.prune_intermediate_layers(list(numbers), prune_norm=not plain, prune_head=True)
    return model


@cache
def _unused(name: str, numbers: tuple[int, ...], *, plain: bool) -> frozenset[str]:
    """The parameters on which none of these maps depends: nothing can be learned of them."""
    layout = layout_of(name)
    side = 8 * layout.patch_px if plain else 8 * 2 ** max(layout.levels)
    with seeded(0), torch.device("meta"):
        model = _cut(name, numbers, plain=plain)
        maps = _maps(model, torch.empty(2, 3, side, side), numbers, plain=plain)
        names, parameters = zip(*model.named_parameters(), strict=True)
        total = torch.stack([one.sum() for one in maps]).sum()
        gradients: tuple[torch.Tensor | None, ...] = torch.autograd.grad(total, parameters, allow_unused=True)
    return frozenset(name for name, one in zip(names, gradients, strict=True) if one is None)

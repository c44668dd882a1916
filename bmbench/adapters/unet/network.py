"""The U-Net (Ronneberger et al., MICCAI 2015), padded so that a map is as large as its image."""

from itertools import pairwise

import torch
from torch import nn

from bmbench.adapters.encoders.choice import NONE
from bmbench.adapters.encoders.layout import layout_of
from bmbench.adapters.encoders.timm_encoder import Encoder
from bmbench.adapters.learning.networks import group_normalisation
from bmbench.adapters.unet.settings import NetworkSettings


class UNet(nn.Module):
    """(n, channels, h, w) image → (n, outputs, h, w) logits; h and w are multiples of `stride`.

    With `features` a layer of that many channels lies before the logits: many numbers a pixel are not to be
    sums of the few channels of the finest level.

    With an encoder the way down is the encoder's from its finest map on, and above that as ever: few encoders
    have maps as fine as an image of cells needs.
    """

    def __init__(
        self, settings: NetworkSettings, *, outputs: int = 1, channels: int = 3, features: int = 0
    ) -> None:
        super().__init__()
        widths = [settings.width * 2**level for level in range(settings.depth + 1)]
        self.stride = 2**settings.depth
        first = _first_of_encoder(settings)
        self.down = nn.ModuleList(
            _double(before, after, settings.normalisation)
            for before, after in zip([channels, *widths], widths[:first], strict=False)
        )
        self.encoder = None
        if first is not None:
            self.encoder = Encoder(settings, dict(list(enumerate(widths))[first:]))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairwise(widths)
        )
        self.merge = nn.ModuleList(_double(2 * fine, fine, settings.normalisation) for fine in widths[:-1])
        self.features = _layer(widths[0], features, settings.normalisation) if features else nn.Identity()
        self.head = nn.Conv2d(features or widths[0], outputs, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """The logits of the image."""
        *skipped, x = self._down(image)
        for grow, merge, fine in zip(reversed(self.up), reversed(self.merge), reversed(skipped), strict=True):
            x = merge(torch.cat([fine, grow(x)], dim=1))
        logits: torch.Tensor = self.head(self.features(x))
        return logits

    def _down(self, image: torch.Tensor) -> list[torch.Tensor]:
        """The map of each level, fine to coarse."""
        maps: list[torch.Tensor] = []
        for block in self.down:
            maps.append(block(nn.functional.max_pool2d(maps[-1], 2) if maps else image))
        return maps if self.encoder is None else maps + self.encoder(image)


def _first_of_encoder(settings: NetworkSettings) -> int | None:
    """The finest level whose map is the encoder's; None without one."""
    if settings.encoder == NONE:
        return None
    # At least the coarsest: a network of depth 1 has no other place for it.
    return min(max(1, layout_of(settings.encoder).finest), settings.depth)


def build(
    settings: NetworkSettings, *, outputs: int, features: int = 0, device: torch.device | None = None
) -> UNet:
    """A U-Net with fresh weights from torch's generator, in the memory layout that is fastest here."""
    network = UNet(settings, outputs=outputs, features=features)
    if device is not None:
        network = network.to(device)
    return network.to(memory_format=torch.channels_last)


def _double(before: int, after: int, normalisation: str) -> nn.Sequential:
    return nn.Sequential(*_layer(before, after, normalisation), *_layer(after, after, normalisation))


def _layer(before: int, after: int, normalisation: str) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=normalisation == "none"),
        _normalise(after, normalisation),
        # Leaky: where all of a narrow network's last features died, its map was flat at the head's bias.
        nn.LeakyReLU(0.1, inplace=True),
    )


def _normalise(width: int, kind: str) -> nn.Module:
    if kind == "group":
        return group_normalisation(width)
    if kind == "batch":
        return nn.BatchNorm2d(width)
    if kind == "instance":
        return nn.GroupNorm(width, width)
    return nn.Identity()

"""What maps a model of timm makes of an image, found out on a device that computes shapes alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

from bmbench.adapters.encoders.choice import refuse_unknown, timm
from bmbench.adapters.learning.reproducible import seeded
from bmbench.adapters.learning.third_party import without_side_effects
from bmbench.core.errors import BadInputError

_SIDE_PX = 256
_WRONG = (
    AssertionError,
    AttributeError,
    KeyError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderLayout:
    """The maps of a model of timm.

    Attributes
    ----------
    channels : tuple of int
        Of each map, in the order in which the model makes them.
    levels : tuple of int
        Level 3 has one place for 2³ pixels; a plain transformer's maps are on the level nearest to its patch.
    patch_px : int
        Side of the patches of a plain transformer, whose maps are all of one size; 0 for another model.
    attends : bool
        Whether a place looks at the whole image, so that what it says depends on how large that is.
    """

    channels: tuple[int, ...]
    levels: tuple[int, ...]
    patch_px: int
    attends: bool

    @property
    def finest(self) -> int:
        """The finest level for which the model has a map, or, a plain transformer, is of use."""
        return 2 if self.patch_px else min(self.levels)

    def maps_of(self, levels: tuple[int, ...]) -> tuple[int, ...]:
        """The number of the map that each of these levels is given, from fine to coarse; 0 is the first one.

        Early maps of a plain transformer stand for fine levels. Of another model it is a level's last one.

        Raises
        ------
        BadInputError
            If the model has no map for one of them.
        """
        if self.patch_px:
            n = len(self.channels)
            if max(levels) < self.levels[0] or n < len(levels):
                raise _no_level(self.levels[0], f"one place for {self.patch_px} px")
            return tuple((i + 1) * n // len(levels) - 1 for i in range(len(levels)))
        last = {level: number for number, level in enumerate(self.levels)}
        for level in levels:
            if level not in last:
                raise _no_level(level, f"levels {', '.join(map(str, sorted(last)))}")
        return tuple(last[level] for level in levels)


def _no_level(level: int, got: str) -> BadInputError:
    return BadInputError(
        f"the encoder does not fit: level {level} (a place for {2**level} px) is needed",
        got=got,
        remedy="set depth of a U-Net, or finest, coarsest and deepest of a detector",
    )


@cache
def layout_of(name: str) -> EncoderLayout:
    """The layout of a model of timm.

    Raises
    ------
    BadInputError
        If timm has no such model, or it makes no maps.
    MissingExtraError
        If timm is not installed.
    """
    refuse_unknown(name)
    # Making it, even without memory, draws numbers: nobody else's shall change.
    with seeded(0), torch.device("meta"):
        try:
            model = bare_model(name)
            patch = _patch(model)
            side = 64 * patch if patch else _SIDE_PX
            strides = [side / one.shape[2] for one in _seen(model, side, norm=False)]
            plain = len(set(strides)) == 1 and len(strides) > 1
            # As they are taken: some models' normalisation changes how many channels they have.
            channels = [int(one.shape[1]) for one in _seen(model, side, norm=plain)]
        except _WRONG as error:
            raise BadInputError(
                f"{name} cannot be an encoder here",
                where="--set encoder",
                got=str(error).split("\n")[0][:200],
                remedy="resnet18, convnext_tiny and vit_small_patch14_dinov2 can",
            ) from None
    return EncoderLayout(
        channels=tuple(channels),
        levels=tuple(round(math.log2(stride)) for stride in strides),
        patch_px=patch if plain else 0,
        attends=any("attention" in type(module).__name__.lower() for module in model.modules()),
    )


def _seen(model: Any, side: int, *, norm: bool) -> list[torch.Tensor]:
    """All maps of an image of that side."""
    image = torch.empty(1, 3, side, side)
    maps: list[torch.Tensor] = model.forward_intermediates(image, norm=norm, intermediates_only=True)
    return maps


def bare_model(name: str) -> Any:
    """A model with fresh weights and without its classifier, which takes images of any size if it can."""
    with without_side_effects():
        package = timm(name)
        try:
            return package.create_model(name, pretrained=False, num_classes=0, dynamic_img_size=True)
        except TypeError:
            # A network of convolutions knows no such choice.
            return package.create_model(name, pretrained=False, num_classes=0)


def _patch(model: nn.Module) -> int:
    """The side of the patches that the model cuts an image into; 0 where it does not say one."""
    size = getattr(getattr(model, "patch_embed", None), "patch_size", 0)
    return int(size[0] if isinstance(size, tuple | list) else size or 0)

"""Settings of the detection transformer of `transformers`."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from bmbench.adapters.detection.settings.common import CommonSettings
from bmbench.adapters.ranges import NotNegative, PositiveFloat, PositiveInt


@dataclass(frozen=True, slots=True, kw_only=True)
class DetrSettings(CommonSettings):
    """Settings of a detection transformer, beside the common ones.

    Attributes
    ----------
    backbone : "small", "resnet18" or "resnet50"
        The first is a ResNet with one block a stage and half the channels of ResNet-18.
    width : int
        Channels of encoder and decoder, a multiple of 8.
    layers : int
        Of the decoder, two or more.
    queries : float
        Cells that are looked for in one patch or tile, whichever is larger: so many times as many as mean
        cells fit side by side.
    weights : str
        "none", or the path of a file of weights, or of a folder with a model.safetensors.
    """

    backbone: Literal["small", "resnet18", "resnet50"] = "small"
    width: PositiveInt = 128
    layers: Annotated[int, Meta(ge=2, le=64)] = 3
    queries: PositiveFloat = 2.0
    weights: str = "none"
    learning_rate: NotNegative = 1e-3
    tile_px: int = 160
    overlap_px: int = 64

    def __post_init__(self) -> None:
        CommonSettings.__post_init__(self)
        if self.width % 8:
            raise ValueError(f"width is {self.width}, expected a multiple of 8")

    @property
    def n_heads(self) -> int:
        """Heads of attention, of 32 channels or a little more."""
        return max(n for n in range(1, max(1, self.width // 32) + 1) if self.width % n == 0)

    @property
    def side_px(self) -> int:
        """Side to which a smaller image is padded: a patch, rounded up to whole strides."""
        return -(-self.patch_px // self.stride) * self.stride

    @property
    def n_queries(self) -> int:
        """Cells that are looked for at once, at most as many as there are places on the three levels."""
        side = max(self.side_px, self.tile_px)
        wanted = math.ceil(self.queries * (side / self.cell_px) ** 2)
        return min(wanted, sum((self.side_px // stride) ** 2 for stride in (8, 16, 32)))

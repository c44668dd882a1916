"""What a U-Net is taught: what its training and its detector ask of an encoding, or of a head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.encodings.object_pixels import TargetMap
from bmbench.core.types import Annotations

if TYPE_CHECKING:
    import torch


class Teaching(Protocol):
    """An `encodings.encoding.Encoding`, or a `heads.head.Head`; settings are those of its own kind."""

    @property
    def name(self) -> str:
        """Its name in the table of its kind."""
        ...

    @property
    def outputs(self) -> int:
        """Channels of the network's logits."""
        ...

    def features(self, settings: Any, /) -> int:
        """Channels of the layer before the logits; 0 for none."""
        ...

    def to_card(self) -> dict[str, Any]:
        """What brings it back, for JSON."""
        ...

    def encode(self, annotations: Annotations, size: tuple[int, ...], settings: Any) -> TargetMap:
        """The target of one image of (height, width) at working scale."""
        ...

    def class_weight(self, settings: Any) -> list[float]:
        """What a pixel counts beside one of background where each output has its highest value."""
        ...

    def constant(self, mean: NDArray[np.float64], settings: Any) -> torch.Tensor:
        """(k,) logits that say these means of the targets everywhere."""
        ...

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, settings: Any
    ) -> torch.Tensor:
        """(n,) loss of each patch, from (n, k, h, w) logits and targets and (n, h, w) weights."""
        ...

    def maps(self, logits: torch.Tensor, settings: Any) -> torch.Tensor:
        """(n, m, h, w) maps that views and members are averaged of, from the logits."""
        ...

    def upright(self, maps: Reals, mirrored: tuple[bool, bool]) -> Reals:
        """The (h, w, m) maps of an image mirrored in x and in y, as those of the image itself."""
        ...

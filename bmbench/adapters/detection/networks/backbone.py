"""A ResNet, or an encoder of timm, with a feature pyramid, from torchvision's parts."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torchvision.models import resnet
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d

from bmbench.adapters.detection.settings.pyramid import PyramidSettings
from bmbench.adapters.encoders.choice import NONE
from bmbench.adapters.encoders.timm_encoder import Encoder
from bmbench.adapters.learning.networks import group_normalisation, short_numbers

BLOCKS = {
    "resnet10": (resnet.BasicBlock, [1, 1, 1, 1]),
    "resnet18": (resnet.BasicBlock, [2, 2, 2, 2]),
    "resnet34": (resnet.BasicBlock, [3, 4, 6, 3]),
    "resnet50": (resnet.Bottleneck, [3, 4, 6, 3]),
}


class _Pyramid(BackboneWithFPN):  # type: ignore[misc]
    """Feature maps of the levels that anchors lie on, finest first."""

    def __init__(self, body: resnet.ResNet, settings: PyramidSettings) -> None:
        levels = range(settings.finest, settings.deepest + 1)
        stages = {f"layer{level - 1}": str(level) for level in levels}
        channels = [_channels(body, stage) for stage in stages]
        super().__init__(body, stages, channels, settings.width)
        # Without the pooled level that torchvision adds: anchors lie on given levels alone.
        self.fpn = _from_above(channels, settings)
        self.precision = settings.precision
        self.levels = _names(settings)

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The maps by level."""
        with short_numbers(self.precision, image.device):
            maps = super().forward(image.contiguous(memory_format=torch.channels_last))
        # Anchors take the type of the maps, and places of a large tile need more digits.
        return {level: maps[level].float() for level in self.levels}


class _EncoderPyramid(nn.Module):
    """The same of an encoder of timm, called as torchvision's is."""

    def __init__(self, settings: PyramidSettings) -> None:
        super().__init__()
        levels = range(settings.finest, settings.deepest + 1)
        self.body = Encoder(settings, dict.fromkeys(levels, settings.width))
        self.fpn = _from_above([settings.width] * len(levels), settings)
        self.out_channels = settings.width
        self.precision = settings.precision
        self.levels = _names(settings)

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The maps by level."""
        with short_numbers(self.precision, image.device):
            maps = self.body(image.contiguous(memory_format=torch.channels_last))
            found = self.fpn(dict(zip(map(str, self.body.levels), maps, strict=True)))
        return {level: found[level].float() for level in self.levels}


def _from_above(channels: list[int], settings: PyramidSettings) -> FeaturePyramidNetwork:
    """What adds coarse maps to fine ones; no last layer where no anchor lies."""
    network = FeaturePyramidNetwork(channels, settings.width)
    for level in range(settings.coarsest + 1, settings.deepest + 1):
        network.layer_blocks[level - settings.finest] = nn.Identity()
    return network


def _names(settings: PyramidSettings) -> list[str]:
    """The levels that anchors lie on, finest first."""
    return [str(level) for level in range(settings.finest, settings.coarsest + 1)]


class IdentityTransform(GeneralizedRCNNTransform):  # type: ignore[misc]
    """Patches and tiles are neither resized nor normalised, which is done before; answers keep their pixels.

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


def pyramid(settings: PyramidSettings) -> nn.Module:
    """A backbone with fresh weights from torch's generator."""
    if settings.encoder != NONE:
        return _EncoderPyramid(settings)
    block, blocks = BLOCKS[settings.backbone]
    body = resnet.ResNet(block, blocks, norm_layer=normalisation(settings))
    return _Pyramid(body, settings)


def normalisation(settings: PyramidSettings) -> Callable[[int], nn.Module]:
    """The layer that normalises a given number of channels."""
    layers: dict[str, Callable[[int], nn.Module]] = {
        "group": group_normalisation,
        "instance": _instance,
        "batch": nn.BatchNorm2d,
        "frozen": FrozenBatchNorm2d,
    }
    return layers[settings.normalisation]


def head_normalisation(settings: PyramidSettings) -> Callable[[int], nn.Module] | None:
    """That of heads, whose levels share it: by groups or channels, or none where it is by batches."""
    return normalisation(settings) if settings.normalisation in {"group", "instance"} else None


def _instance(width: int) -> nn.Module:
    return nn.GroupNorm(width, width)


def _channels(body: resnet.ResNet, stage: str) -> int:
    block = getattr(body, stage)[-1]
    last = block.conv3 if isinstance(block, resnet.Bottleneck) else block.conv2
    channels: int = last.out_channels
    return channels

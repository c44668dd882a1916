"""A ResNet with a feature pyramid, from torchvision's parts, and weights from elsewhere."""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision.models import resnet
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d

from bmbench.adapters.detection.settings import DetectorSettings
from bmbench.adapters.learning.networks import group_normalisation
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.gate import read_bytes

BLOCKS = {
    "resnet10": (resnet.BasicBlock, [1, 1, 1, 1]),
    "resnet18": (resnet.BasicBlock, [2, 2, 2, 2]),
    "resnet34": (resnet.BasicBlock, [3, 4, 6, 3]),
    "resnet50": (resnet.Bottleneck, [3, 4, 6, 3]),
}
_COCO = {
    "retinanet": ("RetinaNet_ResNet50_FPN_Weights", "COCO_V1"),
    "mask_rcnn": ("MaskRCNN_ResNet50_FPN_Weights", "COCO_V1"),
}


class _Pyramid(BackboneWithFPN):  # type: ignore[misc]
    """Feature maps of the levels that anchors lie on, finest first."""

    def __init__(self, body: resnet.ResNet, settings: DetectorSettings) -> None:
        levels = range(settings.finest, settings.deepest + 1)
        stages = {f"layer{level - 1}": str(level) for level in levels}
        channels = [_channels(body, stage) for stage in stages]
        super().__init__(body, stages, channels, settings.width)
        # Without the pooled level that torchvision adds: anchors lie on given levels alone.
        self.fpn = FeaturePyramidNetwork(channels, settings.width)
        for level in range(settings.coarsest + 1, settings.deepest + 1):
            self.fpn.layer_blocks[level - settings.finest] = nn.Identity()
        self.levels = [str(level) for level in range(settings.finest, settings.coarsest + 1)]

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The maps by level."""
        maps = super().forward(image.contiguous(memory_format=torch.channels_last))
        return {level: maps[level] for level in self.levels}


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


def pyramid(settings: DetectorSettings) -> nn.Module:
    """A backbone with fresh weights from torch's generator."""
    block, blocks = BLOCKS[settings.backbone]
    body = resnet.ResNet(block, blocks, norm_layer=normalisation(settings))
    return _Pyramid(body, settings)


def normalisation(settings: DetectorSettings) -> Callable[[int], nn.Module]:
    """The layer that normalises a given number of channels."""
    frozen: Callable[[int], nn.Module] = FrozenBatchNorm2d
    return group_normalisation if settings.normalisation == "group" else frozen


def head_normalisation(settings: DetectorSettings) -> Callable[[int], nn.Module] | None:
    """That of heads, which see few cells at once: by groups, or none beside loaded batch statistics."""
    return group_normalisation if settings.normalisation == "group" else None


def take_weights(network: nn.Module, weights: str, *, family: str, settings: DetectorSettings) -> str:
    """Give a fresh network all loaded weights that have the name and the shape of one of its own.

    Returns what was taken, for the log.

    Raises
    ------
    BadInputError
        If there are no such weights, or none of them fits.
    RunFailedError
        If they cannot be had (no connection).
    """
    loaded = _read(weights, family=family, settings=settings)
    own = network.state_dict()
    fitting = {name: value for name, value in loaded.items() if _fits(own.get(name), value)}
    # Torchvision's networks and detectron2's.
    body = [name for name in own if name.startswith(("backbone.body.", "network.backbone.bottom_up."))]
    if not any(name in fitting for name in body):
        raise BadInputError(
            "no weight fits the network",
            where=f"--set weights={weights}",
            expected=f"weights of a {settings.backbone}",
            remedy="choose the backbone that they belong to (--set backbone=…)",
        )
    network.load_state_dict(fitting, strict=False)
    return f"{len(fitting)} of {len(own)} weights from {weights}"


def _channels(body: resnet.ResNet, stage: str) -> int:
    block = getattr(body, stage)[-1]
    last = block.conv3 if isinstance(block, resnet.Bottleneck) else block.conv2
    channels: int = last.out_channels
    return channels


def _fits(own: torch.Tensor | None, value: torch.Tensor) -> bool:
    return own is not None and own.shape == value.shape


def _read(weights: str, *, family: str, settings: DetectorSettings) -> Mapping[str, torch.Tensor]:
    if weights == "imagenet":
        return _prefixed(_download(_imagenet(settings)))
    if weights == "coco":
        return _download(_coco(family, settings))
    path = Path(weights)
    if not path.is_file():
        raise BadInputError(
            "file not found", where=f"--set weights={weights}", expected="none, imagenet, coco or a file"
        )
    return _prefixed(_from_file(path))


def _from_file(path: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a .safetensors or torch file; never code."""
    import pickle

    import safetensors
    from safetensors.torch import load

    data = read_bytes(path)
    try:
        if path.suffix == ".safetensors":
            found: Any = load(data)
        else:
            found = torch.load(BytesIO(data), weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, safetensors.SafetensorError) as error:
        raise BadInputError(
            "not a file of weights", where=str(path), got=str(error).split("\n")[0]
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise BadInputError("not a file of weights", where=str(path), expected="names and tensors")
    return found


def _prefixed(weights: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """Names of a whole detector, torchvision's or detectron2's; those of a bare ResNet are its backbone's."""
    if any(name.startswith("backbone.bottom_up.") for name in weights):
        return {f"network.{name}": value for name, value in weights.items()}
    if any(name.startswith("backbone.") for name in weights):
        return weights
    return {f"backbone.body.{name}": value for name, value in weights.items()}


def _imagenet(settings: DetectorSettings) -> Any:
    name = {"resnet18": "ResNet18", "resnet34": "ResNet34", "resnet50": "ResNet50"}.get(settings.backbone)
    if name is None:
        raise BadInputError(
            f"there are no ImageNet weights of a {settings.backbone}", remedy="--set backbone=resnet18"
        )
    return getattr(resnet, f"{name}_Weights").IMAGENET1K_V1


def _coco(family: str, settings: DetectorSettings) -> Any:
    from torchvision.models import detection

    if family not in _COCO or settings.backbone != "resnet50":
        raise BadInputError(
            f"there are no COCO weights of a {family} on a {settings.backbone}",
            remedy="use retinanet or mask_rcnn with --set backbone=resnet50, or --set weights=imagenet",
        )
    kind, name = _COCO[family]
    return getattr(getattr(detection, kind), name)


def _download(entry: Any) -> Mapping[str, torch.Tensor]:
    import urllib.error

    try:
        weights: Mapping[str, torch.Tensor] = entry.get_state_dict(progress=False, check_hash=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise RunFailedError(
            f"{entry.url} cannot be had ({error}); put the file somewhere and use --set weights=PATH"
        ) from error
    return weights

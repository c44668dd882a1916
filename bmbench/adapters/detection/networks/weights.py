"""Weights from elsewhere: torchvision's own, timm's, and files, of which no code is ever run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn
from torchvision.models import resnet

from bmbench.adapters.detection.networks.transformers_networks import DetectionTransformer
from bmbench.adapters.detection.settings.detr import DetrSettings
from bmbench.adapters.detection.settings.pyramid import PyramidSettings
from bmbench.adapters.detection.settings.yolo import UltralyticsSettings
from bmbench.adapters.encoders.choice import NONE
from bmbench.adapters.encoders.taken import take_encoder_weights
from bmbench.adapters.learning.weight_files import tensors_of
from bmbench.core.errors import BadInputError, RunFailedError

Taking: TypeAlias = PyramidSettings | UltralyticsSettings | DetrSettings
"""The settings that have `weights`."""
_BODIES = ("backbone.body.", "network.backbone.bottom_up.", "network.model.")
"""What the names of a backbone's weights begin with: torchvision's, detectron2's, Ultralytics'."""
_COCO = {
    "fcos": ("FCOS_ResNet50_FPN_Weights", "COCO_V1"),
    "retinanet": ("RetinaNet_ResNet50_FPN_Weights", "COCO_V1"),
    "mask_rcnn": ("MaskRCNN_ResNet50_FPN_Weights", "COCO_V1"),
}


def take_weights(network: nn.Module, weights: str, *, family: str, settings: Taking) -> str:
    """Give a fresh network all loaded weights that have the name and the shape of one of its own.

    Returns what was taken, for the log.

    Raises
    ------
    BadInputError
        If there are no such weights, or none of them fits.
    RunFailedError
        If they cannot be had (no connection).
    """
    if isinstance(settings, PyramidSettings) and settings.encoder != NONE:
        return take_encoder_weights(network.get_submodule("backbone.body"), settings)
    part = "network" if isinstance(settings, UltralyticsSettings) else "backbone"
    loaded = _read(weights, family=family, settings=settings)
    if isinstance(network, DetectionTransformer):
        loaded = network.renamed(loaded)
    own = network.state_dict()
    # A tensor that has two names is saved under either.
    every = own | dict(network.named_parameters(remove_duplicate=False))
    fitting = {name: value for name, value in loaded.items() if _fits(every.get(name), value)}
    if not any(name.startswith(_BODIES) for name in fitting):
        raise BadInputError(
            "no weight fits the network",
            where=f"--set weights={weights}",
            expected=f"weights of a {getattr(settings, part)}",
            remedy=f"choose the {part} that they belong to (--set {part}=…)",
        )
    network.load_state_dict(fitting, strict=False)
    n_taken = len({every[name].data_ptr() for name in fitting})
    return f"{n_taken} of {len(own)} weights from {weights}"


def _fits(own: torch.Tensor | None, value: torch.Tensor) -> bool:
    return own is not None and own.shape == value.shape


def _read(weights: str, *, family: str, settings: Taking) -> Mapping[str, torch.Tensor]:
    expected = "none or a file"
    if isinstance(settings, PyramidSettings):
        expected = "none, imagenet, coco or a file"
        if weights == "imagenet":
            return _prefixed(_download(_imagenet(settings)))
        if weights == "coco":
            return _download(_coco(family, settings))
    path = Path(weights)
    if path.is_dir() and isinstance(settings, DetrSettings):
        path /= "model.safetensors"
    if not path.is_file():
        raise BadInputError("file not found", where=f"--set weights={weights}", expected=expected)
    found = tensors_of(path)
    if isinstance(settings, DetrSettings):
        return found
    if isinstance(settings, UltralyticsSettings):
        return {f"network.{name}": value for name, value in found.items()}
    return _prefixed(found)


def _prefixed(weights: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """Names of a whole detector, torchvision's or detectron2's; those of a bare ResNet are its backbone's."""
    if any(name.startswith("backbone.bottom_up.") for name in weights):
        return {f"network.{name}": value for name, value in weights.items()}
    if any(name.startswith("backbone.") for name in weights):
        return weights
    return {f"backbone.body.{name}": value for name, value in weights.items()}


def _imagenet(settings: PyramidSettings) -> Any:
    name = {"resnet18": "ResNet18", "resnet34": "ResNet34", "resnet50": "ResNet50"}.get(settings.backbone)
    if name is None:
        raise BadInputError(
            f"there are no ImageNet weights of a {settings.backbone}", remedy="--set backbone=resnet18"
        )
    return getattr(resnet, f"{name}_Weights").IMAGENET1K_V1


def _coco(family: str, settings: PyramidSettings) -> Any:
    from torchvision.models import detection

    if family not in _COCO or settings.backbone != "resnet50":
        raise BadInputError(
            f"there are no COCO weights of a {family} on a {settings.backbone}",
            remedy="use retinanet, fcos or mask_rcnn with --set backbone=resnet50, or --set weights=imagenet",
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

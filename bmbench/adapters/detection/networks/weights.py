"""Weights from elsewhere: torchvision's own, and files, of which no code is ever run."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn
from torchvision.models import resnet

from bmbench.adapters.detection.networks.transformers_networks import DetectionTransformer
from bmbench.adapters.detection.settings.detr import DetrSettings
from bmbench.adapters.detection.settings.pyramid import PyramidSettings
from bmbench.adapters.detection.settings.yolo import UltralyticsSettings
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.gate import read_bytes

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
    found = _from_file(path)
    if isinstance(settings, DetrSettings):
        return found
    if isinstance(settings, UltralyticsSettings):
        return {f"network.{name}": value for name, value in found.items()}
    return _prefixed(found)


def _from_file(path: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a .safetensors or torch file; never code."""
    import pickle

    import safetensors
    from safetensors.torch import load

    data = read_bytes(path)
    try:
        found = load(data) if path.suffix == ".safetensors" else _without_code(data)
    except pickle.UnpicklingError:
        # Torch's own text advises to run whatever the file says.
        raise BadInputError(
            "not a file of weights",
            where=str(path),
            got="what only running its code would read",
            remedy="save the state dict of the network instead",
        ) from None
    except (OSError, RuntimeError, ValueError, safetensors.SafetensorError) as error:
        raise BadInputError(
            "not a file of weights", where=str(path), got=str(error).split("\n")[0]
        ) from error
    tensors = _tensors(found)
    if not tensors:
        raise BadInputError("not a file of weights", where=str(path), expected="names and tensors")
    return tensors


class _Inert:
    """In the place of every class of a file that is no tensor: it keeps its state, and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.kept: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.kept = state if isinstance(state, dict) else {}


def _without_code(data: bytes) -> Any:
    """What a file of torch holds, where whole networks were saved too (Ultralytics does), and none is made.

    Torch's own reader of tensors alone reads it. Whatever class or function else the file names is this
    module's inert one to it, so that nothing of the file is imported or called.
    """
    from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

    named: list[Any] = [(_Inert, name) for name in get_unsafe_globals_in_checkpoint(BytesIO(data))]
    with safe_globals(named):
        return torch.load(BytesIO(data), map_location="cpu", weights_only=True)


def _tensors(found: Any) -> Mapping[str, torch.Tensor]:
    """Names and tensors of what a file held; none of something else.

    A checkpoint of a training has them one level down, that of Ultralytics in a whole network; the average
    of the weights (`ema`) goes before the last ones.
    """
    if isinstance(found, _Inert):
        return dict(_of_module(found, ""))
    if not isinstance(found, dict):
        return {}
    if found and all(isinstance(value, torch.Tensor) for value in found.values()):
        return found
    inner = (found.get(name) for name in ("ema", "model", "state_dict"))
    return next((tensors for one in inner if (tensors := _tensors(one))), {})


def _of_module(module: _Inert, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    """The parameters and buffers of a network that was saved whole, in single precision."""
    for kind in ("_parameters", "_buffers"):
        for own, value in _entries(module.kept.get(kind)):
            if isinstance(value, torch.Tensor):
                yield name + own, value.float() if value.is_floating_point() else value
    for own, value in _entries(module.kept.get("_modules")):
        if isinstance(value, _Inert):
            yield from _of_module(value, f"{name}{own}.")


def _entries(found: Any) -> list[tuple[str, Any]]:
    return [(str(name), value) for name, value in found.items()] if isinstance(found, dict) else []


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

"""Files of weights, in torch's form or as safetensors, of which no code is ever run."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from bmbench.core.errors import BadInputError
from bmbench.core.gate import read_bytes


def tensors_of(path: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a .safetensors or torch file by name; no code of it is run.

    Raises
    ------
    BadInputError
        If it holds none, or what only its own code would read.
    """
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


_INNER = ("ema", "teacher", "model", "state_dict")
"""Under which name a training keeps its tensors."""


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
    of the weights (`ema`, and the teacher of DINO) goes before the last ones.
    """
    if isinstance(found, _Inert):
        return dict(_of_module(found, ""))
    if not isinstance(found, dict):
        return {}
    if found and all(isinstance(value, torch.Tensor) for value in found.values()):
        return found
    inner = (found.get(name) for name in _INNER)
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

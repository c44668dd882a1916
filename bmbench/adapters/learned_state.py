"""What an object has learned, on disk: numbers and arrays as JSON, weights of torch as safetensors."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.files import read_bytes, write_bytes

WEIGHTS = "weights.safetensors"


def write_learned(model: Any, fresh: Any, folder: Path) -> dict[str, Any]:
    """Write the weights of an object's torch modules, if it has any; its other attributes as JSON values.

    `fresh` is such an object that has learned nothing: what it has too is there again after loading.

    Raises
    ------
    RunFailedError
        For an attribute that cannot be kept.
    """
    numbers, weights = _learned(model, fresh)
    if weights:
        from safetensors.torch import save

        write_bytes(folder / WEIGHTS, save(weights))
    return {"learned": numbers, "weights": sorted(weights)}


def read_learned(fresh: Any, card: Mapping[str, Any], folder: Path) -> None:
    """Give an object that has learned nothing what `write_learned` has kept.

    Raises
    ------
    BadInputError
        If the weights are not those of such an object.
    KeyError, TypeError, ValueError
        If the card is damaged.
    """
    for name, value in card["learned"].items():
        setattr(fresh, name, _unpacked(value))
    if card["weights"]:
        _read_weights(fresh, folder / WEIGHTS)


def _read_weights(model: Any, path: Path) -> None:
    import safetensors
    from safetensors.torch import load

    try:
        weights = load(read_bytes(path, within=path.parent))
        for part in {name.partition("/")[0] for name in weights}:
            own = {
                name.partition("/")[2]: one for name, one in weights.items() if name.startswith(f"{part}/")
            }
            getattr(model, part).load_state_dict(own)
            getattr(model, part).eval()
    except (safetensors.SafetensorError, AttributeError, RuntimeError) as error:
        got = str(error).splitlines()[0]
        raise BadInputError("not the weights of this model", where=str(path), got=got) from None


def _learned(model: Any, fresh: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The attributes of an object as JSON, and the tensors of its torch modules by name.

    Raises
    ------
    RunFailedError
        For an attribute that is neither.
    """
    numbers, weights = dict[str, Any](), dict[str, Any]()
    for name, value in vars(model).items():
        if callable(getattr(value, "state_dict", None)) and hasattr(
            getattr(fresh, name, None), "load_state_dict"
        ):
            weights |= {
                f"{name}/{key}": one.detach().cpu().contiguous() for key, one in value.state_dict().items()
            }
        elif not dataclasses.is_dataclass(value):
            numbers[name] = _packed(value, f"{type(model).__name__}.{name}")
    return numbers, weights


def _packed(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype != object:
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": data, "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, list | tuple):
        return [_packed(one, where) for one in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _packed(one, where) for key, one in value.items()}}
    kind = type(value).__name__
    raise RunFailedError(
        f"{where} is a {kind}, which cannot be kept; give the class save(folder) and load(folder)"
    )


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(one) for one in value]
    if isinstance(value, dict) and "array" in value:
        data = base64.b64decode(value["array"], validate=True)
        return np.frombuffer(data, np.dtype(value["dtype"])).reshape(value["shape"]).copy()
    if isinstance(value, dict):
        return {key: _unpacked(one) for key, one in value["dict"].items()}
    return value

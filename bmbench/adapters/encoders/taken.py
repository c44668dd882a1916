"""The weights that an encoder begins with: those of a file, or those that timm publishes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from bmbench.adapters.encoders.choice import HUB, NONE, EncoderSettings, timm
from bmbench.adapters.encoders.timm_encoder import Encoder
from bmbench.adapters.learning.third_party import without_side_effects
from bmbench.adapters.learning.weight_files import tensors_of
from bmbench.core.errors import BadInputError, RunFailedError


def take_encoder_weights(encoder: nn.Module, settings: EncoderSettings) -> str:
    """Give a fresh encoder the weights that its settings ask for; returns what was taken, for the log.

    Names may begin with those of parts that the model was in (``teacher.backbone.…``). What timm knows of
    other programs' names, and of images of another size, is done as timm does it.

    Raises
    ------
    BadInputError
        If there are no such weights, or too few of them fit.
    RunFailedError
        If they cannot be had (no connection).
    """
    if not isinstance(encoder, Encoder) or settings.weights == NONE:
        return ""
    loaded = _published(settings.encoder) if settings.weights == HUB else _from_file(settings.weights)
    own = encoder.model.state_dict()
    found = _as_timm_names(_unwrapped(loaded, own), encoder)
    fitting = {name: value for name, value in found.items() if name in own and own[name].shape == value.shape}
    missing = [name for name in own if name not in fitting and not name.endswith("num_batches_tracked")]
    where = f"--set weights={settings.weights}"
    if 2 * len(fitting) < len(own) or (settings.encoder_frozen and missing):
        raise BadInputError(
            f"the weights are not those of a {settings.encoder}",
            where=where,
            expected=f"{len(own)} tensors by the names that timm gives them",
            got=f"{len(fitting)} that fit" + (f"; {missing[0]} is missing" if fitting else ""),
            remedy="choose the encoder that they belong to (--set encoder=…)",
        )
    encoder.model.load_state_dict(fitting, strict=False)
    kept = "frozen" if settings.encoder_frozen else "tuned"
    return f"{len(fitting)} of the encoder's {len(own)} weights from {settings.weights}, {kept}"


def _from_file(weights: str) -> Mapping[str, torch.Tensor]:
    path = Path(weights)
    if not path.is_file():
        raise BadInputError(
            "file not found", where=f"--set weights={weights}", expected="none, hub or a file"
        )
    return tensors_of(path)


def _published(name: str) -> Mapping[str, torch.Tensor]:
    with torch.random.fork_rng(), without_side_effects():
        try:
            theirs = timm(name).create_model(name, pretrained=True, num_classes=0)
        except (OSError, RuntimeError) as error:
            said = str(error).split("\n")[0][:200]
            raise RunFailedError(
                f"timm's weights of {name} cannot be had ({said}); put the file somewhere and use "
                f"--set weights=PATH"
            ) from None
    weights: Mapping[str, torch.Tensor] = theirs.state_dict()
    return weights


def _unwrapped(
    loaded: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The tensors of the part of a file that has most names of the model, without that part's name."""
    wrappers: Counter[str] = Counter()
    for name in loaded:
        parts = name.split(".")
        for i in range(len(parts)):
            if ".".join(parts[i:]) in own:
                wrappers[".".join([*parts[:i], ""]) if i else ""] += 1
    if not wrappers:
        return dict(loaded)
    (wrapper, _), *_ = sorted(wrappers.items(), key=lambda one: (-one[1], len(one[0])))
    return {name[len(wrapper) :]: value for name, value in loaded.items() if name.startswith(wrapper)}


def _as_timm_names(loaded: dict[str, torch.Tensor], encoder: Encoder) -> Mapping[str, torch.Tensor]:
    """The tensors by the names and of the sizes that the model has, as far as timm knows how."""
    convert = getattr(sys.modules[type(encoder.model).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return loaded
    try:
        with without_side_effects():
            found: Mapping[str, torch.Tensor] = convert(dict(loaded), encoder.model)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
        # Of another kind of model, which the count of those that fit says.
        return loaded
    return found

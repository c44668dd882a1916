"""Which encoder a network begins with, as its settings say it, and what follows from that."""

from __future__ import annotations

import importlib
import importlib.util
import re
from typing import TYPE_CHECKING, Any, Protocol

from bmbench.core.errors import MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from types import ModuleType

    from bmbench.adapters.images.working_scale import Colour

NONE = "none"
"""No encoder, or no weights."""
HUB = "hub"
"""Weights from where timm publishes its own."""
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?")
"""A model's name and perhaps that of its weights; timm would look up `hf-hub:…` and open `local-dir:…`."""


class EncoderSettings(Protocol):
    """What the settings of a network with a choice of encoders have."""

    @property
    def encoder(self) -> str:
        """The name of a model of timm, or none."""
        ...

    @property
    def encoder_frozen(self) -> bool:
        """Whether its weights stay as they were loaded."""
        ...

    @property
    def weights(self) -> str:
        """None, hub, or the path of a file."""
        ...


def require_encoder(settings: EncoderSettings, *, others: tuple[str, ...] = ()) -> None:
    """Nothing, or a ValueError if the settings of an encoder do not go together.

    `others` are the words that `weights` may be where no encoder is chosen, beside none and a path.
    """
    name, weights = settings.encoder, settings.weights
    if name == NONE:
        if settings.encoder_frozen:
            raise ValueError("encoder_frozen is true, and encoder is none: there is nothing to freeze")
        if weights == HUB:
            raise ValueError("weights is hub, and encoder is none; expected a model of timm (encoder=NAME)")
        return
    if not _NAME.fullmatch(name):
        raise ValueError(f"encoder is {name!r}, expected none or a model of timm, as resnet18")
    if weights in others:
        raise ValueError(f"weights is {weights}, and encoder is {name}; expected none, hub or a file")
    if settings.encoder_frozen and weights == NONE:
        raise ValueError("encoder_frozen is true, and weights is none: it would stay as chance made it")


def timm(encoder: str) -> ModuleType:
    """The package.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    if importlib.util.find_spec("timm") is None:
        raise MissingExtraError(f"timm, which --set encoder={encoder} needs,", extra="encoders")
    from bmbench.adapters.learning.third_party import without_side_effects

    with without_side_effects():
        return importlib.import_module("timm")


def encoder_colours(settings: EncoderSettings) -> tuple[Colour, Colour] | None:
    """Mean and deviation of colours, 0 to 255, that its weights were taught with; None without any."""
    if NONE in {settings.encoder, settings.weights}:
        return None
    facts = published_facts(settings.encoder)
    mean, deviation = (tuple(255.0 * value for value in facts[name]) for name in ("mean", "std"))
    return mean, deviation


def refuse_unknown(name: str) -> None:
    """Nothing, or an UnknownNameError if timm has no model of that name."""
    package = timm(name)
    if not package.is_model(name):
        raise UnknownNameError("model of timm", name, package.list_models())


def published_facts(name: str) -> dict[str, Any]:
    """What timm says of a model's published weights: mean, std, license.

    Raises
    ------
    BadInputError
        If timm has no such model.
    MissingExtraError
        If timm is not installed.
    """
    refuse_unknown(name)
    facts = timm(name).get_pretrained_cfg(name)
    return dict(facts.to_dict()) if facts is not None else {"mean": (0.5,) * 3, "std": (0.5,) * 3}

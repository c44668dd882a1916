"""What a user asks for, resolved: names to records, text to typed settings."""

from __future__ import annotations

import dataclasses
import importlib.util
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bmbench.core.errors import BadInputError, MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bmbench.adapters.method import Method

_PROBE = {"train": "torch", "yolo": "ultralytics", "cluster": "distributed"}
"""The module whose presence tells that an extra is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of `bmbench run`, as they were given."""

    method: str = "unet_shrink"
    dataset: str = "synthetic"
    data: Path | None = None
    dataset_options: Mapping[str, str] = field(default_factory=dict)
    track: str = "weak"
    profile: str = "quick"
    artefacts: str = "background"
    jitter_px: float | None = None
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    out: Path = Path("runs")


def is_installed(method: Method) -> bool:
    """Whether the optional dependencies of a method are there."""
    return method.extra is None or importlib.util.find_spec(_PROBE[method.extra]) is not None


def require_installed(method: Method) -> None:
    """Nothing, or a MissingExtraError with the command that installs what the method needs."""
    if method.extra is not None and not is_installed(method):
        raise MissingExtraError(f"{_PROBE[method.extra]}, which {method.name} needs,", extra=method.extra)


def resolve_settings(method: Method, profile: str, changes: Mapping[str, str]) -> Any:
    """The method's settings for a profile, with `--set name=value` changes applied.

    Raises
    ------
    UnknownNameError
        For a name that the method has no setting of.
    BadInputError
        For a value that is not of the setting's type, or out of its range.
    """
    settings = method.settings[profile]
    kinds = typing.get_type_hints(type(settings))
    values = {name: _parse(name, text, kinds) for name, text in changes.items()}
    try:
        return dataclasses.replace(settings, **values)
    except ValueError as error:
        raise BadInputError(f"--set: {error}") from None


def parse_pairs(texts: list[str], *, option: str) -> dict[str, str]:
    """``["a=1", "b=x"]`` as a mapping; BadInputError for a text without ``=``."""
    for text in texts:
        if "=" not in text:
            raise BadInputError(f"{option} {text!r} is not a pair", expected="name=value")
    return dict(text.split("=", 1) for text in texts)


def _parse(name: str, text: str, kinds: Mapping[str, Any]) -> Any:
    if name not in kinds:
        raise UnknownNameError("setting", name, kinds)
    kind = kinds[name]
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        choices = typing.get_args(kind)
        expected = f"one of {', '.join(map(str, choices))}" if choices else f"a value of type {kind.__name__}"
        raise BadInputError(f"--set {name}={text}", expected=expected) from None

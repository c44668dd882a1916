"""Whether the optional dependencies of a method are there."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from bmbench.core.errors import MissingExtraError

if TYPE_CHECKING:
    from bmbench.adapters.method import Method

_PROBE = {"train": "torch", "yolo": "ultralytics", "cluster": "distributed"}
"""The module whose presence tells that an extra is installed."""


def is_installed(method: Method) -> bool:
    """Whether the optional dependencies of a method are there."""
    return _has_extra(method) and _has_beside(method)


def require_installed(method: Method) -> None:
    """Nothing, or a MissingExtraError with the command that installs what the method needs."""
    if method.extra is not None and not _has_extra(method):
        raise MissingExtraError(f"{_PROBE[method.extra]}, which {method.name} needs,", extra=method.extra)
    if method.beside is not None and not _has_beside(method):
        what = f"{method.beside.module}, which {method.name} needs,"
        raise MissingExtraError(what, command=method.beside.command)


def _has_extra(method: Method) -> bool:
    return method.extra is None or importlib.util.find_spec(_PROBE[method.extra]) is not None


def _has_beside(method: Method) -> bool:
    return method.beside is None or importlib.util.find_spec(method.beside.module) is not None

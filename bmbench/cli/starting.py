"""How a command starts and ends soon: nothing is built, loaded or searched that it does not need.

Typer makes parsers of fifty commands, and loads pydantic to check what they are given: together as long as
scoring a thousand images takes.
"""

from __future__ import annotations

import gc
import os
import sys
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from bmbench.core.numerals import numeral

_SPECIAL = ("exists", "writable", "resolve_path", "allow_dash", "path_type", "parser")
"""What a parameter may ask of a path or a text beyond taking it."""

_ONLY_COUNT = (["score"], ["compare"])
_LONG = 4 << 20
"""Bytes of a file from which on it matters how memory is asked for."""
_KEEP_MEMORY = {-1: 2**31 - 1, -3: 2**30, -8: 1}
"""What GNU's `mallopt` is told: to give no memory back, to take all of it from one place, for all threads."""


@contextmanager
def counting_alone(arguments: Sequence[str]) -> Iterator[None]:
    """Spare commands that only count what they do not need: a tenth of their time.

    No matrix of any size is multiplied, so no threads are started for that; nothing is left in rings; and
    memory that was given back would be asked for again at once.
    """
    if arguments[:1] not in _ONLY_COUNT or "--metric" in arguments:
        yield
        return
    threads, collecting = os.environ.get("OPENBLAS_NUM_THREADS"), gc.isenabled()
    os.environ["OPENBLAS_NUM_THREADS"] = threads or "1"
    gc.disable()
    _keep_memory(arguments)
    try:
        yield
    finally:
        if threads is None:
            del os.environ["OPENBLAS_NUM_THREADS"]
        if collecting:
            gc.enable()


def _keep_memory(arguments: Sequence[str]) -> None:
    """Use memory again, where a long file is named and the system's allocator can be told so."""
    if sys.platform != "linux" or not any(_size(text) >= _LONG for text in arguments):
        return
    import ctypes

    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is None:
        return
    for what, value in _KEEP_MEMORY.items():
        tell(what, value)


def _size(text: str) -> int:
    try:
        return Path(text).stat().st_size
    except (OSError, ValueError):
        return 0


def asked(app: typer.Typer, arguments: list[str]) -> typer.Typer:
    """The application with the command alone that stands first; the whole one where no command does."""
    commands = [one for one in app.registered_commands if arguments[:1] == [_name(one)]]
    groups = [one for one in app.registered_groups if arguments[:1] == [one.name]]
    if not commands and not groups:
        return app
    lone = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    lone.info, lone.registered_callback = app.info, app.registered_callback
    lone.registered_commands, lone.registered_groups = commands, groups
    return lone


def take_plain_values(command: Any) -> None:
    """Let a command take texts, paths and what is not given as they stand, and no number but a `numeral`.

    All else is checked as before. Releases of typer that check in another way are left alone.
    """
    of_class = command.get_params

    def prepared(ctx: Any) -> Any:
        # Asked each time: the options of help and of completion are added late.
        params = of_class(ctx)
        for param in params:
            if hasattr(param, "get_runtime_param") and "get_runtime_param" not in vars(param):
                param.get_runtime_param = _PlainValues(param).itself
        return params

    command.get_params = prepared


class _PlainValues:
    """Stands before the checker of one parameter."""

    def __init__(self, param: Any) -> None:
        self._checker = param.get_runtime_param
        descriptor = param.type_descriptor
        special = any(getattr(descriptor.parameter_info, name, None) for name in _SPECIAL)
        kinds: dict[Any, type] = {str: str, list[str]: str, Path: Path, list[Path]: Path}
        self._kind = None if special else kinds.get(descriptor.annotation)
        self._numbers = {int, float} & {descriptor.annotation, *typing.get_args(descriptor.annotation)}

    def itself(self) -> _PlainValues:
        """What typer asks a parameter for."""
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        many = param.multiple or param.nargs == -1
        if value is None:
            return () if many else None
        texts = value if many and isinstance(value, list | tuple) else [value]
        if self._kind is None or not all(_plain(text, self._kind) for text in texts):
            made = self._checker().coerce(value, param=param, ctx=ctx)
            try:
                for text in texts if self._numbers else ():
                    numeral(text)
            except ValueError:
                said = "not a number" if float in self._numbers else "not a whole number"
                raise typer.BadParameter(said, ctx=ctx, param=param) from None
            return made
        taken = [self._kind(text) for text in texts]
        return taken if many else taken[0]


def leave_soon() -> None:
    """Spare the end of Python its search for rings among all objects: the system takes the memory back whole.

    Parts of torch count what is left of them, and complain: with them it is made.
    """
    if "torch" not in sys.modules:
        gc.freeze()


def _plain(text: Any, kind: type) -> bool:
    """Whether there is nothing to check: a text of characters, or a path that nobody is kept from reading."""
    if not isinstance(text, str | Path) or "\0" in str(text) or not str(text).isascii():
        return False
    return kind is str or os.access(text, os.R_OK) or not os.path.lexists(text)


def _name(command: Any) -> str:
    return str(command.name or command.callback.__name__)

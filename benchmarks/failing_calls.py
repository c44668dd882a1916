"""System calls that fail, one at a time, in the manner of SQLite's tests.

A disk is full, a cable is loose, a lock cannot be had: `Failing` counts the calls that touch files below a
folder (open, write, rename, sync, lock, make, link, remove) and lets a chosen one fail. A write writes half
of what it was given before it fails.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bmbench import cli
from bmbench.core import asides

ERRORS = (errno.ENOSPC, errno.EIO, errno.EINTR, errno.ENOLCK, errno.EACCES)
_OF_PATHS = ("mkdir", "replace", "rename", "unlink", "rmdir", "link", "symlink", "chmod", "truncate")
_OF_HANDLES = ("fsync", "write", "ftruncate")


@dataclass
class Failing:
    """Calls below a folder, by name; number `at` of them (from 0) fails with the error number."""

    folder: Path
    at: int | None = None
    error: int = errno.EIO
    calls: list[str] = field(default_factory=list)
    _handles: set[int] = field(default_factory=set)

    @contextmanager
    def on(self) -> Iterator[Failing]:
        """Inside the block it is so."""
        import fcntl

        with contextlib.ExitStack() as stack:
            for name in _OF_PATHS:
                stack.enter_context(patch.object(os, name, self._of_path(name, getattr(os, name))))
            for name in _OF_HANDLES:
                stack.enter_context(patch.object(os, name, self._of_handle(name, getattr(os, name))))
            stack.enter_context(patch.object(fcntl, "flock", self._of_handle("flock", fcntl.flock)))
            stack.enter_context(patch.object(os, "open", self._opening(os.open)))
            opened = self._file_opened(io.open)
            for module in (io, builtins):
                stack.enter_context(patch.object(module, "open", opened))
            yield self

    def call(self, name: str) -> None:
        """Count a call; OSError if it is the one."""
        self.calls.append(name)
        if len(self.calls) - 1 == self.at:
            raise OSError(self.error, os.strerror(self.error))

    def is_below(self, path: Any) -> bool:
        """Whether a path, or an open file, lies in the folder."""
        if isinstance(path, int):
            return path in self._handles
        try:
            return Path(os.path.abspath(os.fsdecode(path))).is_relative_to(self.folder)  # noqa: PTH100
        except TypeError:
            return False

    def _of_path(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            # Removing a tree names what is in it by an open folder.
            if more.get("dir_fd") is not None or self.is_below(path):
                self.call(name)
            return real(path, *rest, **more)

        return call

    def _of_handle(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(handle: Any, *rest: Any) -> Any:
            if self.is_below(handle if isinstance(handle, int) else handle.fileno()):
                self.call(name)
            return real(handle, *rest)

        return call

    def _opening(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, *rest: Any, **more: Any) -> int:
            below = self.is_below(path)
            if below:
                self.call("open")
            handle = real(path, *rest, **more)
            (self._handles.add if below else self._handles.discard)(handle)
            return handle

        return call

    def _file_opened(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **more: Any) -> Any:
            if not self.is_below(file):
                return real(file, mode, buffering, *rest, **more)
            if not isinstance(file, int):
                self.call("open")
            if not set(mode) & set("wax+"):
                return real(file, mode, buffering, *rest, **more)
            raw = _Raw(self, file, mode.replace("b", "").replace("t", ""))
            if buffering == 0:
                return raw
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            names = dict(zip(("encoding", "errors", "newline"), rest, strict=False)) | more
            return buffered if "b" in mode else io.TextIOWrapper(buffered, **names)

        return call


class _Raw(io.FileIO):
    """A file whose writes are counted."""

    def __init__(self, failing: Failing, file: Any, mode: str) -> None:
        super().__init__(file, mode)
        self._failing = failing

    def write(self, data: Any, /) -> int:
        try:
            self._failing.call("write")
        except InterruptedError:
            # A signal came before anything was written; Python tries again by itself.
            raise
        except OSError:
            super().write(bytes(data)[: len(data) // 2])
            raise
        return super().write(data)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: its exit code, what it said last, and the traceback if there was one."""

    code: int
    said: str
    traceback: str


def command(*arguments: object) -> Ended:
    """Run `bmbench` in this process, as if it were a new one."""
    asides._swept.clear()
    out, err = io.StringIO(), io.StringIO()
    code, trace = 0, ""
    with (
        patch.object(sys, "argv", ["bmbench", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except BaseException:  # noqa: BLE001 (this is what is looked for)
            code, trace = 1, traceback.format_exc()
    lines = (err.getvalue() if code else out.getvalue()).strip().splitlines()
    if "Traceback" in err.getvalue():
        trace = trace or err.getvalue()
    return Ended(code=code, said=lines[-1] if lines else "", traceback=trace)

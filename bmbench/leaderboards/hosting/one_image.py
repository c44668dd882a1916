"""One image to a stranger's program, and its answer back: the contract of the container lane.

The program gets the path of one image as its last argument, and writes its answer to standard output as JSON.
It has no network, a file system that it cannot write to but for a small one in memory, and limits on time,
memory, processes and output. Without a container (`own_program`) the same contract holds, but nothing keeps a
program from the network or the disk: that is for one's own program, before it goes into an image.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TypeAlias

from bmbench.core.errors import BadInputError, RunFailedError

Engine: TypeAlias = Literal["podman", "docker"]
_IMAGE = re.compile(r"([a-z0-9][a-z0-9._/:-]{0,200}@)?sha256:[0-9a-f]{64}\Z")
_INSIDE = "/in"
_LIMITED = """
import os, resource, sys
for name, most in zip(("RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_AS"), map(int, sys.argv[1].split(","))):
    resource.setrlimit(getattr(resource, name), (most, most))
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"{sys.argv[2]}: {error.strerror}")
"""
"""Sets the limits that the kernel knows and becomes the program: one's own, without a container."""
_ERROR_BYTES = 4096
"""What a program says on its standard error, of which the end is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramLimits:
    """What one call may take."""

    seconds: float = 120.0
    memory_mb: int = 8192
    scratch_mb: int = 1024
    processes: int = 256
    answer_bytes: int = 4 * 2**20
    cpus: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command, and what stops everything that it started."""

    command: tuple[str, ...]
    stop: tuple[str, ...] | None = None


Program: TypeAlias = Callable[[Path, ProgramLimits], Call]
"""From the folder that holds the one image, and its name, to the call."""


def container(image: str, engine: Engine) -> Program:
    """A container of an image that is named by its digest; it is never pulled here.

    Raises
    ------
    BadInputError
        If the image has no digest: a tag may be another image tomorrow.
    """
    if not _IMAGE.match(image):
        expected = "NAME@sha256:… or sha256:…, with 64 of 0-9 and a-f"
        raise BadInputError("is no image with a digest", where="--image", expected=expected, got=image[:80])

    def call(file: Path, limits: ProgramLimits) -> Call:
        name = f"bmbench-{secrets.token_hex(8)}"
        # A rootless podman maps the container's root to this user; docker is told who to be.
        user = () if engine == "podman" else ("--user", f"{os.getuid()}:{os.getgid()}")
        command = (
            engine, "run", "--rm", "--name", name, "--pull=never", "--network=none", "--read-only",
            "--cap-drop=ALL", "--security-opt=no-new-privileges", f"--pids-limit={limits.processes}",
            f"--memory={limits.memory_mb}m", f"--memory-swap={limits.memory_mb}m", f"--cpus={limits.cpus:g}",
            "--tmpfs", f"/tmp:rw,nosuid,nodev,size={limits.scratch_mb}m", *user,
            "--mount", f"type=bind,source={file.parent},target={_INSIDE},readonly", image,
            f"{_INSIDE}/{file.name}",
        )  # fmt: skip
        return Call(command=command, stop=(engine, "rm", "--force", name))

    return call


def own_program(command: Sequence[str]) -> Program:
    """One's own program, as it will be called in a container; BadInputError if there is none."""
    if not command:
        raise BadInputError("no program", where="--command", remedy="give the program and its arguments")

    def call(file: Path, limits: ProgramLimits) -> Call:
        cpu_s, file_bytes = int(limits.seconds * limits.cpus) + 1, limits.scratch_mb * 2**20
        kept = f"{cpu_s},{file_bytes},{limits.memory_mb * 2**20}"
        return Call(command=(sys.executable, "-I", "-c", _LIMITED, kept, *command, str(file)))

    return call


def answer_of(program: Program, file: Path, limits: ProgramLimits) -> bytes:
    """What a program writes for one image.

    Raises
    ------
    RunFailedError
        If it cannot be started, fails, takes longer or writes more than it may.
    """
    call = program(file, limits)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            process = subprocess.Popen(
                call.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=scratch,
                start_new_session=True,
            )
        except OSError as error:
            raise RunFailedError(f"the program cannot be started ({error.strerror})") from None
        talk = _Talk(process, limits)
        try:
            return talk.answer()
        finally:
            _stop(process, call.stop)
            talk.close()


class _Talk:
    """What a program says, read no further than it may be long, waited for no longer than it may take."""

    def __init__(self, process: subprocess.Popen[bytes], limits: ProgramLimits) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process, self._limits = process, limits
        self._said: list[bytes] = []
        self._errors: list[bytes] = []
        self._end = time.monotonic() + limits.seconds
        out, err = process.stdout, process.stderr
        self._out = threading.Thread(
            target=_read, args=(out, limits.answer_bytes + 1, self._said), daemon=True
        )
        self._err = threading.Thread(target=_read_end, args=(err, self._errors), daemon=True)
        self._streams = ((self._out, out), (self._err, err))
        for reader, _ in self._streams:
            reader.start()

    def answer(self) -> bytes:
        """The whole answer of a program that ended well in time."""
        limits = self._limits
        late = RunFailedError(f"the program took longer than {limits.seconds:g} s")
        self._out.join(limits.seconds)
        if self._out.is_alive():
            raise late
        answer = b"".join(self._said)
        if len(answer) > limits.answer_bytes:
            raise RunFailedError(f"the program wrote more than {limits.answer_bytes:,} bytes")
        try:
            code = self._process.wait(max(self._end - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            raise late from None
        if code:
            self._err.join(1)
            text = b"".join(self._errors).decode("utf-8", "replace")
            shown = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
            raise RunFailedError(f"the program ended with code {code}: {shown[-300:] or 'no message'}")
        return answer

    def close(self) -> None:
        """Close what nobody reads any more; the end of a process that got away stays open."""
        for reader, stream in self._streams:
            reader.join(1)
            if not reader.is_alive():
                stream.close()


def _read(stream: IO[bytes], most: int, into: list[bytes]) -> None:
    left = most
    while left > 0 and (part := os.read(stream.fileno(), min(left, 1 << 16))):
        into.append(part)
        left -= len(part)


def _read_end(stream: IO[bytes], into: list[bytes]) -> None:
    while part := os.read(stream.fileno(), 1 << 16):
        into[:] = [(b"".join(into) + part)[-_ERROR_BYTES:]]


def _stop(process: subprocess.Popen[bytes], stop: Sequence[str] | None) -> None:
    """End the program and all that it started."""
    if stop is not None:
        subprocess.run(stop, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

"""Objects of a long JSON list, a block at a time, without holding the list in memory.

A block is cut where the curly brackets outside strings are balanced, which NumPy finds at the speed of
memory; only then a parser sees it. So a list of a million objects needs as much memory as one block.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.gate import open_file
from bmbench.core.types import Ints
from bmbench.datasets.reading.limits import loads

BLOCK_BYTES = 1 << 19
"""Small enough that the parsed objects of a block stay in the cache."""
HEAD_BYTES = 1 << 16
"""What is looked through for the start of the list."""
OBJECT_LIMIT_BYTES = 256 << 20
"""The longest single object: an outline of ten million corners."""
FRAME_LIMIT_BYTES = 16 << 20
"""The most text before and after the list."""
TOTAL_LIMIT_BYTES = 64 << 30
RATIO_LIMIT = 200
"""The most that packed text may grow by; coordinates grow three to twenty times."""
RATIO_FREE_BYTES = 32 << 20
DEPTH_LIMIT = 64
_BACKSLASH, _QUOTE, _OPEN, _CLOSE = b'\\"{}'


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Whole objects as they stand in the file, with commas between them.

    `first` is the number of the first one, counted from 0; `count` how many there are.
    """

    text: bytes
    first: int
    count: int


def object_blocks(path: Path, *, key: str) -> Iterator[Block]:
    """The objects of a JSON file that is a list of them, or has such a list as its member `key`.

    A file that is one single object without that member is a list of one. Files whose name ends in
    ``.gz`` are unpacked on the way.

    Raises
    ------
    BadInputError
        If the file is missing, is no such list, ends inside it, nests deeper than `DEPTH_LIMIT`, or
        unpacks to more than `RATIO_LIMIT` times its size.
    """
    with _opened(path) as file:
        reader = _Reader(file, path)
        reader.fill(HEAD_BYTES)
        head = _list_start(reader, key)
        if head is None:
            yield Block(_whole(reader), 0, 1)
            return
        frame, reader.buffer = reader.buffer[:head], reader.buffer[head:]
        first = 0
        while True:
            ends, closed = _balanced(reader, first)
            if len(ends):
                yield Block(reader.buffer[: ends[-1]].lstrip(b", \t\r\n"), first, len(ends))
                first += len(ends)
                reader.buffer = reader.buffer[ends[-1] :]
            if closed:
                break
        reader.buffer = _after_last(reader.buffer)
        reader.rest(FRAME_LIMIT_BYTES)
        _check_frame(frame + reader.buffer, path)


class _Reader:
    """A file that is read ahead into `buffer`."""

    def __init__(self, file: _Readable, path: Path) -> None:
        self.file, self.path, self.buffer, self.ended = file, path, b"", False
        self._packed = path.stat().st_size if path.suffix.lower() == ".gz" else None
        self._total = 0

    def fill(self, count: int) -> None:
        """Add at least one byte, at most `count`, unless the file has ended."""
        more = self.file.read(count)
        self.ended = not more
        self._total += len(more)
        self.buffer += more
        limit = TOTAL_LIMIT_BYTES
        if self._packed is not None:
            limit = min(limit, max(RATIO_FREE_BYTES, RATIO_LIMIT * self._packed))
        if self._total > limit:
            raise BadInputError(
                "unpacks to far more than annotations do",
                where=str(self.path),
                expected=f"at most {limit:,} bytes",
                remedy="unpack and look at it first",
            )

    def rest(self, limit: int) -> None:
        """Add all that is left; BadInputError if that is more than `limit`."""
        while not self.ended:
            self.fill(BLOCK_BYTES)
            if len(self.buffer) > limit:
                raise BadInputError("too much text outside its list of objects", where=str(self.path))


@contextmanager
def _opened(path: Path) -> Iterator[_Readable]:
    try:
        with open_file(path, limit=None) as file:
            if path.suffix.lower() == ".gz":
                with gzip.open(file, "rb") as unpacked:
                    yield unpacked
            else:
                yield file
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadInputError("not a gzip file, or a damaged one", where=str(path), got=str(error)) from None
    except OSError as error:
        raise BadInputError(f"cannot be read ({error.strerror})", where=str(path)) from error


def _list_start(reader: _Reader, key: str) -> int | None:
    """Where the list's first object may begin; None for a file of one single object."""
    text = reader.buffer = reader.buffer.removeprefix(b"\xef\xbb\xbf")
    inner = text.lstrip()
    if inner.startswith(b"["):
        return len(text) - len(inner) + 1
    if not inner.startswith(b"{"):
        raise BadInputError("not a JSON list or object", where=str(reader.path), got=repr(inner[:20]))
    places, steps = _brackets(text)
    depth = np.cumsum(steps)
    for match in re.finditer(rb'"' + key.encode() + rb'"\s*:\s*\[', text):
        before = int(np.searchsorted(places, match.start()))
        if before and depth[before - 1] == 1:
            return match.end()
    return None


def _whole(reader: _Reader) -> bytes:
    reader.rest(OBJECT_LIMIT_BYTES)
    return reader.buffer


def _balanced(reader: _Reader, first: int) -> tuple[Ints, bool]:
    """Where the whole objects of the buffer end, and whether the list ends after the last of them."""
    wanted = BLOCK_BYTES
    while True:
        ends, closed = _ends(reader.buffer, reader.path, first)
        if len(ends) or closed:
            return ends, closed
        if reader.ended or len(reader.buffer) > OBJECT_LIMIT_BYTES:
            what = "ends inside its list of objects" if reader.ended else "object too large"
            raise BadInputError(what, where=f"{reader.path}, object {first}", remedy="copy the file again")
        reader.fill(wanted)
        # Looking again at all of a long object would take quadratic time if it grew by equal steps.
        wanted = max(BLOCK_BYTES, len(reader.buffer))


def _ends(text: bytes, path: Path, first: int) -> tuple[Ints, bool]:
    places, steps = _brackets(text)
    depth = np.cumsum(steps)
    if depth.max(initial=0) > DEPTH_LIMIT:
        raise BadInputError(f"objects nested deeper than {DEPTH_LIMIT}", where=str(path))
    outside = np.flatnonzero(depth < 0)
    if len(outside):
        places, steps, depth = places[: outside[0]], steps[: outside[0]], depth[: outside[0]]
    starts, ends = places[(depth == 1) & (steps == 1)], places[(depth == 0) & (steps == -1)] + 1
    if len(ends) and len(starts) >= len(ends) and _same_gaps(text, starts[: len(ends)], ends, first):
        after = text[ends[-1] : starts[len(ends)] if len(starts) > len(ends) else None].lstrip()
        if len(starts) > len(ends) and after.strip() == b",":
            return ends, False
        if len(starts) == len(ends):
            return ends, _after_last(after).startswith(b"]")
    previous = 0
    for number, start in enumerate(starts.tolist()):
        gap = text[previous:start].strip()
        if gap != (b"," if number or first else b""):
            if gap.startswith(b"]"):
                return ends[:number], True
            raise BadInputError("not a list of objects", where=f"{path}, object {first + number}")
        if number >= len(ends):
            return ends, False
        previous = int(ends[number])
    rest = text[previous:].lstrip()
    return ends, (_after_last(rest) if first or len(ends) else rest).startswith(b"]")


def _after_last(text: bytes) -> bytes:
    """What follows the last object: InstanSeg writes one more comma behind those of a slide."""
    return text.lstrip().removeprefix(b",").lstrip()


def _same_gaps(text: bytes, starts: Ints, ends: Ints, first: int) -> bool:
    """Whether the same few bytes, a comma and spaces, stand between all objects."""
    opening = text[: starts[0]].strip()
    gap = text[ends[0] : starts[1]] if len(starts) > 1 else b","
    if opening != (b"," if first else b"") or gap.strip() != b"," or len(gap) > 8:
        return False
    if not (starts[1:] - ends[:-1] == len(gap)).all():
        return False
    values = np.frombuffer(text, np.uint8)
    return all((values[ends[:-1] + place] == byte).all() for place, byte in enumerate(gap))


def _brackets(text: bytes) -> tuple[Ints, Ints]:
    """Places of the curly brackets outside strings, and +1 or -1 for each."""
    values = np.frombuffer(text, np.uint8)
    places = np.flatnonzero((values == _OPEN) | (values == _CLOSE))
    quotes = np.flatnonzero(values == _QUOTE)
    if b"\\" in text:
        quotes = quotes[[not _escaped(text, int(place)) for place in quotes]]
    places = places[np.searchsorted(quotes, places) % 2 == 0]
    return places, np.where(values[places] == _OPEN, 1, -1)


def _escaped(text: bytes, place: int) -> bool:
    before = place
    while before and text[before - 1] == _BACKSLASH:
        before -= 1
    return (place - before) % 2 == 1


def _check_frame(text: bytes, path: Path) -> None:
    """Nothing, if what stands around the list is JSON; BadInputError otherwise."""
    try:
        loads(text)
    except ValueError as error:
        raise BadInputError("not valid JSON around its list", where=str(path), got=str(error)) from None

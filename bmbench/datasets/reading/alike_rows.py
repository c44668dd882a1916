"""Pieces of a JSON list whose records are alike but for their numbers, decoded all at once.

What programs write is regular: of thousands of records only the numbers differ. One comparison then checks
all keys and brackets, and one flat list of numbers is left to decode. Whatever is not so, or may be wrong,
is left to the decoder that reads record by record: it alone judges, and nothing is refused here.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Numbers: TypeAlias = tuple[str, int]
"""Kind and count of a field's numbers: "q" for whole ones or "d" for any; 0 for one that is in no list."""

_PATIENCE = 3
"""Pieces in a row that may turn out not to be alike before no other one is tried."""
_MARK, _NOTHING = b"\x01", b"\x02"
"""What no JSON text holds stands meanwhile for the e of 1e-05, since letters are taken for those of keys, and
around the number that an empty list is passed over as."""
_NUMBER = b"0123456789.-+"
_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123)) + b"_"
_SPACE = b" \t\r\n" + _NOTHING
_EXPONENT = re.compile(rb"(?<=[0-9])[eE](?=[-+0-9])")
_EMPTY = re.compile(rb'"([^"]*)"\s*:\s*\[\]')
_FIELD = rb'"([A-Za-z_]+)"\s*:\s*(\[[\s,]*\])?[\s\x02]*'
_FIELDS = re.compile(_FIELD)
_RECORD = re.compile(rb"\{\s*" + _FIELD + rb"(,\s*" + _FIELD + rb")*\}")
_KINDS = {"q": np.int64, "d": np.float64}


def _numbers_and_commas() -> bytes:
    """A table that turns everything else into spaces, so that what stood apart stays apart."""
    table = bytearray(b" " * 256)
    for byte in _NUMBER + b",":
        table[byte] = byte
    table[_MARK[0]] = ord("e")
    return bytes(table)


_TABLE = _numbers_and_commas()
_DECODER: msgspec.json.Decoder[list[int | float]] = msgspec.json.Decoder(list[int | float])


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What the records of a piece have in common.

    Their text without the numbers; their numbers, as `struct` writes and as NumPy reads them; and how many of
    these stand behind a colon, behind a bracket, and behind a comma.
    """

    bare: bytes
    code: str
    dtype: np.dtype[Any]
    after: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, bare: bytes, fields: Mapping[str, Numbers]) -> _Pattern:
        lists = [count for _, count in fields.values() if count]
        return cls(
            bare=bare,
            code="".join(f"{max(count, 1)}{kind}" for kind, count in fields.values()),
            dtype=np.dtype(
                [(name, _KINDS[kind], (count,) * (count > 0)) for name, (kind, count) in fields.items()]
            ),
            after=(
                (ord(":"), len(fields) - len(lists)),
                (ord("["), len(lists)),
                (ord(","), sum(lists) - len(lists)),
            ),
        )


class AlikeRows:
    """Decodes pieces of one list; gives up where records are seldom alike.

    Parameters
    ----------
    known : mapping
        The numbers of each known field; None for one that holds anything else.
    needed : frozenset of str
        Records without one of these fields are left to the other decoder.
    """

    def __init__(self, known: Mapping[str, Numbers | None], needed: frozenset[str]) -> None:
        self._known, self._needed = known, needed
        self._patterns: dict[bytes, _Pattern | None] = {}
        self._failures = 0 if any(known.values()) else _PATIENCE

    def columns(self, piece: bytes) -> dict[str, NDArray[Any]] | None:
        """The known fields of the records of a JSON list, (n,) or (n, k) int64 or float64, or None."""
        if self._failures == _PATIENCE:
            return None
        rows = self._rows(piece, _NUMBER)
        if rows is None and _MARK not in piece:
            marked = _EXPONENT.sub(_MARK, piece)
            rows = self._rows(marked, _NUMBER + _MARK) if marked != piece else None
        self._failures = self._failures + 1 if rows is None else 0
        if rows is None or rows.dtype.names is None:
            return None
        return {name: rows[name] for name in rows.dtype.names if name in self._known}

    def _rows(self, piece: bytes, number: bytes) -> NDArray[Any] | None:
        """The numbers of all records; `number` are the bytes that numbers consist of."""
        start, end = piece.find(b"{"), piece.find(b"}") + 1
        if _NOTHING in piece[start:end]:
            return None
        empty = _EMPTY.findall(piece, start, end)
        if empty and not any(name.decode(errors="replace") in self._known for name in empty):
            # Of a field that is not read: `segmentation`, usually.
            piece = piece.replace(b"[]", _NOTHING + b"0" + _NOTHING)
            end = piece.find(b"}") + 1
        bare = piece[start:end].translate(None, number)
        if bare not in self._patterns:
            self._patterns[bare] = self._pattern(bare)
        pattern = self._patterns[bare]
        n = _count_alike(piece, bare, number, start=start, end=end) if pattern else 0
        if not pattern or not n or not _in_place(piece, pattern, n):
            return None
        try:
            numbers = _DECODER.decode(b"[%b]" % piece.translate(_TABLE, _LETTERS))
            packed = _packer(pattern.code, n).pack(*numbers)
        except (msgspec.DecodeError, struct.error, OverflowError):
            return None
        return np.frombuffer(packed, pattern.dtype)

    def _pattern(self, bare: bytes) -> _Pattern | None:
        """The pattern of a record without its numbers; None if it holds more than numbers and lists."""
        if not _RECORD.fullmatch(bare):
            return None
        fields = {}
        found = _FIELDS.findall(bare)
        for key, brackets in found:
            name, count = key.decode(), brackets.count(b",") + 1 if brackets else 0
            numbers = self._known.get(name, ("d", count))
            if numbers is None or numbers[1] != count:
                return None
            fields[name] = numbers
        if len(fields) < len(found) or not self._needed <= set(fields):
            return None
        return _Pattern.of(bare, fields)


def _count_alike(piece: bytes, bare: bytes, number: bytes, *, start: int, end: int) -> int:
    """How many records a list holds if all of them look like the first, from `start` to `end`; else 0."""
    last = piece.rfind(b"}") + 1
    following = piece.find(b"{", end)
    gap = piece[end:following] if following > 0 else b","
    if piece[:start].strip() != b"[" or piece[last:].strip() != b"]" or gap.strip() != b",":
        return 0
    everything = piece[start:last].translate(None, number)
    n, rest = divmod(len(everything) + len(gap), len(bare) + len(gap))
    return n if not rest and everything == gap.join([bare] * n) else 0


def _in_place(piece: bytes, pattern: _Pattern, n: int) -> bool:
    """Whether as many numbers begin behind colons, brackets and commas as n records have there.

    One number between any two commas (the decoder sees to that) and these counts leave no place for a number
    but its own: none can be inside a key, or on the wrong side of a bracket.
    """
    if any(byte in pattern.bare for byte in _SPACE):
        piece = piece.translate(None, _SPACE)
    text = np.frombuffer(piece, np.uint8)
    # From "-" to "9": the only other character among them is "/", which is in no pattern.
    begins = text[1:] - np.uint8(45) < 13
    return all(
        int(np.count_nonzero(begins & (text[:-1] == byte))) == count * n for byte, count in pattern.after
    )


@lru_cache(maxsize=64)
def _packer(code: str, n: int) -> struct.Struct:
    # A place for every number, without the gaps that a compiler would leave.
    return struct.Struct("=" + code * n)

"""Long JSON lists of records, decoded a piece at a time into columns.

A list of a million records never exists as a million Python objects: the text is cut between records,
each piece is decoded by a typed decoder, turned into columns and dropped. A cut that fell inside a text
value or a nested list would leave the piece before it unfinished, which the decoder refuses; the list is
then decoded whole, so that cuts change neither a value nor an error.
"""

from __future__ import annotations

import gc
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from bmbench.core.errors import BadInputError, misfit
from bmbench.datasets.reading.alike_rows import AlikeRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from bmbench.datasets.reading.alike_rows import Numbers

Columns: TypeAlias = dict[str, Any]
"""Field name → its value in every record: an array of numbers, or a list with None where a record has none.

Fields that no record has are left out."""

BOM = b"\xef\xbb\xbf"
"""What some editors write before UTF-8 text."""
PIECE = 1 << 17
"""Bytes of text decoded at a time: few enough for the records to stay in the processor's cache."""

_BETWEEN = re.compile(rb"\}\s*,\s*\{")
_LIST = re.compile(rb'"(images|annotations|categories|detections)"\s*:\s*\[')
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_ROW = re.compile(r"^\[(\d+)\](.*)$")
_BYTE = re.compile(r" \(byte (\d+)\)$")
_OTHER_FILE = "check that this is the file that is meant"
_NOT_A_NUMBER = re.compile(rb"[-+]?(NaN|Infinity|nan|inf)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is read of a record: its type, and how a list of records becomes one list a field.

    The type has its required fields first, then those that may be absent, whose default is None. Each
    function of `columns` is one comprehension, several times faster than any general one. Records that hold
    the required fields and those `needed`, and `numbers` alone, are not decoded one by one.
    """

    record: type[msgspec.Struct]
    columns: Mapping[str, Callable[[list[Any]], list[Any]]]
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that every record has."""
        fields = self.record.__struct_fields__
        return fields[: len(fields) - len(self.record.__struct_defaults__)]

    @property
    def known(self) -> dict[str, Numbers | None]:
        """All fields, with their numbers where they hold nothing else."""
        return {name: self.numbers.get(name) for name in self.columns}


def pieces(
    text: bytes | memoryview, layout: Layout, *, path: Path, name: str
) -> Iterator[tuple[int, Columns]]:
    """The columns of a JSON list, some records at a time, each time with the index of the first of them.

    Parameters
    ----------
    text : bytes-like
        The whole list, from its opening bracket.
    layout : Layout
        Keys that it does not know are passed over; a known one that stands in a record twice is refused.
    path, name
        For error texts: the file, and what the list is called in it.

    Raises
    ------
    BadInputError
        With the file, the index and the remedy.
    """
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[layout.record])  # type: ignore[name-defined]
    alike = AlikeRows(layout.known, layout.needed.union(layout.required))
    text = memoryview(text)
    first, here = 0, 0
    with collector_paused():
        while here < len(text):
            cut = _BETWEEN.search(text, here + PIECE)
            span = text[here : cut.start() + 1] if cut else text[here:]
            piece = b"".join((b"[" if here else b"", span, b"]" if cut else b""))
            columns: Columns | None = alike.columns(piece)
            if columns is None:
                try:
                    rows = decoder.decode(piece)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    # Only the whole list tells where the fault is, and whether there is one.
                    piece, cut = bytes(text), None
                    rows = decode_json(piece, decoder.type, path=path, name=name)[first:]
                columns = _columns(piece, rows, layout)
                _check_keys(piece, _present(columns, rows, layout), where=f"{path}, {name}", first=first)
            yield first, columns
            first += len(next(iter(columns.values())))
            if not cut:
                return
            here = cut.end() - 1


def decode_json(text: bytes, kind: Any, *, path: Path, name: str = "") -> Any:
    """The value of a JSON text as a type, or BadInputError with the place."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _explained(error, text, path=path, name=name) from None


def check_every_key(text: bytes, *, path: Path, name: str) -> None:
    """Refuse a JSON text in which any object has a key twice: readers differ in which value they take."""
    for place in _repeated(every_key(text, where=f"{path}, {name}"), ""):
        raise BadInputError(
            f"the key {place[1]!r} stands twice", where=f"{path}, {name}{place[0]}", remedy="keep one"
        )


def every_key(text: bytes, *, where: str) -> Any:
    """The value of a JSON text; its objects are lists of their keys and values, repeated ones too."""
    try:
        return json.loads(text, object_pairs_hook=_Pairs)
    except UnicodeDecodeError:
        raise BadInputError("not UTF-8 text", where=where, remedy="save it as UTF-8") from None


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of a JSON object, in the order of the file."""


def _repeated(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Pairs):
        seen = set()
        for key, inner in value:
            if key in seen:
                yield place, key
            seen.add(key)
            yield from _repeated(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _repeated(inner, f"{place}[{index}]")


def _columns(text: bytes, rows: list[Any], layout: Layout) -> Columns:
    """The columns of decoded records; a field whose name the text does not hold is left out unseen."""
    escaped = b"\\" in text
    return {
        field: column(rows)
        for field, column in layout.columns.items()
        if field in layout.required or escaped or b'"%s"' % field.encode() in text
    }


def _present(columns: Columns, rows: list[Any], layout: Layout) -> dict[str, int]:
    """In how many records each field is."""
    return {
        name: len(rows) - (0 if name in layout.required else values.count(None))
        for name, values in columns.items()
    }


def _check_keys(text: bytes, present: dict[str, int], *, where: str, first: int) -> None:
    """Refuse a record in which a key stands twice; `present` says in how many records each key is.

    As many colons as there are values in the records leave no room for another key. Else each key is
    counted. Only if that does not come out either (keys in nested records, escaped letters, nulls) is the
    piece read again, slowly.
    """
    if np.count_nonzero(np.frombuffer(text, np.uint8) == ord(":")) == sum(present.values()):
        return
    if b"\\" not in text and all(text.count(b'"%s"' % key.encode()) == n for key, n in present.items()):
        return
    for place, key in _repeated(every_key(text, where=where), ""):
        index, rest = _shifted(place, first)
        raise BadInputError(
            f"the key {key!r} stands twice", where=f"{where}{index}{rest}", remedy="keep one of them"
        )


def _shifted(place: str, first: int) -> tuple[str, str]:
    """The index and the rest of a place like ``[3].bbox[0]`` in a piece that starts at record `first`."""
    match = _ROW.match(place)
    return (f"[{first + int(match[1])}]", match[2]) if match else ("", place)


def _explained(error: Exception, text: bytes, *, path: Path, name: str) -> BadInputError:
    """The decoder's complaint as file, place and remedy."""
    if isinstance(error, msgspec.ValidationError):
        what, place = misfit(error)
        inside = f"{name}{place}".removeprefix(".")
        # Without a record, it is the file as a whole that is of another kind.
        remedy = "correct the value or leave the record out" if "[" in inside else _OTHER_FILE
        where = f"{path}, {inside}".rstrip(", ")
        return BadInputError(what.replace("`", "").lower(), where=where, remedy=remedy)
    try:
        str(text, "utf-8")
    except UnicodeDecodeError as stray:
        where = f"{path}, {_list_place(text, stray.start, name)}byte {stray.start}"
        return BadInputError("not UTF-8 text", where=where, remedy="save it as UTF-8")
    message = str(error)
    byte = _BYTE.search(message)
    end = min(int(byte[1]), len(text)) if byte else len(text)
    where = f"{path}, {_list_place(text, end, name)}byte {end}"
    wrong = _NOT_A_NUMBER.match(text, max(end - 1, 0)) or _NOT_A_NUMBER.match(text, end)
    if wrong:
        what = f"{wrong[0].decode()} is not a number"
        return BadInputError(what, where=where, expected="a finite number", remedy="leave the record out")
    if not byte and _is_cut_short(text):
        what, got = "the file ends in the middle", f"{len(text)} bytes"
    else:
        what, got = "not valid JSON", _BYTE.sub("", message) if byte else ""
        where = where if byte else f"{path}, {name}".rstrip(", ")
    return BadInputError(what, where=where, got=got, remedy="write the file again")


def _is_cut_short(text: bytes) -> bool:
    """Whether a bracket or a text is still open at the end."""
    outside = _TEXT.sub(b"", text)
    still_open = sum(outside.count(b) for b in (b"[", b"{")) - sum(outside.count(b) for b in (b"]", b"}"))
    return b'"' in outside or still_open > 0 or not outside.strip()


def _list_place(text: bytes, end: int, name: str) -> str:
    """The list and the index that a byte lies in, as "annotations[3], "; empty outside of lists."""
    start = 0
    for match in _LIST.finditer(text, 0, end):
        name, start = match[1].decode(), match.end()
    return f"{name}[{len(_BETWEEN.findall(text, start, end))}], " if name else ""


@contextmanager
def collector_paused() -> Iterator[None]:
    """For work in which many small objects come and go, none in a ring: the collector only slows it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

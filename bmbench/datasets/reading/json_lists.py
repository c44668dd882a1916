"""A JSON file of long lists of records, read as columns of numbers.

A list of a million records never exists as a million Python objects: the text is cut between records, each
piece is decoded into the type that says what its records hold, becomes arrays and is dropped. Only where
something is amiss, the text is read a second time, slowly, to say what and where.
"""

import gc
import math
import re
import struct
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from bmbench.datasets.reading.record_checks import id_column
from bmbench.datasets.reading.strict_json import BETWEEN, moved, options, parse

if TYPE_CHECKING:
    from bmbench.datasets.reading.json_refusals import JsonRefusals

Columns: TypeAlias = dict[str, Any]
"""Field → its values in all records, an array; None where no record has it.

(n,) or (n, k) float64 of a number or of a list of k, NaN where a record has none; of anything else (n,) int64
if all are whole numbers (a flag is one), otherwise objects, None where a record has none."""
PIECE = 1 << 16
"""Bytes of text decoded at a time: few enough for the records to stay in the processor's cache."""

_LAST = re.compile(rb"\}\s*\]")


class JsonLists:
    """The lists of a JSON file.

    Parameters
    ----------
    kind : type
        What the outermost object holds. A type of a single field stands for a file that is that list.
    title : str
        What such a file is called.
    guess : (name, key), optional
        The longest list, and a key of its records: it is taken to end with the first record that ends after
        the last such key, which saves passing over it. A wrong guess is refused by the list's reading, with
        a place that means nothing.

    Raises
    ------
    BadInputError
        In every method: with the file, the place in it and the remedy.
    """

    def __init__(
        self,
        path: Path,
        text: bytes,
        kind: type[msgspec.Struct],
        *,
        title: str,
        guess: tuple[str, str] | None = None,
    ) -> None:
        self.path = path
        self._types = typing.get_type_hints(kind, include_extras=True)
        self._parts: dict[str, Any] = dict.fromkeys(self._types, text)
        only = tuple(self._types) if len(self._types) == 1 else ()
        self._text, self._only, self._kind = text, only, self._types[only[0]] if only else kind
        self._marks, self._plain = np.empty(0, bool), set[str]()
        if not text.isascii():
            self._refuse.stray()
        if only:
            return
        start, end = _span(text, *guess) if guess else (0, 0)
        # If the list is valid, there is no other way to read the file: the rest is read without its records.
        rest = text[: start + 1] + text[end - 1 :] if end else text
        self._parts = self._members(rest, title)
        if guess and end and _address(self._parts[guess[0]]) - _address(rest) == start:
            self._parts[guess[0]] = memoryview(text)[start:end]
        elif end:
            self._parts = self._members(text, title)

    def close(self) -> None:
        """Let go of the text, which takes as much memory as the columns, once all is read."""
        del self._text, self._parts

    @property
    def _refuse(self) -> "JsonRefusals":
        """What says what is wrong with the file."""
        # Nothing is wrong with most files, and a short one is read before this is loaded.
        from bmbench.datasets.reading.json_refusals import JsonRefusals

        lists = tuple(self._types)
        return JsonRefusals(self.path, self._text, lists, kind=self._kind, root=self._only)

    def value(self, name: str) -> Any:
        """A part of the file as it is."""
        try:
            return msgspec.json.decode(self._parts[name], type=self._types[name])
        except (msgspec.MsgspecError, RecursionError) as error:
            self._refuse.file(error)

    def records(self, name: str) -> list[Any]:
        """The records of a list that is short enough to be held."""
        record = typing.get_args(self._types[name])[0]
        fields = _fields_of(record)
        found: list[Any] = []
        for first, piece, rows in self._pieces(name, record):
            self._check_keys(piece, name, first, _arrays_of(rows, fields)[1])
            found += rows
        return found

    def columns(self, name: str, record: Any = None) -> Columns:
        """The fields of the records of a list.

        Keys that the type of the records does not name are passed over; one that it names must not stand
        twice in a record. Another type than that of the file asks for other fields.
        """
        record = record or typing.get_args(self._types[name])[0]
        fields = _fields_of(record)
        parts: dict[str, list[NDArray[Any] | None]] = {field: [] for field in fields}
        lengths: list[int] = []
        plain = True
        with collector_paused():
            for first, piece, rows in self._pieces(name, record):
                arrays, present = _arrays_of(rows, fields)
                plain &= self._check_keys(piece, name, first, present)
                for field, array in arrays.items():
                    parts[field].append(array)
                lengths.append(len(rows))
        self._plain |= {name} if plain else set()
        return {field: _joined(parts.pop(field), lengths, width) for field, (width, _) in fields.items()}

    def is_plain(self, name: str) -> bool:
        """Whether it is known that no record of a list has a key beside those whose columns were read."""
        return name in self._plain

    def _members(self, text: bytes, title: str) -> dict[str, Any]:
        """The text of each part of the outermost object."""
        try:
            parts = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        except msgspec.ValidationError:
            parts = {}
        except (msgspec.MsgspecError, RecursionError) as error:
            self._refuse.file(error)
        if not self._types.keys() <= parts.keys():
            self._refuse.kind(title, list(parts))
        # With the values cut out of the text, little remains to be searched for keys that stand twice.
        start, here, outer = _address(text), 0, b""
        for place, length in sorted((_address(raw) - start, len(memoryview(raw))) for raw in parts.values()):
            outer += text[here:place] + b"null"
            here = place + length
        for fault in parse((outer + text[here:]).decode())[1]:
            if fault.text in self._types:
                self._refuse.fault(fault, fault.place)
        return parts

    def _pieces(self, name: str, record: Any) -> Iterator[tuple[int, bytes, list[Any]]]:
        """Some records of a list at a time, after the number of the first and their text, a list again."""
        text, decoder = memoryview(self._parts[name]), msgspec.json.Decoder(list[record])
        here, size, first = 0, PIECE, 0
        while not here or here < len(text):
            cut = BETWEEN.search(text, here + size)
            span = text[here : cut.start() + 1] if cut else text[here:]
            piece = b"".join((b"[" if here else b"", span, b"]" if cut else b""))
            try:
                rows = decoder.decode(piece)
            except (msgspec.MsgspecError, RecursionError) as error:
                if isinstance(error, msgspec.ValidationError):
                    self._refuse.piece(piece, name, record, first)
                if not cut:
                    self._refuse.file(error)
                # A cut inside a text or a nested list leaves the piece unfinished.
                size *= 2
                continue
            yield first, piece, rows
            first += len(rows)
            here, size = cut.end() - 1 if cut else len(text), PIECE

    def _colons(self, piece: bytes) -> int:
        """How many colons stand in a piece."""
        text = np.frombuffer(piece, np.uint8)
        if len(self._marks) < len(text):
            self._marks = np.empty(2 * len(text), bool)
        # Memory that is used again costs a quarter of what is asked of the system for each piece.
        return int(np.count_nonzero(np.equal(text, ord(":"), out=self._marks[: len(text)])))

    def _check_keys(self, piece: bytes, name: str, first: int, present: Mapping[str, int]) -> bool:
        """Refuse a record that has a key twice; whether it is sure that no record has any other key.

        `present` says how many records of the piece have each key.

        As many colons as there are values leave no room for another key. Else each key is counted. Only if
        that does not come out either (keys in nested records, escaped letters, nulls) is the piece read
        again, slowly.
        """
        if self._colons(piece) == sum(present.values()):
            return True
        if b"\\" in piece or any(piece.count(b'"%s"' % key.encode()) != n for key, n in present.items()):
            with suppress(RecursionError):
                for fault in parse(piece.decode())[1]:
                    if fault.kind == "key":
                        self._refuse.fault(fault, moved(fault.place, name, first))
        return False


def _span(text: bytes, name: str, key: str) -> tuple[int, int]:
    """Where a list that is so called begins, and where it may end; zeros if it is not seen."""
    opening = re.search(rb'"%s"\s*:\s*(?=\[)' % name.encode(), text)
    last = opening and _LAST.search(text, max(opening.end(), text.rfind(b'"%s"' % key.encode())))
    return (opening.end(), last.end()) if opening and last else (0, 0)


def _address(text: bytes | msgspec.Raw) -> int:
    return np.frombuffer(text, np.uint8).ctypes.data


def _fields_of(record: type[msgspec.Struct]) -> dict[str, tuple[int, Any]]:
    """The width of each field of a record, and its default."""
    hints = typing.get_type_hints(record)
    return {
        field.name: (_width(hints[field.name]), field.default) for field in msgspec.structs.fields(record)
    }


def _width(hint: Any) -> int:
    """How many numbers a field of this type is a list of; 0 for one number, -1 for anything else."""
    kinds = options(hint)
    if typing.get_origin(kinds[0]) is tuple:
        return len(typing.get_args(kinds[0]))
    return 0 if kinds == (float,) else -1


def _arrays_of(
    rows: list[Any], fields: Mapping[str, tuple[int, Any]]
) -> tuple[dict[str, NDArray[Any] | None], dict[str, int]]:
    """The array of each field of some records, and how many of them have it.

    `fields` gives the width and the default of each.
    """
    columns = list(zip(*map(msgspec.structs.astuple, rows), strict=True)) or [()] * len(fields)
    arrays, present = {}, {}
    for (field, kind), values in zip(fields.items(), columns, strict=True):
        arrays[field], present[field] = _column(values, *kind)
    return arrays, present


def _column(values: Sequence[Any], width: int, default: Any) -> tuple[NDArray[Any] | None, int]:
    """The array of a field of some records, None if none of them has it; and how many have."""
    n = len(values)
    # Most files lack most of the fields that records may have.
    if default is not msgspec.NODEFAULT and (not n or (values[0] is default and values.count(default) == n)):
        return None, 0
    try:
        return _packed(values, width), n
    except (struct.error, TypeError):
        return _sparse(values, width), sum(value is not default for value in values)


def _packed(values: Sequence[Any], width: int) -> NDArray[Any]:
    """The array of values that are all there; numbers are whole numbers, or the field is one of fractions.

    NumPy would be slower, and take "3" for 3, which is another id.
    """
    if width < 0:
        return np.frombuffer(struct.pack(f"={len(values)}q", *values), np.int64)
    flat = chain.from_iterable(values) if width else values
    array = np.frombuffer(struct.pack(f"={len(values) * (width or 1)}d", *flat), np.float64)
    return array.reshape(-1, width) if width else array


def _sparse(values: Sequence[Any], width: int) -> NDArray[Any]:
    """The array of values of which some are None, or texts."""
    if width < 0:
        return id_column(values)
    if not width:
        # None becomes NaN.
        return np.array(values, np.float64)
    nothing = (math.nan,) * width
    return _packed([nothing if value is None else value for value in values], width)


def _joined(parts: list[NDArray[Any] | None], lengths: list[int], width: int) -> NDArray[Any] | None:
    """The arrays of all pieces as one; None if no piece has the field."""
    if all(part is None for part in parts):
        return None
    filled = [
        _sparse([None] * n, width) if part is None else part for part, n in zip(parts, lengths, strict=True)
    ]
    parts.clear()
    # Matching reads one side of all boxes after the other.
    room = np.empty((sum(lengths), width), order="F") if width > 0 else None
    return np.concatenate(filled, out=room)


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

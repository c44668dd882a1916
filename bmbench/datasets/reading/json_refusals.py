"""Why a JSON file of lists is refused: what is wrong, and where, found by reading it once more, slowly."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from bmbench.core.errors import BadInputError
from bmbench.datasets.reading.limits import stray_byte
from bmbench.datasets.reading.strict_json import BETWEEN, JsonFault, Place, first_fault, moved, spelled

OTHER_FILE = "check that this is the file that is meant"
_UNFINISHED = re.compile(
    r'("[^"\\]*+(\\.[^"\\]*+)*+\\?|[-+.eE\d]*|\\?u?[0-9a-fA-F]{0,4}|tr?u?|fa?l?s?|nu?l?)\s*', re.DOTALL
)
"""What follows the place of a fault in a text that only ends too early."""
_MORE = "more text after its end"


class JsonRefusals:
    """The errors of one file: every method raises BadInputError if there is one.

    Parameters
    ----------
    lists : tuple of str
        The names of the lists in the file.
    kind, root
        The type of the whole text, and the place that it stands at.
    """

    def __init__(self, path: Path, text: bytes, lists: tuple[str, ...], *, kind: Any, root: Place) -> None:
        self._path, self._text, self._lists, self._kind, self._root = path, text, lists, kind, root

    def stray(self) -> None:
        """For bytes that are no UTF-8 text."""
        byte = stray_byte(self._text)
        if byte is not None:
            where = f"{self._path}, {self._record_of(byte)}byte {byte}"
            raise BadInputError("not UTF-8 text", where=where, remedy="save it as UTF-8")

    def kind(self, title: str, found: list[str]) -> NoReturn:
        """For an object that lacks a list; `found` are its keys."""
        raise BadInputError(
            f"not a {title}",
            where=str(self._path),
            expected=f"an object with {', '.join(self._lists)}",
            got=f"an object with {', '.join(found[:5]) or 'nothing'}",
            remedy=OTHER_FILE,
        )

    def piece(self, piece: bytes, name: str, record: Any, first: int) -> None:
        """For records of a list, from number `first` on; nothing if they are no JSON, or all is well."""
        with suppress(json.JSONDecodeError, RecursionError):
            fault = first_fault(piece.decode(), list[record])
            if fault:
                self.fault(fault, moved(fault.place, name, first))

    def file(self, error: Exception) -> NoReturn:
        """For a file that msgspec could not decode."""
        text = self._text.decode()
        try:
            _scan(text)
            fault = first_fault(text, self._kind)
        except json.JSONDecodeError as found:
            self._no_json(text, found)
        except RecursionError:
            raise BadInputError("nested too deeply", where=str(self._path), remedy=OTHER_FILE) from None
        if fault:
            self.fault(fault, (*self._root, *fault.place))
        raise BadInputError("not valid JSON", where=str(self._path), got=str(error), remedy=OTHER_FILE)

    def fault(self, fault: JsonFault, place: Place) -> NoReturn:
        """For a fault at a place."""
        where = f"{self._path}, {spelled(place)}".removesuffix(", ")
        in_record = any(isinstance(step, int) for step in place)
        remedy = "correct the value or leave the record out" if in_record else OTHER_FILE
        got = "" if fault.kind in ("key", "constant") else fault.text
        if fault.kind == "key":
            remedy = "keep one of them"
        raise BadInputError(fault.what, where=where, expected=fault.expected, got=got, remedy=remedy)

    def _no_json(self, text: str, found: json.JSONDecodeError) -> NoReturn:
        """For a text that is no JSON."""
        ends = found.msg != _MORE and bool(_UNFINISHED.fullmatch(text, found.pos))
        byte = len(self._text) if ends else len(text[: found.pos].encode())
        raise BadInputError(
            "not valid JSON: the file ends in the middle" if ends else "not valid JSON",
            where=f"{self._path}, {self._record_of(byte)}byte {byte}",
            got=f"{byte} bytes" if ends else found.msg,
            remedy=f"write the file again, or {OTHER_FILE}",
        )

    def _record_of(self, byte: int) -> str:
        """The list and the record that a byte of a damaged text most likely lies in, as "images[3], "."""
        name, start = "".join(map(str, self._root)), 0
        for match in re.finditer(rf'"({"|".join(self._lists)})"\s*:\s*\['.encode(), self._text[:byte]):
            name, start = match[1].decode(), match.end()
        return f"{name}[{len(BETWEEN.findall(self._text, start, byte))}], " if name else ""


def _scan(text: str) -> None:
    """Raise JSONDecodeError where a text stops to be JSON; nothing is kept of what is read."""
    scanner = json.JSONDecoder(object_pairs_hook=len, parse_constant=len, parse_int=len, parse_float=len)
    _, end = scanner.raw_decode(text, len(text) - len(text.lstrip()))
    if text[end:].strip():
        raise json.JSONDecodeError(_MORE, text, end)

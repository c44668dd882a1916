"""The outermost object of a JSON file, its long lists left to be read later."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec
import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.datasets.reading.json_rows import decode_json, every_key

if TYPE_CHECKING:
    from pathlib import Path

_T = TypeVar("_T", bound=msgspec.Struct)

_LAST = re.compile(rb"\}\s*\]")
"""The end of a list of records."""


def decode_outermost(text: bytes, kind: type[_T], *, path: Path) -> _T:
    """The outermost object; what `kind` holds as `msgspec.Raw` is passed over.

    Raises
    ------
    BadInputError
        If the text is not JSON, lacks a part, or has a part twice: with the place.
    """
    file: _T = decode_json(text, kind, path=path)
    _check_keys(text, file, path=path)
    return file


def decode_around(text: bytes, kind: type[_T], *, name: str, key: str, path: Path) -> _T | None:
    """The outermost object, its list `name` not even passed over; None if no such list is seen.

    Where the list ends is a guess: with the first record that ends after the last `key`. If the list, which
    is for the caller to read, is valid JSON, then there is no other way to read the file, as the rest has
    been read with an empty list in its place; if not, the guess may be wrong.

    Raises
    ------
    BadInputError
        If the rest is not what `decode_outermost` takes; of a wrong guess, the place means nothing.
    """
    opening = re.search(rb'"%s"\s*:\s*(?=\[)' % name.encode(), text)
    if not opening:
        return None
    start = opening.end()
    last = _LAST.search(text, max(start, text.rfind(b'"%s"' % key.encode())))
    if not last:
        return None
    rest = text[: start + 1] + text[last.end() - 1 :]
    file = decode_outermost(rest, kind, path=path)
    if _address(getattr(file, name)) - _address(rest) != start:
        return None
    setattr(file, name, msgspec.Raw(memoryview(text)[start : last.end()]))
    return file


def _check_keys(text: bytes, file: msgspec.Struct, *, path: Path) -> None:
    """Refuse a file whose outermost object has one of the known keys twice.

    Of `file`, what was decoded from the text, each part that was left undecoded is cut out of the text
    first, so that little remains to be read.
    """
    start = _address(text)
    raws = [raw for name in file.__struct_fields__ if isinstance(raw := getattr(file, name), msgspec.Raw)]
    spans = sorted((_address(raw) - start, len(memoryview(raw))) for raw in raws)
    outer, here = b"", 0
    for place, length in spans:
        outer += text[here:place] + b"null"
        here = place + length
    keys = [key for key, _ in every_key(outer + text[here:], where=str(path))]
    for name in file.__struct_fields__:
        if keys.count(name) > 1:
            raise BadInputError(f"the key {name!r} stands twice", where=str(path), remedy="keep one of them")


def _address(text: bytes | msgspec.Raw) -> int:
    return np.frombuffer(text, np.uint8).ctypes.data

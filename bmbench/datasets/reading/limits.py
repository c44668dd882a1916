"""Text and JSON from outside, up to a size that annotations have."""

import json
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError
from bmbench.core.gate import read_bytes

TEXT_LIMIT_BYTES = 512 << 20
MARK = b"\xef\xbb\xbf"
"""What some editors write before UTF-8 text."""


def read_limited(path: Path, limit: int = TEXT_LIMIT_BYTES, *, within: Path | None = None) -> bytes:
    """The bytes of a file; BadInputError if it cannot be read or has more than `limit`."""
    return read_bytes(path, within=within, limit=limit)


def read_text(path: Path, limit: int | None = None) -> str:
    """The text of a UTF-8 file; BadInputError if it cannot be read, is no text or too large."""
    data = read_limited(path) if limit is None else read_limited(path, limit)
    stray = stray_byte(data)
    if stray is not None:
        raise BadInputError("not UTF-8 text", where=f"{path}, byte {stray}", remedy="save it as UTF-8")
    return data.removeprefix(MARK).decode()


def stray_byte(data: bytes) -> int | None:
    """Where bytes stop to be UTF-8 text; None if they are."""
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return error.start
    return None


def read_value(path: Path) -> Any:
    """What a JSON file holds; BadInputError if it is none, or too large."""
    try:
        value = loads(read_limited(path).removeprefix(MARK))
    except ValueError as error:
        raise BadInputError("not valid JSON", where=str(path), got=str(error)) from None
    return value


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object of a file; BadInputError if it is none, or too large."""
    value = read_value(path)
    if not isinstance(value, dict):
        raise BadInputError("not a JSON object", where=str(path), got=type(value).__name__)
    return value


def loads(text: bytes) -> Any:
    """The value of a JSON text in which NaN and Infinity (which QuPath writes) stand for null; ValueError."""
    try:
        return json.loads(text.decode(), parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("nested too deeply") from None

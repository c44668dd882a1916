"""What has been predicted so far, on disk: one record a tile, appended when the tile is done.

A file starts with a line of JSON that says what it belongs to. Each record is a head (magic, tile number,
length and CRC-32 of what follows) and the tile's detections as plain arrays. A process may be killed at any
moment: a record that is not whole is cut off when the journal is opened again, and its tile is done again.
The same holds for a power failure, which may cost the last minutes as well: nothing is forced to the disk.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.geometry import cut_rings
from bmbench.core.types import Detections, Floats

_HEAD = struct.Struct("<4sIQI")
_MAGIC = b"tile"


class Journal:
    """The finished tiles of one image.

    Parameters
    ----------
    path : Path
        Made if it does not exist.
    facts : JSON value
        What the tiles are made from. A journal of other facts is refused.

    Raises
    ------
    BadInputError
        If there is a journal of something else, or no journal at all, in that file.
    RunFailedError
        If the file cannot be made or opened.
    """

    def __init__(self, path: Path, facts: Any) -> None:
        self.path = path
        self._places: dict[int, tuple[int, int]] = {}
        head = json.dumps(facts, sort_keys=True).encode() + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: once `write` has returned the system has the bytes, whatever becomes of the process.
            self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        except OSError as error:
            raise RunFailedError(f"{path}: cannot be written ({error.strerror})") from error
        try:
            self._open(head)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __contains__(self, number: object) -> bool:
        return number in self._places

    def __len__(self) -> int:
        return len(self._places)

    def append(self, number: int, detections: Detections) -> None:
        """Record a tile; RunFailedError if the disk refuses."""
        data = _packed(detections)
        try:
            start = self._file.seek(0, os.SEEK_END)
            record = _HEAD.pack(_MAGIC, number, len(data), zlib.crc32(data)) + data
            while record:
                record = record[self._file.write(record) :]
        except OSError as error:
            raise RunFailedError(f"{self.path}: cannot be written ({error.strerror})") from error
        self._places[number] = start + _HEAD.size, len(data)

    def read(self, number: int) -> Detections:
        """The detections of a tile; KeyError if it has none here."""
        start, length = self._places[number]
        self._file.seek(start)
        return _unpacked(_exactly(self._file, length))

    def _open(self, head: bytes) -> None:
        found = self._file.readline() if self._file.seek(0, os.SEEK_END) and not self._file.seek(0) else b""
        if not found or (not found.endswith(b"\n") and head.startswith(found)):
            self._file.seek(0)
            self._file.truncate()
            self._file.write(head)
            return
        if found != head:
            raise BadInputError(
                "holds the beginning of another prediction",
                where=str(self.path.parent),
                remedy="finish that one with its own options, or delete the folder",
            )
        self._find_records()

    def _find_records(self) -> None:
        end, size = self._file.tell(), os.fstat(self._file.fileno()).st_size
        while True:
            head = self._file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                break
            magic, number, length, check = _HEAD.unpack(head)
            if magic != _MAGIC or end + _HEAD.size + length > size:
                break
            if zlib.crc32(_exactly(self._file, length)) != check:
                break
            self._places[number] = end + _HEAD.size, length
            end += _HEAD.size + length
        self._file.truncate(end)


def _packed(detections: Detections) -> bytes:
    rings = [ring for outline in detections.contour for ring in outline]
    columns = {
        "xy": detections.xy,
        "box": detections.box,
        "confidence": detections.confidence,
        "label": detections.label,
        "rings": np.array([len(outline) for outline in detections.contour], np.int64),
        "points": np.array([len(ring) for ring in rings], np.int64),
        "outlines": np.concatenate([*rings, np.zeros((0, 2))]),
    }
    file = BytesIO()
    for column in columns.values():
        np.lib.format.write_array(file, np.ascontiguousarray(column), version=(1, 0), allow_pickle=False)
    return file.getvalue()


def _unpacked(data: bytes) -> Detections:
    file = BytesIO(data)
    xy, box, confidence, label, rings, points, outlines = (
        np.lib.format.read_array(file, allow_pickle=False) for _ in range(7)
    )
    parts: list[Floats] = cut_rings(outlines, points.tolist())
    ends: NDArray[np.int64] = np.cumsum(rings)
    contour = tuple(
        tuple(parts[end - count : end]) for count, end in zip(rings.tolist(), ends.tolist(), strict=True)
    )
    return Detections(xy=xy, box=box, confidence=confidence, label=label, contour=contour)


def _exactly(file: Any, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        part = file.read(length - len(data))
        if not part:
            raise OSError("the journal ends inside a record")
        data += part
    return bytes(data)

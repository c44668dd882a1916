"""Zarr arrays (formats 2 and 3) in folders from outside, chunk by chunk, through the gate (extra ``zarr``).

The package ``zarr`` decodes; it opens nothing. It is handed the chunks of a part in memory, and a description
of the array made from what was checked here: what a stranger's file says of itself names no file, runs no
filter, and unpacks to no more than a chunk.
"""

import json
import math
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.gate import is_there, read_bytes
from bmbench.core.numerals import numeral
from bmbench.datasets.reading.limits import loads
from bmbench.datasets.slides.slide import DAMAGE

_DAMAGED: tuple[type[Exception], ...] = (*DAMAGE, MemoryError)
LARGEST_CHUNK_BYTES = 64 << 20
_LONGEST = 1 << 31
_MOST_AXES = 8
_PACKED = ("blosc", "zstd", "gzip", "zlib", "lz4")
_KINDS = {"|u1": "u1", "<u2": "u2", ">u2": "u2", "uint8": "u1", "uint16": "u2"}
"""How the two formats call the values that are read."""
_HARMLESS = 1 << 14
"""So few packed bytes cannot unpack to much."""
_SHORT_FRAME = 1 << 12
"""Four bytes of Zstandard unpack to 128 KiB at most: so many to what a chunk may have."""
META_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ZarrArray:
    """An array whose description has been checked.

    Attributes
    ----------
    folder, root : Path
        Of the array, and of the whole store, which no chunk may lie outside.
    described : (name, JSON object)
        The description that is handed to ``zarr``.
    key : (start, separator)
        How the files of chunks are called: a start, then their numbers with separators.
    packed : tuple of str
        What unpacks a chunk.
    """

    folder: Path
    root: Path
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    kind: str
    described: tuple[str, Mapping[str, Any]]
    key: tuple[str, str]
    packed: tuple[str, ...]

    def read(self, part: Sequence[slice]) -> NDArray[Any]:
        """The values of a part, one slice with start and stop for each axis.

        Raises
        ------
        BadInputError
            If a chunk is damaged, leads out of the store or unpacks to more than it may.
        MissingExtraError
            If zarr is not installed.
        """
        zarr, buffer = _zarr()
        name, description = self.described
        there = {name: buffer(json.dumps(description).encode())}
        places = [
            range(one.start // chunk, -(-one.stop // chunk))
            for one, chunk in zip(part, self.chunks, strict=True)
        ]
        for place in product(*places):
            key = self.key[0] + self.key[1].join(map(str, place))
            if is_there(self.folder / key):
                there[key] = buffer(self._chunk(self.folder / key))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                array = zarr.open_array(store=zarr.storage.MemoryStore(there), mode="r")
                return np.asarray(array[tuple(part)])
        except _DAMAGED as error:
            raise BadInputError("damaged chunk", where=str(self.folder), got=str(error)[:80]) from None

    def _chunk(self, path: Path) -> bytes:
        most = math.prod(self.chunks) * np.dtype(self.kind).itemsize
        # What cannot be packed grows a little.
        data = read_bytes(path, within=self.root, limit=most + most // 8 + _HARMLESS)
        for packed in self.packed:
            if _is_cut(data, packed):
                raise BadInputError("damaged chunk", where=str(path), got=f"{len(data)} bytes")
            n_bytes = _unpacked_bytes(data, packed, most)
            if n_bytes is None:
                what, remedy = "chunk that does not say how large it is", "export it as OME-TIFF"
                raise BadInputError(what, where=str(path), remedy=remedy)
            if n_bytes > most:
                raise BadInputError("chunk that unpacks to more than it may", where=str(path))
        return data


def zarr_array(folder: Path, root: Path) -> ZarrArray:
    """The array in a folder of a store, its description read and checked.

    Raises
    ------
    BadInputError
        If there is none, or it is stored in a way that is not read.
    """
    where = str(folder)
    for name, read in ((".zarray", _format_2), ("zarr.json", _format_3)):
        if is_there(folder / name):
            try:
                return read(json_object(folder / name, root), folder, root)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                what = f"{type(error).__name__}: {error}"[:80]
                raise BadInputError("not a Zarr array", where=where, got=what) from None
    raise BadInputError("no Zarr array", where=where, expected=".zarray or zarr.json")


def json_object(path: Path, root: Path) -> dict[str, Any]:
    """The JSON object of a file of a store; BadInputError for anything else."""
    try:
        value = loads(read_bytes(path, within=root, limit=META_LIMIT_BYTES))
    except ValueError as error:
        raise BadInputError("not valid JSON", where=str(path), got=str(error)[:80]) from None
    if not isinstance(value, dict):
        raise BadInputError("not a JSON object", where=str(path), got=type(value).__name__)
    return value


def _format_2(value: dict[str, Any], folder: Path, root: Path) -> ZarrArray:
    shape, chunks = _sides(value["shape"], folder), _sides(value["chunks"], folder)
    packed = value.get("compressor")
    if value.get("filters"):
        raise BadInputError(
            "stored with filters, which are not read",
            where=str(folder),
            got=repr(value["filters"])[:60],
            remedy="export it as OME-TIFF",
        )
    if packed is not None and packed["id"] not in _PACKED:
        raise _not_read(folder, "compressor", packed["id"])
    separator = value.get("dimension_separator") or "."
    described = {
        "zarr_format": 2,
        "shape": list(shape),
        "chunks": list(chunks),
        "dtype": str(value["dtype"]),
        "compressor": packed,
        "filters": None,
        "fill_value": int(numeral(value.get("fill_value")) or 0),
        "order": "F" if value.get("order") == "F" else "C",
        "dimension_separator": separator,
    }
    packers = () if packed is None else (str(packed["id"]),)
    return _checked(
        ZarrArray(
            folder=folder,
            root=root,
            shape=shape,
            chunks=chunks,
            kind=_kind(value["dtype"], folder),
            described=(".zarray", described),
            key=("", _separator(separator, folder)),
            packed=packers,
        )
    )


def _format_3(value: dict[str, Any], folder: Path, root: Path) -> ZarrArray:
    grid, encoding = value["chunk_grid"], value.get("chunk_key_encoding", {"name": "default"})
    shape = _sides(value["shape"], folder)
    chunks = _sides(grid["configuration"]["chunk_shape"], folder)
    names = [str(codec["name"]) for codec in value["codecs"]]
    if "sharding_indexed" in names:
        raise BadInputError(
            "stored in shards, which are not read",
            where=str(folder),
            remedy="write the store without shards, or export it as OME-TIFF",
        )
    for name in names:
        if name not in ("bytes", "transpose", "crc32c", *_PACKED):
            raise _not_read(folder, "codec", name)
    default = encoding["name"] == "default"
    stated = (encoding.get("configuration") or {}).get("separator", "/" if default else ".")
    separator = _separator(stated, folder)
    described = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": str(value["data_type"]),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunks)}},
        "chunk_key_encoding": {
            "name": "default" if default else "v2",
            "configuration": {"separator": separator},
        },
        "fill_value": int(numeral(value.get("fill_value")) or 0),
        "codecs": value["codecs"],
        "attributes": {},
    }
    return _checked(
        ZarrArray(
            folder=folder,
            root=root,
            shape=shape,
            chunks=chunks,
            kind=_kind(value["data_type"], folder),
            described=("zarr.json", described),
            key=(f"c{separator}" if default else "", separator),
            packed=tuple(name for name in names if name in _PACKED),
        )
    )


def _checked(array: ZarrArray) -> ZarrArray:
    if len(array.shape) != len(array.chunks):
        raise BadInputError("chunks of another number of axes", where=str(array.folder))
    n_bytes = math.prod(array.chunks) * np.dtype(array.kind).itemsize
    if n_bytes > LARGEST_CHUNK_BYTES:
        raise BadInputError(
            "chunks too large",
            where=str(array.folder),
            expected=f"at most {LARGEST_CHUNK_BYTES:,} bytes",
            got=f"{n_bytes:,}",
            remedy="write the store in smaller chunks",
        )
    return array


def _sides(value: Any, folder: Path) -> tuple[int, ...]:
    good = isinstance(value, list) and 0 < len(value) <= _MOST_AXES
    if not good or not all(type(side) is int and 0 < side < _LONGEST for side in value):
        raise BadInputError("not a shape", where=str(folder), got=repr(value)[:40])
    return tuple(value)


def _kind(stated: Any, folder: Path) -> str:
    if stated not in _KINDS:
        raise BadInputError(
            "pixels of an unknown scale",
            where=str(folder),
            expected="8- or 16-bit unsigned values",
            got=repr(stated)[:40],
        )
    return _KINDS[stated]


def _separator(text: Any, folder: Path) -> str:
    if text not in (".", "/"):
        raise BadInputError("not a separator of chunks", where=str(folder), got=repr(text)[:40])
    return str(text)


def _not_read(folder: Path, what: str, got: Any) -> BadInputError:
    return BadInputError(
        f"stored with a {what} that is not read",
        where=str(folder),
        expected=", ".join(_PACKED),
        got=repr(got)[:60],
        remedy="export it as OME-TIFF",
    )


def _unpacked_bytes(data: bytes, packed: str, most: int) -> int | None:
    """How many bytes data say, or are found, to unpack to (`most` + 1 are tried); None if neither tells."""
    if packed == "blosc":
        return int.from_bytes(data[4:8], "little")
    if packed == "lz4":
        return int.from_bytes(data[:4], "little")
    if packed == "zstd":
        return _zstd_bytes(data)
    if len(data) <= _HARMLESS:
        return 0
    window = 31 if packed == "gzip" else 15
    try:
        return len(zlib.decompressobj(window).decompress(data, most + 1))
    except zlib.error:
        return 0


def _is_cut(data: bytes, packed: str) -> bool:
    """Whether packed data end before the end that their head states, or in it: packages read on beyond."""
    if packed == "blosc":
        return len(data) < 16 or int.from_bytes(data[12:16], "little") > len(data)
    return packed == "lz4" and len(data) < 4


def _zstd_bytes(data: bytes) -> int | None:
    """What the head of a frame states (RFC 8878, 3.1.1.1), of a long one; None where it states nothing."""
    if len(data) < 5 or data[:4] != b"\x28\xb5\x2f\xfd":
        return 0
    flags = data[4]
    single, size = flags >> 5 & 1, (0, 2, 4, 8)[flags >> 6]
    if single and not size:
        size = 1
    if not size:
        return 0 if len(data) <= _SHORT_FRAME else None
    start = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    return int.from_bytes(data[start : start + size], "little") + (256 if size == 2 else 0)


def _zarr() -> tuple[Any, Any]:
    """The package, and what makes one of its buffers from bytes."""
    try:
        import zarr
        from zarr.core.buffer import default_buffer_prototype
    except ImportError:
        raise MissingExtraError("zarr, which OME-Zarr images need,", extra="zarr") from None
    return zarr, default_buffer_prototype().buffer.from_bytes

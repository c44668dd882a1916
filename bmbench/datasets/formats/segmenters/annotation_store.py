"""TIAToolbox's annotation stores: SQLite files with a table ``annotations``, one file an image.

A shape is well-known binary, packed with zlib or not, or a point where there is none. The class is the
property ``type``, a name or a number; the confidence is ``prob``, ``probability`` or ``score``.
"""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError
from bmbench.core.gate import require_file
from bmbench.datasets.formats.annotation_folder import read_folder
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.marks import UNNAMED, Collector, Marks, ring_of
from bmbench.datasets.formats.segmenters.wkb import MULTI_POINT, NAMES, POINT, parse_wkb
from bmbench.datasets.formats.web_tools.objects import LARGEST

SUFFIXES = (".db",)
BELIEFS = ("prob", "probability", "score", "confidence")
SHAPE_LIMIT_BYTES = 16 << 20
_COLUMNS = {"cx", "cy", "geometry", "properties"}


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of annotation stores, or of one; see `read_folder`."""
    return read_folder(path, images, suffixes=SUFFIXES, parse=parse)


def parse(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The objects of one store, in the order of their numbers.

    Raises
    ------
    BadInputError
        If it is no annotation store, or damaged; names the row.
    """
    collector = Collector(str(path))
    for row, x, y, shape, properties in _rows(path):
        _add(collector, (x, y), shape, _properties(properties, f"{path}, row {row}"), f"{path}, row {row}")
    return collector.marks()


def _rows(path: Path) -> Iterator[tuple[int, Any, Any, Any, Any]]:
    """Number, centre, packed shape and properties of each object."""
    require_file(path)
    # Immutable: nothing is written beside the file, and a journal that lies there is not played back.
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as store:
            store.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SHAPE_LIMIT_BYTES)
            store.execute("PRAGMA trusted_schema = OFF")
            # A view or a virtual table could run whatever its maker wrote.
            kinds = store.execute("SELECT type, sql FROM sqlite_master WHERE name = 'annotations'").fetchall()
            plain = [sql for kind, sql in kinds if kind == "table" and "VIRTUAL" not in str(sql).upper()]
            columns = {row[1] for row in store.execute("PRAGMA table_info(annotations)")} if plain else set()
            if not columns >= _COLUMNS:
                expected = f"a table 'annotations' with {', '.join(sorted(_COLUMNS))}"
                raise BadInputError("not an annotation store", where=str(path), expected=expected)
            packed = _is_packed(store)
            asked = "SELECT rowid, cx, cy, geometry, properties FROM annotations ORDER BY rowid"
            for number, x, y, shape, properties in store.execute(asked):
                yield number, x, y, _unpacked(shape, f"{path}, row {number}", packed=packed), properties
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise BadInputError("damaged SQLite file", where=str(path), got=str(error)[:80]) from None


def _is_packed(store: sqlite3.Connection) -> bool:
    """Whether shapes are packed with zlib: as the store says, and by TIAToolbox's default."""
    try:
        found = store.execute("SELECT value FROM metadata WHERE key = 'compression'").fetchone()
    except sqlite3.OperationalError:
        found = None
    return found is None or "zlib" in str(found[0])


def _unpacked(shape: Any, where: str, *, packed: bool) -> bytes | None:
    if shape is None:
        return None
    if not isinstance(shape, bytes):
        raise BadInputError("not a shape", where=where, got=repr(shape)[:40])
    if not packed:
        return shape
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(shape, SHAPE_LIMIT_BYTES)
    except zlib.error as error:
        raise BadInputError("a damaged shape", where=where, got=str(error)[:60]) from None
    if unpacking.unconsumed_tail:
        raise BadInputError("a shape of too many corners", where=where)
    return data


def _properties(text: Any, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInputError("properties are no JSON", where=where, got=str(error)[:60]) from None
    return value if isinstance(value, dict) else {}


def _add(
    collector: Collector,
    centre: tuple[Any, Any],
    shape: bytes | None,
    properties: dict[str, Any],
    where: str,
) -> None:
    kind = properties.get("type")
    name = kind if isinstance(kind, str) and kind else UNNAMED if kind is None else f"type {kind}"[:40]
    sure = next((properties[key] for key in BELIEFS if _is_number(properties.get(key))), None)
    if shape is None:
        if not all(map(_is_number, centre)):
            raise BadInputError("a point without coordinates", where=where)
        collector.add(name, point=centre, confidence=sure)
        return
    try:
        number, rings = parse_wkb(shape)
    except ValueError as error:
        raise BadInputError("a damaged shape", where=where, got=str(error)[:60]) from None
    if number in (POINT, MULTI_POINT):
        for x, y in (point for ring in rings for point in ring.tolist()):
            collector.add(name, point=(x, y), confidence=sure)
    elif number in NAMES:
        collector.notes.append(f"left out: {NAMES[number]}")
    else:
        collector.add(name, rings=tuple(ring_of(ring.tolist(), where) for ring in rings), confidence=sure)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


CODEC = Codec(
    name="tiatoolbox",
    title="annotation stores of TIAToolbox (SQLite)",
    extensions=SUFFIXES,
    layout="image",
    carries=frozenset(),
    read=read,
    belief="the property prob (probability, score) of an object",
)

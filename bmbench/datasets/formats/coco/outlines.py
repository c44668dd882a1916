"""The outline of an object of a COCO file: polygons, or the run lengths of a mask."""

from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Any

import msgspec
import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Rings
from bmbench.datasets.formats.masks import decode_rle, mask_rings
from bmbench.datasets.reading.record_checks import Coordinate, Whole
from bmbench.datasets.reading.strict_json import spelled, type_fault

_POLYGONS = msgspec.json.Decoder(list[list[list[Coordinate]]])
_Side = Annotated[int, msgspec.Meta(ge=1, le=65_535, title="a side of 1 to 65535 pixels")]


def outline(text: bytes, size: tuple[int, int] | None, *, where: str) -> Rings:
    """The rings of a ``segmentation`` on an image of `size` (width, height); none where it is empty.

    Where the size is not known (None), run lengths are taken at their word.

    Raises
    ------
    BadInputError
        If it is no such outline.
    """
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadInputError("not a segmentation", where=where, got=str(error)) from None
    if not value:
        return ()
    if isinstance(value, dict):
        return _of_run_lengths(value, size, where)
    if not isinstance(value, list) or not all(isinstance(part, list) for part in value):
        raise BadInputError("not a segmentation", where=where, expected="a list of polygons or run lengths")
    _check(value, list[list[Coordinate]], where)
    for part in value:
        if len(part) < 6 or len(part) % 2:
            expected = "x, y of three corners or more"
            raise BadInputError("not a polygon", where=where, expected=expected, got=_short(part))
    return tuple(np.array(part, np.float64).reshape(-1, 2) for part in value)


def polygons(texts: Sequence[bytes]) -> list[Rings] | None:
    """The `outline` of each of many, sooner than one after the other; None if one of them is no polygon."""
    try:
        outlines = _POLYGONS.decode(b"[%s]" % b",".join(texts))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    lengths = np.array([len(ring) for rings in outlines for ring in rings], np.int64)
    if len(outlines) != len(texts) or not all(outlines) or (lengths < 6).any() or (lengths % 2).any():
        return None
    numbers = np.fromiter(chain.from_iterable(chain.from_iterable(outlines)), np.float64, lengths.sum())
    points, ends = numbers.reshape(-1, 2), (np.cumsum(lengths) // 2).tolist()
    parts = iter([points[start:end] for start, end in zip([0, *ends], ends, strict=False)])
    return [tuple(next(parts) for _ in rings) for rings in outlines]


def _of_run_lengths(value: dict[str, Any], size: tuple[int, int] | None, where: str) -> Rings:
    if size is None:
        _check(value.get("size"), tuple[_Side, _Side], f"{where}.size")
        size = (value["size"][1], value["size"][0])
    width, height = size
    if value.get("size") != [height, width]:
        raise BadInputError(
            "mask of another size than the image",
            where=f"{where}.size",
            expected=f"[{height}, {width}]",
            got=_short(value.get("size")),
        )
    where = f"{where}.counts"
    counts: Any = value.get("counts")
    _check(counts, str | list[Whole], where)
    try:
        runs = counts if isinstance(counts, str) else list(map(int, counts))
        mask, origin = decode_rle(runs, height, width)
    except ValueError as error:
        raise BadInputError("not a run-length mask", where=where, got=str(error)) from None
    return mask_rings(mask, origin)


def _check(value: Any, kind: Any, where: str) -> None:
    fault = type_fault(value, kind)
    if fault:
        place = spelled(("", *fault.place))
        raise BadInputError(fault.what, where=f"{where}{place}", expected=fault.expected, got=fault.text)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."

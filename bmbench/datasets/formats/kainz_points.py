"""Points of the Kainz (BM_GRAZ) and MBM files, as 0-based pixel indices on disk."""

import csv
import io
from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes
from bmbench.core.numerals import numeral
from bmbench.core.types import Floats
from bmbench.datasets.reading.images import read_raw

SAME_NUCLEUS_PX = 5.0
"""A point of MBM this near a Kainz point is that point: equal ones are up to 3.6 px apart, others 7.2."""
NUCLEUS_CODES = (1, 3)
"""Both mark nuclei; the authors' own programs read x and y only."""


def read_points(path: Path) -> Floats:
    """(n, 2) centres in pixels of a Kainz text file.

    The first line is the size header of the writer's matrix (``n 3 0``), not a point. Every other line is
    ``x y code`` with 0-based pixel indices, so that the centre of the pixel is half a pixel further.

    Raises
    ------
    BadInputError
        If a line is something else, or there are not as many points as the header says.
    """
    lines = [line.split() for line in _text(path).splitlines() if line.strip()]
    header = _numbers(lines[0], path, 1) if lines else ()
    if len(header) != 3 or header[1:] != (3.0, 0.0):
        raise BadInputError(
            "not a Kainz point list", where=f"{path}, line 1", expected="the size header 'n 3 0'"
        )
    rows = [_point(line, path, number) for number, line in enumerate(lines[1:], start=2)]
    if len(rows) != header[0]:
        raise BadInputError(
            "points missing", where=str(path), expected=f"{header[0]:g} as line 1 says", got=str(len(rows))
        )
    return np.array(rows, np.float64).reshape(-1, 2) + 0.5


def read_mbm_additions(path: Path) -> Floats:
    """(n, 2) centres in pixels of the nuclei that MBM has and the Kainz file has not (`in_kainz` = 0).

    Raises
    ------
    BadInputError
        If the columns x, y, in_kainz are not there or hold something else.
    """
    table = csv.DictReader(io.StringIO(_text(path)))
    try:
        known, found = set(table.fieldnames or ()), list(table)
    except csv.Error as error:
        raise BadInputError("not a CSV file", where=str(path), got=str(error)) from None
    if not {"x", "y", "in_kainz"} <= known:
        raise BadInputError("not an MBM point table", where=str(path), expected="columns x, y, in_kainz")
    rows = []
    for number, row in enumerate(found, start=2):
        values = _numbers([row["x"], row["y"], row["in_kainz"]], path, number)
        if values[2] == 0:
            rows.append(values[:2])
    return np.array(rows, np.float64).reshape(-1, 2) + 0.5


def read_mbm_dots(folder: Path, stem: str, known: Floats) -> Floats:
    """(n, 2) centres of the nuclei that MBM has beside the `known` points, from its published pictures.

    MBM is published as quarters of each image, row by row, with a black picture of each quarter
    (``STEM_dots_000.png`` to ``003``) in which the pixel at a nucleus is white.

    Parameters
    ----------
    known : (m, 2) float64, pixels
        The points of the Kainz file; a point of MBM within `SAME_NUCLEUS_PX` of one is left out.

    Raises
    ------
    BadInputError
        If a picture is missing, damaged or of another size than the first.
    """
    from scipy.spatial import cKDTree

    quarters = []
    for number in range(4):
        path = folder / f"{stem}_dots_{number:03}.png"
        raw = read_raw(path, within=folder)
        quarters.append(raw.reshape(*raw.shape[:2], -1).max(axis=2) > 0)
        if quarters[-1].shape != quarters[0].shape:
            height, width = quarters[0].shape
            raise BadInputError(
                "a quarter of another size", where=str(path), expected=f"{width} × {height} px"
            )
    rows, columns = np.nonzero(np.block([quarters[:2], quarters[2:]]))
    points = np.column_stack([columns, rows]).astype(np.float64) + 0.5
    if len(known) == 0:
        return points
    distance = np.asarray(cKDTree(known).query(points)[0], np.float64)
    return points[distance > SAME_NUCLEUS_PX]


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError("not UTF-8 text", where=f"{path}, byte {error.start}") from None


def _point(words: list[str], path: Path, number: int) -> tuple[float, ...]:
    values = _numbers(words, path, number)
    if len(values) != 3 or values[2] not in NUCLEUS_CODES:
        raise BadInputError(
            "not a point", where=f"{path}, line {number}", expected="'x y code' with code 1 or 3"
        )
    return values[:2]


def _numbers(words: list[str], path: Path, number: int) -> tuple[float, ...]:
    try:
        values = tuple(float(numeral(word) or "nan") for word in words)
    except (TypeError, ValueError):
        values = (float("nan"),)
    if not np.isfinite(values).all():
        raise BadInputError("not a number", where=f"{path}, line {number}", got=" ".join(map(str, words)))
    return values

"""Which column of a table means what: by its name, or as the user says with ``--option MEANING=COLUMN``.

Coordinates are found by names that leave no doubt (``x``, ``xmin`` …); those of other programs have to be
named, since they may count micrometres, or pixels from their middle. Errors say the very options to type.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bmbench.core.csv_cells import read_cell
from bmbench.core.errors import BadInputError
from bmbench.core.gate import is_file
from bmbench.datasets.formats.folder_words import IMAGE_WORDS, folders_called
from bmbench.datasets.reading.images import SUFFIXES
from bmbench.datasets.reading.tables import TextTable, decimal_number, read_table

NAMES: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "filename", "file_name", "file", "image_name", "bild"),
    "x": ("x",),
    "y": ("y",),
    "column": ("column",),
    "row": ("row",),
    "xmin": ("xmin", "x_min", "x0"),
    "ymin": ("ymin", "y_min", "y0"),
    "xmax": ("xmax", "x_max"),
    "ymax": ("ymax", "y_max"),
    "left": ("left",),
    "top": ("top",),
    "width": ("width",),
    "height": ("height",),
    "radius": ("radius",),
    "diameter": ("diameter",),
    "class": ("class", "label", "category", "classification"),
    "role": ("role",),
    "group": ("group",),
    "split": ("split",),
    "confidence": ("confidence", "score"),
}
"""Meaning → the names, in small letters, under which it is found without being told."""
CHOICES: Mapping[str, str] = {
    **{name: f"the column with {name}" for name in NAMES},
    "image": "the column of image names, or the one image of the table",
    "radius": "the column of radii, or one radius for all points, px",
    "diameter": "the column of diameters, or one diameter for all points, px",
    "separator": "what stands between cells: comma, semicolon, tab, or the sign itself",
    "um_per_px": "pixel size, where the table counts in µm",
}
_PLACES = (
    ("x", "y"),
    ("column", "row"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "width", "height"),
)
"""What says where an object is, in the order in which it is looked for: points before boxes."""
_MADE = re.compile(r"Outline|Illum|Mask|Overlay", re.IGNORECASE)
"""Names of pictures that CellProfiler itself has made, and no image."""
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_PROGRAMS = (
    (
        "CellProfiler",
        {"ImageNumber", "ObjectNumber"},
        {"image": "ImageNumber", "column": "AreaShape_Center_X", "row": "AreaShape_Center_Y"},
    ),
    (
        "TrackMate",
        {"POSITION_X", "POSITION_Y"},
        {
            "image": "NAME.tif",
            "column": "POSITION_X",
            "row": "POSITION_Y",
            "radius": "RADIUS",
            "um_per_px": "0.25",
        },
    ),
    (
        "QuPath",
        {"Centroid X µm", "Centroid Y µm"},
        {"image": "Image", "x": "Centroid X µm", "y": "Centroid Y µm", "um_per_px": "0.25"},
    ),
    (
        "QuPath",
        {"Centroid X px", "Centroid Y px"},
        {"image": "Image", "x": "Centroid X px", "y": "Centroid Y px"},
    ),
    ("ImageJ", {"Area", "X", "Y"}, {"image": "Label", "x": "X", "y": "Y"}),
)
"""Programs, columns by which their tables are known, and the options to type."""
_MIDDLES = re.compile(r"(AreaShape|Location)_Center\w*_X(_\w+)?|POSITION_X")
"""Columns of programs that call the middle of the first pixel 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The rows of a table by meaning.

    Attributes
    ----------
    place : tuple of str
        What says where an object is: one of the tuples of `_PLACES`.
    rows : list of (where, meaning → cell)
    um_per_px : float
        1 where coordinates are pixels.
    """

    table: TextTable
    place: tuple[str, ...]
    rows: list[tuple[str, dict[str, str]]]
    um_per_px: float


def read_columns(path: Path, choices: Mapping[str, str]) -> Columns:
    """The rows of a table, their cells by what they mean.

    Raises
    ------
    BadInputError
        If a column is missing, or the file is no table: with the columns it has and the options to type.
    """
    mark = choices.get("separator", "")
    table = read_table(path, separator=_SEPARATORS.get(mark, mark) or None)
    where = f"{path}, line 1"
    found = _found(table, choices, where)
    given = {meaning: text for meaning, text in choices.items() if meaning in NAMES and meaning not in found}
    asked = [meanings for meanings in _PLACES if any(meaning in choices for meaning in meanings)]
    place = next((p for p in (*asked, *_PLACES) if set(p) <= found.keys()), None)
    if place is None or ("image" not in found and "image" not in given):
        raise _missing(table, where)
    if place == ("x", "y") and not asked:
        _refuse_corner_or_middle(table, where)
    files = (
        _cellprofiler_files(path)
        if "image" in found and table.columns[found["image"]] == "ImageNumber"
        else {}
    )
    table.require_narrow()
    rows = []
    for line, cells in table.rows:
        row = {meaning: read_cell(cells[column]) for meaning, column in found.items()} | given
        row["image"] = files.get(row["image"], row["image"])
        rows.append((line, row))
    if rows and "POSITION_X" in table.columns:
        # TrackMate writes three more lines of names and units.
        rows = [*(row for row in rows[:3] if _is_number(row[1][place[0]])), *rows[3:]]
    if place == ("x", "y") and _MIDDLES.fullmatch(column := table.columns[found["x"]]):
        table = dataclasses.replace(table, notes=(*table.notes, _half_a_pixel(table, found, column)))
    return Columns(table=table, place=place, rows=rows, um_per_px=_scale(choices.get("um_per_px")))


def _refuse_corner_or_middle(table: TextTable, where: str) -> None:
    """Nothing, unless `x` and `y` may be the corner of a box or its middle."""
    lower = [name.lower() for name in table.columns]
    sides = next((sides for sides in (("width", "height"), ("w", "h")) if set(sides) <= set(lower)), None)
    # ImageJ has the middle as X and Y, and the corner as BX and BY.
    if sides is None or {"bx", "by"} <= set(lower) or {"radius", "diameter"} & set(lower):
        return
    width, height = (table.columns[lower.index(side)] for side in sides)
    raise BadInputError(
        f"x and y beside {width} and {height} may be the corner of a box or its middle",
        where=where,
        got=", ".join(table.columns)[:80],
        remedy="say which: --option left=x --option top=y "
        + ("" if sides[0] == "width" else f"--option width={width} --option height={height} ")
        + "for corners, --option x=x --option y=y for middles, whose sizes are passed over",
    )


def _half_a_pixel(table: TextTable, found: Mapping[str, int], x: str) -> str:
    """What to say where a program's indices were named as continuous coordinates."""
    y = table.columns[found["y"]]
    return (
        f"{x} counts from the middle of the first pixel: --option column={x} --option row={y} adds the half "
        "pixel that is missing"
    )


def _found(table: TextTable, choices: Mapping[str, str], where: str) -> dict[str, int]:
    """The column of each meaning that has one."""
    lower = tuple(name.lower() for name in table.columns)
    found = {}
    for meaning, names in NAMES.items():
        if meaning in choices:
            name = choices[meaning]
            if name in table.columns or name.lower() in lower:
                found[meaning] = (
                    table.columns.index(name) if name in table.columns else lower.index(name.lower())
                )
            elif not _is_constant(meaning, name):
                raise BadInputError(
                    f"no column {name!r} for {meaning}", where=where, got=", ".join(table.columns)[:160]
                )
            continue
        known = next((lower.index(name) for name in names if name in lower), None)
        if known is not None:
            found[meaning] = known
    return found


def _is_constant(meaning: str, text: str) -> bool:
    """Whether a choice is no column, but what holds for all rows."""
    if meaning == "image":
        return text.lower().endswith(SUFFIXES)
    if meaning in ("radius", "diameter"):
        return _is_number(text)
    return meaning in ("class", "group", "split")


def _missing(table: TextTable, where: str) -> BadInputError:
    for program, words, options in _PROGRAMS:
        if words <= set(table.columns):
            typed = " ".join(f"--option {meaning}={_quoted(column)}" for meaning, column in options.items())
            return BadInputError(
                f"columns missing: a table of {program}, whose columns have to be named",
                where=where,
                expected="image, and x and y",
                got=", ".join(table.columns)[:80],
                remedy=f"say which they are, as in {typed}",
            )
    return BadInputError(
        "columns missing",
        where=where,
        expected="image, and x and y (pixels), column and row (pixel indices from 0), or corners (xmin …)",
        got=", ".join(table.columns)[:80],
        remedy="say which they are, as in --option x=COLUMN; cells are separated by "
        + {",": "commas", ";": "semicolons", "\t": "tabs"}.get(table.separator, repr(table.separator)),
    )


def _quoted(text: str) -> str:
    return f"'{text}'" if " " in text else text


def _cellprofiler_files(path: Path) -> dict[str, str]:
    """Image number → file name, from the table of images that CellProfiler writes beside; {} without it."""
    prefix = path.name.rpartition("_")[0]
    for name in dict.fromkeys((f"{prefix}_Image.csv" if prefix else "Image.csv", "Image.csv")):
        if (path.parent / name).is_file():
            table = read_table(path.parent / name)
            number = table.columns.index("ImageNumber") if "ImageNumber" in table.columns else None
            file = _image_column(table, path.parent)
            if number is not None and file is not None:
                return {cells[number]: PurePosixPath(cells[file]).name for _, cells in table.rows}
    return {}


def _image_column(table: TextTable, folder: Path) -> int | None:
    """Which column of file names is that of the images: those whose files are there, else the likeliest.

    CellProfiler has one for each channel, illumination function and picture of outlines that it saved.
    """
    columns = [n for n, column in enumerate(table.columns) if column.startswith("FileName_")]
    homes = (folder, *folders_called(folder, IMAGE_WORDS))
    made = [n for n in columns if _MADE.search(table.columns[n])]
    for n in sorted(columns, key=lambda n: n in made):
        names = {PurePosixPath(cells[n]).name for _, cells in table.rows[:1]}
        if any(is_file(home / name) for name in names for home in homes):
            return n
    return next((n for n in columns if n not in made), columns[0] if columns else None)


def _scale(text: str | None) -> float:
    if text is None:
        return 1.0
    value = decimal_number(text)
    if not 0 < value < 1e6:
        raise BadInputError(f"um_per_px={text}", expected="a number of µm above 0")
    return value


def _is_number(text: str) -> bool:
    """Whether it is no word; what is no `numeral` either is refused where it is read."""
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def numbers(columns: Columns, row: Mapping[str, str], meanings: Sequence[str], where: str) -> list[float]:
    """The numbers of a row in pixels."""
    return [columns.table.number(row[meaning], where) / columns.um_per_px for meaning in meanings]


def stated_size(columns: Columns, row: Mapping[str, str], where: str) -> tuple[int, int] | None:
    """Width and height of the image, as tables of corners state them (TensorFlow's); None without any.

    Where they are the sides of the box itself, they say nothing of the image.
    """
    if columns.place[2:3] != ("xmax",) or not (row.get("width") and row.get("height")):
        return None
    sides = [columns.table.number(row[side], where) for side in ("width", "height")]
    if not all(row[corner] for corner in columns.place):
        return None
    low_x, low_y, high_x, high_y = numbers(columns, row, columns.place, where)
    of_box = abs(high_x - low_x - sides[0]) <= 1 and abs(high_y - low_y - sides[1]) <= 1
    whole = all(side.is_integer() and side >= 1 for side in sides)
    return (int(sides[0]), int(sides[1])) if whole and not of_box else None

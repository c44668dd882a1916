"""CSV of points or circles with named columns: one file for all images.

=================  =====================================================================================
column             meaning
=================  =====================================================================================
image              file name of the image; every image has a row, one without objects a row without x, y
x, y               centre in continuous pixels (the centre of the first pixel is 0.5, 0.5)
column, row        instead of x, y: pixel indices from 0 (half a pixel is added)
radius, diameter   of the circle, pixels; absent or empty: a point
class              name of the class; absent: cell
role               cell, artefact, ignore or region; absent: by the class
group, split       patient or slide; subset
=================  =====================================================================================

Columns may stand in any order and further ones are passed over; which columns hold the coordinates is never
guessed. Outlines and boxes are written as the smallest circle around them (a box: of its longer side).
"""

import csv
import dataclasses
import io
import math
from functools import partial
from pathlib import Path

from bmbench.core.csv_cells import CsvRows, read_cell
from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.files import write_text
from bmbench.core.types import Annotations, ImageId, Role, Sample
from bmbench.datasets.formats.annotation_folder import join_marks
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.images_beside import IMAGE_FOLDERS
from bmbench.datasets.formats.marks import CONFIDENCE_WORDS, UNNAMED, UNSURE, Collector, Marks
from bmbench.datasets.reading.limits import read_text
from bmbench.datasets.slides.whole_images import read_whole, size_of

COLUMNS = ("image", "x", "y", "radius", "class", "role", "group", "split")
DIGITS = 6
_ROLES = ("", "cell", "artefact", "ignore", "region")


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a CSV file, or of the folder that holds ``annotations.csv``.

    Raises
    ------
    BadInputError
        If a column or an image is missing, or a value has no sense; names the line.
    """
    file = path / CODEC.folder if path.is_dir() else path
    folder = images or next(
        (file.parent / n for n in IMAGE_FOLDERS if (file.parent / n).is_dir()), file.parent
    )
    within = images or file.parent
    collectors: dict[str, Collector] = {}
    places: dict[str, tuple[str, str]] = {}
    stated: dict[str, bool] = {}
    for where, row in _rows(file):
        image = row["image"]
        if not image:
            raise BadInputError("row without an image", where=where)
        collector = collectors.setdefault(image, Collector(str(file)))
        places.setdefault(image, (row.get("group", ""), row.get("split", "")))
        _add(collector, row, where, stated)
    found: list[tuple[Sample, Marks]] = []
    subsets: dict[ImageId, Subset] = {}
    for image, collector in collectors.items():
        group, split = places[image]
        size = size_of(folder / image, within=within)
        sample = Sample(
            image_id=image,
            name=image,
            width=size[0],
            height=size[1],
            group=group or image,
            annotations=Annotations.empty(),
            load=partial(read_whole, folder / image, size, within=within),
            file=folder / image,
            within=within,
        )
        if split in SUBSETS:
            subsets[image] = split
        marks = collector.marks()
        classes = tuple((name, stated.get(name, own)) for name, own in marks.classes)
        found.append((sample, dataclasses.replace(marks, classes=classes)))
    return join_marks(found, subsets=subsets, where=str(file))


def write(path: Path, content: Content) -> list[Left]:
    """Write every image; nothing is left out."""
    from bmbench.core.objects import shape_circles

    text = io.StringIO()
    lines = CsvRows(text)
    lines.write(COLUMNS)
    for sample in content.samples:
        annotations = sample.annotations
        place = (
            sample.group if sample.group != sample.name else "",
            content.subsets.get(sample.image_id, ""),
        )
        if not len(annotations):
            lines.write((sample.name, "", "", "", "", "", *place))
        circles = shape_circles(annotations)
        for row, (*centre, radius) in enumerate(circles.tolist()):
            x, y = centre if radius > 0 else annotations.xy[row].tolist()
            role = "region" if annotations.region[row] else Role(annotations.role[row]).name.lower()
            name = content.categories[annotations.label[row]].name
            numbers = (_number(x), _number(y), _number(radius) if radius > 0 else "")
            lines.write((sample.name, *numbers, name, role, *place))
    write_text(path, text.getvalue())
    return []


def _rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Place and cells of every row; an absent cell is an empty text."""
    reader = csv.reader(io.StringIO(read_text(path)), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        rows = [(f"{path}, line {reader.line_num}", cells) for cells in reader if cells]
    except csv.Error as error:
        raise BadInputError(
            "not a CSV file", where=f"{path}, line {reader.line_num}", got=str(error)
        ) from None
    names = set(header)
    if "image" not in names or not ({"x", "y"} <= names or {"column", "row"} <= names):
        raise BadInputError(
            "columns missing",
            where=f"{path}, line 1",
            expected="image, and x and y (pixels) or column and row (pixel indices from 0)",
            got=", ".join(header)[:80],
        )
    table = []
    for where, cells in rows:
        if len(cells) > len(header):
            raise BadInputError("more cells than columns", where=where)
        padded = [read_cell(cell.strip()) for cell in cells] + [""] * (len(header) - len(cells))
        table.append((where, dict(zip(header, padded, strict=True))))
    return table


def _add(collector: Collector, row: dict[str, str], where: str, stated: dict[str, bool]) -> None:
    """Take in the object of a row; `stated` grows by what its role says of its class."""
    indices = "x" not in row
    cells = (row["column"], row["row"]) if indices else (row["x"], row["y"])
    if not any(cells):
        return
    x, y = (_value(cell, where) + (0.5 if indices else 0.0) for cell in cells)
    radius = _value(row["radius"], where) if row.get("radius") else 0.0
    if row.get("diameter"):
        radius = _value(row["diameter"], where) / 2
    if any(row.get(word) for word in CONFIDENCE_WORDS):
        collector.notes.append(UNSURE)
    role, name = row.get("role", "").lower(), row.get("class") or UNNAMED
    if role not in _ROLES or radius < 0:
        raise BadInputError("no such role or radius", where=where, got=f"{role!r}, {radius:g}"[:60])
    if role in ("cell", "artefact"):
        stated[name] = stated.get(name, False) or role == "artefact"
    shape = {"circle": (x, y, radius)} if radius > 0 else {"point": (x, y)}
    collector.add(name, ignore=role == "ignore", region=role == "region", **shape)


def _value(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not abs(value) < 1e9:
        raise BadInputError("not a number of sensible size", where=where, got=repr(cell)[:40])
    return value


def _number(value: float) -> str:
    return repr(round(value, DIGITS) + 0.0).removesuffix(".0")


CODEC = Codec(
    name="csv",
    title="CSV of points or circles",
    extensions=(".csv",),
    layout="set",
    carries=frozenset({Fact.CIRCLE, Fact.POINT, Fact.CLASS, Fact.IGNORE, Fact.REGION}),
    read=read,
    write=write,
    folder="annotations.csv",
)

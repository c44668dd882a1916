"""CSV of points, circles or boxes with named columns: one file for all images.

==========================  ============================================================================
column                      meaning
==========================  ============================================================================
image                       file name of the image; every image has a row, one without objects an empty one
x, y                        centre in continuous pixels (the centre of the first pixel is 0.5, 0.5)
column, row                 instead of x, y: pixel indices from 0 (half a pixel is added)
xmin, ymin, xmax, ymax      instead: the corners of a box; or left, top, width, height
radius, diameter            of the circle, pixels; absent or empty: a point
class (label, category)     name of the class; absent: cell
role                        cell, artefact, ignore or region; absent: by the class
group, split                patient or slide; subset
confidence, score           of a detection, where the table is a detector's answer
==========================  ============================================================================

Columns may stand in any order and further ones are passed over; columns of other names are named by
``--option x=AreaShape_Center_X`` (see `csv_columns`). Outlines and boxes are written as the smallest circle
around them (a box: of its longer side).
"""

import dataclasses
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from bmbench.core.csv_cells import CsvRows
from bmbench.core.dataset import Subset
from bmbench.core.errors import BadInputError
from bmbench.core.files import write_text
from bmbench.core.gate import is_file
from bmbench.core.types import Annotations, ImageId, Role, Sample
from bmbench.datasets.formats.annotation_folder import join_marks
from bmbench.datasets.formats.coco.samples import read_coco
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.csv_columns import CHOICES, Columns, numbers, read_columns, stated_size
from bmbench.datasets.formats.folder_words import IMAGE_WORDS, SUBSET_WORDS, folders_called, unknown_subsets
from bmbench.datasets.formats.marks import UNNAMED, Collector, Marks
from bmbench.datasets.reading.image_names import last_part, nearest, spellings
from bmbench.datasets.reading.images import SUFFIXES
from bmbench.datasets.reading.near_misses import how_meant, shown
from bmbench.datasets.slides.whole_images import read_whole, size_of

COLUMNS = ("image", "x", "y", "radius", "class", "role", "group", "split")
DIGITS = 6
_OF_IMAGE = ("group", "split")
_ROLES = ("", "cell", "artefact", "ignore", "region")


def read(path: Path, images: Path | None = None, **choices: str) -> Content:
    """The images of a CSV file, or of the folder that holds ``annotations.csv``.

    `images` is their folder, or a COCO file that names them; `choices` are those of `csv_columns`.

    Raises
    ------
    BadInputError
        If a column or an image is missing, or a value has no sense; names the line.
    """
    file = path / CODEC.folder if path.is_dir() else path
    columns = read_columns(file, choices)
    find = _Images(file, images)
    collectors: dict[str, Collector] = {}
    places: dict[str, dict[str, str]] = {}
    sizes: dict[str, set[tuple[int, int] | None]] = {}
    stated: dict[str, bool] = {}
    for where, row in columns.rows:
        image = row["image"]
        if not image:
            raise BadInputError("row without an image", where=where)
        collector = collectors.setdefault(image, Collector(str(file)))
        _place(places.setdefault(image, {}), row, where)
        sizes.setdefault(image, set()).add(stated_size(columns, row, where))
        _add(collector, columns, row, where, stated)
    found: list[tuple[Sample, Marks]] = []
    subsets: dict[ImageId, Subset] = {}
    unknown: Counter[str] = Counter()
    for image, collector in collectors.items():
        group, split = (places[image].get(key, "") for key in _OF_IMAGE)
        sample = find(image, list(collectors))
        (size, *others) = sizes[image]
        if size is not None and not others:
            sample = _with_stated_size(sample, size)
        if group:
            sample = dataclasses.replace(sample, group=group)
        if split.lower() in SUBSET_WORDS:
            subsets[sample.image_id] = SUBSET_WORDS[split.lower()]
        elif split:
            unknown[split] += 1
        marks = collector.marks()
        classes = tuple((name, stated.get(name, own)) for name, own in marks.classes)
        found.append((sample, dataclasses.replace(marks, classes=classes)))
    notes = (*columns.table.notes, *unknown_subsets(unknown))
    return join_marks(found, subsets=subsets, notes=notes, where=str(file))


def _place(known: dict[str, str], row: Mapping[str, str], where: str) -> None:
    """Take in what a row says of its image; BadInputError if another one says otherwise."""
    for key in _OF_IMAGE:
        value = row.get(key, "")
        if value and known.setdefault(key, value) != value:
            raise BadInputError(
                f"an image with two values of {key}", where=where, got=f"{known[key]} and {value}"[:80]
            )


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


class _Images:
    """The images of a table by name: files in their folder, or those that a COCO file names."""

    def __init__(self, file: Path, images: Path | None) -> None:
        self._listed = read_coco(images).samples if images is not None and images.is_file() else ()
        inside = [*folders_called(file.parent, IMAGE_WORDS), file.parent]
        self._folder = images or inside[0]
        self._within = images or file.parent
        self._file = file

    def __call__(self, name: str, among: Sequence[str]) -> Sample:
        if self._listed:
            names = [sample.name for sample in self._listed]
            rows = nearest([name], names)[0] or nearest([_stem(name)], [_stem(one) for one in names])[0]
            if len(rows) != 1:
                raise BadInputError(
                    "an image that is not there" if not rows else "a name of several images",
                    where=str(self._file),
                    expected=f"one of {shown(names)}",
                    got=repr(name),
                    remedy=how_meant(among, (), names, owner="the truth")
                    or "check that the two files belong together",
                )
            return dataclasses.replace(self._listed[rows[0]], annotations=Annotations.empty())
        own = self._own_name(name)
        file = self._folder / own
        size = size_of(file, within=self._within)
        return Sample(
            image_id=own,
            name=own,
            width=size[0],
            height=size[1],
            group=own,
            annotations=Annotations.empty(),
            load=partial(read_whole, file, size, within=self._within),
            file=file,
            within=self._within,
        )

    def _own_name(self, name: str) -> str:
        """What the folder calls an image: tables hold whole paths, web addresses, names without an ending."""
        spelled = spellings(name)
        for one in dict.fromkeys([*spelled, *map(last_part, spelled)]):
            if is_file(self._folder / one):
                return one
        short = last_part(name)
        there = [f"{short}{ending}" for ending in SUFFIXES if is_file(self._folder / f"{short}{ending}")]
        if len(there) > 1:
            raise BadInputError(
                "which image a row means cannot be told",
                where=name,
                got=", ".join(there),
                remedy="write its ending",
            )
        return there[0] if there else name


def _with_stated_size(sample: Sample, size: tuple[int, int]) -> Sample:
    """The sample with the size that a table states, so that another one is seen where pixels are read."""
    if size == (sample.width, sample.height) or sample.file is None:
        return sample
    load = partial(read_whole, sample.file, size, within=sample.within)
    return dataclasses.replace(sample, width=size[0], height=size[1], load=load)


def _stem(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/")).with_suffix(""))


def _add(
    collector: Collector, columns: Columns, row: Mapping[str, str], where: str, stated: dict[str, bool]
) -> None:
    """Take in the object of a row; `stated` grows by what its role says of its class."""
    if not any(row[meaning] for meaning in columns.place):
        return
    role, name = row.get("role", "").lower(), row.get("class") or UNNAMED
    if role not in _ROLES:
        raise BadInputError("no such role", where=where, got=f"{role!r}"[:60])
    if role in ("cell", "artefact"):
        stated[name] = stated.get(name, False) or role == "artefact"
    sure = columns.table.number(row["confidence"], where) if row.get("confidence") else None
    shape, place = _shape(columns, row, where)
    collector.add(
        name,
        box=place if shape == "box" else (),
        circle=place if shape == "circle" else (),
        point=place if shape == "point" else (),
        ignore=role == "ignore",
        region=role == "region",
        confidence=sure,
    )


def _shape(columns: Columns, row: Mapping[str, str], where: str) -> tuple[str, tuple[float, ...]]:
    """The geometry of a row: "box", "circle" or "point", and its numbers as `Collector.add` takes them."""
    place = numbers(columns, row, columns.place, where)
    if len(place) == 4:
        if columns.place[2] == "width":
            place = [place[0], place[1], place[0] + place[2], place[1] + place[3]]
        return "box", tuple(place)
    if columns.place[0] == "column":
        place = [value + 0.5 for value in place]
    radius = numbers(columns, row, ("radius",), where)[0] if row.get("radius") else 0.0
    if row.get("diameter"):
        radius = numbers(columns, row, ("diameter",), where)[0] / 2
    if radius < 0:
        raise BadInputError("no such radius", where=where, got=f"{radius:g}")
    return ("circle", (*place, radius)) if radius > 0 else ("point", tuple(place))


def _number(value: float) -> str:
    return repr(round(value, DIGITS) + 0.0).removesuffix(".0")


CODEC = Codec(
    name="csv",
    title="CSV of points, circles or boxes",
    extensions=(".csv",),
    layout="set",
    carries=frozenset({Fact.CIRCLE, Fact.POINT, Fact.CLASS, Fact.IGNORE, Fact.REGION}),
    read=read,
    write=write,
    folder="annotations.csv",
    choices=CHOICES,
)

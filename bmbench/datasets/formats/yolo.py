"""YOLO text files: one an image, numbers from 0 to 1, and ``data.yaml`` with the names of the classes.

Two formats, since the programs that read them keep outlines only where every line of a set is one: `yolo`
writes boxes, `yolo-seg` polygons (a box as its corners, a circle as 32). Both are read alike, line by line.
Lines of oriented boxes, as DOTA and Roboflow's "YOLO OBB" have them (corners in pixels, class, difficult),
are read as outlines, those that are difficult as objects to be ignored.
The format knows no image size (images must be at hand), no ignored objects and no circles.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from bmbench.core.dataset import SUBSETS
from bmbench.core.errors import BadInputError
from bmbench.core.files import write_text
from bmbench.core.numerals import numeral
from bmbench.core.types import Annotations, Floats, Role, is_artefact_name
from bmbench.datasets.formats.annotation_folder import inner_path, read_folder
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import Collector, Marks, ring_of
from bmbench.datasets.formats.ring_nesting import bridged
from bmbench.datasets.formats.yolo_names import (
    NAME_FILES,
    OBJ_DATA,
    YAML,
    class_names,
    is_dota,
    key_point_numbers,
    names_file,
)
from bmbench.datasets.reading.limits import read_text
from bmbench.datasets.reading.tables import decimal_number

DIGITS = 12
"""Decimal places: a millionth of a pixel on an image of 100,000."""
SLACK = 1e-3
"""How far beyond 0 and 1 rounding in other programs leads."""
CORNERS = 32
DOTA_HEAD = 2
"""Lines before the objects of a DOTA file: where the image comes from, and its pixel size."""
_CLASS_LIMIT = 100_000
_FORMAT = f"%.{DIGITS}f "


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder with ``labels`` and ``images``, of its ``data.yaml``, or of one text file.

    An image without a text file is one without objects, as in the programs that train on the format.

    Raises
    ------
    BadInputError
        If an image is missing (its size is needed), or a line has no sense.
    """
    beside = path.name == OBJ_DATA or path.suffix.lower() in (".yaml", ".yml")
    base = path.parent if beside else path
    said = path if beside and path.name != OBJ_DATA else names_file(base)
    classes = _Classes() if said is None else _Classes.of(said)

    def parse(file: Path, size: Callable[[], tuple[int, int]]) -> Marks:
        return _parse(file, size, classes)

    return read_folder(base, images, suffixes=(".txt",), parse=parse, keep_unmarked=base.is_dir())


def write_boxes(path: Path, content: Content) -> list[Left]:
    """Write one image as boxes; ignored objects and points are left out."""
    return _write(path, content, polygons=False)


def write_polygons(path: Path, content: Content) -> list[Left]:
    """Write one image as polygons; ignored objects and points are left out."""
    return _write(path, content, polygons=True)


def write_frame(folder: Path, content: Content) -> None:
    """Write ``data.yaml`` and, where images have subsets, the list of each as ``SUBSET.txt``."""
    lists = {subset: [] for subset in SUBSETS}  # type: dict[str, list[str]]
    for sample in content.samples:
        if sample.image_id in content.subsets:
            lists[content.subsets[sample.image_id]].append(f"./images/{inner_path(sample)}")
    words = {"train": "train", "validation": "val", "optimisation": "optimisation", "test": "test"}
    lines = []
    for subset, files in lists.items():
        if files:
            write_text(folder / f"{words[subset]}.txt", "\n".join(files) + "\n")
        target = f"{words[subset]}.txt" if files else "images" if words[subset] in ("train", "val") else ""
        if target:
            lines.append(f"{words[subset]}: {target}")
    lines += [f"nc: {len(content.categories)}", "names:"]
    lines += [f"  {row}: {_yaml_text(c.name)}" for row, c in enumerate(content.categories)]
    write_text(folder / YAML, "\n".join(lines) + "\n")


def _yaml_text(text: str) -> str:
    """The text in double quotes, on one line."""
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf)
    return quoted.rstrip("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Classes:
    """What stands beside the labels: the names of the classes, and how many numbers are of key points."""

    file: Path | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    key_points: int = 0

    @classmethod
    def of(cls, file: Path) -> "_Classes":
        return cls(file=file, names=class_names(file), key_points=key_point_numbers(file))

    def name(self, label: int, where: str) -> str:
        """The name of a class; BadInputError for one that a file of names leaves out."""
        if self.names and label not in self.names:
            raise BadInputError(
                "a class without a name",
                where=where,
                expected=f"{min(self.names)} to {max(self.names)}, the classes of {self.file}",
                got=str(label),
                remedy="classes count from 0: correct the numbers, or name this one there",
            )
        return self.names.get(label, f"class {label}")


def _parse(path: Path, size: Callable[[], tuple[int, int]], classes: _Classes) -> Marks:
    collector = Collector(str(path))
    for name in classes.names.values():
        # Every class has its place, used or not, so that numbers keep their meaning.
        # Numbers of one name, which are common, are one class.
        collector.classes.setdefault((name, is_artefact_name(name)), len(collector.classes))
    if path.name in NAME_FILES:
        return collector.marks(size=size())
    scale = np.array(size(), np.float64)
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        words = line.split()
        if is_dota(words):
            ring = ring_of(np.array(words[:8], np.float64).reshape(4, 2).tolist(), where)
            collector.add(words[8], rings=(ring,), ignore=words[9:] == ["1"])
            continue
        if number <= DOTA_HEAD and words[0].startswith(("imagesource:", "gsd:")):
            continue
        label, numbers, confidence = _line(line, words, where, classes.key_points)
        name = classes.name(label, where)
        if len(numbers) == 4:
            centre, extent = numbers[:2] * scale, numbers[2:] * scale
            box = np.concatenate([centre - extent / 2, centre + extent / 2]).tolist()
            collector.add(name, box=box, confidence=confidence)
        else:
            collector.add(name, rings=(numbers.reshape(-1, 2) * scale,), confidence=confidence)
    return collector.marks(size=(int(scale[0]), int(scale[1])))


def _line(line: str, words: list[str], where: str, key_points: int) -> tuple[int, Floats, float | None]:
    """Class, numbers and, in what a detector wrote, the confidence of a line; key points are passed over."""
    values = _values(line, words)
    if key_points and len(values) in (5 + key_points, 6 + key_points):
        values = np.concatenate([values[:5], values[5 + key_points :]])
    count, confidence = len(values) - 1, None
    if count == 5 or (count >= 7 and count % 2):
        # One number more than a shape has is the confidence of a prediction.
        values, count, confidence = values[:-1], count - 1, float(values[-1])
        if not 0 <= confidence <= 1:
            raise BadInputError(
                "a number more than a shape has, and no confidence",
                where=where,
                expected="class x y width height, class x y x y …, or either with a confidence from 0 to 1",
                got=line[:60],
            )
    good, label, numbers = count == 4 or (count >= 6 and count % 2 == 0), values[0], values[1:]
    if not good or not np.isfinite(values).all() or not (label.is_integer() and 0 <= label < _CLASS_LIMIT):
        raise BadInputError(
            "not a line of the format",
            where=where,
            expected="class x y width height, or class x y x y …",
            got=line[:40],
        )
    if numbers.min() < -SLACK or numbers.max() > 1 + SLACK:
        raise BadInputError(
            "number outside 0 to 1", where=where, got=line[:40], remedy="divide by the image's size"
        )
    return int(label), numbers, confidence


def _values(line: str, words: list[str]) -> Floats:
    """(n,) the `decimal_number` of each word; nearly always all are numbers with points."""
    try:
        numeral(line)
        return np.array(list(map(float, words)), np.float64)
    except ValueError:
        return np.array([decimal_number(word) for word in words], np.float64)


def _write(path: Path, content: Content, *, polygons: bool) -> list[Left]:
    sample = content.samples[0]
    left, lines = [], []
    scale = np.array([sample.width, sample.height], np.float64)
    for row, why in enumerate(_unfit(sample.annotations)):
        if why:
            left.append(Left(image_id=sample.image_id, row=row, why=why))
            continue
        if polygons:
            numbers = (_polygon(sample.annotations, row) / scale).ravel()
        else:
            low, high = sample.annotations.box[row].reshape(2, 2)
            numbers = np.concatenate([(low + high) / 2 / scale, (high - low) / scale])
        label = int(sample.annotations.label[row])
        lines.append(f"{label} {_numbers(numbers.tolist())}")
    write_text(path, "".join(f"{line}\n" for line in lines))
    return left


def _unfit(annotations: Annotations) -> list[str]:
    """Why each object cannot be written; empty texts of those that can."""
    some = (annotations.box[:, 2:] > annotations.box[:, :2]).all(axis=1)
    why = np.where(annotations.role == Role.IGNORE, "ignored object", np.where(some, "", "point"))
    texts: list[str] = why.tolist()
    return texts


def _polygon(annotations: Annotations, row: int) -> Floats:
    if annotations.contour[row]:
        return bridged(annotations.contour[row])
    x, y, radius = annotations.circle[row]
    if radius > 0:
        angle = np.arange(CORNERS) * (2 * math.pi / CORNERS)
        return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)
    x0, y0, x1, y1 = annotations.box[row]
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _numbers(values: list[float]) -> str:
    """The numbers with a space between them, each without zeros at its end."""
    words = (_FORMAT * len(values) % tuple(values)).split()
    return " ".join([word.rstrip("0").rstrip(".") if word[-1] == "0" else word for word in words])


CODEC = Codec(
    name="yolo",
    title="YOLO text files, boxes",
    extensions=(".txt",),
    layout="image",
    carries=frozenset({Fact.CLASS}),
    read=read,
    write=write_boxes,
    folder="labels",
    frame=write_frame,
    relative=True,
)
CODEC_POLYGONS = Codec(
    name="yolo-seg",
    title="YOLO text files, polygons",
    extensions=(".txt",),
    layout="image",
    carries=frozenset({Fact.CLASS, Fact.OUTLINE}),
    read=read,
    write=write_polygons,
    folder="labels",
    frame=write_frame,
    relative=True,
)

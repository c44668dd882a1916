"""What a detector found in other forms than a results list: by the readers of the formats of annotations.

COCO files whose annotations have a ``score``, GeoJSON of QuPath, StarDist, InstanSeg and `bmbench predict`,
YOLO text with confidences, CSV of points, circles or boxes, and what StarDist, Cellpose, CellViT, HoVer-Net
and TIAToolbox write by themselves. Images are found by name or stem among those of the ground truth, which
states their sizes, classes by name; a class that is a number is that of the ground truth in the order of its
categories. What files do not say is assumed, and said, unless it is declared.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in
from bmbench.core.misfits import misfit_error
from bmbench.core.types import Category, Floats, GroundTruth, ImageId, Ints, Predictions
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.coco.samples import read_coco
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.file_kinds import LABEL_ENDINGS, formats_in, split_name
from bmbench.datasets.formats.layout import find_layout
from bmbench.datasets.formats.marks import UNNAMED, UNSURE
from bmbench.datasets.formats.predictions import DetectionColumns, Score, bind, read_predictions
from bmbench.datasets.formats.read_ahead import is_other_form
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.reading.image_names import nearest
from bmbench.datasets.reading.limits import MARK, read_limited
from bmbench.datasets.reading.near_misses import how_meant, shown

_NUMBERED = re.compile(r"class ([0-9]+)")


class _Image(msgspec.Struct, gc=False):
    id: int | str
    file_name: str = ""


class _Object(msgspec.Struct, gc=False):
    image_id: int | str
    category_id: int
    bbox: Annotated[list[float], msgspec.Meta(min_length=4, max_length=4)]
    score: Score | None = None


class _CocoFile(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Object]
    categories: list[Category]


LEFT_OUT = "-"
"""What is declared of a class that does not count."""
EVERY_OTHER = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a user says of another program's answers.

    Attributes
    ----------
    classes : the program's class → one of the ground truth
        `EVERY_OTHER` stands for all that are not named; those that become `LEFT_OUT` do not count.
    confidence : float, optional
        That of every detection without one.
    choices : name → text
        What `read_any` is told of the files.
    """

    classes: Mapping[str, str] = field(default_factory=dict)
    confidence: float | None = None
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAnswers:
    """The detections of another program; what had to be assumed of them, and what is to be said."""

    columns: DetectionColumns
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_answers(path: Path, truth: Path, annotations: GroundTruth, *, outlines: bool = False) -> Predictions:
    """A detector's answers in whatever form on a ground truth and its COCO file; see `read_predictions`."""
    if not is_other_form(path):
        return read_predictions(path, annotations, outlines=outlines)
    other = read_other_form(path, truth)
    notes = (*other.notes, *other.assumed)
    found = dataclasses.replace(bind(other.columns, annotations, path), notes=notes)
    return found if outlines else dataclasses.replace(found, outline=None)


def read_other_form(path: Path, truth: Path, declared: Declaration | None = None) -> OtherAnswers:
    """The detections of a file or folder on the images and categories of a COCO file.

    Raises
    ------
    BadInputError
        If the files are in no known format, or name an image or a class that the ground truth does not have.
    """
    declared = declared or Declaration()
    known = read_coco(truth)
    names = [sample.name for sample in known.samples]
    ids = [sample.image_id for sample in known.samples]
    form, place = _form_of(path)
    if form == "coco":
        return OtherAnswers(columns=_of_coco(place, names, ids, known.categories, declared))
    content = read_any(f"{form}:{place}", truth, choices=declared.choices)
    found = nearest([sample.name for sample in content.samples], names)
    by_id = {image_id: row for row, image_id in enumerate(ids)}
    images: list[ImageId] = []
    answered = [(s, rows) for s, rows in zip(content.samples, found, strict=True) if len(s.annotations)]
    content = dataclasses.replace(content, samples=tuple(sample for sample, _ in answered))
    for sample, rows in answered:
        own = [by_id[sample.image_id]] if sample.image_id in by_id else rows
        if not own:
            raise _no_image(sample.name, [one.name for one, _ in answered], ids, names, path)
        if len(own) > 1:
            raise BadInputError(
                "a name of several images",
                where=str(path),
                got=PurePosixPath(sample.name).name,
                remedy="write names with their folders",
            )
        images.append(ids[own[0]])
    columns, assumed = _of_content(content, images, known.categories, path, declared)
    if len(names) == 1 and path.is_file() and PurePosixPath(names[0]).stem not in path.name:
        assumed = (f"{path.name} is taken for the one image, {names[0]}", *assumed)
    belief = FORMATS.get(form).belief
    sure = any(np.isfinite(one).any() for one in content.confidence.values())
    notes = [f"the confidence is {belief}"] if belief and sure else []
    # An image without an answer is one without detections.
    notes += [note for note in content.notes if UNSURE not in note and "images without" not in note]
    return OtherAnswers(columns=columns, assumed=assumed, notes=tuple(notes))


def _form_of(path: Path) -> tuple[str, Path]:
    """The format of answers and where they lie; a folder of pictures and nothing else has label images."""
    form, place = split_name(str(path))
    if form is not None:
        return form, place
    if path.is_dir() and not formats_in(path):
        pictures = files_in(path, within=path, suffixes=LABEL_ENDINGS)
        if pictures and len(pictures) == len(files_in(path, within=path)):
            return "labels", path
    return find_layout(path).format, path


def _of_content(
    content: Content,
    images: Sequence[ImageId],
    categories: Sequence[Category],
    path: Path,
    declared: Declaration,
) -> tuple[DetectionColumns, tuple[str, ...]]:
    counts = [len(sample.annotations) for sample in content.samples]
    parts = [sample.annotations for sample in content.samples]
    label = np.concatenate([np.zeros(0, np.int64), *(part.label for part in parts)])
    box = np.concatenate([np.zeros((0, 4)), *(part.box for part in parts)])
    xy = np.concatenate([np.zeros((0, 2)), *(part.xy for part in parts)])
    outline = [rings for part in parts for rings in part.contour]
    beliefs = [_confidence(content, s.image_id, len(s.annotations)) for s in content.samples]
    sure = np.concatenate([np.zeros(0), *beliefs])
    names = [_declared_name(one.name, declared.classes) for one in content.categories]
    kept = np.flatnonzero(np.array([name != LEFT_OUT for name in names], bool)[label])
    label, box, xy, sure = label[kept], box[kept], xy[kept], sure[kept]
    stated = sure[np.isfinite(sure)]
    if ((stated < 0) | (stated > 1)).any():
        raise BadInputError("confidence outside 0 to 1", where=str(path))
    unsure = int((~np.isfinite(sure)).sum())
    constant = 1.0 if declared.confidence is None else declared.confidence
    undeclared = unsure and declared.confidence is None
    them = "detection without a confidence counts" if unsure == 1 else "detections without a confidence count"
    notes = [f"{unsure} {them} with 1"] if undeclared else []
    numbers, said = _category_ids(names, label, categories, path)
    return DetectionColumns(
        image_id=np.repeat(_ids(images), counts)[kept],
        category_id=numbers[label] if len(label) else np.zeros(0, np.int64),
        score=np.where(np.isfinite(sure), sure, constant),
        box=box,
        size=box[:, 2:] - box[:, :2],
        xy=xy,
        outline=tuple(outline[row] for row in kept.tolist()),
    ), (*notes, *said)


def _declared_name(name: str, classes: Mapping[str, str]) -> str:
    return classes.get(name, classes.get(EVERY_OTHER, name))


def _confidence(content: Content, image_id: ImageId, number: int) -> Floats:
    own = content.confidence.get(image_id)
    return np.full(number, np.nan) if own is None or len(own) != number else own


def _category_ids(
    names: Sequence[str], label: Ints, categories: Sequence[Category], path: Path
) -> tuple[Ints, list[str]]:
    """The category id of each class that is used, and what was assumed of numbered and nameless ones."""
    by_name = {category.name.lower(): category.id for category in categories}
    cells = [category for category in categories if not category.artefact]
    numbers, said = np.zeros(max(len(names), 1), np.int64), []
    for row in sorted(set(label.tolist())):
        name = names[row]
        numbered = _NUMBERED.fullmatch(name)
        if name.lower() in by_name:
            numbers[row] = by_name[name.lower()]
        elif numbered and int(numbered[1]) < len(categories):
            category = sorted(categories, key=lambda one: one.id)[int(numbered[1])]
            numbers[row] = category.id
            said.append(f"class {numbered[1]} is taken for {category.name}")
        elif name == UNNAMED and cells:
            numbers[row] = cells[0].id
            said.append(f"objects without a class are taken for {cells[0].name}")
        else:
            raise _no_class(name, [category.name for category in categories], path)
    return numbers, said


def _of_coco(
    path: Path,
    names: Sequence[str],
    ids: Sequence[ImageId],
    categories: Sequence[Category],
    declared: Declaration,
) -> DetectionColumns:
    """The annotations with a score of a COCO file, whose images and categories may have other numbers."""
    file = find_layout(path).parts[0].path
    value = _decoded(file, declared)
    found = nearest([image.file_name for image in value.images], names)
    known, image_of = set(ids), {}
    for image, rows in zip(value.images, found, strict=True):
        if len(rows) == 1:
            image_of[image.id] = ids[rows[0]]
        elif not image.file_name and image.id in known:
            image_of[image.id] = image.id
    by_name = {category.name: category.id for category in categories}
    named = {one.id: _declared_name(one.name, declared.classes) for one in value.categories}
    category_of = {number: by_name[name] for number, name in named.items() if name in by_name}
    found_boxes = [one for one in value.annotations if named.get(one.category_id) != LEFT_OUT]
    for one in found_boxes:
        if one.image_id not in image_of:
            called = {image.id: image.file_name or image.id for image in value.images}
            own = called.get(one.image_id, f"image_id {one.image_id}, which is none of its images")
            raise _no_image(own, list(called.values()), ids, names, file)
        if one.category_id not in category_of:
            raise _no_class(named.get(one.category_id, f"of id {one.category_id}"), by_name, file)
    corner = np.array([one.bbox for one in found_boxes], np.float64).reshape(-1, 4)
    if not (np.abs(corner) < 1e9).all() or (corner[:, 2:] < 0).any():
        raise BadInputError("boxes of no sensible size", where=str(file))
    return DetectionColumns(
        image_id=_ids([image_of[one.image_id] for one in found_boxes]),
        category_id=np.array([category_of[one.category_id] for one in found_boxes], np.int64),
        score=np.array(
            [declared.confidence if one.score is None else one.score for one in found_boxes], np.float64
        ),
        box=np.concatenate([corner[:, :2], corner[:, :2] + corner[:, 2:]], axis=1),
        size=corner[:, 2:],
        xy=corner[:, :2] + corner[:, 2:] / 2,
    )


def _decoded(file: Path, declared: Declaration) -> _CocoFile:
    try:
        value = msgspec.json.decode(read_limited(file).removeprefix(MARK), type=_CocoFile)
    except msgspec.ValidationError as error:
        remedy = "write a COCO results list, or images, annotations with a score, and categories"
        raise misfit_error(error, "not a COCO file with scores", where=file, remedy=remedy) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInputError("not valid JSON", where=str(file), got=str(error)[:80]) from None
    unscored = sum(one.score is None for one in value.annotations)
    if unscored and declared.confidence is None:
        raise BadInputError(
            f"{unscored} annotations without a score",
            where=str(file),
            expected="predictions: an annotation has a score from 0 to 1",
            remedy="give the ground truth with --truth, and here what a detector found",
        )
    return value


def _no_image(
    own: ImageId, every: Sequence[ImageId], ids: Sequence[ImageId], names: Sequence[str], where: Path
) -> BadInputError:
    """The error for detections on an image of no name or id of the truth; `every`: all that were answered."""
    return BadInputError(
        "detections on an image that the ground truth does not have",
        where=str(where),
        expected=f"one of {shown(names)}",
        got=f"{own!r} among {shown(every)}" if len(every) > 1 else repr(own),
        remedy=how_meant(every, ids, names, owner="the truth") or "check that the two belong together",
    )


def _no_class(name: str, classes: Iterable[str], where: Path) -> BadInputError:
    return BadInputError(
        f"class {name[:40]!r} is none of the ground truth",
        where=str(where),
        expected=", ".join(classes)[:120],
        remedy=f"say which it is: bmbench datasets answers … --class '{name[:40]}=CLASS'",
    )


def _ids(images: Sequence[ImageId]) -> NDArray[Any]:
    if all(isinstance(image, int) for image in images):
        return np.array(images, np.int64)
    column = np.empty(len(images), object)
    column[:] = images
    return column

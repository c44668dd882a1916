"""The files that predictions end in: QuPath GeoJSON, COCO, CSV."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from bmbench.core.csv_cells import CsvRows
from bmbench.core.errors import BadInputError
from bmbench.core.files import writing
from bmbench.core.geometry import rings_area
from bmbench.core.types import Annotations, Category, Detections, Floats, ImageId

Form: TypeAlias = Literal["geojson", "geojson.gz", "json", "csv"]
FORMS: tuple[Form, ...] = ("geojson", "geojson.gz", "json", "csv")
QUPATH_DECIMALS = 2
"""Decimal places of coordinates in GeoJSON, in pixels; QuPath itself writes as many."""
SHEETS = (".xlsx", ".xls", ".ods")
NO_FOLDERS = (
    *SHEETS, ".tsv", ".txt", ".xml", ".yaml", ".yml", ".html", ".pdf", ".zip", ".gz", ".png", ".jpg",
    ".jpeg", ".tif", ".tiff",
)  # fmt: skip
"""Endings of files that nobody gives to a folder: who names one wants such a file."""
COLUMNS = (
    "image", "number", "class", "confidence", "x_px", "y_px", "left_px", "top_px", "width_px", "height_px",
    "area_px2", "diameter_px", "area_um2", "diameter_um",
)  # fmt: skip
ORIGIN_COLUMNS = ("origin_x_px", "origin_y_px")
"""Of slides that are a part of a glass: add them for coordinates on the whole of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One file (`folder` False) or one file for each image in a folder."""

    path: Path
    form: Form
    folder: bool

    @property
    def place(self) -> Path:
        """The folder that its files are written to."""
        return self.path if self.folder else self.path.parent

    def of(self, stem: str) -> Path:
        """The file of one image."""
        return self.path / f"{stem}.{self.form}" if self.folder else self.path


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageOutput:
    """What was found on one image.

    Attributes
    ----------
    name, stem : str
        What the image is called in files, and what files of its own are called.
    image_id : ImageId
        Its id in COCO files.
    um_per_px : float or None
        Of level 0.
    origin : (x, y)
        Where level 0 begins on the glass, as `bmbench.datasets.slides.Slide` says.
    parts : () → iterator of Detections
        The cells, in level-0 pixels; may be called several times.
    """

    name: str
    stem: str
    image_id: ImageId
    um_per_px: float | None
    parts: Callable[[], Iterator[Detections]]
    origin: tuple[int, int] = (0, 0)


def plan_outputs(paths: Sequence[Path], form: str | None, *, n_images: int) -> tuple[Output, ...]:
    """What to write where: a known ending names a file of that form, anything else a folder.

    Raises
    ------
    BadInputError
        If a form is unknown, the ending is that of another kind of file, one GeoJSON file is wanted of
        several images, or an output is named twice.
    """
    if form is not None and form not in FORMS:
        raise BadInputError(f"unknown form {form!r}", expected=" or ".join(FORMS))
    planned = []
    for path in paths:
        ending = next((known for known in ("geojson.gz", *FORMS) if path.name.endswith(f".{known}")), None)
        if ending is None and not path.is_dir() and path.suffix.lower() in NO_FOLDERS:
            raise BadInputError(
                f"predictions are not written as {path.suffix}",
                where=f"--out {path}",
                expected=".geojson, .geojson.gz, .json, .csv or a folder",
                remedy="`bmbench count` writes tables of counts for a spreadsheet"
                if path.suffix.lower() in SHEETS
                else "",
            )
        if ending is None or path.is_dir():
            planned.append(Output(path=path, form=_form(form or "geojson"), folder=True))
        else:
            planned.append(Output(path=path, form=_form(ending), folder=False))
    for output in planned:
        if output.form.startswith("geojson") and not output.folder and n_images > 1:
            raise BadInputError(
                "a GeoJSON file describes one image",
                where=str(output.path),
                got=f"{n_images} images",
                remedy="name a folder",
            )
    if len({(output.path, output.form) for output in planned}) < len(planned):
        raise BadInputError("an output is named twice")
    return tuple(planned)


def unique(short: Sequence[str], long: Sequence[str]) -> list[str]:
    """The short names, and the long one where several images have the same."""
    count = Counter(short)
    return [a if count[a] == 1 else b for a, b in zip(short, long, strict=True)]


def output_stems(names: Sequence[str]) -> list[str]:
    """What files of their own are called, of images of these names; no two share one."""
    return [stem.replace("/", "_") for stem in unique([Path(name).stem for name in names], names)]


def write_output(
    output: Output, answers: Sequence[ImageOutput], categories: Sequence[Category]
) -> list[Path]:
    """Write the answers in one form, each file whole or not at all; the files."""
    if not output.folder:
        _write(output.path, output.form, answers, categories)
        return [output.path]
    for answer in answers:
        _write(output.of(answer.stem), output.form, [answer], categories)
    return [output.of(answer.stem) for answer in answers]


def measurements(detections: Detections | Annotations, um_per_px: float | None) -> dict[str, Floats]:
    """Area and diameter of each cell, in pixels, and in µm where the pixel size is known.

    The area is that of the outline, else of the ellipse in the box; the diameter that of a circle of the
    same area.
    """
    side = detections.box[:, 2:] - detections.box[:, :2]
    area = np.pi / 4 * side.prod(axis=1)
    for row, rings in enumerate(detections.contour):
        if rings:
            area[row] = rings_area(rings)
    sizes = {"Area px^2": area, "Diameter px": np.sqrt(4 / np.pi * area)}
    if um_per_px is not None:
        sizes |= {"Area µm^2": area * um_per_px**2, "Diameter µm": sizes["Diameter px"] * um_per_px}
    return {name: np.round(size, 3) for name, size in sizes.items()}


def csv_rows(
    answer: ImageOutput, categories: Sequence[Category], first: int = 1
) -> Iterator[tuple[str | int | float, ...]]:
    """One row a cell: the values of `COLUMNS`, empty where the pixel size is not known."""
    number = first
    for part in answer.parts():
        sizes = [column.tolist() for column in measurements(part, answer.um_per_px).values()]
        sizes += [[""] * len(part)] * (4 - len(sizes))
        box = np.column_stack([part.xy, part.box[:, :2], part.box[:, 2:] - part.box[:, :2]])
        places = (np.round(box, QUPATH_DECIMALS) + 0.0).tolist()
        for row, (label, confidence) in enumerate(zip(part.label, part.confidence, strict=True)):
            name = categories[label].name
            size = (column[row] for column in sizes)
            yield (answer.name, number, name, round(float(confidence), 6), *places[row], *size)
            number += 1


def _form(text: str) -> Form:
    return next(form for form in FORMS if form == text)


def _write(path: Path, form: Form, answers: Sequence[ImageOutput], categories: Sequence[Category]) -> None:
    if form == "json":
        from bmbench.datasets.formats.predictions import write_prediction_parts

        parts = ((answer.image_id, part) for answer in answers for part in answer.parts())
        ids = [answer.image_id for answer in answers]
        origins = {answer.image_id: answer.origin for answer in answers if answer.origin != (0, 0)}
        write_prediction_parts(path, ids, parts, categories, origins=origins)
    elif form == "csv":
        _write_csv(path, answers, categories)
    else:
        from bmbench.datasets.formats.qupath.geojson import write_qupath

        (answer,) = answers

        def measure(part: Detections | Annotations) -> Mapping[str, Floats]:
            return measurements(part, answer.um_per_px)

        write_qupath(
            path, answer.parts(), categories, kind="detection", decimals=QUPATH_DECIMALS, measure=measure
        )


def _write_csv(path: Path, answers: Sequence[ImageOutput], categories: Sequence[Category]) -> None:
    with writing(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        rows = CsvRows(file)
        placed = any(answer.origin != (0, 0) for answer in answers)
        rows.write(COLUMNS + (ORIGIN_COLUMNS if placed else ()))
        for answer in answers:
            beside = answer.origin if placed else ()
            rows.write_all((*row, *beside) for row in csv_rows(answer, categories))

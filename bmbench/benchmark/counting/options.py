"""What a user asks of `bmbench count`, and what the command answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.benchmark.counting.differential import Differential, to_json
from bmbench.benchmark.counting.tally import CountedImage, Stops
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.protocol.lineages import CountedClass
from bmbench.core.errors import BadInputError
from bmbench.core.types import Ints

ENDINGS = (".json", ".csv")
"""Endings of files that hold predictions or annotations."""
FOREIGN = (".geojson", ".xml")
"""Endings of annotations that `bmbench datasets import` reads, and that no image has. Among images they are
broken ones, as any other file is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOptions:
    """The options of `bmbench count`.

    Attributes
    ----------
    predict : PredictOptions
        What finds the cells, where, and from which confidence on; its outputs are not written.
    out : Path
        A folder that is not there yet, or empty.
    group_choices : mapping
        ``groups`` (a table) or ``group_from`` (a pattern): which images are of one patient.
    lineages : Path or None
        A table of classes and lineages; None takes them from the names of the classes.
    cut_offs : mapping
        Cut-offs of a class, lineage or sum, from 0 to 1, beside the usual ones of blasts and plasma cells.
    overlays : bool
        Whether a picture of every image is written.
    found : Path or None
        A file of predictions or annotations whose cells are counted; nothing is predicted then, and images
        are for pictures.
    names : Path or None
        A COCO file whose categories are those of a predictions file.
    """

    predict: PredictOptions
    out: Path
    group_choices: Mapping[str, str] = field(default_factory=dict)
    lineages: Path | None = None
    cut_offs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    overlays: bool = True
    found: Path | None = None
    names: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountReport:
    """What was counted.

    Attributes
    ----------
    threshold : float
        Of the confidence.
    classes : tuple of CountedClass
    images : tuple of CountedImage
        Cells of every class by image, at every stop.
    stops : Stops
        The confidences that were counted at, the threshold among them.
    differentials : tuple of Differential
        Of everything first, then of each patient where they are known.
    unit : str
        What varies: "patient" where they are known, else "image".
    files : tuple of Path
    notes, broken : tuple of str
        What was taken for granted; which images could not be read.
    """

    threshold: float
    classes: tuple[CountedClass, ...]
    images: tuple[CountedImage, ...]
    stops: Stops
    differentials: tuple[Differential, ...]
    unit: str
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    broken: tuple[str, ...]

    def counts(self) -> Ints:
        """(images, classes) at the threshold."""
        return np.stack([image.counts[self.stops.chosen] for image in self.images])

    def to_json(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        names = [one.name for one in self.classes]
        return {
            "threshold": self.threshold,
            "classes": [dataclasses.asdict(one) for one in self.classes],
            "images": [
                {
                    "image": one.name,
                    "patient": one.patient or None,
                    "counts": dict(zip(names, row, strict=True)),
                }
                for one, row in zip(self.images, self.counts().tolist(), strict=True)
            ],
            "differentials": [to_json(one) for one in self.differentials],
            "unit": self.unit,
            "files": [str(path) for path in self.files],
            "notes": list(self.notes),
            "broken": list(self.broken),
        }


def predictions_among(paths: Sequence[Path]) -> Path | None:
    """The file of cells among what is to be counted, by its ending; None where all are images.

    Raises
    ------
    BadInputError
        If there are several, or annotations that have to become a COCO file first.
    """
    named = [path for path in paths if path.suffix]
    if named and all(path.suffix.lower() in FOREIGN for path in named):
        raise BadInputError(
            "annotations are counted from a COCO file",
            where=str(named[0]),
            remedy=f"bmbench datasets import {named[0].parent} corrected.json --images IMAGES makes one",
        )
    files = [path for path in paths if path.suffix.lower() in ENDINGS]
    if len(files) > 1:
        raise BadInputError("one predictions file is counted", got=", ".join(map(str, files[:3])))
    return files[0] if files else None


def require_file_alone(file: Path, finding: Sequence[str]) -> None:
    """Nothing, or a BadInputError if options of what finds cells are given beside a predictions file."""
    if finding:
        raise BadInputError(
            f"{file.name}: the cells of a file are counted as they are",
            got=f"{finding[0]} as well",
            remedy="leave that out",
        )

"""The cells that are counted: those that a detector has just found, or those of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bmbench.benchmark.areas.choose import ChosenAreas
from bmbench.benchmark.counting.cell_files import is_marked, read_cell_table, read_marked, read_results
from bmbench.benchmark.counting.tally import Stops
from bmbench.benchmark.prediction.finished import FinishedImage, PredictedImages
from bmbench.benchmark.prediction.outputs import ImageOutput, output_stems
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category, Detections
from bmbench.datasets.reading.image_names import nearest
from bmbench.datasets.reading.near_misses import how_meant, shown
from bmbench.present.words import many

_SHOWN = 4
"""Images that a note names."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundImage:
    """An image whose cells are known.

    Attributes
    ----------
    name : str
    path : Path or None
        The picture; None where the tables alone are asked for.
    white : int or None
        The value that is white, of 16 bits.
    um_per_px : float or None
    origin : (x, y)
        Where level 0 begins on the glass.
    cells : threshold → iterator of Detections
        The cells from a confidence on, in level-0 pixels; may be called again.
    areas : ChosenAreas or None
        The areas that they were looked for in, where these were chosen.
    """

    name: str
    path: Path | None
    white: int | None
    um_per_px: float | None
    origin: tuple[int, int]
    cells: Callable[[float], Iterator[Detections]]
    areas: ChosenAreas | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundCells:
    """What is counted.

    Attributes
    ----------
    images : tuple of FoundImage
    categories : tuple of Category
        What the labels mean.
    told_apart : tuple of Category
        Those of them that the detector tells apart: of older ones artefacts behind the cells are none.
    threshold : float
        From which confidence on.
    finder : str
        Who found them, as the report says it.
    marked : bool
        Whether they were marked by somebody: then they have no confidence that one might choose.
    adjusted, notes, broken : tuple of str
        As of `PredictedImages`.
    """

    images: tuple[FoundImage, ...]
    categories: tuple[Category, ...]
    told_apart: tuple[Category, ...]
    threshold: float
    finder: str
    marked: bool = False
    adjusted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def just_found(found: PredictedImages, *, version: str) -> FoundCells:
    """The cells of images that were predicted."""
    trained = found.trained
    return FoundCells(
        images=tuple(map(_just_found, found.images)),
        categories=trained.classes,
        told_apart=_told_apart(found),
        threshold=found.threshold,
        finder=f"{trained.path.resolve().name} ({trained.method}, bmbench {version})",
        adjusted=found.adjusted,
        notes=found.notes,
        broken=found.broken,
    )


def read_found(
    path: Path, pictures: Sequence[Path], *, threshold: float | None = None, names: Path | None = None
) -> FoundCells:
    """The cells of a file: COCO results, the table that `bmbench predict` writes, or COCO annotations.

    Parameters
    ----------
    pictures : paths
        The images, which are found by name; none where tables are enough.
    threshold : float, optional
        From which confidence on; without it every cell of the file counts. Annotations have none.
    names : path, optional
        A COCO file whose categories are those of the predictions.

    Raises
    ------
    BadInputError
        If it is no such file, or names an image that is not among the pictures.
    """
    marked = path.suffix.lower() != ".csv" and is_marked(path)
    if marked:
        _require_nothing_chosen(path, threshold=threshold, names=names)
        by_image, categories, notes = read_marked(path)
    elif path.suffix.lower() == ".csv":
        by_image, categories, notes = read_cell_table(path)
    else:
        by_image, categories, notes = read_results(path, names)
    if not by_image:
        raise BadInputError("no image and no cell", where=str(path), expected="predictions")
    places: list[Path | None] = [None] * len(by_image)
    if pictures:
        places = list(_places(path, list(by_image), pictures))
        notes = (*notes, *_left(path, pictures, places))
    else:
        notes = (*notes, "no images were given: tables alone, no overlays and no report")
    lowest = min((float(one.confidence.min()) for one in by_image.values() if len(one)), default=0.0)
    if threshold is None and not marked:
        notes = (*notes, f"every cell of {path.name} counts, from confidence {lowest:.3f} on (--threshold)")
    return FoundCells(
        images=tuple(
            FoundImage(
                name=name,
                path=place,
                white=None,
                um_per_px=None,
                origin=(0, 0),
                cells=partial(_from, found),
            )
            for (name, found), place in zip(by_image.items(), places, strict=True)
        ),
        categories=categories,
        told_apart=categories,
        threshold=lowest if threshold is None else threshold,
        finder=path.name,
        marked=marked,
        notes=notes,
    )


def outputs_of(found: FoundCells) -> list[ImageOutput]:
    """The images as the files of their cells take them."""
    return [
        ImageOutput(
            name=image.name,
            stem=stem,
            image_id=image.name,
            um_per_px=image.um_per_px,
            origin=image.origin,
            parts=partial(image.cells, found.threshold),
        )
        for image, stem in zip(found.images, output_stems([one.name for one in found.images]), strict=True)
    ]


def _places(path: Path, names: Sequence[str], pictures: Sequence[Path]) -> Iterator[Path]:
    """The picture of each image."""
    stems = nearest([Path(name).stem for name in names], [picture.stem for picture in pictures])
    whole = nearest(names, [picture.as_posix() for picture in pictures])
    called = [picture.name for picture in pictures]
    for name, exactly, about in zip(names, whole, stems, strict=True):
        rows = exactly or about
        if len(rows) != 1:
            raise BadInputError(
                f"{'no image' if not rows else 'several images'} for {name!r}",
                where=str(path),
                expected=f"one among the {len(pictures)} that are given",
                got=shown(called),
                remedy=("" if rows else how_meant(names, (), called, owner="the folder"))
                or "give all images of the file, or none for tables alone",
            )
        yield pictures[rows[0]]


def _left(path: Path, pictures: Sequence[Path], places: Sequence[Path | None]) -> list[str]:
    """Which of the pictures that were given the file says nothing of."""
    told = set(places)
    left = [picture.name for picture in pictures if picture not in told]
    if not left:
        return []
    shown = ", ".join(left[:_SHOWN]) + (f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else "")
    return [f"{path.name} says nothing of {many(len(left), 'image')}, not counted: {shown}"]


def _require_nothing_chosen(path: Path, *, threshold: float | None, names: Path | None) -> None:
    """Nothing, or a BadInputError if something is asked of annotations that only predictions have."""
    for option, given in (("--threshold", threshold), ("--names", names)):
        if given is not None:
            raise BadInputError(
                f"{path.name}: annotations are counted as they are",
                got=f"{option} as well",
                remedy="leave that out",
            )


def _from(found: Detections, threshold: float) -> Iterator[Detections]:
    yield found.take(found.confidence >= threshold)


def _just_found(image: FinishedImage) -> FoundImage:
    job = image.job
    return FoundImage(
        name=job.name,
        path=job.path,
        white=job.white,
        um_per_px=job.um_per_px,
        origin=job.origin,
        cells=image.parts,
        areas=job.areas,
    )


def _told_apart(found: PredictedImages) -> tuple[Category, ...]:
    """What the detector's labels mean, without the artefacts behind the cells if it never learned any.

    Labels stay what they are. A detector that says artefacts all the same, as one of a plug-in may, has them.
    """
    classes = found.trained.classes
    cells = 1 + max((row for row, one in enumerate(classes) if not one.artefact), default=-1)
    if found.trained.artefact_class or cells == len(classes):
        return classes
    lowest = float(Stops.around(found.threshold).thresholds[0])
    labels = (part.label for image in found.images for part in image.parts(lowest))
    return classes if any((label >= cells).any() for label in labels) else classes[:cells]

"""`bmbench predict`: load a run → cut each image → predict its tiles → write what was found."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bmbench.benchmark.areas.area_files import FOLDER as AREAS
from bmbench.benchmark.areas.area_files import write_areas
from bmbench.benchmark.prediction.crops import write_crops
from bmbench.benchmark.prediction.finished import FinishedImage, all_predicted
from bmbench.benchmark.prediction.image import cells
from bmbench.benchmark.prediction.options import ImageReport, PredictOptions, Report
from bmbench.benchmark.prediction.outputs import ImageOutput, Output, output_stems, plan_outputs, write_output
from bmbench.benchmark.prediction.prepare import largest_cell_px
from bmbench.benchmark.protocol.classes import as_classes_of
from bmbench.benchmark.records.trained_run import TrainedRun
from bmbench.core.progress import Progress
from bmbench.core.types import Category, ImageId
from bmbench.datasets.slides import slide_files
from bmbench.statistics.differential import CellShare, cell_shares

CROP_CELLS = 1.25
"""Side of a crop, in diameters of the largest cell."""


def predict(options: PredictOptions, progress: Progress) -> Report:
    """The cells of every image, in files.

    An image that cannot be read is named in the report, and the others are predicted; if none can, the first
    one's error is raised.

    Killed at any moment, the same call goes on where it stood, and its files have the same bytes: finished
    tiles stand in a folder ``OUT.unfinished`` beside the first output until everything is written. Only one
    process at a time works on one first output.

    Raises
    ------
    BadInputError
        For a run, an image, a region file or an option that is no such thing, or while another process works
        on the same first output.
    MissingExtraError
        If the method, or the reader of a slide, is not installed.
    RunFailedError
        If the outputs cannot be written, which is looked at before the work, or a disk is full.
    Stopped
        After Ctrl-C.
    """
    files = slide_files(options.images)
    outputs = plan_outputs(options.out, options.form, n_images=len(files))
    places = [output.place for output in outputs] + ([options.crops] if options.crops else [])
    with all_predicted(options, files, beside=outputs[0].path, places=places, progress=progress) as found:
        answers = image_outputs(found.images, [image.image_id for image in found.images])
        written = _write(
            outputs,
            answers,
            found.categories,
            found.trained.classes,
            progress=progress,
        )
        for image, answer in zip(found.images, answers, strict=True):
            if image.job.areas is not None:
                written += write_areas(
                    outputs[0].place / AREAS,
                    image.job.areas,
                    stem=answer.stem,
                    path=image.job.path,
                    white=image.job.white,
                )
        if options.crops is not None:
            _crop(options.crops, found.images, found.trained, options, progress=progress)
        images = tuple(_report(image, found.trained.classes) for image in found.images)
        return Report(
            images=images,
            files=tuple(written),
            threshold=found.threshold,
            notes=found.notes,
            broken=found.broken,
            adjusted=found.adjusted,
            artefacts=artefact_share(images, known=found.trained.artefact_class),
        )


def _write(
    outputs: Sequence[Output],
    answers: Sequence[ImageOutput],
    categories: tuple[Category, ...],
    classes: tuple[Category, ...],
    *,
    progress: Progress,
) -> list[Path]:
    """The files; COCO ones name the `categories` of the truth, all others the detector's own `classes`."""
    written = []
    for output in progress.track(outputs, description="Writing", total=len(outputs)):
        names = categories if output.form == "json" else classes
        written += write_output(output, [_in_classes(answer, names, classes) for answer in answers], names)
    return written


def image_outputs(finished: Sequence[FinishedImage], ids: Sequence[ImageId]) -> list[ImageOutput]:
    """The finished images as outputs take them, with names for files of their own that no two share."""
    stems = output_stems([image.job.name for image in finished])
    return [
        ImageOutput(
            name=image.job.name,
            stem=stem,
            image_id=image_id,
            um_per_px=image.job.um_per_px,
            origin=image.job.origin,
            parts=image.parts,
        )
        for image, stem, image_id in zip(finished, stems, ids, strict=True)
    ]


def _in_classes(
    answer: ImageOutput, categories: Sequence[Category], labels: Sequence[Category]
) -> ImageOutput:
    return dataclasses.replace(
        answer, parts=lambda: (as_classes_of(categories, part, labels) for part in answer.parts())
    )


def _crop(
    folder: Path,
    finished: Sequence[FinishedImage],
    trained: TrainedRun,
    options: PredictOptions,
    *,
    progress: Progress,
) -> None:
    side_px = options.crop_px or int(np.ceil(CROP_CELLS * largest_cell_px(trained)))
    for image, answer in zip(
        finished, image_outputs(finished, [image.job.name for image in finished]), strict=True
    ):
        with image.open() as journal:
            write_crops(
                folder,
                image.job,
                (part for _, part in cells(image.job, journal, image.threshold)),
                stem=answer.stem,
                side_px=side_px,
                categories=trained.classes,
                progress=progress,
            )


def _report(image: FinishedImage, classes: Sequence[Category]) -> ImageReport:
    job, artefact = image.job, np.array([one.artefact for one in classes])
    found = np.array([np.bincount(artefact[part.label], minlength=2) for part in image.parts()])
    n_cells, n_artefacts = found.reshape(-1, 2).sum(axis=0).tolist()
    return ImageReport(
        name=job.name,
        size=job.size,
        um_per_px=job.um_per_px,
        scale=float(1 / job.ratio[0]),
        tiles=len(job.tiles),
        of_tiles=len(job.grid),
        cells=n_cells,
        artefacts=n_artefacts,
    )


def artefact_share(images: Sequence[ImageReport], *, known: bool) -> CellShare | None:
    """The share of artefacts among all that was found; None where a detector does not know them."""
    counts = np.array([[image.artefacts, image.cells] for image in images], np.int64).reshape(-1, 2)
    if not known and not counts[:, 0].any():
        return None
    return cell_shares(["artefacts", "cells"], counts)[0]

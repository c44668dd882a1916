"""`bmbench count`: predict images → count their cells by class → tables, pictures, a report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

import bmbench
from bmbench.benchmark.areas.area_files import FOLDER as AREAS
from bmbench.benchmark.areas.area_files import write_areas
from bmbench.benchmark.counting.differential import Differential, differential, remarks, unknown_cut_offs
from bmbench.benchmark.counting.found import FoundCells, FoundImage, just_found, outputs_of, read_found
from bmbench.benchmark.counting.looks import looks
from bmbench.benchmark.counting.options import CountOptions, CountReport
from bmbench.benchmark.counting.overlays import overlay_of, write_overlay
from bmbench.benchmark.counting.patients import patients_by_image
from bmbench.benchmark.counting.report_facts import report_facts
from bmbench.benchmark.counting.report_page import ReportHead, ReportImages, write_report
from bmbench.benchmark.counting.tables import sheets_of, write_csv
from bmbench.benchmark.counting.tally import CountedImage, Sizes, Stops
from bmbench.benchmark.counting.workbook import write_workbook
from bmbench.benchmark.prediction.finished import all_predicted
from bmbench.benchmark.prediction.outputs import (
    NO_FOLDERS,
    ImageOutput,
    Output,
    unique,
    write_output,
)
from bmbench.benchmark.protocol.lineages import (
    CUT_OFFS,
    CountedClass,
    counted_classes,
    lineages_line,
    stated_lineages,
    tells_artefacts,
)
from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.files import is_empty, writing_folder
from bmbench.core.progress import Progress
from bmbench.datasets.slides import UnreadableImageError, opened, slide_files

_IMAGES = "report.images"
"""The images of the report, until it is put together."""
NO_ARTEFACTS = (
    "this detector has no class of artefacts or smudge cells: those it finds are counted as cells, and "
    "no share of them is given"
)
"""What a reader is told of a detector that tells none of them."""
NONE_MARKED = "no class of artefacts or smudge cells is marked, so that no share of them is given"
"""The same of annotations."""
ALL = "all"
"""The name of the differential of everything."""
_FILES = (".csv", ".json", ".geojson")
"""Endings of files beside those that no folder has."""


def count(options: CountOptions, progress: Progress) -> CountReport:
    """The cells of every image by class, and their percentages, in a folder of tables and pictures.

    An image that cannot be read is named, and the others are counted. Killed at any moment, the same call
    goes on where it stood; the folder appears whole or not at all.

    Raises
    ------
    BadInputError
        For a run, an image, a table or an option that is no such thing, or if the folder holds anything.
    MissingExtraError
        If the method, or the reader of a slide, is not installed.
    RunFailedError
        If the folder cannot be written, or a disk is full.
    Stopped
        After Ctrl-C.
    """
    out = options.out
    _require_new(out)
    files = slide_files(options.predict.images) if options.predict.images else []
    names = unique([path.name for path in files], [path.as_posix() for path in files])
    _require_texts(names)
    if options.lineages is not None:
        # A table that is none is named before hours of work, not after them.
        stated_lineages(options.lineages)
    if options.found is not None:
        return _count_found(
            read_found(options.found, files, threshold=options.predict.threshold, names=options.names),
            options,
            progress,
        )
    places = dict(zip(names, files, strict=True))
    patients, notes = patients_by_image(
        names, options.group_choices, files[0].parent, readable=lambda name: _is_readable(places[name])
    )
    with all_predicted(options.predict, files, beside=out, places=[out.parent], progress=progress) as found:
        return _count(just_found(found, version=bmbench.__version__), patients, notes, options, progress)


def _count_found(found: FoundCells, options: CountOptions, progress: Progress) -> CountReport:
    """The report of cells that a file holds."""
    names = [image.name for image in found.images]
    _require_texts(names)
    beside = options.found.parent if options.found is not None else options.out
    patients, notes = patients_by_image(names, options.group_choices, beside, readable=lambda _: True)
    return _count(found, patients, notes, options, progress)


def _count(
    found: FoundCells,
    patients: Mapping[str, str],
    notes: Sequence[str],
    options: CountOptions,
    progress: Progress,
) -> CountReport:
    classes = counted_classes(found.told_apart, options.lineages)
    _require_known(options.cut_offs, classes)
    counting = _Counting(found=found, classes=classes, patients=patients, options=options)
    with writing_folder(options.out) as folder:
        images = tuple(counting.images(folder, progress))
        written, more = counting.write(folder, images)
    return CountReport(
        threshold=found.threshold,
        classes=classes,
        images=images,
        stops=counting.stops,
        differentials=counting.differentials(images),
        unit=counting.unit,
        files=tuple(options.out / name for name in written),
        notes=(*notes, *found.notes, *found.adjusted, *filter(None, [lineages_line(classes)]), *more),
        broken=found.broken,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Counting:
    """What is known before the first image is counted."""

    found: FoundCells
    classes: tuple[CountedClass, ...]
    patients: Mapping[str, str]
    options: CountOptions

    @cached_property
    def stops(self) -> Stops:
        return Stops.alone() if self.found.marked else Stops.around(self.found.threshold)

    @cached_property
    def sizes(self) -> Sizes:
        in_um = all(image.um_per_px is not None for image in self.found.images)
        return Sizes(stops=self.stops, n_classes=len(self.classes), in_um=in_um)

    @property
    def unit(self) -> str:
        return "patient" if self.patients else "image"

    def images(self, folder: Path, progress: Progress) -> Iterator[CountedImage]:
        """Count each image, and write what is its own: an overlay, a place in the report, a GeoJSON file."""
        images = self.found.images
        answers = outputs_of(self.found)
        shown = progress.track(
            list(zip(images, answers, strict=True)), description="Counting", total=len(images)
        )
        with (folder / _IMAGES).open("wb") as file:
            pages = ReportImages.of(file, self.classes, len(images))
            for image, answer in shown:
                yield self._count_image(image, answer, folder, pages)
        places = Output(path=folder / "geojson", form="geojson", folder=True)
        write_output(places, answers, self.found.categories)
        cells = Output(path=folder / "cells.csv", form="csv", folder=False)
        write_output(cells, answers, self.found.categories)

    def _count_image(
        self, image: FoundImage, answer: ImageOutput, folder: Path, pages: ReportImages
    ) -> CountedImage:
        counts = np.zeros((len(self.stops), len(self.classes)), np.int64)
        appearance = looks(len(self.classes))
        overlay = marks = None
        if image.path is not None:
            overlay = overlay_of(image.path, white=image.white, looks=appearance)
            marks = pages.marks(overlay, self.stops)
        for part in image.cells(float(self.stops.thresholds[0])):
            counts += self.stops.counted(part, len(self.classes))
            self.sizes.add(part, answer.um_per_px)
            if marks is not None and overlay is not None:
                marks.add(part)
                overlay.draw(part.take(part.confidence >= self.found.threshold))
        if image.areas is not None and image.path is not None:
            write_areas(folder / AREAS, image.areas, stem=answer.stem, path=image.path, white=image.white)
        if self.options.overlays and overlay is not None:
            chosen = counts[self.stops.chosen]
            legend = [
                (f"{one.name}: {n:,}", look)
                for one, n, look in zip(self.classes, chosen.tolist(), appearance, strict=True)
                if n
            ]
            write_overlay(folder / "overlays" / f"{answer.stem}.png", overlay, legend)
        counted = CountedImage(
            name=answer.name,
            patient=self.patients.get(answer.name, ""),
            um_per_px=answer.um_per_px,
            counts=counts,
        )
        if marks is not None and overlay is not None:
            pages.add(counted, overlay, marks)
        return counted

    def differentials(self, images: Sequence[CountedImage]) -> tuple[Differential, ...]:
        """Of everything, then of each patient, at the count's own threshold."""
        return self._differentials_at(images, self.stops.chosen)

    def _differentials_at(self, images: Sequence[CountedImage], stop: int) -> tuple[Differential, ...]:
        cut_offs = {**CUT_OFFS, **self.options.cut_offs}
        return differentials_at(images, self.classes, stop, cut_offs=cut_offs)

    def write(self, folder: Path, images: Sequence[CountedImage]) -> tuple[list[str], tuple[str, ...]]:
        """The tables; their names, and what a user should know."""
        found = self.differentials(images)
        sheets = sheets_of(images, self.classes, found, stop=self.stops.chosen)
        for sheet in sheets:
            write_csv(folder / f"{sheet.name}.csv", sheet)
        untold = NONE_MARKED if self.found.marked else NO_ARTEFACTS
        notes: list[str] = [] if tells_artefacts(self.classes) else [untold]
        if sum(one.counted for one in self.classes) > 1:
            notes += remarks(found, unit=self.unit)
        try:
            write_workbook(folder / "counts.xlsx", sheets)
        except MissingExtraError as error:
            notes.append(f"counts.xlsx is left out: {error}")
        if any(image.path is not None for image in self.found.images):
            self._write_report(folder, images, tuple(notes))
        else:
            (folder / _IMAGES).unlink()
        return sorted(path.name for path in folder.iterdir()), tuple(notes)

    def _whose(self) -> str:
        """Who found the cells, or in which file they are marked."""
        if self.found.marked:
            return f"Marked in {self.found.finder}; every object counts."
        return f"Found by {self.found.finder}; counted from confidence {self.found.threshold:.3f} on."

    def _write_report(self, folder: Path, images: Sequence[CountedImage], notes: tuple[str, ...]) -> None:
        at_stops = [self._differentials_at(images, stop) for stop in range(len(self.stops))]
        head = ReportHead(
            heading=f"Cell count: {self.options.out.resolve().name}",
            about=(
                self._whose(),
                *self.found.broken,
                *self.found.adjusted,
                *self.found.notes,
                *notes,
            ),
            found=at_stops[self.stops.chosen],
            facts=report_facts(self.classes, self.stops, at_stops, self.sizes),
        )
        write_report(folder / "report.html", head, folder / _IMAGES)
        (folder / _IMAGES).unlink()


def differentials_at(
    images: Sequence[CountedImage],
    classes: Sequence[CountedClass],
    stop: int,
    *,
    cut_offs: Mapping[str, Sequence[float]],
) -> tuple[Differential, ...]:
    """The differential of everything, then of each patient where they are known, at a stop.

    Units are patients where these are known, else images; those of one patient are its images.
    """
    counts = np.stack([image.counts[stop] for image in images])
    patients, unit = np.unique([image.patient for image in images], return_inverse=True)
    known = bool(patients[0])
    each = np.arange(len(images))
    found = [differential(ALL, classes, counts, unit if known else each, cut_offs=cut_offs)]
    for row, name in enumerate(patients.tolist() if known else []):
        own = counts[unit == row]
        found.append(differential(name, classes, own, np.arange(len(own)), cut_offs=cut_offs))
    return tuple(found)


def _is_readable(path: Path) -> bool:
    try:
        with opened(path):
            return True
    except UnreadableImageError:
        return False


def _require_texts(names: Sequence[str]) -> None:
    """Nothing, or a BadInputError for a name that no table can hold, before the work."""
    for name in names:
        if name != name.encode("utf-8", "replace").decode():
            raise BadInputError("a name that is no text", where=ascii(name), remedy="rename the image")


def _require_known(cut_offs: Mapping[str, Sequence[float]], classes: Sequence[CountedClass]) -> None:
    unknown = unknown_cut_offs(classes, cut_offs)
    if unknown:
        known = {name for one in classes if one.counted for name in (one.name, one.lineage, one.sum) if name}
        raise BadInputError(
            f"--cut-off {unknown[0]!r} is no class, lineage or sum", expected=" or ".join(sorted(known))
        )


def _require_new(out: Path) -> None:
    if out.suffix.lower() in (*NO_FOLDERS, *_FILES):
        raise BadInputError(
            "a count is a folder of tables and pictures",
            where=f"--out {out}",
            expected="the name of a folder",
            remedy=f"--out {out.with_suffix('')} has counts.xlsx and counts.csv in it",
        )
    if not is_empty(out):
        raise BadInputError(
            "holds files already", where=str(out), expected="a new folder", remedy="name another one"
        )

"""Images whose tiles are all predicted: what `predict` and `count` write their files from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bmbench.benchmark.models.places import load_trained
from bmbench.benchmark.prediction.image import ImageJob, cells, predict_tiles
from bmbench.benchmark.prediction.journal import Journal
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.prediction.outputs import unique
from bmbench.benchmark.prediction.pictures import PictureFacts, look_at_pictures
from bmbench.benchmark.prediction.prepare import adjusting, measured_windows, notes, prepare
from bmbench.benchmark.protocol.adjustment import Adjusting, adjustment_lines, require_appearance
from bmbench.benchmark.records.trained_run import TrainedRun
from bmbench.core.errors import BadInputError, RunFailedError, Stopped
from bmbench.core.files import make_folder, require_folder
from bmbench.core.locks import only_one
from bmbench.core.progress import Progress
from bmbench.core.types import Category, Detections, ImageId, Pixels
from bmbench.datasets.reading.image_lookup import ImageLookup
from bmbench.datasets.reading.near_misses import how_meant, shown
from bmbench.datasets.slides import Slide, UnreadableImageError, opened


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """An image to be predicted, what files call it, and what is white in it, if it has 16 bits."""

    path: Path
    name: str
    image_id: ImageId
    white: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedImage:
    """An image whose tiles are all in its journal."""

    job: ImageJob
    image_id: ImageId
    journal: Path
    digest: str
    threshold: float

    def open(self) -> Journal:
        """The journal of the tiles."""
        return Journal(self.journal, self.job.facts(self.digest))

    def parts(self, threshold: float | None = None) -> Iterator[Detections]:
        """The cells from a threshold on (its own by default), in level-0 pixels; may be called again."""
        with self.open() as journal:
            for _, part in cells(self.job, journal, self.threshold if threshold is None else threshold):
                yield part


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictedImages:
    """The finished images of a call, in order.

    Attributes
    ----------
    trained : TrainedRun
        What found the cells.
    categories : tuple of Category
        What COCO files call the classes: those of the truth where one is given, else the detector's own.
    threshold : float
        Of the confidence.
    notes : tuple of str
        What was taken for granted, a sentence each.
    broken : tuple of str
        Which images could not be read, a sentence each.
    adjusted : tuple of str
        How images were brought to the size and the colours of the training images, a sentence each.
    """

    images: tuple[FinishedImage, ...]
    trained: TrainedRun
    categories: tuple[Category, ...]
    threshold: float
    notes: tuple[str, ...]
    broken: tuple[str, ...]
    adjusted: tuple[str, ...] = ()


@contextmanager
def all_predicted(
    options: PredictOptions,
    files: Sequence[Path],
    *,
    beside: Path,
    places: Sequence[Path],
    progress: Progress,
) -> Iterator[PredictedImages]:
    """The images, predicted; finished tiles stand in ``BESIDE.unfinished`` until the block has ended.

    Killed at any moment, the same call goes on where it stood. Only one process at a time works beside one
    output.

    Parameters
    ----------
    places : paths
        Folders that are to be written to, which is looked at before the work.

    Raises
    ------
    BadInputError
        For a run, an image, a region file or an option that is no such thing, or while another process works
        on the same output; if no image can be read, the first one's error.
    MissingExtraError
        If the method, or the reader of a slide, is not installed.
    RunFailedError
        If the places cannot be written to, or a disk is full.
    Stopped
        After Ctrl-C.
    """
    if options.regions is not None and len(files) > 1:
        raise BadInputError("--regions belongs to one image", got=f"{len(files)} images")
    if options.areas_cells is not None and (options.regions is not None or options.everywhere):
        other = "--everywhere" if options.regions is None else "--regions"
        raise BadInputError(f"--areas and {other} both say where to look", remedy="leave one of them out")
    unfinished = _unfinished(beside)
    names = unique([path.name for path in files], [path.as_posix() for path in files])
    trained = load_trained(options.run)
    adjust = adjusting(trained, options)
    require_appearance(adjust, where=str(options.run))
    ids, categories = _ids(options.truth, files, names, trained.classes)
    threshold, said = _threshold(options, trained)
    for place in places:
        require_folder(place)
    pictures = look_at_pictures(files, trained, options)
    with _going_on(unfinished), _alone(unfinished):
        finished, broken = [], []
        adjust = adjust.sharing(_looked_at(files, pictures, options, progress))
        for number, (path, name, image_id) in enumerate(zip(files, names, ids, strict=True)):
            place = unfinished / f"{number:06d}.journal"
            asked = _Asked(path=path, name=name, image_id=image_id, white=pictures.white(path))
            try:
                with _opened(asked, place, trained, options, adjust, progress=progress) as (
                    slide,
                    job,
                    journal,
                ):
                    predict_tiles(slide, job, trained.detector, journal, progress)
            except UnreadableImageError as error:
                broken.append(error)
                place.unlink(missing_ok=True)
            else:
                done = FinishedImage(
                    job=job, image_id=image_id, journal=place, digest=trained.digest, threshold=threshold
                )
                finished.append(done)
        if broken and not finished:
            raise broken[0]
        yield PredictedImages(
            images=tuple(finished),
            trained=trained,
            categories=categories,
            threshold=threshold,
            notes=(*said, *pictures.notes, *notes(trained, [image.job for image in finished], options)),
            broken=tuple(map(str, broken)),
            adjusted=adjustment_lines(adjust, [(image.job.name, image.job.adjustment) for image in finished]),
        )
        for image in finished:
            image.journal.unlink()


def _threshold(options: PredictOptions, trained: TrainedRun) -> tuple[float, tuple[str, ...]]:
    """From which confidence cells are kept, and what is to be said of it."""
    if options.at is None:
        return options.threshold if options.threshold is not None else trained.threshold or 0.0, ()
    if options.threshold is not None:
        raise BadInputError("--at and --threshold", expected="one of them", remedy="leave one of them out")
    from bmbench.benchmark.scoring.run_point import chosen_on_run

    point = chosen_on_run(trained.path, options.at)
    return point.threshold, (point.note,)


def _unfinished(output: Path) -> Path:
    """The folder of the finished tiles of that first output."""
    # "." and ".." are names of their own: what they stand for has one that a folder can lie beside.
    whole = output if output.name not in ("", "..") else output.resolve()
    if not whole.name:
        raise BadInputError(
            f"--out {output}: a folder that nothing lies beside", remedy="name a folder in it"
        )
    return whole.with_name(f"{whole.name}.unfinished")


@contextmanager
def _alone(unfinished: Path) -> Iterator[None]:
    """Make and hold the folder of the finished tiles; afterwards it is gone if none are left in it."""
    made = [folder for folder in (unfinished, *unfinished.parents) if not folder.exists()]
    make_folder(unfinished)
    try:
        with only_one(unfinished):
            yield
    finally:
        for folder in (unfinished, *made):
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _going_on(unfinished: Path) -> Iterator[None]:
    """Say on Ctrl-C, and where the disk refuses, that the finished tiles are kept."""
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped("stopped; the same command resumes with the tiles that are left") from None
    except RunFailedError as error:
        if not unfinished.is_dir():
            raise
        remedy = "make room or choose another place; the same command resumes with the tiles that are left"
        raise RunFailedError(f"{error}; {remedy}") from error


@contextmanager
def _opened(
    asked: _Asked,
    place: Path,
    trained: TrainedRun,
    options: PredictOptions,
    adjust: Adjusting,
    *,
    progress: Progress,
) -> Iterator[tuple[Slide, ImageJob, Journal]]:
    """The open image as a job, and the journal of its tiles."""
    with opened(asked.path, white=asked.white) as slide:
        job = prepare(slide, asked.name, trained, options, white=asked.white, asked=adjust, progress=progress)
        with Journal(place, job.facts(trained.digest)) as journal:
            yield slide, job, journal


def _looked_at(
    files: Sequence[Path], pictures: PictureFacts, options: PredictOptions, progress: Progress
) -> Iterator[list[Pixels]]:
    """The windows of each image on which its nuclei are measured; none of one that cannot be read."""
    for path in progress.track(files, description="Measuring", total=len(files)):
        with suppress(UnreadableImageError), opened(path, white=pictures.white(path)) as slide:
            yield measured_windows(slide, options)


def _ids(
    truth: Path | None, files: Sequence[Path], names: Sequence[str], classes: tuple[Category, ...]
) -> tuple[list[ImageId], tuple[Category, ...]]:
    """Ids and categories in COCO files: the images' names and a detector's classes, or those of `truth`."""
    if truth is None:
        return list(names), classes
    from bmbench.datasets.formats.coco.samples import read_coco

    file = read_coco(truth)
    known = [sample.name for sample in file.samples]
    images = ImageLookup(file.numbers, names=known)
    taken: dict[int, Path] = {}
    for path, rows in zip(
        files, images.of_files([path.absolute().as_posix() for path in files]), strict=True
    ):
        if not rows:
            raise BadInputError(
                f"no image {path.name!r}",
                where=str(truth),
                expected="a record of every image, by file name",
                got=shown(known),
                remedy=how_meant([one.name for one in files], (), known, owner="the truth")
                or "give the images of this truth, or leave --truth out",
            )
        if len(rows) > 1:
            raise BadInputError(
                f"several images that {str(path)!r} may be",
                where=str(truth),
                got=", ".join(known[row] for row in rows[:3]),
                remedy="keep images of one file name in the folders that these names say",
            )
        if taken.setdefault(rows[0], path) != path:
            got = f"{taken[rows[0]]} and {path}"
            raise BadInputError(f"two images for the record {known[rows[0]]!r}", where=str(truth), got=got)
    return [file.numbers[row] for row in taken], file.categories

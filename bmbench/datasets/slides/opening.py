"""Which reader opens which file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.gate import STORES, files_in, is_there, require_file
from bmbench.core.types import Pixels
from bmbench.datasets.reading.images import SUFFIXES, read_rgb
from bmbench.datasets.slides.ome_zarr import is_store, open_ome_zarr
from bmbench.datasets.slides.slide import Slide, UnreadableImageError

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8")
OPENSLIDE_SUFFIXES = (".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".svslide", ".czi")
DICOM_SUFFIXES = (".dcm",)
_SHOWN = 6
"""Endings of files that an error names."""
SLIDE_SUFFIXES = (*dict.fromkeys((*SUFFIXES, *TIFF_SUFFIXES, *OPENSLIDE_SUFFIXES, *DICOM_SUFFIXES, *STORES)),)
"""Endings of files that are taken from a folder."""


@contextmanager
def opened(path: Path, *, white: int | None = None) -> Iterator[Slide]:
    """The image or slide of a file (DICOM, OME-Zarr: of a folder), open inside the block.

    A TIFF with tiles is read through tifffile, and where that lacks its compression through OpenSlide; a
    TIFF of other values or without tiles and every other image format whole. `white` is that of images of 16
    bits; see `bmbench.datasets.reading.images`.

    Raises
    ------
    UnreadableImageError
        If the file is missing, damaged, or of a kind that nothing here reads; when a part is read, too.
    MissingExtraError
        If the reader of that kind is not installed.
    """
    with _unreadable():
        slide = _open(path, white)

    def read(level: int, x: int, y: int, w: int, h: int) -> Pixels:
        with _unreadable():
            return slide.read(level, x, y, w, h)

    try:
        yield replace(slide, read=read)
    finally:
        slide.close()


@contextmanager
def _unreadable() -> Iterator[None]:
    try:
        yield
    except BadInputError as error:
        raise UnreadableImageError(str(error)) from error


def slide_files(paths: Sequence[Path]) -> list[Path]:
    """The images that these files and folders stand for, in the order given, folders sorted by name.

    A folder counts with the images directly in it; a folder of DICOM files with the slides that these are.

    Raises
    ------
    BadInputError
        If a path is missing or no regular file, a folder holds no image or DICOM files beside others, or an
        image is named twice.
    """
    found: list[Path] = []
    for path in paths:
        if not is_there(path):
            raise BadInputError("file not found", where=str(path), remedy="check the path")
        if path.is_dir() and not is_store(path):
            found += _in_folder(path)
        elif path.is_dir():
            found.append(path)
        else:
            require_file(path)
            found.append(path)
    for number, path in enumerate(found):
        if path in found[:number]:
            raise BadInputError("named twice", where=str(path), remedy="name each image once")
    return found


def _in_folder(folder: Path) -> list[Path]:
    images = files_in(folder, within=folder, suffixes=SLIDE_SUFFIXES)
    if not images:
        there = sorted({path.suffix.lower() or path.name for path in files_in(folder, within=folder)})
        raise BadInputError(
            "no image in the folder",
            where=str(folder),
            expected="images or slides directly in it",
            got=f"files {', '.join(there[:_SHOWN])}" if there else "no file",
            remedy="check the path, or name the folders below it",
        )
    n_dicom = sum(path.suffix.lower() in DICOM_SUFFIXES for path in images)
    if 0 < n_dicom < len(images):
        raise BadInputError(
            "DICOM files and other images in one folder",
            where=str(folder),
            expected="DICOM files, or other images only",
            got=f"{n_dicom} and {len(images) - n_dicom}",
            remedy="put the DICOM files into a folder of their own",
        )
    if not n_dicom:
        return images
    from bmbench.datasets.slides.dicom_series import slides_in

    return slides_in(folder)


def _open(path: Path, white: int | None) -> Slide:
    suffix = path.suffix.lower()
    if is_store(path):
        return open_ome_zarr(path, white)
    if suffix in DICOM_SUFFIXES or path.is_dir():
        from bmbench.datasets.slides.dicom import open_dicom

        return open_dicom(path)
    if suffix in OPENSLIDE_SUFFIXES:
        return _open_vendor(path)
    if suffix in TIFF_SUFFIXES:
        return _open_tiff(path, white)
    if suffix not in SUFFIXES:
        expected = ", ".join(SLIDE_SUFFIXES)
        raise BadInputError("not an image by its ending", where=str(path), expected=expected)
    return _whole(path, white)


def _open_vendor(path: Path) -> Slide:
    from bmbench.datasets.slides.vendor import open_vendor

    return open_vendor(path)


def _open_tiff(path: Path, white: int | None) -> Slide:
    from bmbench.datasets.slides.tiff import UnreadableTilesError, open_tiff

    try:
        slide = open_tiff(path)
    except UnreadableTilesError as error:
        with suppress(BadInputError, MissingExtraError):
            return _open_vendor(path)
        with suppress(BadInputError):
            return _whole(path, white)
        try:
            return _open_vendor(path)
        except MissingExtraError:
            what = f"{path}: {error}; the reader that can, OpenSlide,"
            raise MissingExtraError(what, extra="wsi") from None
    return _whole(path, white) if slide is None else slide


def _whole(path: Path, white: int | None) -> Slide:
    """A plain image, in memory."""
    pixels = read_rgb(path, white=white)
    height, width = pixels.shape[:2]
    return Slide(
        path=path,
        width=width,
        height=height,
        um_per_px=None,
        levels=((width, height),),
        read=lambda level, x, y, w, h: pixels[y : y + h, x : x + w],  # noqa: ARG005
        close=lambda: None,
        reader="image",
    )

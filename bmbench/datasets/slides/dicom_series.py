"""What a folder of DICOM files holds: slides, with their size, and annotation files (extra ``wsi``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in
from bmbench.datasets.reading.dicom_header import read_header
from bmbench.datasets.slides.slide import plausible_um

_TAGS = (
    "Modality", "PatientID", "SOPInstanceUID", "SeriesInstanceUID", "TotalPixelMatrixColumns",
    "TotalPixelMatrixRows", "SharedFunctionalGroupsSequence", "ImageType",
)  # fmt: skip


_IDENTITY = ("Modality", "SeriesInstanceUID")
_SLIDE = "SM"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlideSeries:
    """One slide: its folder, its patient, the size of its full resolution.

    Attributes
    ----------
    file : Path
        One at full resolution.
    uid : str
        Of the series.
    instances : frozenset of str
        The instances at full resolution: coordinates that refer to them are pixels of level 0.
    """

    folder: Path
    file: Path
    uid: str
    patient: str
    width: int
    height: int
    um_per_px: float | None
    instances: frozenset[str]


def dicom_files(
    folder: Path, *, together: bool = False, kinds: tuple[str, ...] = ("ANN",)
) -> tuple[tuple[SlideSeries, ...], tuple[Path, ...]]:
    """The slides (modality SM) and the annotation files anywhere in a folder; others are passed over.

    Parameters
    ----------
    together : bool
        Whether two slides may lie in one folder.
    kinds : tuple of str
        The modalities of annotation files.

    Raises
    ------
    BadInputError
        If a file is damaged, or two slides lie in one folder that should not.
    MissingExtraError
        If pydicom is not installed.
    """
    series: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
    bulk = []
    for path in files_in(folder, within=folder, suffixes=(".dcm",), deep=True):
        header = read_header(path, _TAGS)
        if header.get("Modality") in kinds:
            bulk.append(path)
        elif header.get("Modality") == _SLIDE:
            series.setdefault(str(header.get("SeriesInstanceUID", "")), []).append((path, header))
    slides = tuple(_slide(uid, files) for uid, files in series.items())
    seen: dict[Path, str] = {}
    for slide in slides if not together else ():
        if seen.setdefault(slide.folder, slide.uid) != slide.uid:
            raise BadInputError(
                "two slides in one folder",
                where=str(slide.folder),
                remedy="give each slide a folder of its own",
            )
    return slides, tuple(bulk)


def series_of(path: Path) -> list[Path]:
    """The files of the slide that a file belongs to; of a folder, those of the only slide in it.

    A folder may hold several slides and much else beside (reports, annotations, tomograms): what is named is
    what counts, and the series that it says it is of.

    Raises
    ------
    BadInputError
        If the file is no slide, or the folder holds none, or several.
    MissingExtraError
        If pydicom is not installed.
    """
    if not path.is_dir():
        header = read_header(path, _IDENTITY)
        if header.get("Modality") != _SLIDE:
            got = f"modality {str(header.get('Modality', 'none'))[:16]}"
            raise BadInputError("not a DICOM slide", where=str(path), expected=f"modality {_SLIDE}", got=got)
        return _by_series(path.parent)[str(header.get("SeriesInstanceUID", ""))]
    found = list(_by_series(path).values())
    if len(found) != 1:
        what = f"a folder with {len(found)} DICOM slides" if found else "not a DICOM slide"
        remedy = "name a file of one of them" if found else "name a file of a slide"
        raise BadInputError(what, where=str(path), expected="one slide", remedy=remedy)
    return found[0]


def slides_in(folder: Path) -> list[Path]:
    """What to open for each slide of a folder of DICOM files: the folder, or a file of each of several."""
    found = _by_series(folder)
    return [folder] if len(found) < 2 else [files[0] for files in found.values()]


def _by_series(folder: Path) -> dict[str, list[Path]]:
    """The files of each slide in a folder, whatever they are called."""
    series: dict[str, list[Path]] = {}
    for file in files_in(folder, within=folder):
        try:
            header = read_header(file, _IDENTITY)
        except BadInputError:
            continue
        if header.get("Modality") == _SLIDE:
            series.setdefault(str(header.get("SeriesInstanceUID", "")), []).append(file)
    return series


def _slide(uid: str, files: Sequence[tuple[Path, dict[str, Any]]]) -> SlideSeries:
    sized = [(path, head, _size(path, head)) for path, head in files]
    volumes = [entry for entry in sized if "VOLUME" in list(entry[1].get("ImageType") or ["VOLUME"])]
    path, header, (width, height) = max(volumes or sized, key=lambda entry: entry[2])
    spacing = _spacing(header)
    return SlideSeries(
        folder=path.parent,
        file=path,
        uid=uid,
        patient=str(header.get("PatientID", "")) or uid,
        width=width,
        height=height,
        um_per_px=plausible_um(*spacing) if spacing else None,
        instances=frozenset(
            str(head.get("SOPInstanceUID", "")) for _, head, size in volumes if size == (width, height)
        ),
    )


def _size(path: Path, header: dict[str, Any]) -> tuple[int, int]:
    try:
        return int(header["TotalPixelMatrixColumns"]), int(header["TotalPixelMatrixRows"])
    except (KeyError, TypeError, ValueError):
        raise BadInputError("a slide without a size", where=str(path), remedy="copy the file again") from None


def _spacing(header: dict[str, Any]) -> tuple[float, float] | None:
    """µm per pixel across and down, where the file says it."""
    try:
        down, across = header["SharedFunctionalGroupsSequence"][0].PixelMeasuresSequence[0].PixelSpacing
        return float(across) * 1000, float(down) * 1000
    except (KeyError, IndexError, AttributeError, TypeError, ValueError):
        return None

"""What a folder of DICOM files holds: slides, with their size, and annotation files (extra ``wsi``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in
from bmbench.datasets.formats.dicom_ann import read_header
from bmbench.datasets.slides.slide import plausible_um

_TAGS = (
    "Modality", "PatientID", "SOPInstanceUID", "SeriesInstanceUID", "TotalPixelMatrixColumns",
    "TotalPixelMatrixRows", "SharedFunctionalGroupsSequence", "ImageType",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SlideSeries:
    """One slide: its folder, its patient, the size of its full resolution.

    Attributes
    ----------
    uid : str
        Of the series.
    instances : frozenset of str
        The instances at full resolution: coordinates that refer to them are pixels of level 0.
    """

    folder: Path
    uid: str
    patient: str
    width: int
    height: int
    um_per_px: float | None
    instances: frozenset[str]


def dicom_files(folder: Path) -> tuple[tuple[SlideSeries, ...], tuple[Path, ...]]:
    """The slides (modality SM) and the annotation files (ANN) anywhere in a folder; others are passed over.

    Raises
    ------
    BadInputError
        If a file is damaged, or two slides lie in one folder.
    MissingExtraError
        If pydicom is not installed.
    """
    series: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
    bulk = []
    for path in files_in(folder, within=folder, suffixes=(".dcm",), deep=True):
        header = read_header(path, _TAGS)
        if header.get("Modality") == "ANN":
            bulk.append(path)
        elif header.get("Modality") == "SM":
            series.setdefault(str(header.get("SeriesInstanceUID", "")), []).append((path, header))
    slides = tuple(_slide(uid, files) for uid, files in series.items())
    seen: dict[Path, str] = {}
    for slide in slides:
        if seen.setdefault(slide.folder, slide.uid) != slide.uid:
            raise BadInputError(
                "two slides in one folder",
                where=str(slide.folder),
                remedy="give each slide a folder of its own",
            )
    return slides, tuple(bulk)


def _slide(uid: str, files: Sequence[tuple[Path, dict[str, Any]]]) -> SlideSeries:
    sized = [(path, head, _size(path, head)) for path, head in files]
    volumes = [entry for entry in sized if "VOLUME" in list(entry[1].get("ImageType") or ["VOLUME"])]
    path, header, (width, height) = max(volumes or sized, key=lambda entry: entry[2])
    spacing = _spacing(header)
    return SlideSeries(
        folder=path.parent,
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

"""Which format a file or folder is in, by its names and its first bytes."""

import codecs
import re
from pathlib import Path

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.gate import files_in, is_file, is_there, open_file
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.folder_words import IMAGE_WORDS, LABEL_WORDS, MASK_FOLDERS, folders_called
from bmbench.datasets.formats.images_beside import MASK_ENDINGS, SIDECAR, SIDECAR_TABLE
from bmbench.datasets.formats.other_programs import other_program
from bmbench.datasets.formats.yolo_names import is_dota, is_no_label
from bmbench.datasets.reading.image_names import spellings
from bmbench.datasets.reading.images import SUFFIXES

CELLPOSE_ENDINGS = ("_seg.npy", "_cp_outlines.txt")
LABEL_ENDINGS = (".png", ".tif", ".tiff", ".npy")
_HEAD_BYTES = 1 << 16
_FILES = {
    "annotations.csv": "csv",
    "annotations.json": "coco",
    "annotations.xml": "cvat",
}
_PLAIN = {
    ".geojson": "qupath",
    ".roi": "imagej",
    ".zip": "imagej",
    ".ndpa": "ndpa",
    ".annotations": "imagescope",
    **dict.fromkeys(LABEL_ENDINGS, "labels"),
}
_WORDS: dict[str, tuple[tuple[str, bytes], ...]] = {
    ".xml": (
        ("voc", rb"<annotation[ >]"),
        ("asap", rb"<ASAP_Annotations"),
        ("imagescope", rb"<Annotations"),
        ("cvat", rb"<annotations"),
    ),
    ".dcm": (("dicom", rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(91\.1|66\.[47])\b"),),
    ".db": (("tiatoolbox", rb"SQLite format 3\0.*CREATE TABLE\s+\"?annotations\b"),),
    ".json": (
        ("hovernet", rb'"(nuc|cells)"\s*:.*("contour"|"centroid")|"wsi_metadata"\s*:.*"type_map"'),
        ("qupath", rb'"type"\s*:\s*"Feature(Collection)?"'),
        ("labelme", rb'"shapes"\s*:\s*\['),
        (
            "via",
            rb'"_via_img_metadata"|"shape_attributes"|"regions"\s*:.*"filename"|"filename".*"regions"\s*:',
        ),
        ("labelstudio", rb'"original_width"|"completed_by"|"(rectangle|polygon|ellipse|keypoint)labels"'),
        ("supervisely", rb'"classTitle"|"geometryType"|"objects"\s*:\s*\['),
        ("coco", rb'"images"|"annotations"|"categories"'),
    ),
}
"""Regular expressions of what formats have in their first bytes, the surest first."""
_FOLDERS = ("annotations", "labels", "labeltxt", "annotation", "label", "ann", "rois", "masks", "gt")
_LABEL_STUDIO = re.compile(rb"\bannotation_id\b.*\bannotator\b|\bannotator\b.*\bannotation_id\b")
"""Columns that Label Studio's tables have, and no others."""
_WHOLE = re.compile(rb"\d+(\.0*)?([eE]\+?0+)?")
"""The number of a class, as programs of tables of numbers write it too."""
_TRIED = 20
"""Files of one ending that are looked at before a folder counts as one without annotations of that ending."""
_NAMED = re.compile(r"([A-Za-z][\w-]+):")
"""How ``FORMAT:PATH`` begins; a single letter is a drive."""


def split_name(name: str) -> tuple[str | None, Path]:
    """The format and the path of ``FORMAT:PATH``; None and the path where no format is named."""
    head, colon, tail = name.partition(":")
    return (head, Path(tail)) if colon and head in FORMATS else (None, Path(name))


def require_there(path: Path) -> None:
    """Nothing, if there is such a file or folder.

    Raises
    ------
    UnknownNameError
        If there is nothing, and the path begins with the name of a format that is none.
    BadInputError
        If there is nothing.
    """
    if is_there(path):
        return
    named = _NAMED.match(str(path))
    if named:
        raise UnknownNameError("format", named[1], FORMATS)
    raise BadInputError("file not found", where=str(path), remedy="check the path")


def formats_in(folder: Path) -> set[str]:
    """The formats of the annotations in a folder: in it itself, or in one for ``labels`` or the like.

    Those in folders of other names are not looked at.
    """
    for name, chosen in _FILES.items():
        if (folder / name).is_file():
            return {format_of_file(folder / name) or chosen}
    for place in (folder, *annotation_folders(folder), *folders_called(folder, IMAGE_WORDS)):
        kinds = _kinds(place, folder)
        if kinds:
            return kinds
    return set()


def annotation_folders(folder: Path) -> list[Path]:
    """The folders in a folder that are called as those of annotations are, ``annotations`` first."""
    return folders_called(folder, _FOLDERS)


def format_of_file(path: Path) -> str | None:
    """The format of one annotation file; None if it is in none that is known."""
    suffix = path.suffix.lower()
    if path.name.lower().endswith((".geojson.gz", ".json.gz")):
        return "qupath"
    if path.name.lower().endswith(CELLPOSE_ENDINGS):
        return "cellpose"
    return _PLAIN[suffix] if suffix in _PLAIN else _by_content(path, suffix)


def _by_content(path: Path, suffix: str) -> str | None:
    """The format of a file by its first bytes, or else by a name that only files of one format have."""
    if suffix == ".txt":
        return "yolo" if not is_no_label(path) and _is_yolo_file(path, head_of(path)) else None
    if suffix not in (".csv", *_WORDS):
        return None
    head = head_of(path)
    if head and other_program(path.name, head) is not None:
        return None
    if suffix == ".csv":
        return "labelstudio" if _LABEL_STUDIO.search(head.split(b"\n", 1)[0]) else "csv"
    found = (name for name, pattern in _WORDS[suffix] if re.search(pattern, head, re.DOTALL))
    return next(found, None) or _FILES.get(path.name)


def head_of(path: Path) -> bytes:
    """The first bytes of a file; of text with a mark of its encoding before it, the text in UTF-8."""
    with open_file(path, limit=None) as file:
        head = file.read(_HEAD_BYTES)
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return head.decode("utf-16", errors="ignore").encode()
    return head.removeprefix(codecs.BOM_UTF8)


def is_sidecar(path: Path) -> bool:
    """Whether a file stands beside annotations and is none: lists, names of classes, bmbench's own."""
    return path.name in (SIDECAR, SIDECAR_TABLE) or is_no_label(path)


def not_known(path: Path) -> BadInputError:
    """The error for a file that no format fits: what it is, where that is known."""
    other = other_program(path.name, head_of(path))
    if other is not None:
        return BadInputError(f"{other.title}, which is not read", where=str(path), remedy=other.way)
    return BadInputError(
        "no annotations of a known format",
        where=str(path),
        expected=", ".join(FORMATS),
        remedy="name the format, as in qupath:PATH",
    )


def _kinds(place: Path, root: Path) -> set[str]:
    """The formats of the files of each ending in a folder; in a folder for annotations, below it too."""
    kinds: set[str] = set()
    masks = place.name.lower() in MASK_FOLDERS
    for suffix, files in _by_ending(place, root).items():
        if suffix in (*SUFFIXES, ".npy"):
            known = {"cellpose"} if any(format_of_file(file) == "cellpose" for file in files) else set()
            own = masks or any(MASK_ENDINGS.search(file.stem) for file in files)
            kinds |= known or ({"labels"} if own and suffix in LABEL_ENDINGS else set())
        else:
            found = dict.fromkeys(kind for kind in map(format_of_file, files) if kind)
            # A file for a whole set beside files for single images is what was made of these.
            kinds |= set(list(found)[:1]) if "labelme" not in found else {"labelme"}
    # Cellpose saves the same masks as pictures and ROIs too.
    return {"cellpose"} if kinds == {"cellpose", *(kinds & {"labels", "imagej"})} else kinds


def _by_ending(place: Path, root: Path) -> dict[str, list[Path]]:
    """Up to `_TRIED` files of each ending."""
    files: dict[str, list[Path]] = {}
    for file in files_in(place, within=root, deep=place != root):
        some = files.setdefault(file.suffix.lower(), [])
        if len(some) < _TRIED and not is_sidecar(file) and not file.name.startswith("."):
            some.append(file)
    return files


def _is_yolo_file(path: Path, head: bytes) -> bool:
    words = head.split(b"\n", 1)[0].split()
    if is_no_label(path):
        return False
    if is_dota(words) or (words[:1] and words[0].startswith((b"imagesource:", b"gsd:"))):
        return True
    if words and not (len(words) >= 5 and _WHOLE.fullmatch(words[0])):
        return False
    if any(part.lower() in (*LABEL_WORDS, *IMAGE_WORDS) for part in path.parts[-4:-1]):
        return True
    beside = (name for suffix in SUFFIXES for name in spellings(f"{path.stem}{suffix}"))
    return bool(words) and any(is_file(path.parent / name) for name in beside)

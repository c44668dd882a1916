"""Which format a file or folder is in, by its names and its first bytes."""

import re
from collections.abc import Mapping
from pathlib import Path

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.gate import files_in, is_there, open_file
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.images_beside import SIDECAR
from bmbench.datasets.formats.settle import CHOICES, settled

_HEAD_BYTES = 1 << 16
_FILES = {"data.yaml": "yolo", "annotations.csv": "csv", "annotations.json": "coco"}
_FOLDERS = (".", "annotations", "Annotations", "labels", "rois", "masks", "images")
_LABEL_FOLDERS = ("labels", "masks")
_NAMED = re.compile(r"([A-Za-z][\w-]+):")
"""How ``FORMAT:PATH`` begins; a single letter is a drive."""


def read_any(
    name: str | Path, images: Path | None = None, *, choices: Mapping[str, str] | None = None
) -> Content:
    """The images of a file or folder of any format; ``FORMAT:PATH`` names the format.

    Parameters
    ----------
    images : Path, optional
        The folder of the images, where they do not lie beside the annotations.
    choices : name → text, optional
        What the user says about the files: the `Codec.choices` of their format, and those of any set.

    Raises
    ------
    UnknownNameError
        If there is no such format, or it has no such choice.
    BadInputError
        If the format cannot be told, or the files are damaged.
    """
    known, path = split_name(str(name))
    codec = FORMATS.get(known or sniff(path))
    own = {choice: text for choice, text in (choices or {}).items() if choice not in CHOICES}
    for choice in own:
        if choice not in codec.choices:
            raise UnknownNameError("data set option", choice, (*codec.choices, *CHOICES))
    if codec.agree is not None:
        own = {**codec.agree([path]), **own}
    return settled(codec.read(path, images, **own), choices or {}, where=str(path))


def split_name(name: str) -> tuple[str | None, Path]:
    """The format and the path of ``FORMAT:PATH``; None and the path where no format is named."""
    head, colon, tail = name.partition(":")
    return (head, Path(tail)) if colon and head in FORMATS else (None, Path(name))


def sniff(path: Path) -> str:
    """The name of the format of a file or folder.

    Raises
    ------
    UnknownNameError
        If there is nothing, and the path begins with the name of a format that is none.
    BadInputError
        If there is nothing, it is in none of the formats, or might be in two.
    """
    if not is_there(path):
        named = _NAMED.match(str(path))
        if named:
            raise UnknownNameError("format", named[1], FORMATS)
        raise BadInputError("file not found", where=str(path), remedy="check the path")
    if not path.is_dir():
        found = _of_file(path)
        if found is None:
            raise _unknown(path)
        return found
    for name, chosen in _FILES.items():
        if (path / name).is_file():
            return chosen
    kinds = _kinds(path)
    if not kinds:
        raise _unknown(path)
    if len(kinds) > 1:
        raise BadInputError(
            "files of several formats",
            where=str(path),
            got=" and ".join(sorted(kinds)),
            remedy=f"name one of them, as in {min(kinds)}:{path}",
        )
    return kinds.pop()


def _kinds(path: Path) -> set[str]:
    """The formats of the first file of each ending in the folders where annotations lie."""
    kinds: set[str] = set()
    for folder in _FOLDERS:
        if not (path / folder).is_dir():
            continue
        first: dict[str, Path] = {}
        for file in files_in(path / folder, within=path):
            if file.name != SIDECAR:
                first.setdefault(file.suffix.lower(), file)
        for suffix, file in first.items():
            if suffix in (".png", ".tif", ".tiff"):
                kinds |= {"labels"} if folder in _LABEL_FOLDERS else set()
            else:
                kinds |= {found} if (found := _of_file(file)) else set()
        if kinds:
            break
    return kinds


def _of_file(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if path.name in _FILES:
        return _FILES[path.name]
    plain = {".geojson": "qupath", ".csv": "csv", ".roi": "imagej", ".zip": "imagej", ".png": "labels"}
    plain |= {".tif": "labels", ".tiff": "labels"}
    if suffix == ".gz" and path.stem.lower().endswith((".geojson", ".json")):
        return "qupath"
    if suffix in plain:
        return plain[suffix]
    head = _head(path) if suffix in (".xml", ".txt", ".json") else b""
    if suffix == ".xml":
        return "voc" if b"<annotation>" in head else "cvat" if b"<annotations" in head else None
    if suffix == ".txt":
        return "yolo" if _is_yolo_line(head) and path.parent.name == "labels" else None
    return _of_json(head) if suffix == ".json" else None


def _of_json(head: bytes) -> str | None:
    if b'"FeatureCollection"' in head or b'"Feature"' in head:
        return "qupath"
    if b'"shapes"' in head:
        return "labelme"
    return "coco" if any(word in head for word in (b'"images"', b'"annotations"', b'"categories"')) else None


def _is_yolo_line(head: bytes) -> bool:
    words = head.split(b"\n", 1)[0].split()
    return not words or (len(words) >= 5 and words[0].isdigit())


def _head(path: Path) -> bytes:
    with open_file(path, limit=None) as file:
        return file.read(_HEAD_BYTES)


def _unknown(path: Path) -> BadInputError:
    return BadInputError(
        "no annotations of a known format",
        where=str(path),
        expected=", ".join(FORMATS),
        remedy="name the format, as in qupath:PATH",
    )

"""The finder: how the files of a set lie in a folder, whoever made it.

A set lies in one place, or in a folder for each subset (or patient, or slide), each of them a set by itself::

    SET/labels, SET/images, SET/annotations.json …      one place; labels/train, images/train … are below it
    SET/train/…, SET/valid/…, SET/test/…                a part for each folder
    SET/annotations/instances_train.json, …_val.json    a part for each file
    SET/SET/…                                           what an archive wraps is found inside

Which image belongs to which file is left to each format; this says only what is to be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bmbench.core.dataset import Subset
from bmbench.core.errors import BadInputError
from bmbench.core.gate import STORES, files_in
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.file_kinds import (
    annotation_folders,
    format_of_file,
    formats_in,
    head_of,
    is_sidecar,
    not_known,
    require_there,
    split_name,
)
from bmbench.datasets.formats.folder_words import folder_subset, subset_word
from bmbench.datasets.formats.other_programs import other_program
from bmbench.datasets.formats.yolo_names import OBJ_DATA, YAML, set_file
from bmbench.datasets.reading.images import SUFFIXES

DEPTH = 4
"""Folders inside each other in which annotations are looked for, from the one that was named."""
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file or folder that a format reads by itself, and the subset that its name says."""

    path: Path
    subset: Subset | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is to be read: the format, the folder (or file) that was named, and the parts in it."""

    format: str
    root: Path
    parts: tuple[Part, ...]


def find_layout(name: str | Path) -> Layout:
    """How the set of ``PATH`` or ``FORMAT:PATH`` lies.

    Raises
    ------
    UnknownNameError
        If there is nothing, and the path begins with the name of a format that is none.
    BadInputError
        If there is nothing, no annotation of a known format (it says where it looked and what it found), or
        those of several formats.
    """
    named, path = split_name(str(name))
    require_there(path)
    if set_file(path):
        # It stands for the set in its folder; where several stand there, it is the one whose names hold.
        named, file, path = "yolo", path, path.parent
        layout = _in_folder(path, named)
        alone = layout is None or layout.parts == (Part(path=path),)
        return (
            Layout(format="yolo", root=path, parts=(Part(path=file),)) if alone or layout is None else layout
        )
    if not path.is_dir():
        chosen = named or format_of_file(path)
        if chosen is None:
            raise not_known(path)
        return Layout(format=chosen, root=path, parts=(Part(path=path),))
    layout = _in_folder(path, named)
    if layout is None:
        if named:
            return Layout(format=named, root=path, parts=(Part(path=path),))
        raise _nothing(path)
    return layout


def _in_folder(path: Path, named: str | None) -> Layout | None:
    """How a set lies in a folder, in the named format or in any; None where there is none."""
    if named is None and any(set_file(path / name) for name in (YAML, OBJ_DATA)):
        layout = _in_folder(path, "yolo")
        if layout is not None:
            return layout
    places = list(_places(path, None, DEPTH, named))
    if not places:
        return None
    kinds = {kind for _, found in places for kind in found}
    if len(kinds) > 1:
        raise BadInputError(
            "files of several formats",
            where=str(path),
            got=" and ".join(sorted(kinds)),
            remedy=f"name one of them, as in {min(kinds)}:{path}",
        )
    chosen = kinds.pop()
    parts = [Part(path=path)] if FORMATS.get(chosen).together else [part for part, _ in places]
    return Layout(format=chosen, root=path, parts=tuple(_files_of(parts, chosen)))


def _places(
    folder: Path, subset: Subset | None, depth: int, named: str | None
) -> Iterator[tuple[Part, set[str]]]:
    """The folders that hold annotations themselves (of the named format), and of which formats."""
    found = formats_in(folder)
    if named:
        found = {named} if _holds(folder, named, found) else set()
    if found:
        yield Part(path=folder, subset=subset), found
        return
    if not depth:
        return
    for inner in sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()):
        if not inner.name.startswith((".", "__")) and not inner.name.lower().endswith(STORES):
            yield from _places(inner, subset or folder_subset([inner.name]), depth - 1, named)


def _holds(folder: Path, name: str, found: set[str]) -> bool:
    if name in found or (name == "yolo-seg" and "yolo" in found):
        return True
    if found:
        return False
    suffixes = FORMATS.get(name).extensions
    homes = (folder, *annotation_folders(folder))
    return any(
        not is_sidecar(file) and name != "labels"
        for home in homes
        for file in files_in(home, within=folder, suffixes=suffixes, deep=home != folder)
    ) or (name == "labels" and bool(annotation_folders(folder)))


def _files_of(parts: list[Part], name: str) -> Iterator[Part]:
    """The parts, one for each file where a format keeps a whole set in one and a place has several."""
    codec = FORMATS.get(name)
    for part in parts:
        files = set_files(part.path, name) if codec.layout == "set" else []
        subsets = [subset_word(file.stem) for file in files]
        if len(files) > 1 and len(set(subsets) - {None}) > 1:
            for file, subset in zip(files, subsets, strict=True):
                yield Part(path=file, subset=subset)
        elif codec.layout == "set" and (part.path / codec.folder).is_file():
            yield Part(path=part.path / codec.folder, subset=part.subset)
        elif len(files) == 1:
            yield Part(path=files[0], subset=part.subset)
        elif len(files) > 1:
            what = "tables" if name == "csv" else f"files of the format {name}"
            raise BadInputError(
                f"{len(files)} {what}, and none is called {codec.folder}",
                where=str(part.path),
                got=", ".join(file.name for file in files)[:120],
                remedy=f"name the one with the objects, as in {files[0]}",
            )
        else:
            yield part


def set_files(folder: Path, name: str) -> list[Path]:
    """The files in a folder, or in its folder for annotations, that hold a whole set in that format.

    Of COCO's own names those of objects (``instances_…``) go before those of captions and key points.
    """
    codec = FORMATS.get(name)
    for home in (folder, *annotation_folders(folder)):
        files = [
            file
            for file in files_in(home, within=folder, suffixes=codec.extensions)
            if not is_sidecar(file) and format_of_file(file) == name
        ]
        objects = [file for file in files if file.name.startswith("instances")]
        if files:
            return objects or files
    return []


def _nothing(path: Path) -> BadInputError:
    """The error for a folder without annotations: where was looked and what was found."""
    endings: dict[str, int] = {}
    first: dict[str, Path] = {}
    folders = [path, *_folders_below(path, DEPTH)]
    for folder in folders:
        for file in files_in(folder, within=path):
            ending = file.suffix.lower() or file.name
            endings[ending] = endings.get(ending, 0) + 1
            first.setdefault(ending, file)
    for file in first.values():
        other = other_program(file.name, head_of(file))
        if other is not None:
            return BadInputError(f"{other.title}, which is not read", where=str(file), remedy=other.way)
    most = sorted(endings, key=lambda ending: -endings[ending])
    found = ", ".join(f"{endings[ending]} × {ending}" for ending in most[:_SHOWN]) or "no file"
    looked = ", ".join(folder.relative_to(path).as_posix() for folder in folders[1 : _SHOWN + 1])
    more = f" and {len(folders) - _SHOWN - 1} more" if len(folders) > _SHOWN + 1 else ""
    got = f"{found} in it" + (f" and in {looked}{more}" if looked else "")
    what, where = "no annotations of a known format", str(path)
    if not endings:
        remedy = "check the path, or put annotations and their images there"
        return BadInputError(what, where=where, got=got, remedy=remedy)
    remedy = "name the format, as in qupath:PATH"
    if endings.keys() <= {*SUFFIXES}:
        remedy = "put annotations beside the images, or say what they are, as in labels:PATH"
    return BadInputError(what, where=where, expected=", ".join(FORMATS), got=got, remedy=remedy)


def _folders_below(folder: Path, depth: int) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()) if depth else ():
        plain = not entry.name.startswith(".") and not entry.name.lower().endswith(STORES)
        if plain and entry.is_dir() and not entry.is_symlink():
            yield entry
            yield from _folders_below(entry, depth - 1)

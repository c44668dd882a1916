"""Which images are of one patient or slide, where the annotation files have no place for it.

Three ways: a table of images and groups (``groups``), a pattern of the images' names (``group_from``), or a
table called ``bmbench-groups.csv`` in the folder of the set, which is read without being asked for.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from bmbench.core.errors import BadInputError
from bmbench.core.types import ImageId, Sample
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.folder_words import SUBSET_WORDS
from bmbench.datasets.formats.images_beside import SIDECAR_TABLE
from bmbench.datasets.reading.image_names import nearest
from bmbench.datasets.reading.tables import TextTable, read_table

CHOICES: Mapping[str, str] = {
    "groups": "a table with the columns image and group",
    "group_from": "a regular expression of images' names; its first bracket is the patient or slide",
}
_IMAGE_COLUMNS = ("image", "file", "file_name", "filename", "image_name", "name", "bild", "datei")
_GROUP_COLUMNS = ("group", "patient", "slide", "case", "subject", "donor", "patient_id", "slide_id", "fall")
_PATTERNS = (r"^([^/]+)/", r"([^/]+?)[\s_.-]+[A-Za-z]*[\s_.-]*\d+$", r"([^/]+)[\s_.-]+[^\s_./-]+$")
"""How names say which images belong together: a folder each, a running number at the end, a last word."""
_SHOWN = 3


class WithoutGroupError(BadInputError):
    """A table or pattern says nothing of some images; `images` are their names."""

    images: tuple[str, ...] = ()


def with_groups(content: Content, choices: Mapping[str, str], folder: Path) -> Content:
    """The content with the groups that the user states; where nobody states any, a note if names share stems.

    Raises
    ------
    BadInputError
        If both ways are given, or a table or pattern has no sense.
    WithoutGroupError
        If images have no group by it.
    """
    table, pattern = choices.get("groups"), choices.get("group_from")
    if table and pattern:
        raise BadInputError("groups are stated twice", got="groups and group_from", remedy="give one of them")
    beside = folder / SIDECAR_TABLE
    notes: tuple[str, ...] = ()
    if pattern:
        groups = _by_pattern(content.samples, pattern)
    elif table or beside.is_file():
        read = read_table(Path(table) if table else beside)
        groups, notes = _by_table(content.samples, read), read.notes
        if not table:
            notes = (*notes, f"groups from {SIDECAR_TABLE}")
    else:
        hint = shared_stems(content.samples)
        return dataclasses.replace(content, notes=(*content.notes, hint)) if hint else content
    return dataclasses.replace(
        content,
        samples=tuple(dataclasses.replace(s, group=groups[s.image_id]) for s in content.samples),
        notes=(*content.notes, *notes),
    )


def shared_stems(samples: Sequence[Sample]) -> str:
    """A warning, with the option to type, where no group is stated and names look as if there were some."""
    if len(samples) < 4 or any(sample.group != sample.name for sample in samples):
        return ""
    names = [_stem(sample.name) for sample in samples]
    for pattern in _PATTERNS:
        found = [match[1] if (match := re.search(pattern, name)) else "" for name in names]
        count = Counter(found)
        together = [stem for stem, number in count.items() if number > 1]
        words = {re.split(r"[^a-z]+", stem.lower())[-1] for stem in count}
        if "" in count or len(count) < 2 or len(count) > len(names) / 2 or words <= set(SUBSET_WORDS):
            continue
        some = ", ".join(f"{stem!r} ({count[stem]} images)" for stem in together[:_SHOWN])
        return (
            f"names share a stem: {some}; if these are patients or slides, a split must not tear them apart: "
            f"--group-from '{pattern}'"
        )
    return ""


def _by_pattern(samples: Sequence[Sample], pattern: str) -> dict[ImageId, str]:
    try:
        known = re.compile(pattern)
    except re.error as error:
        what = f"group_from '{pattern}'"
        raise BadInputError(what, expected="a regular expression", got=str(error)) from None
    groups: dict[ImageId, str] = {}
    missing = []
    for sample in samples:
        match = known.search(_stem(sample.name)) or known.search(sample.name)
        group = "" if match is None else (match[1] if known.groups else match[0]) or ""
        groups[sample.image_id] = group
        if not group:
            missing.append(sample.name)
    _refuse(missing, f"group_from '{pattern}'", "a pattern that finds something in every image's name")
    return groups


def _by_table(samples: Sequence[Sample], table: TextTable) -> dict[ImageId, str]:
    names = [name.lower() for name in table.columns]
    image = next((names.index(name) for name in _IMAGE_COLUMNS if name in names), None)
    group = next((names.index(name) for name in _GROUP_COLUMNS if name in names), None)
    if image is None or group is None:
        raise BadInputError(
            "columns missing",
            where=f"{table.path}, line 1",
            expected="image and group (or patient, slide, case)",
            got=", ".join(table.columns)[:80],
        )
    table.require_narrow()
    stated: dict[str, str] = {}
    for where, cells in table.rows:
        if not cells[image] or not cells[group]:
            raise BadInputError("row without an image or a group", where=where)
        if stated.setdefault(cells[image], cells[group]) != cells[group]:
            raise BadInputError("image with two groups", where=where, got=cells[image][:80])
    rows = nearest([sample.name for sample in samples], list(stated))
    stems = nearest([_stem(sample.name) for sample in samples], [_stem(name) for name in stated])
    known = list(stated.values())
    groups: dict[ImageId, str] = {}
    missing = []
    for sample, whole, short in zip(samples, rows, stems, strict=True):
        found = {known[row] for row in whole or short}
        if len(found) == 1:
            groups[sample.image_id] = found.pop()
        else:
            missing.append(sample.name)
    _refuse(missing, str(table.path), "one row for every image")
    return groups


def _refuse(missing: Sequence[str], where: str, expected: str) -> None:
    if missing:
        names = ", ".join(missing[:_SHOWN])
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        error = WithoutGroupError("images without a group", where=where, expected=expected, got=names + more)
        error.images = tuple(missing)
        raise error


def _stem(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    return str(path.with_suffix("")) if path.suffix else str(path)

"""What holds for a set in whatever format: which classes are artefacts, which way is up, what is white."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from bmbench.core.artefacts import Declared, artefacts_line
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.objects import scaled, upright
from bmbench.core.types import Sample
from bmbench.datasets.formats.annotation_folder import relabel
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.passed_over import without_starred
from bmbench.datasets.reading.bit_depth import FULL
from bmbench.datasets.reading.images import Header
from bmbench.datasets.reading.orientation import UPRIGHT, upright_size
from bmbench.datasets.reading.record_checks import are_shares, shares_error
from bmbench.datasets.slides.whole_images import common_white, header_of, is_image_there, read_whole

CHOICES: Mapping[str, str] = {
    "artefact": "classes whose objects are artefacts",
    "cell": "classes whose objects are cells, whatever their name says",
    "orientation": "upright or stored: what was drawn on, where EXIF says that a picture is to be turned",
    "white": "the value of 16-bit images that is white",
}
"""What a user may say about any set with ``--option NAME=VALUE``."""
_SMALL_PX, _POINTS = 10, 3
"""Images of a longer side, and points of a larger number, do not lie in their first pixel by chance."""
ORIENTATIONS = ("upright", "stored")


def settled(content: Content, codec: Codec, choices: Mapping[str, str], *, where: str) -> Content:
    """The set as the user's `choices` (some of `CHOICES`) have it, with notes of what was taken for what.

    Raises
    ------
    BadInputError
        If a choice names a class that the set does not have, or is none; if annotations may be of a picture
        that lies otherwise than it is to be seen, and nobody says so; if a header is damaged.
    """
    asked = choices.get("orientation", "")
    if asked and asked not in ORIENTATIONS:
        raise UnknownNameError("orientation", asked, ORIENTATIONS)
    content = _declared(content, choices, where)
    if codec.name != "qupath":
        known = [category.name for category in content.categories]
        asked_for = names_in("\n".join(choices.get(name, "") for name in ("artefact", "cell")), known)
        content = without_starred(content, asked_for)
    if not codec.relative:
        _refuse_shares(content.samples, where)
    headers = {
        row: header
        for row, sample in enumerate(content.samples)
        if sample.file is not None and is_image_there(sample.file)
        if (header := header_of(sample.file, within=sample.within)) is not None
    }
    samples, notes = list(content.samples), []
    turned = [row for row, header in headers.items() if header.orientation != UPRIGHT]
    for row in turned:
        samples[row] = _upright(samples[row], headers[row], codec, asked)
    if turned:
        notes.append(f"turned upright, as EXIF says: {_some([samples[row] for row in turned])}")
    deep = [row for row, header in headers.items() if header.deep]
    if deep:
        white, note = _white([samples[row] for row in deep], choices.get("white", ""))
        notes.append(note)
        for row in deep:
            samples[row] = _with_pixels(samples[row], white=white)
    return dataclasses.replace(content, samples=tuple(samples), notes=(*content.notes, *notes))


def names_in(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The names of classes in a text: one a line, or with commas between them where no class is called so."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    names = [[line] if line in known else [part.strip() for part in line.split(",")] for line in lines]
    return tuple(dict.fromkeys(name for some in names for name in some if name))


def white_value(text: str, *, option: str) -> int:
    """A white that was asked for, of 16-bit images; BadInputError if it is none."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= FULL:
        raise BadInputError(option, expected=f"a whole number from 1 to {FULL}", got=repr(text[:40]))
    return int(text)


def _declared(content: Content, choices: Mapping[str, str], where: str) -> Content:
    known = [category.name for category in content.categories]
    declared = Declared(
        artefacts=names_in(choices.get("artefact", ""), known), cells=names_in(choices.get("cell", ""), known)
    )
    categories = declared.kinds(content.categories, where=where)
    if categories != content.categories:
        rows = np.arange(len(categories))
        artefact = np.array([category.artefact for category in categories], bool)
        samples = tuple(
            dataclasses.replace(s, annotations=relabel(s.annotations, rows, artefact))
            for s in content.samples
        )
        content = dataclasses.replace(content, categories=categories, samples=samples)
    line = artefacts_line(categories)
    return dataclasses.replace(content, notes=(*content.notes, line)) if line else content


def _refuse_shares(samples: Sequence[Sample], where: str) -> None:
    """Nothing, unless all coordinates lie between 0 and 1: shares of the images' sides, not pixels."""
    marked = [sample for sample in samples if len(sample.annotations)]
    if not marked or min(min(sample.width, sample.height) for sample in marked) <= _SMALL_PX:
        return
    box = np.concatenate([sample.annotations.box for sample in marked])
    if are_shares(box) and (len(box) >= _POINTS or (box[:, 2:] > box[:, :2]).any()):
        raise shares_error(where)


def _upright(sample: Sample, header: Header, codec: Codec, asked: str) -> Sample:
    """A sample whose picture is to be turned, with annotations as they lie on the turned one."""
    stored = upright_size(header.size, header.orientation)
    own = (sample.width, sample.height)
    if not asked and len(sample.annotations):
        if codec.as_stored:
            programs = f"{codec.title} is of programs that show pictures as they are stored"
            raise _undecided(sample, header, f"{programs}, and of others that turn them")
        if own == stored != header.size:
            raise _undecided(sample, header, "the annotations are of the size of the stored picture")
    if not len(sample.annotations) and own == stored:
        # Nothing was drawn that could lie otherwise.
        return _with_pixels(
            dataclasses.replace(sample, width=header.size[0], height=header.size[1]), white=None
        )
    if asked != "stored":
        return sample
    annotations = sample.annotations
    if codec.relative and own == header.size:
        annotations = scaled(annotations, np.array(stored) / np.array(own))
    now = dataclasses.replace(
        sample,
        width=header.size[0],
        height=header.size[1],
        annotations=upright(annotations, header.orientation, stored),
    )
    return _with_pixels(now, white=None)


def _undecided(sample: Sample, header: Header, why: str) -> BadInputError:
    return BadInputError(
        f"EXIF says that this picture is to be turned (orientation {header.orientation}), and {why}",
        where=str(sample.file),
        remedy="say what was drawn on: --option orientation=stored, or orientation=upright",
    )


def _white(samples: Sequence[Sample], asked: str) -> tuple[int, str]:
    """What is white in the 16-bit images of a set, and a line about it."""
    if asked:
        white = white_value(asked, option="--option white")
        return white, f"16-bit images: {white:,} is white, as was said"
    white = common_white([(sample.file, sample.within) for sample in samples if sample.file is not None])
    bits = white.bit_length()
    return white, f"16-bit images: {white:,} is white, {bits} bits (--option white=VALUE says otherwise)"


def _with_pixels(sample: Sample, *, white: int | None) -> Sample:
    """A sample whose pixels are read from its file, at the size that it has now."""
    assert sample.file is not None
    size = (sample.width, sample.height)
    load = partial(read_whole, sample.file, size, within=sample.within, white=white)
    return dataclasses.replace(sample, load=load, white=white)


def _some(samples: Sequence[Sample]) -> str:
    names = ", ".join(sample.name for sample in samples[:3])
    return names + (f" and {len(samples) - 3} more" if len(samples) > 3 else "")

"""What a format is: a name, what it can carry, a function that reads it and one that writes it."""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bmbench.core.dataset import Subset
from bmbench.core.types import Category, Floats, ImageId, Sample
from bmbench.datasets.formats.marks import Area


class Fact(enum.StrEnum):
    """What may be known about an object."""

    OUTLINE = "outline"
    RINGS = "holes and parts"
    CIRCLE = "circle"
    BOX = "box of its own"
    """Beside an outline or a circle, another box than theirs."""
    CENTRE = "centre of its own"
    """Another one than that of the circle or the box."""
    POINT = "point"
    """An object without any extent."""
    CLASS = "class"
    IGNORE = "ignored object"
    REGION = "ignored region"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Content:
    """A set of annotated images, whichever files it came from.

    `subsets` holds the images whose subset is written down, `split_from` says where. `notes` says in one line
    each what the files hold that was not taken over. `confidence` is what a detector believed of the objects
    of an image, where the files are its answers: (n,) each, NaN where none is stated. `areas` are those that
    were drawn on an image and are no objects of it.
    """

    samples: tuple[Sample, ...]
    categories: tuple[Category, ...]
    subsets: Mapping[ImageId, Subset] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    split_from: str = ""
    confidence: Mapping[ImageId, Floats] = field(default_factory=dict)
    areas: Mapping[ImageId, tuple[Area, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An object that a format had to leave out: the image, the row of its annotations, and why."""

    image_id: ImageId
    row: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One row of the table of formats.

    Attributes
    ----------
    extensions : tuple of str
        Endings of its files, the usual one first.
    layout : "set" or "image"
        One file for the whole set, or one for every image.
    carries : frozenset of Fact
        What comes back as it was. Classes, groups, subsets and pixel sizes that a format has no place for
        are kept beside it (see `bmbench.datasets.formats.annotation_folder`).
    read : (file or folder, folder of images or None, **choices) → Content
    choices : name → what it is
        What a user may say about the files with ``--option NAME=VALUE``; `read` takes them as texts by name.
    agree : files or folders → choices, optional
        What all parts of a set have in common and no part alone may tell: choices for the reading of each.
    write : (file, content) → the objects left out, or None for a format that is only read
        `content` is the whole set, or one image for the layout "image".
    folder : str
        Where annotation files lie in a data set folder; for the layout "set", the file's name there.
    cautions : content → sentences, optional
        What comes back here, but may not in other programs.
    frame : (folder, content) → None, optional
        Writes what else belongs to a data set folder of this format.
    extra : str, optional
        The extra of bmbench that it needs.
    as_stored : bool
        Whether its programs show pictures as they are stored, whatever EXIF says.
    relative : bool
        Whether coordinates are shares of the image's sides.
    together : bool
        Whether all folders of a set are read at once, for what lies in one may belong to another.
    belief : str
        What the confidence of an object is, where that is not the program's own word for it.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    layout: Literal["set", "image"]
    carries: frozenset[Fact]
    read: Callable[..., Content]
    write: Callable[[Path, Content], Sequence[Left]] | None = None
    folder: str = "annotations"
    cautions: Callable[[Content], list[str]] | None = None
    frame: Callable[[Path, Content], None] | None = None
    extra: str | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    agree: Callable[[Sequence[Path]], Mapping[str, str]] | None = None
    as_stored: bool = False
    relative: bool = False
    together: bool = False
    belief: str = ""

"""What a data set is: a card and a function that loads its samples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import CELL, Category, Floats, ImageId, Sample

Subset: TypeAlias = Literal["train", "validation", "optimisation", "test"]
SUBSETS: tuple[Subset, ...] = ("train", "validation", "optimisation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file on a server.

    Attributes
    ----------
    sha256 : str
        64 hexadecimal digits; no file is used that has another one.
    size : int, bytes
    inner : str
        The folder of the archive that holds the data; empty where the archive does.
    """

    url: str
    sha256: str
    size: int
    inner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCard:
    """Who made a data set and how it is used.

    Attributes
    ----------
    annotation : str
        What experts drew: "contours", "circles", "boxes", "points".
    protocol : str
        The named scoring protocol that its results are given in.
    radius_px : float
        Matching limit between centres (the CD radius), at the data set's own resolution.
    also_scored_as : tuple of str
        Data sets with other annotations of the same images, which a run is scored against as well.
    source : str
        Where the files come from; empty for the embedded set.
    cite_as : str
        The citation in three words ("Kainz et al. 2015"), for lists; empty where it is short anyway.
    images, cells : int or None
        How many there are in the whole published set; None where that is not known.
    size_mb : float or None
        Of the published files.
    manifest : str
        The manifest of single files that `bmbench datasets fetch` can get; empty where there is none.
    download : Download or None
        The archive that it can get instead; None where no checksum of one is known.
    access : str
        What a user has to do to get the files, where there is neither.
    """

    name: str
    title: str
    modality: str
    annotation: str
    licence: str
    citation: str
    radius_px: float
    protocol: str = "paper"
    source: str = ""
    um_per_px: float | None = None
    also_scored_as: tuple[str, ...] = ()
    cite_as: str = ""
    images: int | None = None
    cells: int | None = None
    size_mb: float | None = None
    manifest: str = ""
    download: Download | None = None
    access: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """The samples of one data set, by subset, and what their labels point into.

    `radius_px` is the matching limit between centres in the pixels of these very images (a data set
    that is loaded at another scale has another one than its card). `faults` says in one sentence each
    what was left out of the published files, and why; `split_from` where the subsets come from.
    """

    samples: Mapping[Subset, tuple[Sample, ...]]
    radius_px: float
    categories: tuple[Category, ...] = (CELL,)
    faults: tuple[str, ...] = ()
    split_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PictureMarks:
    """The marks of one picture.

    Attributes
    ----------
    xy : (n, 2) float64
        In pixels of the picture.
    angle : (n,) float64
    size : (n,) float64
        Pixels of the picture in one of that in which the mark was found.
    look : (n, k) float32
        What is around it, of mean 0 and length 1.
    """

    xy: Floats
    angle: Floats
    size: Floats
    look: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """What the pixels of one image tell without its annotations: what copies are known by.

    Attributes
    ----------
    tones : bytes
        Its sides and how often it has each grey value: the same for the same pixels, turned or mirrored or
        not, and for hardly any others.
    digest : function that returns str
        The same for the same pixels, turned or mirrored or not, and for no others; worked out when asked.
    thumb : (n,) float64
        A small grey version, of mean 0 and length 1; zeros where the image is of one colour.
    detail : function that returns (n,) float64
        The details of a small version inside the field of view, likewise; worked out when asked.
    flat : (share, colour)
        The largest share of the image that is one colour exactly, in blocks, and which.
    marks : PictureMarks, optional
        What overlapping pictures are known by; None in a set of too many images.
    """

    name: str
    tones: bytes
    digest: Callable[[], str]
    thumb: Floats
    detail: Callable[[], Floats]
    flat: tuple[float, tuple[int, int, int]]
    marks: PictureMarks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What a user may choose about a data set.

    `data` is the folder (or file) with the data; None for an embedded set. `look` is asked where images are
    compared on the way: who wants their pictures anyway reads each image once. None: they are read there.
    """

    data: Path | None = None
    seed: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    look: Callable[[Sequence[Sample]], Mapping[ImageId, Picture]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One row of `bmbench datasets list`."""

    card: DatasetCard
    load: Callable[[LoadRequest], Split]

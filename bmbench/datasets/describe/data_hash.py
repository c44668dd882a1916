"""One number that tells whether two machines hold the same data set."""

import hashlib
from collections.abc import Iterable

import numpy as np

from bmbench.core.dataset import Split
from bmbench.core.files import sha256
from bmbench.core.types import Annotations, Category, Floats, Pixels, Sample

_STEP_PX = 1e-3


class DataHash:
    """A digest that samples are added to, in any order.

    An image counts with the bytes of its file (decoders differ from machine to machine in the last bit of
    a JPEG) or, where it has none, with its pixels; an annotation with its geometry to a thousandth of a
    pixel. Which subset a sample is in does not count, nor do the name and place of its file.
    """

    def __init__(self, categories: Iterable[Category]) -> None:
        self._categories = repr([(c.id, c.name, c.artefact) for c in categories])
        self._samples: list[bytes] = []

    def add(self, sample: Sample, pixels: Pixels | None = None) -> None:
        """Take a sample in; its pixels, if they are at hand, count only where it has no file."""
        facts = (sample.image_id, sample.width, sample.height, sample.group)
        digest = hashlib.sha256(repr(facts).encode())
        digest.update(_of_annotations(sample.annotations))
        if sample.file is None:
            pixels = sample.load() if pixels is None else pixels
            digest.update(hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest())
        else:
            digest.update(bytes.fromhex(sha256(sample.file, within=sample.within)))
        self._samples.append(digest.digest())

    def hexdigest(self) -> str:
        """The SHA-256 of everything added, as 64 hexadecimal digits."""
        return hashlib.sha256(self._categories.encode() + b"".join(sorted(self._samples))).hexdigest()


def data_hash(split: Split) -> str:
    """The SHA-256 of a data set's images and annotations, as 64 hexadecimal digits; no file is decoded."""
    digest = DataHash(split.categories)
    for samples in split.samples.values():
        for sample in samples:
            digest.add(sample)
    return digest.hexdigest()


def _of_annotations(annotations: Annotations) -> bytes:
    digest = hashlib.sha256()
    for column in (annotations.xy, annotations.box, annotations.circle):
        digest.update(_steps(column))
    for code in (annotations.label, annotations.role, annotations.region):
        digest.update(np.ascontiguousarray(code, dtype="<i8").tobytes())
    for rings in annotations.contour:
        digest.update(repr([len(ring) for ring in rings]).encode())
        for ring in rings:
            digest.update(_steps(ring))
    return digest.digest()


def _steps(column: Floats) -> bytes:
    return np.ascontiguousarray(np.rint(column / _STEP_PX), dtype="<i8").tobytes()

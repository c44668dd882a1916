"""QuPath GeoJSON: what pathologists draw, and what they correct; one file an image, of any length.

Write ten or a million objects, in parts if they do not fit into memory at once::

    write_qupath(path, detections, categories)                        # detections with a confidence
    write_qupath(path, annotations, categories)                       # annotations, editable in QuPath
    write_qupath(path, (d for d in tiles), categories, decimals=2, measure=areas)
    found = read_qupath(path)                                         # .annotations, .classes, .confidence

A path that ends in ``.gz`` is packed on the way. A circle is a polygon of 24 corners that touches its
bounding box, with ``"isEllipse": true`` inside the geometry: QuPath restores the exact ellipse from that box,
and so does `read_qupath`. A box without outline is a rectangle (annotations) or the ellipse inside it
(detections); objects without extent are points.

Roles: an ignored object has the class ``Ignore*`` (QuPath's own word) and its category in the metadata. A
class whose name says artefact (or artifact) is a class of artefacts. An ``Ignore*`` area drawn by hand,
without such metadata, is an ignored region.
"""

import gzip
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, compress, islice
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np

from bmbench.core.files import writing
from bmbench.core.types import (
    Annotations,
    Bools,
    Category,
    Detections,
    Floats,
    Ints,
    Rings,
    Role,
    is_artefact_name,
)
from bmbench.datasets.formats.qupath.features import QupathObjects, decode
from bmbench.datasets.formats.qupath.properties import confidence_of
from bmbench.datasets.formats.qupath.written import IGNORE_CLASS, Kind, Marks, written_features
from bmbench.datasets.reading.json_lists import collector_paused
from bmbench.datasets.reading.json_stream import object_blocks

UNCLASSIFIED = "cell"
"""The class of objects that have none."""
_TOGETHER = 256
"""Features that are encoded and written at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QupathFile:
    """What a QuPath GeoJSON file says; row i of every column is object i.

    Attributes
    ----------
    annotations : Annotations
        Their `label` points into `classes`.
    classes : tuple of (name, artefact)
        In the order of their first use.
    confidence : (n,) float64
        NaN where the object has no such measurement.
    kind : (n,) str
        annotation, detection or cell.
    ids : tuple of n str
        QuPath's own, empty where the file has none: they stay the same through a correction.
    left_out : word → count
        What marks no cell: lines, tiles, objects without a shape.
    plane : (n, 2) int64
        Slice and time point, where the image is a stack.
    own : (n,) bool
        Objects that bmbench wrote as such, whatever they hold or are called.
    names : text → count
        Names of objects that have no class.
    nuclei : int
        How many objects have a nucleus inside.
    """

    annotations: Annotations
    classes: tuple[tuple[str, bool], ...]
    confidence: Floats
    kind: np.ndarray[Any, np.dtype[np.str_]]
    ids: tuple[str, ...]
    left_out: Mapping[str, int]
    plane: Ints
    own: Bools
    names: Mapping[str, int]
    nuclei: int

    def take(self, rows: Bools) -> "QupathFile":
        """The objects of these rows, with the classes that they have."""
        if rows.all():
            return self
        annotations = self.annotations.take(rows)
        used = np.unique(annotations.label)
        return replace(
            self,
            annotations=replace(annotations, label=np.searchsorted(used, annotations.label)),
            classes=tuple(self.classes[row] for row in used.tolist()),
            confidence=self.confidence[rows],
            kind=self.kind[rows],
            ids=tuple(compress(self.ids, rows.tolist())),
            plane=self.plane[rows],
            own=self.own[rows],
        )


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...


def write_qupath(
    path: Path,
    marks: Marks | Iterable[Marks],
    categories: Sequence[Category],
    *,
    kind: Kind | None = None,
    decimals: int = 6,
    measure: Callable[[Marks], Mapping[str, Floats]] | None = None,
) -> int:
    """Write one image's objects, whole or not at all; how many they were.

    Parameters
    ----------
    marks
        The objects, or parts of them that are taken one after the other.
    kind : "annotation" or "detection", optional
        Without it, annotations are written as annotations and detections as detections, which QuPath
        shows by the million but does not let anybody edit.
    decimals : int
        Of the coordinates, in pixels; QuPath itself keeps two.
    measure : function of a part → name → (n,) float64, optional
        Further measurements beside the confidence of detections. NaN is left out.
    """
    parts: Iterable[Marks] = (marks,) if isinstance(marks, Annotations | Detections) else marks
    encoder = msgspec.json.Encoder()
    # Ids that depend on the file's name and the object's number: the same bytes for the same objects.
    prefix = hashlib.sha256(path.name.encode()).hexdigest()
    stem = f"{prefix[:8]}-{prefix[8:12]}-4{prefix[12:15]}-8{prefix[15:18]}"
    written = 0
    with writing(path) as aside, _packed(aside, path) as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        for part in parts:
            extra = measure(part) if measure else {}
            features = written_features(part, categories, kind=kind, decimals=decimals, measured=extra)
            with collector_paused():
                while some := list(islice(features, _TOGETHER)):
                    for number, feature in enumerate(some, start=written):
                        feature["id"] = f"{stem}-{number:012x}"
                    file.write(b",\n" if written else b"\n")
                    file.write(b",\n".join(map(encoder.encode, some)))
                    written += len(some)
        file.write(b"\n]}\n")
    return written


def read_qupath(path: Path, *, nucleus: bool = False) -> QupathFile:
    """The objects of a QuPath GeoJSON file of any dialect, in the order of the file; areas too.

    A parent comes before its children (``childObjects``); every point of a multi-point is an object. With
    `nucleus`, the shape of a cell is its nucleus.

    Raises
    ------
    BadInputError
        If the file is missing, damaged, or no GeoJSON; names the feature, counted from 0.
    """
    table: dict[tuple[str, bool], int] = {}
    left_out: Counter[str] = Counter()
    names: Counter[str] = Counter()
    parts, confidence, kinds, ids = [], [np.zeros(0)], [np.zeros(0, "U10")], []
    planes, own, nuclei = [np.zeros((0, 2), np.int64)], [np.zeros(0, bool)], 0
    with collector_paused():
        for block in object_blocks(path, key="features"):
            objects = decode(block, path, nucleus=nucleus)
            parts.append(_annotations(objects, table))
            confidence.append(np.array([confidence_of(m) for m in objects.measurements], np.float64))
            kinds.append(np.array(objects.kind, "U10"))
            ids += objects.ids
            left_out.update(objects.left_out)
            names.update(objects.names)
            nuclei += objects.nuclei
            planes.append(np.zeros((len(objects.kind), 2), np.int64))
            for row, plane in objects.planes.items():
                planes[-1][row] = plane
            own.append(_own(objects))
    return QupathFile(
        annotations=_joined(parts),
        classes=tuple(table),
        confidence=np.concatenate(confidence),
        kind=np.concatenate(kinds),
        ids=tuple(ids),
        left_out=left_out,
        plane=np.concatenate(planes),
        own=np.concatenate(own),
        names=names,
        nuclei=nuclei,
    )


def _own(objects: QupathObjects) -> Bools:
    """(n,) which objects say that bmbench wrote them as such."""
    if not any(objects.metadata):
        return np.zeros(len(objects.metadata), bool)
    return np.array([metadata.get("cell") == "1" for metadata in objects.metadata], bool)


@contextmanager
def _packed(aside: Path, path: Path) -> Iterator[_Writable]:
    with aside.open("wb") as file:
        if path.suffix.lower() != ".gz":
            yield file
            return
        # Without the time of writing, the same objects give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as packed:
            yield packed


def _annotations(objects: QupathObjects, table: dict[tuple[str, bool], int]) -> Annotations:
    """The objects as annotations; `table` numbers the classes and grows."""
    n = len(objects.rings)
    box = np.asarray(objects.box, np.float64).reshape(n, 4)
    circle = np.asarray(objects.circle, np.float64).reshape(n, 3)
    contour = objects.rings
    if len(set(objects.classes)) == 1 and not any(objects.metadata):
        facts = [_class_facts(objects.classes[0], {}, table)] * n
    else:
        facts = _facts(objects, box, table)
    label, role, region = np.array(facts, np.int64).reshape(n, 3).T
    xy = np.where(circle[:, 2:] > 0, circle[:, :2], (box[:, :2] + box[:, 2:]) / 2)
    return Annotations(
        xy=xy, box=box, circle=circle, contour=tuple(contour), label=label, role=role, region=region != 0
    )


def _facts(
    objects: QupathObjects, box: Floats, table: dict[tuple[str, bool], int]
) -> list[tuple[int, int, bool]]:
    """What the class and metadata of each object say; objects written as boxes lose their outline."""
    contour = objects.rings
    known: dict[str, tuple[int, int, bool]] = {}
    facts = []
    for row, (name, metadata) in enumerate(zip(objects.classes, objects.metadata, strict=True)):
        if not metadata:
            if name not in known:
                known[name] = _class_facts(name, metadata, table)
            facts.append(known[name])
            continue
        facts.append(_class_facts(name, metadata, table))
        if metadata.get("shape") == "box" and _is_box(contour[row], box[row].tolist()):
            contour[row] = ()
    return facts


def _class_facts(
    name: str, metadata: Mapping[str, Any], table: dict[tuple[str, bool], int]
) -> tuple[int, int, bool]:
    """Row in the table of classes (which grows), role, and whether it is a region."""
    ignored = name.lower() == IGNORE_CLASS.lower()
    own = str(metadata.get("category", UNCLASSIFIED)) if ignored else name or UNCLASSIFIED
    artefact = metadata.get("artefact") == "1" or is_artefact_name(own)
    role = Role.IGNORE if ignored else Role.ARTEFACT if artefact else Role.CELL
    region = ignored and str(metadata.get("region", "1")) == "1"
    return table.setdefault((own, artefact), len(table)), int(role), region


def _is_box(rings: Rings, box: list[float]) -> bool:
    """Whether an outline still is the rectangle that it was written as."""
    corners = {(x, y) for x in box[::2] for y in box[1::2]}
    return len(rings) == 1 and {(x, y) for x, y in rings[0].tolist()} == corners


def _joined(parts: list[Annotations]) -> Annotations:
    if not parts:
        return Annotations.empty()
    names = ("xy", "box", "circle", "label", "role", "region")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Annotations(contour=tuple(chain.from_iterable(part.contour for part in parts)), **columns)

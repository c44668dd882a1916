"""Objects of one image as a file names them, before the classes of the whole set are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_box
from bmbench.core.types import Annotations, Floats, Rings, Role, is_artefact_name

UNNAMED = "cell"
UNSURE = "left out: confidence of an object, which annotations have none of"
"""The note on an object that a detector wrote."""
CONFIDENCE_WORDS = ("score", "confidence")
LIMIT_PX = 1e9
_Row: TypeAlias = tuple[
    tuple[float, float], tuple[float, float, float, float], tuple[float, float, float], Rings, int, Role, bool
]
"""Centre, box, circle, outline, class and role of an object, and whether it is a region."""


class Flags(TypedDict):
    """What an object is beside its class."""

    ignore: bool
    region: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Area:
    """A drawn area that is no object of its image.

    Attributes
    ----------
    name : str
        Its class.
    passed_over : bool
        Whether its program takes its class for one to be passed over, whatever it holds.
    """

    name: str
    rings: Rings
    passed_over: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marks:
    """What one annotation file says about one image.

    Attributes
    ----------
    annotations : Annotations
        Their `label` points into `classes`.
    classes : tuple of (name, artefact)
    image : str
        The image's file name, as far as the file says so.
    size : (width, height) or None, pixels
        As the file states it.
    notes : tuple of str
        What the file holds that was not taken over.
    confidence : (n,) float64
        A detector's belief, NaN where the file states none; empty where it states none at all.
    areas : tuple of Area
    """

    annotations: Annotations
    classes: tuple[tuple[str, bool], ...]
    image: str = ""
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    confidence: Floats = field(default_factory=lambda: np.zeros(0))
    areas: tuple[Area, ...] = ()


@dataclass(slots=True)
class Collector:
    """Objects that come one at a time; `where` names the file in errors.

    `kinds` says of classes whether they are of artefacts, where their name does not decide.
    """

    where: str
    kinds: Mapping[str, bool] = field(default_factory=dict)
    classes: dict[tuple[str, bool], int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)
    _rows: list[_Row] = field(default_factory=list)

    def add(
        self,
        name: str,
        *,
        rings: Rings = (),
        circle: Sequence[float] = (),
        box: Sequence[float] = (),
        point: Sequence[float] = (),
        ignore: bool = False,
        region: bool = False,
        confidence: float | None = None,
    ) -> None:
        """Take in an object of any one geometry; a BadInputError if its numbers are none.

        Beside rings, a box is the one that their program states.

        A `confidence` is kept for those who score detections, and noted: annotations have none.
        """
        if confidence is not None:
            self.notes.append(UNSURE)
        self.confidence.append(np.nan if confidence is None else confidence)
        # Floats: for the four numbers of one object NumPy takes several times as long.
        x, y, radius = map(float, circle if len(circle) else (0.0, 0.0, 0.0))
        if len(circle):
            corners = [x - radius, y - radius, x + radius, y + radius]
        elif rings and not len(box):
            corners = rings_box(rings).tolist()
        else:
            corners = [float(at) for at in (box if len(box) else (*point, *point))]
        if not all(abs(at) <= LIMIT_PX for at in corners) or (len(circle) and radius <= 0):
            raise BadInputError(
                "coordinates of no sensible size", where=f"{self.where}, object {len(self._rows) + 1}"
            )
        x0, x1 = sorted(corners[::2])
        y0, y1 = sorted(corners[1::2])
        artefact = self.kinds.get(name, is_artefact_name(name))
        label = self.classes.setdefault((name or UNNAMED, artefact), len(self.classes))
        role = Role.IGNORE if ignore or region else Role.ARTEFACT if artefact else Role.CELL
        xy = (x, y) if len(circle) else ((x0 + x1) / 2, (y0 + y1) / 2)
        self._rows.append((xy, (x0, y0, x1, y1), (x, y, radius), rings, label, role, region))

    def marks(self, *, image: str = "", size: tuple[int, int] | None = None) -> Marks:
        """Everything added, as one record."""
        annotations = Annotations.empty()
        if self._rows:
            xy, box, circle, contour, label, role, region = zip(*self._rows, strict=True)
            annotations = Annotations(
                xy=np.array(xy),
                box=np.array(box),
                circle=np.array(circle),
                contour=tuple(contour),
                label=np.array(label, np.int64),
                role=np.array(role, np.int64),
                region=np.array(region, bool),
            )
        return Marks(
            annotations=annotations,
            classes=tuple(self.classes),
            image=image,
            size=size,
            notes=tuple(self.notes),
            confidence=np.array(self.confidence) if np.isfinite(self.confidence).any() else np.zeros(0),
        )


def ring_of(points: Sequence[Sequence[float]], where: str) -> Floats:
    """(k, 2) closed polygon from corners, the repeated last one left out; BadInputError below three."""
    ring = np.array(points, np.float64).reshape(-1, 2)
    if len(ring) > 1 and (ring[0] == ring[-1]).all():
        ring = ring[:-1]
    if len(ring) < 3 or not (np.abs(ring) <= LIMIT_PX).all():
        raise BadInputError("not a polygon", where=where, expected="three corners or more")
    return ring

"""The rules that a number was made by, each set with a name."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from bmbench.core.errors import BadInputError, UnknownNameError

Geometry: TypeAlias = Literal["bb", "cd"]
GEOMETRIES: tuple[Geometry, Geometry] = ("bb", "cd")
"""By box overlap, by centre distance."""
Assignment: TypeAlias = Literal["greedy", "hungarian", "all_pairs"]
Reach: TypeAlias = Literal["free", "first", "nearest", "by_cell"]
ApKind: TypeAlias = Literal["all", "11", "101"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Every rule that can move a score; change one with ``dataclasses.replace``.

    Attributes
    ----------
    name : str
        What the set of rules is called.
    iou : float in (0, 1], or None
        Matching limit between boxes (BB); None: boxes are not scored.
    radius_px : float > 0, pixels, or None
        Matching limit between centres (CD); a distance equal to it still matches. None: centres are not
        scored, unless `radius_um` is given.
    radius_um : float > 0, micrometres, or None
        The limit between centres by the scale of each image, in place of `radius_px`.
    class_radii : tuple of (category name, limit)
        Limits of cells of some classes, in the unit of the others; see `bmbench.metrics.radii`.
    outlines : bool
        Whether outlines are matched in place of boxes (by pixels shared), and centres match inside the cell's
        outline in place of within a radius.
    inclusive : bool
        Whether an IoU equal to `iou` matches.
    assignment : "greedy", "hungarian" or "all_pairs"
        How predictions are given to cells; the last one as HoVer-Net does it, centres alone.
    reach : "free", "first", "nearest" or "by_cell"
        Whether a greedy prediction takes the best cell that is still free, or looks at its best cell only
        and is a false alarm if another prediction has that. The last two go from cell to cell, as MONKEY and
        MIDOG do, and are for centres alone: see `bmbench.metrics.challenge_assignment`.
    ap : "all", "11" or "101"
        Area under the precision envelope over all recall points (VOC 2010), at 11 (VOC 2007) or at 101
        (COCO) of them.
    per_class : bool
        Whether each cell category is scored by itself (AP is then their mean, counts are their sums) or
        all cells are one class.
    pycocotools : bool
        Whether boxes follow pycocotools in everything: ties by the order of the files, crowds by share of
        the detection at the same limit, `ignore` not read.
    max_detections : int or None
        Detections that count on one image, the most confident first; None: all of them.
    near_iou, near_radii : float
        A false alarm is a near miss if its IoU with a cell is above this, or its distance at most this many
        times `radius_px`.
    region_share : float
        An ignored region absorbs a box if more than this share of the box lies inside it.
    """

    name: str
    iou: float | None = 0.5
    radius_px: float | None = 55.0
    radius_um: float | None = None
    class_radii: tuple[tuple[str, float], ...] = ()
    outlines: bool = False
    inclusive: bool = False
    assignment: Assignment = "greedy"
    reach: Reach = "free"
    ap: ApKind = "all"
    per_class: bool = False
    pycocotools: bool = False
    max_detections: int | None = None
    near_iou: float = 0.1
    near_radii: float = 2.0
    region_share: float = 0.5

    def __post_init__(self) -> None:
        if self.iou is not None and not 0 < self.iou <= 1:
            raise ValueError(f"iou is {self.iou}, expected more than 0 and at most 1")
        self._check_radii()
        if not 0.5 <= self.region_share < 1:
            raise ValueError(f"region_share is {self.region_share}, expected at least 0.5 and below 1")
        if self.pycocotools and self.assignment != "greedy":
            raise ValueError("pycocotools assigns greedily: assignment must be greedy")
        if self.pycocotools and self.outlines:
            raise ValueError("pycocotools matches boxes here: leave outlines out")
        if self.reach != "free" and self.assignment != "greedy":
            raise ValueError(f"reach {self.reach!r} is a greedy rule: assignment must be greedy")
        if self.iou is not None and (self.assignment == "all_pairs" or self.reach in {"nearest", "by_cell"}):
            raise ValueError(f"protocol {self.name!r} matches centres alone: iou must be left out")

    def _check_radii(self) -> None:
        radii = [("radius_px", self.radius_px), ("radius_um", self.radius_um), *self.class_radii]
        for name, radius in radii:
            if radius is not None and not 0 < radius < float("inf"):
                raise ValueError(f"{name} is {radius}, expected a finite number above 0")
        if self.radius_px is not None and self.radius_um is not None:
            raise ValueError("radius_px and radius_um are both given: one of them limits centres")
        if self.iou is None and self.limit("cd") is None:
            raise ValueError("neither iou nor radius_px is given: nothing would be scored")
        if self.class_radii and self.limit("cd") is None:
            raise ValueError("class_radii without a radius for all other classes")

    @property
    def pairs_at_threshold(self) -> bool:
        """Whether predictions are paired anew at the threshold: what lies below it would change pairs."""
        return self.assignment != "greedy" or self.reach == "by_cell"

    def limit(self, geometry: Geometry) -> float | None:
        """The matching limit of a geometry; None if it is not scored."""
        if geometry == "bb":
            return self.iou
        return self.radius_px if self.radius_um is None else self.radius_um

    def words(self, geometry: Geometry) -> str:
        """The matching rule in words where its limit alone does not say it: "7.5 µm"; else empty."""
        if self.outlines:
            return "inside the outline" if geometry == "cd" else f"mask IoU {self.iou:g}"
        if geometry == "bb" or (self.radius_um is None and not self.class_radii):
            return ""
        unit = "px" if self.radius_um is None else "µm"
        return f"{self.limit(geometry):g} {unit}{', by class' if self.class_radii else ''}"

    def to_json(self) -> dict[str, Any]:
        """Every rule; those that later versions brought are left out where they change nothing."""
        return {
            name: value for name, value in asdict(self).items() if name not in _LATER or value != _LATER[name]
        }


_LATER: Mapping[str, Any] = MappingProxyType({"radius_um": None, "class_radii": (), "outlines": False})
"""Rules that older records do not name, as they are there."""

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        protocol.name: protocol
        for protocol in (
            Protocol(name="paper"),
            Protocol(name="coco", radius_px=None, inclusive=True, ap="101", per_class=True, pycocotools=True),
            Protocol(name="voc2007", radius_px=None, inclusive=True, reach="first", ap="11"),
            Protocol(name="voc2010", radius_px=None, inclusive=True, reach="first"),
            Protocol(name="kainz", iou=None, radius_px=10.0, reach="first"),
            Protocol(
                name="monkey",
                iou=None,
                radius_px=None,
                radius_um=7.5,
                reach="nearest",
                per_class=True,
                class_radii=(("lymphocyte", 4.0), ("monocyte", 10.0)),
            ),
            Protocol(name="midog", iou=None, radius_px=None, radius_um=7.5, reach="by_cell"),
            Protocol(name="ocelot", iou=None, radius_px=15.0, per_class=True),
            Protocol(name="hovernet", iou=None, radius_px=12.0, assignment="all_pairs"),
            Protocol(name="stardist", radius_px=None, inclusive=True, assignment="hungarian", outlines=True),
        )
    }
)
"""paper: Graebel et al., J Pathol Inform 2021;12:36. coco: pycocotools without its cap on detections.
voc2007, voc2010: Everingham et al., IJCV 2010, with the comparison (≥) of the development kit.
kainz: Kainz et al., MICCAI 2015. monkey, midog, ocelot: the evaluators of these challenges (2024, 2022,
2023), without what they do by accident. hovernet: Graham et al., Med Image Anal 2019. stardist: its
`matching`, by outlines (Schmidt et al., MICCAI 2018)."""


def resolve_protocol(name: str, **changes: Any) -> Protocol:
    """The protocol of that name with these fields changed; None leaves a field as it is.

    Raises
    ------
    UnknownNameError
        If there is no such protocol.
    BadInputError
        If it does not allow the change.
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    return changed_protocol(PROTOCOLS[name], **changes)


def changed_protocol(protocol: Protocol, **changes: Any) -> Protocol:
    """The protocol with these fields changed; None leaves a field as it is.

    Raises
    ------
    BadInputError
        If it does not allow the change.
    """
    wanted = {field: value for field, value in changes.items() if value is not None}
    if "radius_um" in wanted:
        wanted = {"radius_px": None, **wanted}
    elif "radius_px" in wanted:
        wanted = {"radius_um": None, **wanted}
    if isinstance(wanted.get("class_radii"), Mapping):
        wanted["class_radii"] = tuple(wanted["class_radii"].items())
    try:
        return replace(protocol, **wanted)
    except ValueError as error:
        raise BadInputError(f"protocol {protocol.name!r} cannot be used so: {error}") from None

"""Every number of a head that a user may change, by method and profile."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

from msgspec import Meta

from bmbench.adapters.ranges import NotNegative, PositiveFloat, Share
from bmbench.adapters.unet.settings import PAPER, NetworkSettings

_Threshold = Annotated[float, Meta(gt=0, lt=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSettings(NetworkSettings):
    """Settings that all heads have.

    Attributes
    ----------
    features : int
        Channels of a layer between the U-Net and its answers; 0 for none.
    lowest : float
        What is less probable is no cell.
    smallest : float
        Cells below this fraction of the smallest training cell's area are dropped.
    """

    features: Annotated[int, Meta(ge=0, le=4096)] = 32
    lowest: _Threshold = 0.2
    smallest: NotNegative = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class StarSettings(HeadSettings):
    """Settings of star-convex polygons.

    Attributes
    ----------
    distance_weight : float
        What an error of one pixel of a distance weighs beside the probability's cross-entropy.
    background_weight : float
        What a distance of one pixel weighs where no cell is.
    nms_share : float
        Of polygons that share more than this part of the smaller one the most probable stays.
    """

    distance_weight: NotNegative = 0.2
    background_weight: NotNegative = 1e-4
    nms_share: Share = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapSettings(HeadSettings):
    """Settings of a map of centres.

    Attributes
    ----------
    spread : float
        Standard deviation of the Gaussian around a centre, in diameters of its cell.
    size_weight : float
        What an error of one pixel of a width or a height weighs beside the focal loss.
    apart : float
        A centre is the surest within this distance, in mean cell diameters, to all sides.
    """

    lowest: _Threshold = 0.05
    spread: PositiveFloat = 0.1
    size_weight: NotNegative = 0.1
    apart: Share = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class HoverSettings(HeadSettings):
    """Settings of horizontal and vertical maps.

    Attributes
    ----------
    dice : float
        Weight of the Dice loss of the kinds beside their cross-entropy.
    place_weight, gradient_weight : float
        Of the squared error of both maps, and of that of their gradients inside objects.
    window : float
        Side of the derivative that finds edges, in mean cell diameters; at most 31 px.
    edge : float
        From this share of the steepest change in the image on a pixel is an edge.
    opening : float
        Side of the disc that opens the markers, in mean cell diameters.
    speck : float
        Smaller foreground and markers are none, in squared mean cell diameters.
    """

    lowest: _Threshold = 0.5
    dice: NotNegative = 1.0
    place_weight: NotNegative = 1.0
    gradient_weight: NotNegative = 1.0
    window: PositiveFloat = 0.65
    edge: Share = 0.4
    opening: NotNegative = 0.16
    speck: NotNegative = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSettings(HeadSettings):
    """Settings of flows.

    Attributes
    ----------
    flow_weight : float
        Of the flows' squared error beside the cross-entropy of the kinds.
    journey : float
        How far pixels follow the flows, in mean cell diameters.
    meeting : float
        So many pixels end in the middle of an object at least, in squared mean cell diameters.
    flow_error : float
        Objects whose own flows differ by more, in the mean square, are none; 0 keeps all.
    """

    lowest: _Threshold = 0.5
    flow_weight: NotNegative = 1.0
    journey: Annotated[float, Meta(gt=0, le=100)] = 3.0
    meeting: NotNegative = 0.01
    flow_error: NotNegative = 0.4


_SIZES: Mapping[str, Any] = {
    field.name: getattr(PAPER, field.name) for field in dataclasses.fields(NetworkSettings)
}
_PAPER: Mapping[str, Any] = MappingProxyType({**_SIZES, "features": 128})


def _profiles(record: type[HeadSettings], **quick: Any) -> Mapping[str, HeadSettings]:
    """Both profiles; `quick` has what suits a network of minutes where the paper's value does not."""
    return MappingProxyType({"quick": record(**quick), "paper": record(**_PAPER)})


PROFILES: Mapping[str, Mapping[str, HeadSettings]] = MappingProxyType(
    {
        "stardist": _profiles(StarSettings, distance_weight=0.01, lowest=0.1),
        "heatmap": _profiles(HeatmapSettings),
        "hover": _profiles(HoverSettings),
        "flow": _profiles(FlowSettings, flow_error=1.2, lowest=0.3),
    }
)
"""Method → profile → settings."""


def settings_of(name: str) -> type[HeadSettings]:
    """The settings record of a method; KeyError for another name."""
    return type(PROFILES[name]["quick"])

"""What makes one U-Net method different from another: the target that it gives to a pixel of a cell.

The network tells a few classes apart: the cell (its kernel, for some encodings), perhaps its contour, perhaps
artefacts, and the background, which is what is left. A target is a probability of each class. Background,
ignored objects and artefacts are the same for all encodings and stand here; an encoding says only what a
pixel inside an object is worth, from its depth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.images.tiling import mirror
from bmbench.adapters.learning.fit_request import FitRequest, ForegroundCurve
from bmbench.adapters.unet.encodings.depth_map import DepthMap, Reals, depth_map, ignored_regions
from bmbench.adapters.unet.encodings.levels import SHARES, Levels
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.registry import Registry
from bmbench.core.types import Annotations, Role

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMap:
    """What the network shall say about one image, and where it matters.

    Attributes
    ----------
    value : (k, h, w) float32 in [0, 1]
        Probability of each class but the background, which has the rest; where an encoding is signed, the
        answer in [−1, 1] that is wanted of each.
    weight : (h, w) float32
        0 where the loss must not look.
    """

    value: Reals
    weight: Reals


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPixels:
    """The m pixels of an image that lie in a cell or an artefact.

    Attributes
    ----------
    depth : (m,) float32, pixels at working scale
        Distance to the outline.
    deepest : (m,) float32, pixels
        Largest depth of the same object.
    settings : UNetSettings
    curve : ForegroundCurve or None
        How likely foreground is at a depth, for the encodings that use it.
    """

    depth: Reals
    deepest: Reals
    settings: UNetSettings
    curve: ForegroundCurve | None = None

    @property
    def normalised(self) -> Reals:
        """(m,) depth as a fraction of the object's largest: 0 at the outline, 1 at the deepest pixel."""
        depth: Reals = np.minimum(self.depth / self.deepest, np.float32(1))
        return depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrowth:
    """How much larger a cell is than its object in the map.

    By some pixels at working scale, and by a share of the object's own inner radius.
    """

    px: float = 0.0
    share: float = 0.0


PixelTargets: TypeAlias = Callable[[ObjectPixels], tuple[Reals, Reals]]
"""m pixels → (channels, m) values and (m,) weights."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoding:
    """One way to teach cells to a U-Net.

    Attributes
    ----------
    name : str
        Its name in `ENCODINGS`.
    channels : tuple of str
        The classes of a cell's own pixels, the one that the segmentation reads first.
    pixel_targets : PixelTargets
        What the pixels of an object are worth.
    regrowth : (threshold, settings) → Regrowth
        What undoes the encoding in an object that was cut out of the map at a threshold.
    levels : Levels
        Where objects may overlap, the highest holds.
    uses_curve : bool
        Whether it must know how likely foreground is at a depth.
    may_be_signed : bool
        Whether the setting `scaled` chooses between a weighted class and targets from −1 to 1.
    artefacts : bool
        Whether artefacts are a class of their own; learnt from the data by `fitted`.
    curve : ForegroundCurve or None
        Likewise.
    """

    name: str
    channels: tuple[str, ...]
    pixel_targets: PixelTargets
    regrowth: Callable[[float, UNetSettings], Regrowth]
    levels: Levels = SHARES
    uses_curve: bool = False
    may_be_signed: bool = False
    artefacts: bool = False
    curve: ForegroundCurve | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """What each of the network's outputs is the logit of, relative to the background's 0."""
        return (*self.channels, "artefact") if self.artefacts else self.channels

    @property
    def outputs(self) -> int:
        """Channels of the network's logits."""
        return len(self.classes)

    def features(self, _: UNetSettings) -> int:
        """Channels of a layer before the logits: there is none."""
        return 0

    def to_card(self) -> dict[str, Any]:
        """What `encoding_of` needs, for JSON."""
        curve = None if self.curve is None else dataclasses.asdict(self.curve)
        return {"name": self.name, "artefacts": self.artefacts, "curve": curve}

    def target(self, depths: DepthMap, annotations: Annotations, settings: UNetSettings) -> TargetMap:
        """The target of one image.

        A pixel of an artefact is worth as much artefact as it would be worth cell in a cell; a contour is a
        contour whatever it surrounds.
        """
        height, width = depths.depth.shape
        value = np.zeros((self.outputs, height, width), np.float32)
        weight = np.ones((height, width), np.float32)
        if not len(annotations):
            return TargetMap(value=value, weight=weight)
        owned = np.flatnonzero(depths.owner)
        row = depths.owner.ravel()[owned] - 1
        role = annotations.role[row]
        weight.ravel()[owned[role == Role.IGNORE]] = 0
        flat = value.reshape(self.outputs, -1)
        for kind in (Role.CELL, Role.ARTEFACT)[: 1 + self.artefacts]:
            of_kind = role == kind
            here = owned[of_kind]
            pixels = ObjectPixels(
                depth=depths.depth.ravel()[here],
                deepest=depths.deepest[row[of_kind]],
                settings=settings,
                curve=self.curve,
            )
            values, weight.ravel()[here] = self.pixel_targets(pixels)
            flat[self.classes.index("artefact") if kind == Role.ARTEFACT else 0, here] = values[0]
            flat[1 : len(self.channels), here] = values[1:]
        return TargetMap(value=value, weight=weight)

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, settings: UNetSettings
    ) -> torch.Tensor:
        """(n,) loss of each patch, from (n, k, h, w) logits and targets and (n, h, w) weights."""
        from bmbench.adapters.unet.encodings.losses import map_loss

        return map_loss(
            logits,
            target,
            weight,
            settings,
            class_weight=self.class_weight(settings),
            signed=self.is_signed(settings),
        )

    def is_signed(self, settings: UNetSettings) -> bool:
        """Whether its targets run from −1 to 1 and are learned by regression."""
        return self.may_be_signed and settings.scaled == "regression"

    def class_weight(self, settings: UNetSettings) -> list[float]:
        """What a pixel of each class weighs in the loss beside one of background."""
        weights = {"contour": settings.contour_weight}
        return [weights.get(name, settings.foreground_weight) for name in self.classes]

    def maps(self, logits: torch.Tensor, settings: UNetSettings) -> torch.Tensor:
        """(n, 1 or 2, h, w) probabilities of cells, and of artefacts if they are a class, from the logits.

        Classes exclude each other: the probabilities of a pixel, with contour and background, add up to 1.
        Signed answers are as they are, from −1 to 1: what lies below 0 is certainly no cell.
        """
        from bmbench.adapters.unet.encodings.losses import answers

        shown = ["cell", "artefact"][: 1 + self.artefacts]
        said = answers(logits, signed=self.is_signed(settings))
        return said[:, [self.classes.index(name) for name in shown]]

    def encode(self, annotations: Annotations, size: tuple[int, ...], settings: UNetSettings) -> TargetMap:
        """What the function `encode` makes of an image of (height, width) at working scale."""
        return encode(annotations, size, encoding=self, settings=settings)

    def constant(self, mean: NDArray[np.float64], settings: UNetSettings) -> torch.Tensor:
        """(k,) logits of a map that says everywhere that mean of each class."""
        from bmbench.adapters.unet.encodings.losses import constant_logits

        return constant_logits(mean, signed=self.is_signed(settings))

    def upright(self, maps: Reals, mirrored: tuple[bool, bool]) -> Reals:
        """The maps of an image mirrored in x and in y, mirrored back: a class is the same in any mirror."""
        return maps[mirror(mirrored)]


_BELOW = np.float32(-1e4)


ENCODINGS: Registry[Encoding] = Registry(
    "encoding",
    (
        ("shrink_contour", "bmbench.adapters.unet.encodings.pixel_targets:SHRINK_CONTOUR"),
        ("shrink", "bmbench.adapters.unet.encodings.pixel_targets:SHRINK"),
        ("dont_care", "bmbench.adapters.unet.encodings.pixel_targets:DONT_CARE"),
        ("distance", "bmbench.adapters.unet.encodings.pixel_targets:DISTANCE"),
        ("sigmoid", "bmbench.adapters.unet.encodings.pixel_targets:SIGMOID"),
        ("statistical", "bmbench.adapters.unet.encodings.pixel_targets:STATISTICAL"),
        ("statistical_scaled", "bmbench.adapters.unet.encodings.pixel_targets:STATISTICAL_SCALED"),
    ),
)


def fitted(name: str, request: FitRequest) -> Encoding:
    """The encoding as these training data call for it.

    Artefacts are a class of their own if the training images hold any with that role.
    """
    encoding = ENCODINGS.get(name)
    artefacts = any((sample.annotations.role == Role.ARTEFACT).any() for sample in request.train)
    return dataclasses.replace(encoding, artefacts=artefacts, curve=_curve(encoding, request))


def encode(
    annotations: Annotations, size: tuple[int, ...], *, encoding: Encoding, settings: UNetSettings
) -> TargetMap:
    """The target of one image of (height, width) at working scale, without weight on ignored regions."""
    depths = depths_of(annotations, size, encoding=encoding, settings=settings)
    target = encoding.target(depths, annotations, settings)
    if not annotations.region.any():
        return target
    outside = ~ignored_regions(annotations, *size)
    return TargetMap(value=target.value, weight=target.weight * outside)


def depths_of(
    annotations: Annotations,
    size: tuple[int, ...],
    *,
    encoding: Encoding,
    settings: UNetSettings,
    beyond: float = 0.0,
) -> DepthMap:
    """The depth map of one image as this encoding and these settings want it (see `depth_map`)."""
    rank = partial(_rank, encoding, settings) if settings.overlap == "union" else None
    return depth_map(annotations, *size, artefacts=encoding.artefacts, rank=rank, beyond=beyond)


def _rank(encoding: Encoding, settings: UNetSettings, depth: Reals, deepest: Reals) -> Reals:
    """Levels; what lies outside of an object is below all that lies in another one."""
    ranks: Reals = np.where(depth > 0, encoding.levels.of(depth, deepest, settings), depth + _BELOW)
    return ranks


def encoding_of(card: Any) -> Encoding:
    """The encoding that `Encoding.to_card` described; KeyError, TypeError or ValueError for another card."""
    values, curve = card["curve"], None
    if values is not None:
        curve = ForegroundCurve(probability=tuple(values["probability"]), source=values["source"])
    return dataclasses.replace(ENCODINGS.get(card["name"]), artefacts=card["artefacts"], curve=curve)


def _curve(encoding: Encoding, request: FitRequest) -> ForegroundCurve | None:
    if not encoding.uses_curve:
        return None
    from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC

    return request.foreground_curve() or SYNTHETIC

"""What makes one U-Net method different from another: the target that it gives to a pixel of a cell.

The network tells a few classes apart: the cell (its kernel, for some encodings), perhaps its contour, perhaps
artefacts, and the background, which is what is left. A target is a probability of each class. Background,
ignored objects and artefacts are the same for all encodings and stand here; an encoding says only what a
pixel inside an object is worth, from its depth.

Where classes of cells are told apart, the map is the same, and beside it is one of which class a pixel's cell
is (`cell_classes`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.detection.labels import cell_labels
from bmbench.adapters.images.tiling import mirror
from bmbench.adapters.learning.fit_request import FitRequest, ForegroundCurve
from bmbench.adapters.unet.encodings.cell_classes import (
    class_codes,
    class_planes,
    read_weights,
    weights_of_classes,
)
from bmbench.adapters.unet.encodings.depth_map import DepthMap, Reals, depth_map, ignored_regions
from bmbench.adapters.unet.encodings.levels import SHARES, Levels
from bmbench.adapters.unet.encodings.object_pixels import (
    ObjectPixels,
    PixelTargets,
    Regrowth,
    TargetMap,
)
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.registry import Registry
from bmbench.core.types import Annotations, Role

if TYPE_CHECKING:
    import torch


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
    cell_weights : tuple of floats
        What a pixel weighs that is taught each class of cells; () where a cell is a cell. Likewise.
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
    cell_weights: tuple[float, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """What the first of the network's outputs are the logits of, relative to the background's 0."""
        return (*self.channels, "artefact") if self.artefacts else self.channels

    @property
    def cells(self) -> int:
        """How many labels are cells."""
        return max(1, len(self.cell_weights))

    @property
    def outputs(self) -> int:
        """Channels of the network's logits: of `classes`, then of those of cells, if they are told apart."""
        return len(self.classes) + len(self.cell_weights)

    def features(self, settings: UNetSettings) -> int:
        """Channels of a layer before the logits: there is one only where classes of cells are told apart."""
        return settings.features if self.cell_weights else 0

    def to_card(self) -> dict[str, Any]:
        """What `encoding_of` needs, for JSON."""
        curve = None if self.curve is None else dataclasses.asdict(self.curve)
        card: dict[str, Any] = {"name": self.name, "artefacts": self.artefacts, "curve": curve}
        return card | ({"cell_weights": list(self.cell_weights)} if self.cell_weights else {})

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
        if self.cell_weights:
            codes = class_codes(depths, annotations, self.cells)
            value[len(self.classes) :] = class_planes(codes, self.cells)
        return TargetMap(value=value, weight=weight)

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, settings: UNetSettings
    ) -> torch.Tensor:
        """(n,) loss of each patch, from (n, k, h, w) logits and targets and (n, h, w) weights."""
        from bmbench.adapters.unet.encodings.losses import class_loss, map_loss

        map_of = partial(
            map_loss,
            weight=weight,
            settings=settings,
            class_weight=self.class_weight(settings)[: len(self.classes)],
            signed=self.is_signed(settings),
        )
        if not self.cell_weights:
            return map_of(logits, target)
        (own, named), (wanted, wanted_name) = (self._parts(one) for one in (logits, target))
        return map_of(own, wanted) + settings.class_loss * class_loss(named, wanted_name, self.cell_weights)

    def _parts(self, channels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The channels of the map, and those of the classes of cells."""
        return channels[:, : len(self.classes)], channels[:, len(self.classes) :]

    def is_signed(self, settings: UNetSettings) -> bool:
        """Whether its targets run from −1 to 1 and are learned by regression."""
        return self.may_be_signed and settings.scaled == "regression"

    def class_weight(self, settings: UNetSettings) -> list[float]:
        """What a pixel of each class weighs in the map's loss beside one of background.

        Which class of cells it is makes no difference there.
        """
        weights = {"contour": settings.contour_weight}
        own = [weights.get(name, settings.foreground_weight) for name in self.classes]
        return own + [1.0] * len(self.cell_weights)

    def maps(self, logits: torch.Tensor, settings: UNetSettings) -> torch.Tensor:
        """(n, m, h, w) probabilities of cells, and of artefacts if they are a class, from the logits.

        Classes exclude each other: the probabilities of a pixel, with contour and background, add up to 1.
        Signed answers are as they are, from −1 to 1: what lies below 0 is certainly no cell.
        Where classes of cells are told apart, the probability of each follows, given that there is a cell.
        """
        import torch

        from bmbench.adapters.unet.encodings.losses import answers

        shown = [self.classes.index(name) for name in ["cell", "artefact"][: 1 + self.artefacts]]
        signed = self.is_signed(settings)
        if not self.cell_weights:
            return answers(logits, signed=signed)[:, shown]
        own, named = self._parts(logits)
        return torch.cat([answers(own, signed=signed)[:, shown], named.softmax(dim=1)], dim=1)

    def encode(self, annotations: Annotations, size: tuple[int, ...], settings: UNetSettings) -> TargetMap:
        """What the function `encode` makes of an image of (height, width) at working scale."""
        return encode(annotations, size, encoding=self, settings=settings)

    def constant(self, mean: NDArray[np.float64], settings: UNetSettings) -> torch.Tensor:
        """(k,) logits of a map that says everywhere that mean of each class, and how frequent a cell's is."""
        import torch

        from bmbench.adapters.unet.encodings.losses import constant_logits, frequencies

        n = len(self.classes)
        own = constant_logits(mean[:n], signed=self.is_signed(settings))
        return torch.cat([own, frequencies(mean[n:], self.cell_weights)]) if self.cell_weights else own

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

    Raises
    ------
    BadInputError
        If there are more classes of cells than can be told apart.
    """
    encoding = ENCODINGS.get(name)
    artefacts = any((sample.annotations.role == Role.ARTEFACT).any() for sample in request.train)
    return dataclasses.replace(
        encoding,
        artefacts=artefacts,
        curve=_curve(encoding, request),
        cell_weights=weights_of_classes(
            [sample.annotations for sample in request.train],
            cell_labels(request.classes),
            request.settings.rare_classes,
        ),
    )


def encode(
    annotations: Annotations, size: tuple[int, ...], *, encoding: Encoding, settings: UNetSettings
) -> TargetMap:
    """The target of one image of (height, width) at working scale, without weight on ignored regions."""
    depths = depths_of(annotations, size, encoding=encoding, settings=settings)
    target = encoding.target(depths, annotations, settings)
    if not annotations.region.any():
        return target
    outside = ~ignored_regions(annotations, *size)
    target.value[len(encoding.classes) :] *= outside
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
    return dataclasses.replace(
        ENCODINGS.get(card["name"]),
        artefacts=card["artefacts"],
        curve=curve,
        cell_weights=read_weights(card.get("cell_weights", ())),
    )


def _curve(encoding: Encoding, request: FitRequest) -> ForegroundCurve | None:
    if not encoding.uses_curve:
        return None
    from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC

    return request.foreground_curve() or SYNTHETIC

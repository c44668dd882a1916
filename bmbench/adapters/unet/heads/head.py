"""What makes one head different from another: what it is taught of objects, and how cells are read from it.

A head says of each pixel how probable each kind of object is (the classes of cells, and artefacts if they are
a class), and some numbers of its own: distances, a size, a direction. Kinds, ignored objects and the loss of
the probabilities are the same for all heads and stand here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.detection.labels import cell_labels, labels_of
from bmbench.adapters.images.tiling import mirror
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.encodings.object_pixels import TargetMap
from bmbench.adapters.unet.heads.object_map import ObjectMap, object_map
from bmbench.core.registry import Registry
from bmbench.core.types import Annotations, Detections, Role

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """One way to read cells from a U-Net that is no watershed of a depth.

    Attributes
    ----------
    name : str
        Its name in `HEADS`.
    shape : int
        How many numbers it says beside the probabilities.
    values : (objects, kinds, settings) → (kinds + shape, h, w)
        The target of a patch.
    losses : (logits, target, weight, settings, kinds) → (n,)
        Of each patch.
    answers : (logits, settings, kinds) → (n, kinds + shape, h, w)
        Probabilities, and the other numbers in their own units.
    mirrored : ((h, w, shape) numbers, mirrored in x, in y) → the same
        What a mirror makes of the other numbers, at every pixel.
    cells_in : (maps, settings, kinds, smallest area) → Detections
        The cells of (h, w, kinds + shape) maps, in their pixels; smaller ones are left out.
    cells : int
        How many kinds are classes of cells; learnt from the data by `fitted_head`.
    artefacts : bool
        Whether one more is artefacts; likewise.
    """

    name: str
    shape: int
    values: Callable[[ObjectMap, int, Any], Reals]
    losses: Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Any, int], torch.Tensor]
    answers: Callable[[torch.Tensor, Any, int], torch.Tensor]
    mirrored: Callable[[Reals, tuple[bool, bool]], Reals]
    cells_in: Callable[[Reals, Any, int, float], Detections]
    cells: int = 1
    artefacts: bool = False

    @property
    def kinds(self) -> int:
        """Kinds of objects that it tells apart."""
        return self.cells + self.artefacts

    @property
    def outputs(self) -> int:
        """Channels of the network's logits."""
        return self.kinds + self.shape

    def features(self, settings: Any) -> int:
        """Channels of the layer before the logits."""
        return int(settings.features)

    def to_card(self) -> dict[str, Any]:
        """What `head_of` needs, for JSON."""
        return {"name": self.name, "artefacts": self.artefacts, "cells": self.cells}

    def encode(self, annotations: Annotations, size: tuple[int, ...], settings: Any) -> TargetMap:
        """The target of one image of (height, width) at working scale."""
        objects = object_map(
            annotations,
            size,
            labels_of(annotations, self.cells),
            artefacts=self.artefacts,
            margin=int(np.ceil(settings.cell_px)),
        )
        return TargetMap(value=self.values(objects, self.kinds, settings), weight=objects.weight)

    def class_weight(self, settings: Any) -> list[float]:
        """Every pixel counts alike."""
        del settings
        return [1.0] * self.outputs

    def constant(self, mean: NDArray[np.float64], settings: Any) -> torch.Tensor:
        """(k,) logits of the mean probabilities; of the other numbers it says 0."""
        import torch

        from bmbench.adapters.unet.encodings.losses import constant_logits

        del settings
        probable = constant_logits(mean[: self.kinds], signed=False)
        return torch.cat([probable, probable.new_zeros(self.shape)])

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, settings: Any
    ) -> torch.Tensor:
        """(n,) loss of each patch, from (n, k, h, w) logits and targets and (n, h, w) weights."""
        return self.losses(logits, target, weight, settings, self.kinds)

    def maps(self, logits: torch.Tensor, settings: Any) -> torch.Tensor:
        """(n, k, h, w) probabilities of each kind, and the other numbers, from the logits."""
        return self.answers(logits, settings, self.kinds)

    def upright(self, maps: Reals, mirrored: tuple[bool, bool]) -> Reals:
        """The (h, w, k) maps of an image mirrored in x and in y, as those of the image itself."""
        turned = maps[mirror(mirrored)]
        return np.concatenate(
            [turned[..., : self.kinds], self.mirrored(turned[..., self.kinds :], mirrored)], axis=2
        )

    def find(self, maps: Reals, settings: Any, smallest_px2: float) -> Detections:
        """The cells of these maps, in their own pixels, from that area on."""
        return self.cells_in(maps, settings, self.kinds, smallest_px2)


def mirrored_vectors(vectors: Reals, mirrored: tuple[bool, bool]) -> Reals:
    """(h, w, 2) vectors x, y of a mirrored image: what leads to the right there leads to the left here."""
    turned: Reals = vectors * np.array([-1 if one else 1 for one in mirrored], np.float32)
    return turned


HEADS: Registry[Head] = Registry(
    "head",
    (
        ("stardist", "bmbench.adapters.unet.heads.stardist:STARDIST"),
        ("heatmap", "bmbench.adapters.unet.heads.heatmap:HEATMAP"),
        ("hover", "bmbench.adapters.unet.heads.hover:HOVER"),
        ("flow", "bmbench.adapters.unet.heads.flow:FLOW"),
    ),
)


def fitted_head(name: str, request: FitRequest) -> Head:
    """The head as these training data call for it: artefacts are a class if there are any among them."""
    artefacts = any((sample.annotations.role == Role.ARTEFACT).any() for sample in request.train)
    return dataclasses.replace(HEADS.get(name), artefacts=artefacts, cells=cell_labels(request.classes))


def head_of(card: Any) -> Head:
    """The head that `Head.to_card` described; KeyError, TypeError or ValueError for another card."""
    cells = card["cells"]
    if not isinstance(cells, int) or not 0 < cells <= 1000:
        raise ValueError(f"cells is {cells!r}, expected a number from 1 to 1000")
    return dataclasses.replace(HEADS.get(card["name"]), artefacts=bool(card["artefacts"]), cells=cells)

"""Every number of a U-Net that a user may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetSettings:
    """Settings of a U-Net method; ``px`` are pixels at working scale.

    Attributes
    ----------
    cell_px : float
        Diameter to which the mean training cell is resized.
    depth, width : int
        Number of poolings; channels before the first one, doubled by each.
    normalisation : "group", "batch", "instance" or "none"
    patch_px, batch, shard : int
        Side of a training patch; patches a step; patches that are computed together (see
        `bmbench.adapters.reproducible`).
    steps : int
        Training ends here at the latest.
    optimiser : "adamw", "adam" or "sgd"
    learning_rate, weight_decay : float
        The rate rises over the first tenth of the steps and falls to zero along a cosine.
    averaging : float
        Decay of the moving average of the weights that is validated and kept; 0 for none.
    validate_every, patience, validation_patches : int
        Steps between looks at the validation loss; looks without improvement before training ends;
        patches that are looked at, at most, spread evenly over the validation images.
    dice, foreground_weight : float
        Weight of the Dice loss beside cross-entropy (it pushes maps towards 0 and 1, and a threshold
        chosen on one patient then fits the next one less well); weight of foreground in cross-entropy.
    stain_jitter : float
        Standard deviation of the random factor and offset of each channel's optical density.
    stain_shift : float
        How far every second patch's stain is moved towards other stains (see `bmbench.adapters.stain`).
    shrink : float
        Erosion of the shapes, in mean cell diameters.
    keep : float
        A cell too small for that erosion is eroded by this fraction of its own depth.
    views : 1 or 4
        Mirrored views whose maps are averaged.
    tile_px, overlap_px : int
        Tiles of large images; an overlap of twice the reach of a network of depth 4 (107 px).
    lowest, highest : float
        The Otsu threshold of an image is moved into this range.
    faint : float
        Objects that lie wholly below that threshold are kept if they show at this one.
    opening : float
        Radius of the opening, in mean cell diameters.
    marker : float
        A pixel is a watershed marker if its distance to the background is at least this fraction of
        the largest one nearby.
    smallest : float
        Objects below this fraction of the smallest training cell's area are dropped.
    """

    cell_px: float = 20.0
    depth: int = 4
    width: int = 8
    normalisation: Literal["group", "batch", "instance", "none"] = "group"
    patch_px: int = 128
    batch: int = 8
    shard: int = 4
    steps: int = 600
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    averaging: float = 0.98
    validate_every: int = 50
    patience: int = 6
    validation_patches: int = 48
    dice: float = 0.0
    foreground_weight: float = 1.0
    stain_jitter: float = 0.1
    stain_shift: float = 0.0
    shrink: float = 0.2
    keep: float = 0.6
    views: Literal[1, 4] = 4
    tile_px: int = 1024
    overlap_px: int = 224
    lowest: float = 0.3
    highest: float = 0.5
    faint: float = 0.1
    opening: float = 0.1
    marker: float = 0.75
    smallest: float = 0.25

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected more than 0")


_POSITIVE = (
    "cell_px",
    "depth",
    "width",
    "patch_px",
    "batch",
    "shard",
    "steps",
    "validate_every",
    "patience",
    "validation_patches",
    "tile_px",
)


QUICK = UNetSettings()
PAPER = UNetSettings(
    cell_px=40.0,
    depth=4,
    width=32,
    patch_px=512,
    batch=16,
    shard=16,
    steps=20_000,
    learning_rate=1e-3,
    averaging=0.999,
    validate_every=250,
    patience=16,
    validation_patches=256,
    tile_px=2048,
    overlap_px=256,
)

"""Every number of a U-Net that a user may change."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import Meta

from bmbench.adapters.encoders.choice import NONE, require_encoder
from bmbench.adapters.ranges import (
    NotNegative,
    PositiveFloat,
    PositiveInt,
    Share,
    Side,
    require_ranges,
    require_tiles,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """Settings of every method that is a U-Net; ``px`` are pixels at working scale.

    Attributes
    ----------
    cell_px : float
        Diameter to which the mean training cell is resized.
    depth, width : int
        Number of poolings; channels before the first one, doubled by each.
    normalisation : "group", "batch", "instance" or "none"
    patch_px, batch, shard : int
        Side of a training patch; patches a step; patches that are computed together (see
        `bmbench.adapters.learning.reproducible`).
    steps : int
        Training ends here at the latest.
    optimiser : "adamw", "adam" or "sgd"
    learning_rate, weight_decay : float
        The rate rises over the first tenth of the steps and falls to zero along a cosine.
    momentum : float
        Of SGD (Nesterov's); the other optimisers have their own.
    precision : "float32" or "bfloat16"
        Of the network's products on a graphics card; elsewhere always float32.
    averaging : float
        Decay of the moving average of the weights that is validated and kept; 0 for none.
    validate_every, patience, validation_patches : int
        Steps from one validation to the next; validations without improvement before training ends; patches
        of a validation, at most, spread evenly over the validation images.
    stain_jitter : float
        Standard deviation of the random factor and offset of each channel's optical density.
    stain_shift : float
        How far every second patch's stain is moved towards others (see `bmbench.adapters.images.augment`).
    scale_jitter : float
        A patch shows the image up to this factor larger or smaller, with its target; 1: as it is.
    views : 1 or 4
        Mirrored views whose maps are averaged.
    tile_px, overlap_px : int
        Tiles of large images; an overlap of twice the reach of a network of depth 4 (107 px).
    encoder : str
        "none", or a model of timm that takes the place of the way down from its finest map on.
    weights : str
        Of the encoder: "none", "hub" (those that timm publishes), or the path of a file.
    encoder_frozen : bool
        Whether they stay as they were loaded.
    """

    cell_px: PositiveFloat = 20.0
    depth: Annotated[int, Meta(gt=0, le=10)] = 4
    width: Annotated[int, Meta(gt=0, le=4096)] = 8
    normalisation: Literal["group", "batch", "instance", "none"] = "group"
    patch_px: Side = 128
    batch: PositiveInt = 8
    shard: PositiveInt = 4
    steps: PositiveInt = 600
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: NotNegative = 3e-3
    weight_decay: NotNegative = 1e-2
    momentum: Share = 0.9
    precision: Literal["float32", "bfloat16"] = "float32"
    averaging: Share = 0.98
    validate_every: PositiveInt = 50
    patience: PositiveInt = 6
    validation_patches: PositiveInt = 48
    stain_jitter: NotNegative = 0.1
    stain_shift: NotNegative = 0.0
    scale_jitter: Annotated[float, Meta(ge=1, le=4)] = 1.0
    views: Literal[1, 4] = 4
    tile_px: Side = 1024
    overlap_px: int = 224
    encoder: str = NONE
    weights: str = NONE
    encoder_frozen: bool = False

    def __post_init__(self) -> None:
        require_ranges(self)
        require_encoder(self)
        if self.encoder == NONE and self.weights != NONE:
            raise ValueError(
                f"weights is {self.weights}, and encoder is none; expected weights of an encoder"
            )
        stride = 2**self.depth
        # Two pixels at the coarsest level: a normalisation layer needs more than one.
        if self.patch_px % stride or self.patch_px < 2 * stride:
            raise ValueError(
                f"patch_px is {self.patch_px}, expected a multiple of {stride} (2 to the power of depth) "
                f"and at least {2 * stride}"
            )
        require_tiles(tile_px=self.tile_px, overlap_px=self.overlap_px, stride=stride)


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetSettings(NetworkSettings):
    """Settings of a U-Net that learns a map by depth, which a watershed cuts into cells.

    Attributes
    ----------
    loss : "cross_entropy", "squared", "absolute" or "none"
        Loss of a pixel; the last one leaves the Dice loss alone.
    dice : float
        Weight of the Dice loss beside it (it pushes maps towards 0 and 1, and a threshold chosen on one
        patient then fits the next one less well).
    foreground_weight, contour_weight : float
        What a pixel of a cell or artefact, and of a contour, weighs beside one of background.
    features : int
        Channels of a layer before the answers, where classes of cells are told apart; 0 for none.
    class_loss : float
        Weight of the cross-entropy of the cells' classes beside the loss of the map, likewise.
    rare_classes : float
        By which power of its rarity a class weighs more in it: at 0 each pixel weighs alike, at 1 each class.
    shrink : float
        Erosion of the shapes, in mean cell diameters; at most a mean cell's radius.
    undo : float
        The part of an encoding's shrinking that is undone in every object; less than all of it where the
        circles are larger than the cells that are to be found, more where the objects come out too small.
    contour : float
        Width of the contour class around an eroded shape, in mean cell diameters; at most the erosion.
    keep : float
        A cell too small for that erosion is eroded by this fraction of its own depth; at 1 it vanishes.
    overlap : "apart" or "union"
        Where circles overlap: a border is drawn between them, or each keeps all of its own and a pixel has
        the highest of their targets (the study's wording; what touches then grows together).
    scaled : "weight" or "regression"
        For the scaled statistical encoding: the sign of a target is a class and its size a weight, or the
        network's answer between −1 and 1 is fitted to it (with a loss that is squared or absolute).
    lowest, highest : float
        The Otsu threshold of an image is moved into this range. At 0 or 1 a map by depth could not say how
        much of a cell it cuts off.
    faint : float
        Objects that lie wholly below that threshold are kept if they show at this one.
    opening : float
        Radius of the opening, in mean cell diameters.
    flooding : "foreground" or "background"
        Where an object ends: at the opened foreground, or where the floods from its marker and from the
        background meet (the study's wording; its objects reach into the ground between).
    surround : float
        How far from the foreground the background's marker begins, in mean cell diameters.
    seeds : "depth" or "map"
        What the watershed floods, and whose summits are its markers: the distance to the edge of the
        foreground (the study's way), or the map itself, which sinks where the network sees a border.
    marker : float
        For seeds by depth: a pixel is a marker if its distance to the background is at least this fraction of
        the largest one.
    marker_of : "nearby" or "image"
        The largest one within the radius of a mean object, or in the whole image (one threshold for all of
        the distance transform, the study's wording; objects that are smaller by more than that vanish).
    smooth, rise : float
        For seeds by map: standard deviation of the blur before, in mean cell diameters; how far a summit must
        stand above the pass to a higher one to be a cell of its own.
    smallest : float
        Objects below this fraction of the smallest training cell's area are dropped.
    smallest_px : float
        Above 0, it holds in place of `smallest`: objects are dropped that cover less than a disc of this
        diameter, in pixels of the image as it is stored.
    confidence_in : "object" or "cell"
        The confidence is the mean of the map inside the object that was cut out, or inside the outline of the
        cell that it grew into (the study's wording).
    """

    loss: Literal["cross_entropy", "squared", "absolute", "none"] = "cross_entropy"
    dice: NotNegative = 0.0
    foreground_weight: NotNegative = 1.0
    contour_weight: NotNegative = 1.0
    features: Annotated[int, Meta(ge=0, le=4096)] = 32
    class_loss: NotNegative = 1.0
    rare_classes: Share = 0.5
    shrink: NotNegative = 0.2
    undo: NotNegative = 1.0
    contour: NotNegative = 0.2
    keep: Share = 0.6
    overlap: Literal["apart", "union"] = "apart"
    scaled: Literal["weight", "regression"] = "weight"
    lowest: Annotated[float, Meta(gt=0, lt=1)] = 0.3
    highest: Annotated[float, Meta(gt=0, le=1)] = 0.5
    faint: Annotated[float, Meta(gt=0, le=1)] = 0.1
    opening: NotNegative = 0.1
    flooding: Literal["foreground", "background"] = "foreground"
    surround: NotNegative = 0.1
    seeds: Literal["depth", "map"] = "depth"
    marker: Share = 0.75
    marker_of: Literal["nearby", "image"] = "nearby"
    smooth: NotNegative = 0.06
    rise: NotNegative = 0.2
    smallest: NotNegative = 0.25
    smallest_px: NotNegative = 0.0
    confidence_in: Literal["object", "cell"] = "object"

    def __post_init__(self) -> None:
        NetworkSettings.__post_init__(self)
        if self.shrink > 0.5:
            raise ValueError(
                f"shrink is {self.shrink}, expected at most 0.5 (diameters): no mean cell would be left"
            )
        if self.loss == "none" and not self.dice > 0:
            raise ValueError("loss is none and dice is 0: there is nothing to learn from")
        if self.scaled == "regression" and (self.loss not in {"squared", "absolute"} or self.dice > 0):
            raise ValueError(
                f"scaled is regression, loss is {self.loss} and dice is {self.dice}, which know no target "
                f"below 0; expected loss squared or absolute, and dice 0"
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
    precision="bfloat16",
    averaging=0.999,
    validate_every=250,
    patience=16,
    validation_patches=256,
    tile_px=2048,
    overlap_px=256,
    features=128,
)

STANDARD = UNetSettings(
    cell_px=24.0,
    width=12,
    patch_px=144,
    steps=800,
    # As many validations as there can be: no training ends early.
    patience=16,
    stain_shift=0.2,
    scale_jitter=1.2,
)
"""What marrow sections gained from when it was tried on training patients of one set (decision 112)."""

PROFILES: Mapping[str, UNetSettings] = MappingProxyType(
    {"quick": QUICK, "standard": STANDARD, "paper": PAPER}
)
"""The same for every encoding."""

"""Every number of a detector that a user may change."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from bmbench.adapters.images.tiling import rounded_up
from bmbench.adapters.ranges import (
    Few,
    NotNegative,
    PositiveFloat,
    PositiveInt,
    Share,
    Side,
    require_ranges,
    require_tiles,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSettings:
    """Settings that all detectors of boxes or circles have; ``px`` are pixels at working scale.

    Attributes
    ----------
    cell_px : float
        Diameter to which the mean training cell is resized.
    weak_shrink : float
        A weak circle is this share smaller before a network learns it: it encloses its cell.
    patch_px, batch, shard : int
        Side of a training patch; patches a step; patches that are computed together.
    steps, optimiser, learning_rate, weight_decay, momentum, averaging, validate_every, patience
        See `bmbench.adapters.learning.fit_request.Budget`.
    validation_patches : int
        Patches of a validation, at most, spread evenly over the validation images.
    stain_jitter, stain_shift : float
        Random stains, see `bmbench.adapters.images.augment`.
    least_confidence : float
        What a network finds with less is left out.
    nms_iou : float
        Of answers of one view that overlap by more, the most confident stays.
    anms_share, anms_rival : float
        See `bmbench.adapters.detection.merging.suppression.drop_nested`; a share of 1 drops nothing.
    wbc_iou, wbc_missing, wbc_floor, wbc_area : float
        See `bmbench.adapters.detection.merging.clustering.Clustering`; the last is its `by_area`.
    views : 1 or 4
        Mirrored views whose answers are clustered.
    tile_px, overlap_px : int
        Tiles of large images; cells larger than the overlap may be cut.
    """

    cell_px: PositiveFloat = 24.0
    weak_shrink: Annotated[float, Meta(ge=0, lt=1)] = 0.08
    patch_px: Side = 160
    batch: PositiveInt = 8
    shard: PositiveInt = 4
    steps: PositiveInt = 400
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: NotNegative = 2e-3
    weight_decay: NotNegative = 1e-2
    momentum: Share = 0.9
    averaging: Share = 0.98
    validate_every: PositiveInt = 50
    patience: PositiveInt = 6
    validation_patches: PositiveInt = 32
    stain_jitter: NotNegative = 0.1
    stain_shift: NotNegative = 0.0
    least_confidence: Share = 0.03
    nms_iou: Share = 0.5
    anms_share: Share = 0.7
    anms_rival: NotNegative = 0.5
    wbc_iou: Share = 0.5
    wbc_missing: NotNegative = 1.0
    wbc_floor: Share = 0.01
    wbc_area: NotNegative = 1.0
    views: Literal[1, 4] = 4
    tile_px: Side = 1024
    overlap_px: int = 128

    def __post_init__(self) -> None:
        require_ranges(self)
        require_tiles(tile_px=self.tile_px, overlap_px=self.overlap_px, stride=self.stride)

    @property
    def stride(self) -> int:
        """Pixels to whose multiple an image is padded."""
        return 32

    @property
    def most_answers(self) -> int:
        """Answers of one tile that are kept at most: twice the mean cells that fit side by side."""
        return math.ceil(2 * (self.tile_px / self.cell_px) ** 2)

    @property
    def most_candidates(self) -> int:
        """Answers of one tile that NMS compares, at most; each cell has many."""
        return 10 * self.most_answers


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorSettings(CommonSettings):
    """Settings of a network with anchors, beside the common ones.

    Attributes
    ----------
    finest, coarsest : int
        Anchors lie on the levels from `finest` to `coarsest`; level 3 has a stride of 2³ px.
    """

    finest: int = 3
    coarsest: int = 3

    def __post_init__(self) -> None:
        # The levels first: the stride of the tiles comes from them.
        self._check_levels()
        CommonSettings.__post_init__(self)

    def _check_levels(self) -> None:
        if not 2 <= self.finest <= self.coarsest <= 5:
            levels = f"{self.finest}, {self.coarsest}"
            raise ValueError(f"finest, coarsest are {levels}, expected 2 ≤ finest ≤ coarsest ≤ 5")

    @property
    def stride(self) -> int:
        """Pixels to whose multiple an image is padded."""
        return int(2**self.coarsest)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSettings(AnchorSettings):
    """Settings of a ResNet with a feature pyramid, beside those of anchors.

    Attributes
    ----------
    backbone : "resnet10", "resnet18", "resnet34" or "resnet50"
        The first has one block a stage.
    deepest : int
        The backbone reaches down to this level, whose features come up the pyramid.
    width : int
        Channels of the pyramid and the heads.
    normalisation : "group" or "frozen"
        Frozen keeps the batch statistics of loaded weights, and would do nothing without any.
    weights : str
        "none", "imagenet", "coco", or the path of a file of weights.
    scales : int
        Anchor sizes a level; all of them are spread evenly over the sizes of the training cells.
    ratios : 1 or 3
        Anchor shapes: square, or also twice as wide and twice as high. Circles have one.
    positive, negative : float
        An anchor learns to be a cell above the first overlap with one (circle or box), to be none below the
        second; between them it learns nothing.
    """

    backbone: Literal["resnet10", "resnet18", "resnet34", "resnet50"] = "resnet10"
    deepest: int = 4
    width: PositiveInt = 64
    normalisation: Literal["group", "frozen"] = "group"
    weights: str = "none"
    scales: Few = 4
    ratios: Literal[1, 3] = 1
    positive: Share = 0.5
    negative: Share = 0.4

    def __post_init__(self) -> None:
        AnchorSettings.__post_init__(self)
        if self.negative > self.positive:
            raise ValueError(f"negative is {self.negative}, expected at most positive, {self.positive}")
        if self.weights == "none" and self.normalisation == "frozen":
            raise ValueError("normalisation frozen without weights does nothing; expected group")

    def _check_levels(self) -> None:
        AnchorSettings._check_levels(self)
        if not self.coarsest <= self.deepest <= 5:
            raise ValueError(f"deepest is {self.deepest}, expected coarsest, {self.coarsest}, to 5")

    @property
    def stride(self) -> int:
        """Pixels to whose multiple an image is padded."""
        return int(2**self.deepest)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRCNNSettings(DetectorSettings):
    """Settings of Mask R-CNN: those of every detector, and its second stage's.

    Attributes
    ----------
    mask : "auto", "on" or "off"
        The mask branch; auto is on where every training cell has an outline.
    proposals, proposals_kept : int
        Proposals a level before NMS, and a patch after it, while training; in use as many for each patch
        that the image is large, and at least twice as many.
    regions : int
        Proposals of an image that the second stage learns from in one step.
    features : int
        Width of the second stage.
    """

    mask: Literal["auto", "on", "off"] = "auto"
    proposals: PositiveInt = 200
    proposals_kept: PositiveInt = 150
    regions: PositiveInt = 64
    features: PositiveInt = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloSettings(AnchorSettings):
    """Settings of YOLO v3, beside those of anchors; it has three on each level.

    Attributes
    ----------
    backbone : "darknet_small" or "darknet53"
        The first has one residual block a stage.
    width : int
        Channels of the first layer, doubled with every halving of the resolution (32 in the paper).
    ignore_iou : float
        A box that overlaps a cell by more learns nothing where another one is chosen for that cell.
    """

    backbone: Literal["darknet_small", "darknet53"] = "darknet_small"
    width: PositiveInt = 16
    ignore_iou: Share = 0.5
    finest: int = 2
    coarsest: int = 4

    def __post_init__(self) -> None:
        AnchorSettings.__post_init__(self)
        # A coarse level is doubled and laid beside the finer one: the finest must be halved without a rest.
        side = rounded_up(self.patch_px, 2**self.finest)
        if side % 2**self.coarsest:
            raise ValueError(
                f"patch_px is {self.patch_px}, expected a multiple of {2**self.coarsest} "
                f"(2 to the power of coarsest)"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloUSettings(CommonSettings):
    """Settings of Ultralytics' YOLO v3, beside the common ones.

    Attributes
    ----------
    network : "yolov3-tiny" or "yolov3"
        The packaged description that is built; strides of 16 and 32 px, or 8, 16 and 32 px.
    depth_multiple, width_multiple : float
        Of its blocks and channels.
    places : int
        Places that learn one cell, at most.
    """

    network: Literal["yolov3-tiny", "yolov3"] = "yolov3-tiny"
    depth_multiple: Annotated[float, Meta(gt=0, le=16)] = 1.0
    width_multiple: Annotated[float, Meta(gt=0, le=16)] = 0.5
    places: PositiveInt = 10
    cell_px: PositiveFloat = 40.0
    patch_px: Side = 256

"""Settings that all detectors of boxes or circles have, and those of anchors."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

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
class CommonSettings:
    """Settings that all detectors of boxes or circles have; ``px`` are pixels at working scale.

    Attributes
    ----------
    cell_px : float
        Diameter to which the mean training cell is resized.
    least_class_px : float
        Where classes that differ in size are told apart, the mean cell of the smallest is at least so wide at
        working scale, and `cell_px` is larger for it; 0 leaves it as it is.
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
    scale_jitter : float
        A patch shows the image up to this factor larger or smaller; 1: as it is.
    least_confidence : float
        What a network finds with less is left out.
    nms_iou : float
        Of answers of one view that overlap by more, the most confident stays.
    anms_share, anms_rival : float
        See `bmbench.adapters.detection.merging.suppression.drop_nested`; a share of 1 drops nothing.
    wbc_iou, wbc_missing, wbc_floor, wbc_area : float
        See `bmbench.adapters.detection.merging.clustering.Clustering`; the last is its `by_area`.
    centre_nms : "auto", "on" or "off"
        Whether of cells whose centres are near each other the most confident stays, however little they
        overlap. Auto is on where the training cells are points, drawn as circles of one size: their boxes
        then say nothing of how large each cell is.
    centre_share : float
        What is near for that, as a share of the mean training cell's diameter.
    views : 1 or 4
        Mirrored views whose answers are clustered.
    tile_px, overlap_px : int
        Tiles of large images; cells larger than the overlap may be cut.
    """

    cell_px: PositiveFloat = 24.0
    least_class_px: NotNegative = 16.0
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
    scale_jitter: Annotated[float, Meta(ge=1, le=4)] = 1.0
    least_confidence: Share = 0.03
    nms_iou: Share = 0.5
    anms_share: Share = 0.7
    anms_rival: NotNegative = 0.5
    wbc_iou: Share = 0.5
    wbc_missing: NotNegative = 1.0
    wbc_floor: Share = 0.01
    wbc_area: NotNegative = 1.0
    centre_nms: Literal["auto", "on", "off"] = "auto"
    centre_share: NotNegative = 0.4
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
    """Settings of a network that looks for cells on several levels, beside the common ones.

    Attributes
    ----------
    finest, coarsest : int
        Anchors, or places, lie on the levels from `finest` to `coarsest`; level 3 has a stride of 2³ px.
    precision : "float32" or "bfloat16"
        Of the products of the backbone and its pyramid (of all of YOLO v3) on a graphics card; elsewhere, and
        in what finds shapes in their maps, always float32.
    """

    finest: int = 3
    coarsest: int = 3
    precision: Literal["float32", "bfloat16"] = "float32"

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

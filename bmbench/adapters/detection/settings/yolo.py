"""Settings of the YOLO networks: version 3 in plain torch, and those of Ultralytics."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from bmbench.adapters.detection.settings.common import AnchorSettings, CommonSettings
from bmbench.adapters.images.tiling import rounded_up
from bmbench.adapters.ranges import NotNegative, PositiveFloat, PositiveInt, Share, Side


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
    box_loss : "squared", "l1", "smooth_l1" or "giou"
        Of boxes by the four numbers that a place says of one; squared as in the paper, GIoU by the box.
    object_loss : "cross_entropy" or "focal"
        Of whether there is a cell.
    focal_alpha, focal_gamma : float
        Of the focal loss: what a place with a cell weighs beside one without (α and 1 − α), and how much less
        what is sure already.
    """

    backbone: Literal["darknet_small", "darknet53"] = "darknet_small"
    width: PositiveInt = 16
    ignore_iou: Share = 0.5
    box_loss: Literal["squared", "l1", "smooth_l1", "giou"] = "squared"
    object_loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_alpha: Share = 0.25
    focal_gamma: NotNegative = 2.0
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
class UltralyticsSettings(CommonSettings):
    """Settings of Ultralytics' networks, beside the common ones.

    Attributes
    ----------
    network : str
        The packaged description of a network of boxes that is built, with its size where it has sizes:
        yolov3-tiny, yolov8s-p2, yolo11n, yolo26m.
    depth_multiple, width_multiple : float
        Of its blocks and channels, as many as the description says.
    places : int
        Places that learn one cell, at most.
    weights : str
        "none", or the path of a file of weights.
    """

    network: str = "yolov3-tiny"
    depth_multiple: Annotated[float, Meta(gt=0, le=16)] = 1.0
    width_multiple: Annotated[float, Meta(gt=0, le=16)] = 0.5
    places: PositiveInt = 10
    weights: str = "none"
    cell_px: PositiveFloat = 40.0
    patch_px: Side = 256

    def __post_init__(self) -> None:
        CommonSettings.__post_init__(self)
        # A trained model is a stranger's file, and this names one of the package's.
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,40}", self.network):
            raise ValueError(f"network is {self.network!r}, expected the name of a packaged network: yolo11n")

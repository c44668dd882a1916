"""Settings of the networks on a ResNet with a feature pyramid: RetinaNet, FCOS and Mask R-CNN."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from bmbench.adapters.detection.settings.common import AnchorSettings
from bmbench.adapters.encoders.choice import NONE, require_encoder
from bmbench.adapters.ranges import Few, NotNegative, PositiveFloat, PositiveInt, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class PyramidSettings(AnchorSettings):
    """Settings of a ResNet with a feature pyramid, beside those of levels.

    Attributes
    ----------
    backbone : "resnet10", "resnet18", "resnet34" or "resnet50"
        The first has one block a stage.
    deepest : int
        The backbone reaches down to this level, whose features come up the pyramid.
    width : int
        Channels of the pyramid and the heads.
    normalisation : "group", "batch", "instance" or "frozen"
        Of the backbone, and of the heads but for batches, whose statistics would be those of levels mixed.
        Frozen keeps the batch statistics of loaded weights, and would do nothing without any.
    weights : str
        "none", "imagenet", "coco", or the path of a file of weights; of an encoder also "hub", and neither of
        the second and third.
    encoder : str
        "none", or a model of timm in the place of the ResNet; `backbone` and, but for the heads,
        `normalisation` then say nothing.
    encoder_frozen : bool
        Whether the encoder's weights stay as they were loaded.
    """

    backbone: Literal["resnet10", "resnet18", "resnet34", "resnet50"] = "resnet10"
    deepest: int = 4
    width: PositiveInt = 64
    normalisation: Literal["group", "batch", "instance", "frozen"] = "group"
    weights: str = NONE
    encoder: str = NONE
    encoder_frozen: bool = False

    def __post_init__(self) -> None:
        AnchorSettings.__post_init__(self)
        require_encoder(self, others=("imagenet", "coco"))
        if self.weights == NONE and self.normalisation == "frozen":
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
class DetectorSettings(PyramidSettings):
    """Settings of a network with anchors on a feature pyramid, beside those of the pyramid.

    Attributes
    ----------
    scales : int
        Anchor sizes a level; all of them are spread evenly over the sizes of the training cells.
    ratios : 1 or 3
        Anchor shapes: square, or also twice as wide and twice as high. Circles have one.
    positive, negative : float
        An anchor learns to be a cell above the first overlap with one (circle or box), to be none below the
        second; between them it learns nothing.
    """

    scales: Few = 4
    ratios: Literal[1, 3] = 1
    positive: Share = 0.5
    negative: Share = 0.4

    def __post_init__(self) -> None:
        PyramidSettings.__post_init__(self)
        if self.negative > self.positive:
            raise ValueError(f"negative is {self.negative}, expected at most positive, {self.positive}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetinaNetSettings(DetectorSettings):
    """Settings of RetinaNet: those of every detector with anchors, and its losses'.

    Attributes
    ----------
    box_loss : "l1", "smooth_l1" or "giou"
        Of boxes, or of circles by their three numbers (GIoU: by the squares around them).
    focal_alpha, focal_gamma : float
        Of the focal loss of classes: what a positive anchor weighs beside a negative one (α and 1 − α), and
        how much less what is sure already.
    most_anchors : int
        Anchors that are taught one cell, at most; 0 for all that overlap it enough. A large cell has many
        more than a small one.
    """

    box_loss: Literal["l1", "smooth_l1", "giou"] = "l1"
    focal_alpha: Share = 0.25
    focal_gamma: NotNegative = 2.0
    most_anchors: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FcosSettings(PyramidSettings):
    """Settings of FCOS, beside those of the pyramid; it has no anchors.

    Attributes
    ----------
    centre_strides : float
        A place learns a cell if it lies in the cell's box and at most this many strides from its centre.
    box_loss : "giou", "l1" or "smooth_l1"
        Of boxes; but for GIoU of the four distances to their sides, in strides.
    focal_alpha, focal_gamma : float
        Of the focal loss of classes, as of `RetinaNetSettings`.
    """

    centre_strides: PositiveFloat = 1.5
    box_loss: Literal["giou", "l1", "smooth_l1"] = "giou"
    focal_alpha: Share = 0.25
    focal_gamma: NotNegative = 2.0


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
    mask_layers, mask_width : int
        Convolutions of the mask branch before it is enlarged, and their channels.
    """

    mask: Literal["auto", "on", "off"] = "auto"
    proposals: PositiveInt = 200
    proposals_kept: PositiveInt = 150
    regions: PositiveInt = 64
    features: PositiveInt = 256
    mask_layers: Few = 2
    mask_width: PositiveInt = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtMaskRCNNSettings(MaskRCNNSettings):
    """Settings of the Mask R-CNN that is taught here, whose losses can be chosen, beside those of any.

    Attributes
    ----------
    box_loss : "smooth_l1", "l1" or "giou"
        Of the boxes of both stages, or of circles by their numbers (GIoU: by the squares around them).
    object_loss : "cross_entropy" or "focal"
        Of the first stage: whether there is a cell.
    focal_alpha, focal_gamma : float
        Of the focal loss, as of `RetinaNetSettings`.
    """

    box_loss: Literal["smooth_l1", "l1", "giou"] = "smooth_l1"
    object_loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_alpha: Share = 0.25
    focal_gamma: NotNegative = 2.0

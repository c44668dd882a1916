"""What makes one detector different from another: its shapes and its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bmbench.adapters.detection.networks import (
    circular_mask_rcnn,
    fcos,
    mask_rcnn,
    retinanet,
    transformers_networks,
    ultralytics_networks,
    yolov3,
)
from bmbench.adapters.detection.networks.anchors import Sizes, anchor_sizes
from bmbench.adapters.detection.settings.common import CommonSettings
from bmbench.adapters.detection.settings.detr import DetrSettings
from bmbench.adapters.detection.settings.pyramid import (
    DetectorSettings,
    FcosSettings,
    MaskRCNNSettings,
    RetinaNetSettings,
    TaughtMaskRCNNSettings,
)
from bmbench.adapters.detection.settings.yolo import UltralyticsSettings, YoloSettings
from bmbench.adapters.encoders.choice import NONE, encoder_colours
from bmbench.adapters.images.working_scale import Colour
from bmbench.adapters.learning.third_party import without_side_effects
from bmbench.core.errors import BadInputError
from bmbench.core.types import Floats

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFacts:
    """What a network and its use need to know about the training data.

    Attributes
    ----------
    factor : float
        From original to working scale.
    mean, deviation : (red, green, blue) in 0 … 255
        Of the training images.
    anchors : one tuple of sizes a level, pixels at working scale
    classes : int
        Labels that the network has: those of cells, and one more where artefacts are a class.
    masks : bool
        Whether outlines were learned.
    cells : int
        Labels that are cells: the classes that are told apart.
    points : bool
        Whether all training cells are points, drawn as circles of one size.
    """

    factor: float
    mean: Colour
    deviation: Colour
    anchors: Sizes
    classes: int
    masks: bool
    cells: int = 1
    points: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of network; all are called as torchvision's are.

    Attributes
    ----------
    build : (settings, facts) → network with fresh weights from torch's generator
    settings : class
        Of its settings.
    circles : bool
        Whether its shapes are circles; its `boxes` are then the squares around them.
    anchors : (shapes of the training cells, settings) → sizes
    first_label : int
        What it calls a cell of the first class; the other labels follow.
    masks : bool
        Whether it has a mask branch, which learns outlines.
    batch_statistics : bool
        Whether it normalises by batches while it learns, and by what it learned of them in use.
    colours : settings → (mean, deviation), or None
        Those that loaded weights were taught with; None: those of the training images.
    notice : str
        Said whenever one is fitted.
    other_package : bool
        Whether another package makes the network, which may need memory to do so.
    exact_on_card : bool
        Whether it is the same to the last bit from run to run on a graphics card, too; else to rounding.
    """

    build: Callable[[Any, TrainingFacts], nn.Module]
    settings: type[CommonSettings] = DetectorSettings
    circles: bool = False
    anchors: Callable[[Floats, Any], Sizes] = anchor_sizes
    first_label: int = 0
    masks: bool = False
    batch_statistics: bool = False
    colours: Callable[[Any], tuple[Colour, Colour] | None] = lambda _: None
    notice: str = ""
    other_package: bool = False
    exact_on_card: bool = True

    def exact_with(self, settings: CommonSettings) -> bool:
        """Whether it is the same to the last bit on a graphics card with these settings; no encoder is."""
        return self.exact_on_card and getattr(settings, "encoder", NONE) == NONE

    def learns_masks(self, settings: Any, *, outlined: bool) -> bool:
        """Whether it learns outlines; `outlined` says whether every training cell has one.

        Raises
        ------
        BadInputError
            If it is asked to, and some cell has none.
        """
        if self.masks and settings.mask == "on" and not outlined:
            raise BadInputError(
                "the mask branch learns from outlines, and not every training cell has one",
                where="--set mask=on",
                remedy="use --set mask=auto",
            )
        return self.masks and outlined and settings.mask != "off"


def _refuse_ours(settings: DetectorSettings) -> None:
    if settings.encoder != NONE:
        raise BadInputError(
            "detectron2's networks have its own ResNets",
            where=f"--set encoder={settings.encoder}",
            remedy="leave it out",
        )
    if settings.precision != "float32":
        raise BadInputError(
            "detectron2's networks compute in float32 here",
            where=f"--set precision={settings.precision}",
            remedy="leave it out",
        )


def _detectron2_retinanet(settings: DetectorSettings, facts: TrainingFacts) -> nn.Module:
    _refuse_ours(settings)
    with without_side_effects():
        from bmbench.adapters.detection.networks.detectron2_networks import build_retinanet

        return build_retinanet(settings, facts.anchors, classes=facts.classes)


def _detectron2_mask_rcnn(settings: MaskRCNNSettings, facts: TrainingFacts) -> nn.Module:
    _refuse_ours(settings)
    with without_side_effects():
        from bmbench.adapters.detection.networks.detectron2_networks import build_mask_rcnn

        return build_mask_rcnn(settings, facts.anchors, classes=facts.classes, masks=facts.masks)


def _no_anchors(_shapes: Floats, _settings: Any) -> Sizes:
    return ()


def _transformer(name: str) -> Family:
    return Family(
        build=lambda s, f: transformers_networks.DetectionTransformer(name, s, classes=f.classes),
        settings=DetrSettings,
        anchors=_no_anchors,
        batch_statistics=True,
        colours=transformers_networks.colours,
        other_package=True,
        exact_on_card=False,
    )


def _ultralytics(name: str) -> Family:
    return Family(
        build=lambda s, f: ultralytics_networks.UltralyticsNetwork(s, classes=f.classes),
        settings=UltralyticsSettings,
        anchors=_no_anchors,
        batch_statistics=True,
        colours=ultralytics_networks.colours,
        notice=ultralytics_networks.NOTICE.format(name),
        other_package=True,
        exact_on_card=False,
    )


FAMILIES = MappingProxyType(
    {
        "retinanet": Family(
            build=lambda s, f: retinanet.build(s, f.anchors, classes=f.classes, circles=False),
            settings=RetinaNetSettings,
            colours=encoder_colours,
        ),
        "circular_retinanet": Family(
            build=lambda s, f: retinanet.build(s, f.anchors, classes=f.classes, circles=True),
            settings=RetinaNetSettings,
            colours=encoder_colours,
            circles=True,
        ),
        "fcos": Family(
            build=lambda s, f: fcos.build(s, classes=f.classes),
            settings=FcosSettings,
            anchors=_no_anchors,
            colours=encoder_colours,
        ),
        "circular_mask_rcnn": Family(
            build=lambda s, f: circular_mask_rcnn.build(s, f.anchors, classes=f.classes, masks=f.masks),
            settings=TaughtMaskRCNNSettings,
            colours=encoder_colours,
            circles=True,
            first_label=1,
            masks=True,
            exact_on_card=False,
        ),
        "mask_rcnn": Family(
            build=lambda s, f: mask_rcnn.build(s, f.anchors, classes=f.classes, masks=f.masks),
            settings=TaughtMaskRCNNSettings,
            colours=encoder_colours,
            first_label=1,
            masks=True,
            exact_on_card=False,
        ),
        "yolov3": Family(
            build=lambda s, f: yolov3.YoloV3(s, f.anchors, classes=f.classes),
            settings=YoloSettings,
            anchors=yolov3.clustered_anchors,
        ),
        **{name: _ultralytics(name) for name in ("yolov3u", "yolo11", "yolo26")},
        **{name: _transformer(name) for name in ("rt_detr_v2", "deim_v2")},
        "detectron2_retinanet": Family(build=_detectron2_retinanet, other_package=True, exact_on_card=False),
        "detectron2_mask_rcnn": Family(
            build=_detectron2_mask_rcnn,
            settings=MaskRCNNSettings,
            masks=True,
            other_package=True,
            exact_on_card=False,
        ),
    }
)

"""What makes one detector different from another: its shapes and its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bmbench.adapters.detection.networks import anchors, mask_rcnn, retinanet, yolov3, yolov3u
from bmbench.adapters.detection.networks.third_party import no_traces
from bmbench.adapters.detection.settings import (
    CommonSettings,
    DetectorSettings,
    MaskRCNNSettings,
    YoloSettings,
    YoloUSettings,
)

if TYPE_CHECKING:
    from torch import nn

    from bmbench.adapters.detection.networks.anchors import Sizes
    from bmbench.adapters.images.training_images import Colour
    from bmbench.core.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
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
    """

    factor: float
    mean: Colour
    deviation: Colour
    anchors: Sizes
    classes: int
    masks: bool
    cells: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of network; all are called as torchvision's are.

    Attributes
    ----------
    circles : bool
        Whether its shapes are circles; its `boxes` are then the squares around them.
    settings : class
        Of its settings.
    anchors : (shapes of the training cells, settings) → sizes
    first_label : int
        What it calls a cell of the first class; the other labels follow.
    build : (settings, facts) → network with fresh weights from torch's generator
    wants_masks : (settings, outlined) → bool
        Whether it learns outlines; `outlined` says whether every training cell has one.
    batch_statistics : bool
        Whether it normalises by batches while it learns, and by what it learned of them in use.
    notice : str
        Said whenever one is fitted.
    """

    circles: bool
    settings: type[CommonSettings]
    anchors: Callable[[Floats, Any], Sizes]
    first_label: int
    build: Callable[[Any, Facts], nn.Module]
    wants_masks: Callable[..., bool]
    batch_statistics: bool = False
    notice: str = ""


def _no_masks(_: Any, *, outlined: bool) -> bool:  # noqa: ARG001
    return False


def _masks(settings: MaskRCNNSettings, *, outlined: bool) -> bool:
    from bmbench.core.errors import BadInputError

    if settings.mask == "on" and not outlined:
        raise BadInputError(
            "the mask branch learns from outlines, and not every training cell has one",
            where="--set mask=on",
            remedy="use --set mask=auto",
        )
    return outlined and settings.mask != "off"


def _retinanet(settings: Any, facts: Facts, *, circles: bool) -> nn.Module:
    return retinanet.build(settings, facts.anchors, classes=facts.classes, circles=circles)


def _mask_rcnn(settings: Any, facts: Facts) -> nn.Module:
    network: nn.Module = mask_rcnn.build(settings, facts.anchors, classes=facts.classes, masks=facts.masks)
    return network


def _yolov3(settings: YoloSettings, facts: Facts) -> nn.Module:
    return yolov3.YoloV3(settings, facts.anchors, classes=facts.classes)


def _yolov3u(settings: YoloUSettings, facts: Facts) -> nn.Module:
    return yolov3u.YoloV3U(settings, classes=facts.classes)


def _detectron2_retinanet(settings: DetectorSettings, facts: Facts) -> nn.Module:
    with no_traces():
        from bmbench.adapters.detection.networks.detectron2_networks import build_retinanet

        return build_retinanet(settings, facts.anchors, classes=facts.classes)


def _detectron2_mask_rcnn(settings: MaskRCNNSettings, facts: Facts) -> nn.Module:
    with no_traces():
        from bmbench.adapters.detection.networks.detectron2_networks import build_mask_rcnn

        return build_mask_rcnn(settings, facts.anchors, classes=facts.classes, masks=facts.masks)


def _no_anchors(*_: Any) -> Sizes:
    return ()


FAMILIES = MappingProxyType(
    {
        "retinanet": Family(
            circles=False,
            settings=DetectorSettings,
            anchors=anchors.anchor_sizes,
            first_label=0,
            build=partial(_retinanet, circles=False),
            wants_masks=_no_masks,
        ),
        "circular_retinanet": Family(
            circles=True,
            settings=DetectorSettings,
            anchors=anchors.anchor_sizes,
            first_label=0,
            build=partial(_retinanet, circles=True),
            wants_masks=_no_masks,
        ),
        "mask_rcnn": Family(
            circles=False,
            settings=MaskRCNNSettings,
            anchors=anchors.anchor_sizes,
            first_label=1,
            build=_mask_rcnn,
            wants_masks=_masks,
        ),
        "yolov3": Family(
            circles=False,
            settings=YoloSettings,
            anchors=yolov3.anchor_sizes,
            first_label=0,
            build=_yolov3,
            wants_masks=_no_masks,
        ),
        "yolov3u": Family(
            circles=False,
            settings=YoloUSettings,
            anchors=_no_anchors,
            first_label=0,
            build=_yolov3u,
            wants_masks=_no_masks,
            batch_statistics=True,
            notice=yolov3u.NOTICE,
        ),
        "detectron2_retinanet": Family(
            circles=False,
            settings=DetectorSettings,
            anchors=anchors.anchor_sizes,
            first_label=0,
            build=_detectron2_retinanet,
            wants_masks=_no_masks,
        ),
        "detectron2_mask_rcnn": Family(
            circles=False,
            settings=MaskRCNNSettings,
            anchors=anchors.anchor_sizes,
            first_label=0,
            build=_detectron2_mask_rcnn,
            wants_masks=_masks,
        ),
    }
)

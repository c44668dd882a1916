"""The detectors of boxes and circles; minutes on two cores (quick), days on a graphics card (paper)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from bmbench.adapters.detection.search_space import space_of
from bmbench.adapters.detection.settings import (
    CommonSettings,
    DetectorSettings,
    MaskRCNNSettings,
    YoloSettings,
    YoloUSettings,
)
from bmbench.adapters.learning.reproducible import environment_kept
from bmbench.adapters.method import Beside, Method

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bmbench.adapters.detection.detector import BoxDetector
    from bmbench.adapters.learning.fit_request import FitRequest
    from bmbench.adapters.method import Decode, Detector
    from bmbench.core.types import Pixels

_LONG: Mapping[str, Any] = {
    "cell_px": 40.0,
    "patch_px": 512,
    "batch": 16,
    "shard": 16,
    "steps": 20_000,
    "learning_rate": 5e-4,
    "averaging": 0.999,
    "validate_every": 250,
    "patience": 16,
    "validation_patches": 256,
    "tile_px": 2048,
    "overlap_px": 256,
}
_RESNET50: Mapping[str, Any] = {
    "backbone": "resnet50",
    "finest": 3,
    "coarsest": 5,
    "deepest": 5,
    "width": 256,
    "scales": 3,
    "ratios": 3,
}
PROFILES: Mapping[str, Mapping[str, CommonSettings]] = {
    "retinanet": {"quick": DetectorSettings(), "paper": DetectorSettings(**_LONG, **_RESNET50)},
    "mask_rcnn": {
        "quick": MaskRCNNSettings(batch=4, shard=2, learning_rate=1e-3),
        "paper": MaskRCNNSettings(
            **_LONG, **_RESNET50, proposals=2000, proposals_kept=1000, regions=512, features=1024
        ),
    },
    "yolov3": {
        "quick": YoloSettings(),
        "paper": YoloSettings(**_LONG, backbone="darknet53", width=32, finest=3, coarsest=5),
    },
    "yolov3u": {
        "quick": YoloUSettings(),
        "paper": YoloUSettings(**_LONG, network="yolov3", width_multiple=1.0),
    },
}
"""The settings of each family as the boards name it, by profile."""
DETECTRON2 = Beside(
    module="detectron2",
    command="pip install --no-build-isolation 'git+https://github.com/facebookresearch/detectron2'",
)
_LIN = "Lin et al., Focal loss for dense object detection, ICCV 2017"
_GRAEBEL = "Graebel et al., Circular anchors for the detection of hematopoietic cells, ISBI 2020"
_HE = "He et al., Mask R-CNN, ICCV 2017"
_REDMON = "Redmon & Farhadi, YOLOv3: an incremental improvement, arXiv 1804.02767, 2018"
_JOCHER = "Jocher et al., Ultralytics YOLO, 2023, https://github.com/ultralytics/ultralytics"


def _fit(request: FitRequest, *, family: str) -> Detector:
    with environment_kept():
        from bmbench.adapters.detection.detector import BoxDetector
        from bmbench.adapters.detection.training import fit

        network, facts = fit(request, family)
    return BoxDetector(family=family, settings=request.settings, facts=facts, network=network)


def _load(folder: Path) -> Detector:
    with environment_kept():
        from bmbench.adapters.detection.detector import load

        return load(folder)


def _ensemble(members: Sequence[Detector]) -> Detector:
    with environment_kept():
        from bmbench.adapters.detection.detector import ensemble

        return ensemble(cast("Sequence[BoxDetector]", members))


def _infer(detector: Detector, image: Pixels) -> Decode:
    with environment_kept():
        from bmbench.adapters.detection.detector import infer

        return infer(cast("BoxDetector", detector), image)


def _method(
    name: str, family: str, title: str, *, paper: str, extra: str = "train", beside: Beside | None = None
) -> Method:
    return Method(
        name=name,
        title=title,
        family=family,
        paper=paper,
        settings=MappingProxyType(PROFILES[family]),
        fit=partial(_fit, family=name),
        load=_load,
        extra=extra,
        beside=beside,
        artefact_class=True,
        cell_classes=True,
        ensemble=_ensemble,
        space=space_of(name),
        infer=_infer,
    )


RETINANET = _method("retinanet", "retinanet", "RetinaNet", paper=_LIN)
CIRCULAR_RETINANET = _method(
    "circular_retinanet", "retinanet", "RetinaNet with circular anchors", paper=_GRAEBEL
)
MASK_RCNN = _method("mask_rcnn", "mask_rcnn", "Mask R-CNN; boxes alone without outlines", paper=_HE)
YOLOV3 = _method("yolov3", "yolov3", "YOLO v3", paper=_REDMON)
DETECTRON2_RETINANET = _method(
    "detectron2_retinanet", "retinanet", "RetinaNet, detectron2's", paper=_LIN, beside=DETECTRON2
)
DETECTRON2_MASK_RCNN = _method(
    "detectron2_mask_rcnn",
    "mask_rcnn",
    "Mask R-CNN, detectron2's; boxes alone without outlines",
    paper=_HE,
    beside=DETECTRON2,
)
YOLOV3U = _method(
    "yolov3u",
    "yolov3u",
    "YOLO v3 with a later head, Ultralytics' (AGPL-3.0)",
    paper=_JOCHER,
    extra="yolo",
)

"""The detectors of boxes and circles: a card each, and the functions that fit and load one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.adapters.detection.settings.search_spaces import space_of
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.reproducible import environment_kept
from bmbench.adapters.method import Beside, Decode, Detector, Method
from bmbench.core.types import Pixels

if TYPE_CHECKING:
    from bmbench.adapters.detection.detector import BoxDetector

DETECTRON2 = Beside(
    module="detectron2",
    command="pip install --no-build-isolation 'git+https://github.com/facebookresearch/detectron2'",
)
_LIN = "Lin et al., Focal loss for dense object detection, ICCV 2017"
_GRAEBEL = "Graebel et al., Circular anchors for the detection of hematopoietic cells, ISBI 2020"
_TIAN = "Tian et al., FCOS: fully convolutional one-stage object detection, ICCV 2019"
_HE = "He et al., Mask R-CNN, ICCV 2017"
_REDMON = "Redmon & Farhadi, YOLOv3: an incremental improvement, arXiv 1804.02767, 2018"
_JOCHER = "Jocher et al., Ultralytics YOLO, 2023, https://github.com/ultralytics/ultralytics"
_YOLO11 = "Jocher & Qiu, Ultralytics YOLO11, 2024, https://github.com/ultralytics/ultralytics"
_YOLO26 = "Jocher & Qiu, Ultralytics YOLO26, 2026, https://github.com/ultralytics/ultralytics"


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
        settings=MappingProxyType(PROFILES.get(name, PROFILES[family])),
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
FCOS = _method("fcos", "fcos", "FCOS", paper=_TIAN)
MASK_RCNN = _method("mask_rcnn", "mask_rcnn", "Mask R-CNN; boxes alone without outlines", paper=_HE)
CIRCULAR_MASK_RCNN = _method("circular_mask_rcnn", "mask_rcnn", "Mask R-CNN with circular anchors", paper=_HE)
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
YOLO11 = _method("yolo11", "yolo11", "YOLO11, Ultralytics' (AGPL-3.0)", paper=_YOLO11, extra="yolo")
YOLO26 = _method("yolo26", "yolo26", "YOLO26, Ultralytics' (AGPL-3.0)", paper=_YOLO26, extra="yolo")

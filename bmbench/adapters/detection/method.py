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
from bmbench.adapters.method import Beside, Decode, Detector, Licence, Method
from bmbench.adapters.network_sizes import PARAMETERS
from bmbench.core.types import Pixels

if TYPE_CHECKING:
    from bmbench.adapters.detection.detector import BoxDetector

DETECTRON2 = Beside(
    module="detectron2",
    command="pip install --no-build-isolation 'git+https://github.com/facebookresearch/detectron2'",
)
_TORCHVISION = Licence(name="BSD-3-Clause", package="torchvision")
_ULTRALYTICS = Licence(name="AGPL-3.0", package="ultralytics-opencv-headless")
_TRANSFORMERS = Licence(name="Apache-2.0", package="transformers")
_DETECTRON2 = Licence(name="Apache-2.0", package="detectron2")
_OWN = Licence(name="Apache-2.0", package="bmbench")
_LIN = "Lin et al., Focal loss for dense object detection, ICCV 2017"
_GRAEBEL = "Graebel et al., Circular anchors for the detection of hematopoietic cells, ISBI 2020"
_TIAN = "Tian et al., FCOS: fully convolutional one-stage object detection, ICCV 2019"
_HE = "He et al., Mask R-CNN, ICCV 2017"
_REDMON = "Redmon & Farhadi, YOLOv3: an incremental improvement, arXiv 1804.02767, 2018"
_JOCHER = "Jocher et al., Ultralytics YOLO, 2023, https://github.com/ultralytics/ultralytics"
_YOLO11 = "Jocher & Qiu, Ultralytics YOLO11, 2024, https://github.com/ultralytics/ultralytics"
_LV = "Lv et al., RT-DETRv2: improved baseline with bag-of-freebies, arXiv 2407.17140, 2024"
_HUANG = "Huang et al., Real-time object detection meets DINOv3 (DEIMv2), arXiv 2509.20787, 2025"
_YOLO26 = "Jocher & Qiu, Ultralytics YOLO26, 2026, https://github.com/ultralytics/ultralytics"


def _fit(request: FitRequest, *, family: str) -> Detector:
    with environment_kept():
        from bmbench.adapters.detection.detector import BoxDetector
        from bmbench.adapters.detection.training import fit

        network, facts, settings = fit(request, family)
    return BoxDetector(family=family, settings=settings, facts=facts, network=network)


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
    name: str,
    family: str,
    title: str,
    *,
    paper: str,
    licence: Licence,
    extra: str = "train",
    beside: Beside | None = None,
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
        outlines=family == "mask_rcnn",
        points=True,
        licence=licence,
        parameters=PARAMETERS.get(name, {}),
        ensemble=_ensemble,
        space=space_of(name),
        infer=_infer,
    )


RETINANET = _method("retinanet", "retinanet", "RetinaNet", paper=_LIN, licence=_TORCHVISION)
CIRCULAR_RETINANET = _method(
    "circular_retinanet",
    "retinanet",
    "RetinaNet with circular anchors",
    paper=_GRAEBEL,
    licence=_TORCHVISION,
)
FCOS = _method("fcos", "fcos", "FCOS", paper=_TIAN, licence=_TORCHVISION)
MASK_RCNN = _method(
    "mask_rcnn", "mask_rcnn", "Mask R-CNN; boxes alone without outlines", paper=_HE, licence=_TORCHVISION
)
CIRCULAR_MASK_RCNN = _method(
    "circular_mask_rcnn",
    "mask_rcnn",
    "Mask R-CNN with circular anchors",
    paper=_HE,
    licence=_TORCHVISION,
)
YOLOV3 = _method("yolov3", "yolov3", "YOLO v3", paper=_REDMON, licence=_OWN)
DETECTRON2_RETINANET = _method(
    "detectron2_retinanet",
    "retinanet",
    "RetinaNet, detectron2's",
    paper=_LIN,
    licence=_DETECTRON2,
    beside=DETECTRON2,
)
DETECTRON2_MASK_RCNN = _method(
    "detectron2_mask_rcnn",
    "mask_rcnn",
    "Mask R-CNN, detectron2's; boxes alone without outlines",
    paper=_HE,
    licence=_DETECTRON2,
    beside=DETECTRON2,
)


def _of_ultralytics(name: str, title: str, *, paper: str) -> Method:
    title = f"{title}, Ultralytics' (AGPL-3.0)"
    return _method(name, name, title, paper=paper, licence=_ULTRALYTICS, extra="yolo")


def _of_transformers(name: str, title: str, *, paper: str) -> Method:
    return _method(name, name, title, paper=paper, licence=_TRANSFORMERS, extra="detr")


YOLOV3U = _of_ultralytics("yolov3u", "YOLO v3 with a later head", paper=_JOCHER)
YOLO11 = _of_ultralytics("yolo11", "YOLO11", paper=_YOLO11)
YOLO26 = _of_ultralytics("yolo26", "YOLO26", paper=_YOLO26)
RT_DETR_V2 = _of_transformers("rt_detr_v2", "RT-DETRv2, a transformer", paper=_LV)
DEIM_V2 = _of_transformers("deim_v2", "DEIMv2, a transformer", paper=_HUANG)

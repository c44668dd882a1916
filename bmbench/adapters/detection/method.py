"""The detectors of boxes and circles."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from bmbench.adapters.detection.profiles import (
    MASK_PAPER,
    MASK_QUICK,
    PAPER,
    QUICK,
    YOLO_PAPER,
    YOLO_QUICK,
    YOLO_U_PAPER,
    YOLO_U_QUICK,
)
from bmbench.adapters.detection.search_space import space_of
from bmbench.adapters.learning.reproducible import environment_kept
from bmbench.adapters.method import Beside, Method

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bmbench.adapters.detection.detector import BoxDetector
    from bmbench.adapters.method import Decode, Detector, FitRequest
    from bmbench.core.types import Pixels


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


def _look(detector: Detector, image: Pixels) -> Decode:
    with environment_kept():
        from bmbench.adapters.detection.detector import look

        return look(cast("BoxDetector", detector), image)


DETECTRON2 = Beside(
    module="detectron2",
    command="pip install --no-build-isolation 'git+https://github.com/facebookresearch/detectron2'",
)


def _method(
    name: str,
    *,
    title: str,
    family: str,
    paper: str,
    settings: Mapping[str, Any],
    extra: str = "train",
    beside: Beside | None = None,
) -> Method:
    return Method(
        name=name,
        title=title,
        family=family,
        paper=paper,
        settings=MappingProxyType(settings),
        fit=partial(_fit, family=name),
        load=_load,
        extra=extra,
        beside=beside,
        artefact_class=True,
        cell_classes=True,
        ensemble=_ensemble,
        space=space_of(name),
        look=_look,
    )


RETINANET = _method(
    "retinanet",
    title="RetinaNet",
    family="retinanet",
    paper="Lin et al., Focal loss for dense object detection, ICCV 2017",
    settings={"quick": QUICK, "paper": PAPER},
)
CIRCULAR_RETINANET = _method(
    "circular_retinanet",
    title="RetinaNet with circular anchors",
    family="retinanet",
    paper="Graebel et al., Circular anchors for the detection of hematopoietic cells, ISBI 2020",
    settings={"quick": QUICK, "paper": PAPER},
)
MASK_RCNN = _method(
    "mask_rcnn",
    title="Mask R-CNN; boxes alone without outlines",
    family="mask_rcnn",
    paper="He et al., Mask R-CNN, ICCV 2017",
    settings={"quick": MASK_QUICK, "paper": MASK_PAPER},
)
YOLOV3 = _method(
    "yolov3",
    title="YOLO v3",
    family="yolov3",
    paper="Redmon & Farhadi, YOLOv3: an incremental improvement, arXiv 1804.02767, 2018",
    settings={"quick": YOLO_QUICK, "paper": YOLO_PAPER},
)
DETECTRON2_RETINANET = _method(
    "detectron2_retinanet",
    title="RetinaNet, detectron2's",
    family="retinanet",
    paper="Lin et al., Focal loss for dense object detection, ICCV 2017",
    settings={"quick": QUICK, "paper": PAPER},
    beside=DETECTRON2,
)
DETECTRON2_MASK_RCNN = _method(
    "detectron2_mask_rcnn",
    title="Mask R-CNN, detectron2's; boxes alone without outlines",
    family="mask_rcnn",
    paper="He et al., Mask R-CNN, ICCV 2017",
    settings={"quick": MASK_QUICK, "paper": MASK_PAPER},
    beside=DETECTRON2,
)
YOLOV3U = _method(
    "yolov3u",
    title="YOLO v3 with a later head, Ultralytics' (AGPL-3.0)",
    family="yolov3u",
    paper="Jocher et al., Ultralytics YOLO, 2023, https://github.com/ultralytics/ultralytics",
    settings={"quick": YOLO_U_QUICK, "paper": YOLO_U_PAPER},
    extra="yolo",
)

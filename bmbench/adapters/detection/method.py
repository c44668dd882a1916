"""The detectors of boxes and circles."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from bmbench.adapters.detection.settings import MASK_PAPER, MASK_QUICK, PAPER, QUICK, YOLO_PAPER, YOLO_QUICK
from bmbench.adapters.detection.space import space_of
from bmbench.adapters.method import Method
from bmbench.adapters.reproducible import environment_kept

if TYPE_CHECKING:
    from collections.abc import Sequence
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


RETINANET = Method(
    name="retinanet",
    title="RetinaNet on torchvision, anchors from the training cells",
    family="retinanet",
    paper="Lin et al., Focal loss for dense object detection, ICCV 2017",
    settings=MappingProxyType({"quick": QUICK, "paper": PAPER}),
    fit=partial(_fit, family="retinanet"),
    load=_load,
    extra="train",
    artefact_class=True,
    ensemble=_ensemble,
    space=space_of("retinanet"),
    look=_look,
)
CIRCULAR_RETINANET = Method(
    name="circular_retinanet",
    title="RetinaNet with circular anchors, circle overlap and three regression targets",
    family="retinanet",
    paper="Graebel et al., Circular anchors for the detection of hematopoietic cells, ISBI 2020",
    settings=MappingProxyType({"quick": QUICK, "paper": PAPER}),
    fit=partial(_fit, family="circular_retinanet"),
    load=_load,
    extra="train",
    artefact_class=True,
    ensemble=_ensemble,
    space=space_of("circular_retinanet"),
    look=_look,
)
MASK_RCNN = Method(
    name="mask_rcnn",
    title="Mask R-CNN on torchvision; boxes alone where not every cell has an outline",
    family="mask_rcnn",
    paper="He et al., Mask R-CNN, ICCV 2017",
    settings=MappingProxyType({"quick": MASK_QUICK, "paper": MASK_PAPER}),
    fit=partial(_fit, family="mask_rcnn"),
    load=_load,
    extra="train",
    artefact_class=True,
    ensemble=_ensemble,
    space=space_of("mask_rcnn"),
    look=_look,
)
YOLOV3 = Method(
    name="yolov3",
    title="YOLO v3 in plain torch, anchors clustered from the training cells",
    family="yolov3",
    paper="Redmon & Farhadi, YOLOv3: an incremental improvement, arXiv 1804.02767, 2018",
    settings=MappingProxyType({"quick": YOLO_QUICK, "paper": YOLO_PAPER}),
    fit=partial(_fit, family="yolov3"),
    load=_load,
    extra="train",
    artefact_class=True,
    ensemble=_ensemble,
    space=space_of("yolov3"),
    look=_look,
)

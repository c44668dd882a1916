"""The detectors of boxes and circles; minutes on two cores (quick), days on a graphics card (paper).

Better settings are looked for in the study's list (Graebel et al. 2021, Methods). The confidence threshold of
that list is not drawn: at every trial it is the best one of all there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from bmbench.adapters.detection.settings import (
    CommonSettings,
    DetectorSettings,
    MaskRCNNSettings,
    YoloSettings,
    YoloUSettings,
)
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.reproducible import environment_kept
from bmbench.adapters.method import Beside, Decode, Detector, Method
from bmbench.adapters.search_space import Choice, Range, Real, Space
from bmbench.core.types import Pixels

if TYPE_CHECKING:
    from bmbench.adapters.detection.detector import BoxDetector

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


_LEARNED: Mapping[str, Range] = {
    "optimiser": Choice(options=("adamw", "adam", "sgd")),
    "learning_rate": Real(low=2e-4, high=1e-2, log=True),
    "weight_decay": Real(low=1e-5, high=1e-1, log=True),
    "momentum": Real(low=0.8, high=0.98, when=("optimiser", "sgd")),
    "weak_shrink": Real(low=0.0, high=0.2),
    "nms_iou": Real(low=0.3, high=0.7),
}
_SIZES: Mapping[str, Mapping[str, Range]] = {
    "quick": {"patch_px": Choice(options=(128, 160, 224)), "batch": Choice(options=(4, 8))},
    "paper": {"patch_px": Choice(options=(256, 512)), "batch": Choice(options=(8, 16))},
}
_OF_FAMILY: Mapping[str, Mapping[str, Range]] = {
    "retinanet": {"positive": Real(low=0.4, high=0.6)},
    "circular_retinanet": {"positive": Real(low=0.4, high=0.6)},
    "mask_rcnn": {"positive": Real(low=0.5, high=0.7), "mask": Choice(options=("auto", "off"))},
    "detectron2_retinanet": {"positive": Real(low=0.4, high=0.6)},
    "detectron2_mask_rcnn": {"positive": Real(low=0.5, high=0.7), "mask": Choice(options=("auto", "off"))},
    "yolov3": {"ignore_iou": Real(low=0.4, high=0.7)},
    "yolov3u": {"places": Choice(options=(5, 10, 15))},
}
_PATCHES: Mapping[str, Mapping[str, Range]] = {
    # Its cells are 40 px wide where those of the others are 24.
    "yolov3u": {"patch_px": Choice(options=(192, 256, 352))},
}
_MERGING: Mapping[str, Range] = {
    "anms_share": Real(low=0.5, high=1.0),
    "anms_rival": Real(low=0.0, high=1.0),
    "wbc_iou": Real(low=0.1, high=0.7),
    "wbc_missing": Real(low=0.0, high=1.0),
    "wbc_floor": Real(low=0.0, high=0.05),
    "wbc_area": Real(low=0.0, high=1.0),
}


def space_of(family: str) -> Mapping[str, Space]:
    """The search space of that family, by profile."""
    own = _OF_FAMILY[family]
    quick = {**_SIZES["quick"], **_PATCHES.get(family, {})}
    return MappingProxyType(
        {
            profile: Space(
                learned={**_LEARNED, **own, **sizes},
                decoded=_MERGING,
                # With a mask branch the loss has one part more.
                yardstick=("mask",) if "mask" in own else (),
            )
            for profile, sizes in ({**_SIZES, "quick": quick}).items()
        }
    )


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

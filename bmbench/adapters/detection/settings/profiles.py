"""The settings of each family by profile; minutes on two cores (quick), days on a graphics card (paper)."""

from collections.abc import Mapping
from typing import Any

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
}
_ANCHORS: Mapping[str, Any] = {"scales": 3, "ratios": 3}
_TWO_STAGES: Mapping[str, Mapping[str, Any]] = {
    "quick": {"batch": 4, "shard": 2, "learning_rate": 1e-3},
    "paper": {
        **_LONG,
        **_RESNET50,
        **_ANCHORS,
        "proposals": 2000,
        "proposals_kept": 1000,
        "regions": 512,
        "features": 1024,
        "mask_layers": 4,
        "mask_width": 256,
    },
}
_TILES_AS_PATCHES: Mapping[str, Mapping[str, Any]] = {
    "quick": {"tile_px": 256, "overlap_px": 96},
    "paper": {"tile_px": 512, "overlap_px": 128},
}
"""Of networks with attention, whose every place looks at a whole tile: what they say of a cell depends on how
large that is."""
PROFILES: Mapping[str, Mapping[str, CommonSettings]] = {
    "retinanet": {"quick": RetinaNetSettings(), "paper": RetinaNetSettings(**_LONG, **_RESNET50, **_ANCHORS)},
    "detectron2_retinanet": {
        "quick": DetectorSettings(),
        "paper": DetectorSettings(**_LONG, **_RESNET50, **_ANCHORS),
    },
    "fcos": {"quick": FcosSettings(), "paper": FcosSettings(**_LONG, **_RESNET50)},
    "mask_rcnn": {
        "quick": TaughtMaskRCNNSettings(**_TWO_STAGES["quick"]),
        "paper": TaughtMaskRCNNSettings(**_TWO_STAGES["paper"]),
    },
    "detectron2_mask_rcnn": {
        "quick": MaskRCNNSettings(**_TWO_STAGES["quick"]),
        "paper": MaskRCNNSettings(**_TWO_STAGES["paper"]),
    },
    "yolov3": {
        "quick": YoloSettings(),
        "paper": YoloSettings(**_LONG, backbone="darknet53", width=32, finest=3, coarsest=5),
    },
    "yolov3u": {
        "quick": UltralyticsSettings(),
        "paper": UltralyticsSettings(**_LONG, network="yolov3", width_multiple=1.0),
    },
    **{
        name: {
            "quick": UltralyticsSettings(
                network=f"{name}n", width_multiple=1.0, **_TILES_AS_PATCHES["quick"]
            ),
            "paper": UltralyticsSettings(
                **{**_LONG, **_TILES_AS_PATCHES["paper"]}, network=f"{name}m", width_multiple=1.0
            ),
        }
        for name in ("yolo11", "yolo26")
    },
    **{
        name: {
            "quick": DetrSettings(),
            "paper": DetrSettings(
                **{**_LONG, **_TILES_AS_PATCHES["paper"]}, backbone="resnet50", width=256, layers=6
            ),
        }
        for name in ("rt_detr_v2", "deim_v2")
    },
}
"""The settings of each family as the boards name it, or of a method that has others than its family."""

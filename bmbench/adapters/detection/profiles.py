"""The settings of each detector: minutes on two cores (quick), days on a graphics card (paper)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bmbench.adapters.detection.settings import (
    DetectorSettings,
    MaskRCNNSettings,
    YoloSettings,
    YoloUSettings,
)

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

QUICK = DetectorSettings()
PAPER = DetectorSettings(**_LONG, **_RESNET50)
MASK_QUICK = MaskRCNNSettings(batch=4, shard=2, learning_rate=1e-3)
MASK_PAPER = MaskRCNNSettings(
    **_LONG, **_RESNET50, proposals=2000, proposals_kept=1000, regions=512, features=1024
)
YOLO_QUICK = YoloSettings()
YOLO_PAPER = YoloSettings(**_LONG, backbone="darknet53", width=32, finest=3, coarsest=5)
YOLO_U_QUICK = YoloUSettings()
YOLO_U_PAPER = YoloUSettings(**_LONG, network="yolov3", width_multiple=1.0)

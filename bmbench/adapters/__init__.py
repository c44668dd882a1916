"""One detector family per module behind one interface; `METHODS` is the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.core.registry import Registry

if TYPE_CHECKING:
    from bmbench.adapters.method import Method

METHODS: Registry[Method] = Registry(
    "method",
    (
        ("unet_shrink_contour", "bmbench.adapters.unet.method:UNET_SHRINK_CONTOUR"),
        ("unet_shrink", "bmbench.adapters.unet.method:UNET_SHRINK"),
        ("unet_dont_care", "bmbench.adapters.unet.method:UNET_DONT_CARE"),
        ("unet_distance", "bmbench.adapters.unet.method:UNET_DISTANCE"),
        ("unet_sigmoid", "bmbench.adapters.unet.method:UNET_SIGMOID"),
        ("unet_statistical", "bmbench.adapters.unet.method:UNET_STATISTICAL"),
        ("unet_statistical_scaled", "bmbench.adapters.unet.method:UNET_STATISTICAL_SCALED"),
        ("retinanet", "bmbench.adapters.detection.method:RETINANET"),
        ("circular_retinanet", "bmbench.adapters.detection.method:CIRCULAR_RETINANET"),
        ("mask_rcnn", "bmbench.adapters.detection.method:MASK_RCNN"),
        ("yolov3", "bmbench.adapters.detection.method:YOLOV3"),
        ("detectron2_retinanet", "bmbench.adapters.detection.method:DETECTRON2_RETINANET"),
        ("detectron2_mask_rcnn", "bmbench.adapters.detection.method:DETECTRON2_MASK_RCNN"),
        ("yolov3u", "bmbench.adapters.detection.method:YOLOV3U"),
        ("blob_log", "bmbench.adapters.blob_log:METHOD"),
    ),
)

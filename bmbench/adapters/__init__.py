"""One detector family a module behind one interface; `METHODS` is the table.

::

    method          what a method is, and what a detector is
    network_sizes   how many parameters their networks have
    search_space    where better settings are looked for, as data
    ranges          what the numbers among settings may be
    ensemble        several fitted detectors as one
    plugin          methods of other packages, watched while they work
    bare            a method from any object with `fit(images, boxes)` and `predict(image)`
    learned_state   what such an object has learned, on disk
    blob_log        dark blobs, without learning
    unet/           U-Nets that learn a map, and a watershed that finds cells in it
    classifier/     a second stage that says the class of each cell, behind any method
    detection/      networks that find boxes or circles, and what becomes of their votes
    encoders/       encoders of timm in place of the first layers of a network
    learning/       how any network here learns: what it is given, the steps, stopping and going on
    images/         working scale, random training patches, tiles of large images
"""

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
        ("stardist", "bmbench.adapters.unet.head_methods:STARDIST"),
        ("heatmap", "bmbench.adapters.unet.head_methods:HEATMAP"),
        ("hover", "bmbench.adapters.unet.head_methods:HOVER"),
        ("flow", "bmbench.adapters.unet.head_methods:FLOW"),
        ("retinanet", "bmbench.adapters.detection.method:RETINANET"),
        ("circular_retinanet", "bmbench.adapters.detection.method:CIRCULAR_RETINANET"),
        ("fcos", "bmbench.adapters.detection.method:FCOS"),
        ("mask_rcnn", "bmbench.adapters.detection.method:MASK_RCNN"),
        ("circular_mask_rcnn", "bmbench.adapters.detection.method:CIRCULAR_MASK_RCNN"),
        ("yolov3", "bmbench.adapters.detection.method:YOLOV3"),
        ("detectron2_retinanet", "bmbench.adapters.detection.method:DETECTRON2_RETINANET"),
        ("detectron2_mask_rcnn", "bmbench.adapters.detection.method:DETECTRON2_MASK_RCNN"),
        ("yolov3u", "bmbench.adapters.detection.method:YOLOV3U"),
        ("yolo11", "bmbench.adapters.detection.method:YOLO11"),
        ("yolo26", "bmbench.adapters.detection.method:YOLO26"),
        ("rt_detr_v2", "bmbench.adapters.detection.method:RT_DETR_V2"),
        ("deim_v2", "bmbench.adapters.detection.method:DEIM_V2"),
        ("blob_log", "bmbench.adapters.blob_log:METHOD"),
    ),
    group="bmbench.methods",
    adopt="bmbench.adapters.plugin:adopt_method",
    by_place=True,
    stages={"crops": "bmbench.adapters.classifier.second_stage:with_classifier"},
)

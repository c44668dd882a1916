"""Readers and writers of other programs' files: one table, one record a format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.core.registry import Registry

if TYPE_CHECKING:
    from bmbench.datasets.codecs.codec import Codec

FORMATS: Registry[Codec] = Registry(
    "format",
    (
        ("coco", "bmbench.datasets.codecs.coco_format:CODEC"),
        ("voc", "bmbench.datasets.codecs.voc:CODEC"),
        ("yolo", "bmbench.datasets.codecs.yolo:CODEC"),
        ("yolo-seg", "bmbench.datasets.codecs.yolo:CODEC_POLYGONS"),
        ("qupath", "bmbench.datasets.codecs.qupath_format:CODEC"),
        ("labelme", "bmbench.datasets.codecs.labelme:CODEC"),
        ("cvat", "bmbench.datasets.codecs.cvat:CODEC"),
        ("labels", "bmbench.datasets.codecs.label_image:CODEC"),
        ("imagej", "bmbench.datasets.codecs.imagej:CODEC"),
        ("csv", "bmbench.datasets.codecs.points_csv:CODEC"),
    ),
)
"""Every format that bmbench reads and writes."""

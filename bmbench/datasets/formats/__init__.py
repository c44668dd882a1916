"""Readers and writers of other programs' files: one table, one record a format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.core.registry import Registry

if TYPE_CHECKING:
    from bmbench.datasets.formats.codec import Codec

FORMATS: Registry[Codec] = Registry(
    "format",
    (
        ("coco", "bmbench.datasets.formats.coco.codec:CODEC"),
        ("voc", "bmbench.datasets.formats.voc:CODEC"),
        ("yolo", "bmbench.datasets.formats.yolo:CODEC"),
        ("yolo-seg", "bmbench.datasets.formats.yolo:CODEC_POLYGONS"),
        ("qupath", "bmbench.datasets.formats.qupath.codec:CODEC"),
        ("labelme", "bmbench.datasets.formats.labelme:CODEC"),
        ("cvat", "bmbench.datasets.formats.cvat:CODEC"),
        ("labels", "bmbench.datasets.formats.label_image:CODEC"),
        ("imagej", "bmbench.datasets.formats.imagej:CODEC"),
        ("csv", "bmbench.datasets.formats.points_csv:CODEC"),
    ),
)
"""Every format that bmbench reads and writes."""

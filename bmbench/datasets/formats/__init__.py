"""Readers and writers of other programs' files: one table, one record a format.

::

    codec               what a format is: a name, how it is recognised, read and written
    recognise           the way in: any file or folder, found, read and put together
    layout, folder_words      the finder: how the files of a set lie, whoever made it
    file_kinds, other_programs     which format a file is in; what is known and not read
    maker_split         the maker's split, from lists, entries and folders
    groups              which images are of one patient or slide
    settle, passed_over        what holds for a set in whatever format
    slide_regions       areas that somebody annotated on slides, each an image
    marks               drawn objects before they belong to a data set
    masks, ring_nesting                             shapes: run-length masks, rings with holes
    annotation_folder, images_beside                one annotation file an image, and the images beside
    coco, voc, yolo, yolo_names, qupath, labelme, cvat, label_image, imagej, points_csv, csv_columns
    slide_tools, web_tools, segmenters, cellpose    the formats of `FORMATS`
    dicom_ann, dicom_seg       groups of graphics, and masks, in DICOM files
    kainz_points                                    the format of a single published set
    plugin                                          formats of other packages
    predictions, other_predictions, read_ahead      a detector's answers
"""

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
        ("via", "bmbench.datasets.formats.web_tools.via:CODEC"),
        ("imagescope", "bmbench.datasets.formats.slide_tools.imagescope:CODEC"),
        ("asap", "bmbench.datasets.formats.slide_tools.asap:CODEC"),
        ("ndpa", "bmbench.datasets.formats.slide_tools.ndpa:CODEC"),
        ("dicom", "bmbench.datasets.formats.slide_tools.dicom:CODEC"),
        ("cellpose", "bmbench.datasets.formats.cellpose:CODEC"),
        ("labelstudio", "bmbench.datasets.formats.web_tools.label_studio:CODEC"),
        ("supervisely", "bmbench.datasets.formats.web_tools.supervisely:CODEC"),
        ("hovernet", "bmbench.datasets.formats.segmenters.cell_dictionaries:CODEC"),
        ("tiatoolbox", "bmbench.datasets.formats.segmenters.annotation_store:CODEC"),
    ),
    group="bmbench.formats",
    adopt="bmbench.datasets.formats.plugin:adopt_codec",
)
"""Every format that bmbench reads; most are written too."""

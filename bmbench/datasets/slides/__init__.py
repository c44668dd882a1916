"""Readers of whole-slide images and plain images behind one record, and the choice of tissue on them.

::

    slide          what a slide is: size, pixel size, levels, and a function that reads a part
    tiff           pyramidal TIFF and OME-TIFF
    vendor         scanners' own formats, through OpenSlide
    dicom          DICOM slides, through wsidicom
    dicom_series   what a folder of DICOM files holds
    ome_zarr       OME-Zarr images
    zarr_arrays    their arrays, chunk by chunk
    opening        which reader opens which file
    whole_images   images of data sets, slides among them
    region_images  parts of slides as images by themselves
    tissue         where anything is stained
"""

from bmbench.datasets.slides.opening import SLIDE_SUFFIXES, opened, slide_files
from bmbench.datasets.slides.slide import Slide, UnreadableImageError, read_region, read_scaled

__all__ = [
    "SLIDE_SUFFIXES",
    "Slide",
    "UnreadableImageError",
    "opened",
    "read_region",
    "read_scaled",
    "slide_files",
]

"""Readers of whole-slide images and plain images behind one record, and the choice of tissue on them."""

from bmbench.datasets.slides.opening import SLIDE_SUFFIXES, opened, slide_files
from bmbench.datasets.slides.slide import Slide, read_region

__all__ = ["SLIDE_SUFFIXES", "Slide", "opened", "read_region", "slide_files"]

"""A generator of Pappenheim-stained bone-marrow smears with exact contours and cell-like artefacts."""

from bmbench.datasets.synthetic.dataset import synthesise

__all__ = ["synthesise"]

"""A generator of Pappenheim-stained bone-marrow smears with exact contours and cell-like artefacts.

::

    kinds     cells and artefacts: sizes, nuclei, stains
    outline   star-shaped outlines that grow, press and hide
    scene     where everything lies on an image, and what of it is annotated
    stain     Pappenheim colours, how slides differ, and the same smears in other stains
    canvas    the field of view as optical density, with noise from chromatin grains to clouds
    cells     nucleated cells, with nuclei of many forms, and red cells, painted
    render    a scene → pixels: artefacts, platelets and precipitate, painted; light, lens and camera
    dataset   the embedded data set; `bmbench datasets synthesise`
    mosaic    a whole slide with known cells
    marrow_1  the embedded data set that tells methods apart: harder objects, more looks, labels of people
"""

from bmbench.datasets.synthetic.dataset import synthesise

__all__ = ["synthesise"]

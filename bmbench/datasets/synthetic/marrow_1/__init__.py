"""`marrow_1`: an embedded data set that tells methods apart, drawn by the generator of synthetic smears.

::

    objects    cells, artefacts and look-alikes: what is hard about them, by tier, and how often they come
    slides     how slides differ, and the looks of test slides that no training slide has
    fields     where everything lies on one field of view
    painting   cut cells and stain precipitate, painted; everything else is painted as on other smears
    raters     the marks of people: what they miss, and what they take for a cell
    dataset    subsets, training data in three sizes, `bmbench run --dataset marrow_1`
"""

"""Where to count on a slide: fields in a single layer, not crushed, in focus, with cells enough.

::

    measures      nuclei of a field: how many, how many of them stand alone, how wide their edges are
    choose        a slide → its fields, measured, ranked and chosen to a wanted number of cells
    area_files    the chosen fields as GeoJSON to correct, and on a picture of the slide

Nothing here has learned anything: every limit is a named constant with its unit and its reason.
"""

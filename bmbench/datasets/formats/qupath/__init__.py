"""GeoJSON as QuPath writes and reads it.

::

    schema     the members of a feature that are read
    properties kind, class and measurements of an object
    shapes     polygons, ellipses and holes → contours
    positions  lists of positions, checked
    features   objects one by one, out of a file of any size
    written    objects one by one, as QuPath reads them
    geojson    a file ↔ marks of one image
    class_outlines  all cells of a class in one object, taken apart
    areas      which objects mark a cell, and which are areas
    codec      the format's record
"""

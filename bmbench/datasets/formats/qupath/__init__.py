"""GeoJSON as QuPath writes and reads it.

::

    schema     the members of a feature that are read
    shapes     polygons, ellipses and holes → contours
    features   objects one by one, out of a file of any size
    geojson    a file ↔ marks of one image
    codec      the format's record
"""

"""COCO JSON, the canonical form.

::

    objects   one annotation's geometry: box, circle, centre, contour, role
    samples   a file ↔ images with annotations, outlines included
    columns   a file → the flat columns that scoring reads
    codec     the format's record
"""

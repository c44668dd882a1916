"""COCO JSON, the canonical form.

::

    objects   the annotations of a file: box, centre, role, decided once
    outlines  one annotation's polygons or run lengths
    records   samples as the records of a file
    turned    boxes that CVAT turned
    texts     numbers that a program wrote as texts
    samples   a file ↔ images with annotations, outlines included
    columns   a file → the flat columns that scoring reads
    codec     the format's record
"""

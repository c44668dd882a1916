"""What becomes of many predictions of the same cells: boxes and circles, numpy alone.

::

    overlaps       areas, shared areas, which shapes overlap at all
    suppression    the most confident of those that overlap (NMS), none inside a larger one (ANMS),
                   or of those with near centres
    clustering     one weighted mean of those that overlap (weighted box clustering)

A shape is a row of an (n, 4) array of boxes (x0, y0, x1, y1) or of an (n, 3) array of circles (x, y, radius).
No result depends on the order of the rows.
"""

"""What a U-Net may say of cells beside a depth, and how cells are read from that.

::

    settings         every number that a user may change, by method and profile
    head             target, loss, maps and cells of a method; the table of heads
    object_map       annotations → owner of each pixel of a patch, beyond its edge too
    flow             directions towards the middle, which pixels follow
    heatmap          centres as peaks, and sizes
    hover            places right and below of the middle; a watershed along their gradients
    stardist         probability of an object, and distances along rays
    star_polygons    polygons from distances; those that overlap suppressed
    outlined_cells   outlines, or labels → detections
"""

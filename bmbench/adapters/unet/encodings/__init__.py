"""What a U-Net is taught of an annotated cell, and how its map is undone.

::

    encoding            depth → target, loss and map of a method; the table of encodings
    object_pixels       what an encoding is given of an object, and what it makes of it
    depth_map           annotations → owner and depth of each pixel
    level_maps          the same as one number a pixel, which turns with the picture and is looked up
    levels              one number a pixel that its target is looked up by
    pixel_targets       eroded shapes; the depth itself, or a sigmoid of it; frequencies of foreground
    foreground_curve    that frequency, measured
    cell_classes        which class a pixel's cell is, where classes are told apart
    losses              maps and targets → losses
    pictures            all targets in one picture
"""

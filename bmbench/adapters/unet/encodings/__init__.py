"""What a U-Net is taught of an annotated cell, and how its map is undone.

::

    encoding            depth → target, loss and map of a method; the table of encodings
    depth_map           annotations → owner and depth of each pixel
    shrink              eroded shapes, so that touching cells become separate
    distance            the depth itself, or a sigmoid of it
    statistical         how often a pixel of that depth is foreground
    foreground_curve    that frequency, measured
    losses              maps and targets → losses
    pictures            all targets in one picture
"""

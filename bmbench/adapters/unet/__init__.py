"""U-Nets that learn a map from circles or contours, and find cells in the map by a watershed.

::

    settings       every number that a user may change, by profile
    depth          annotations → owner and depth of each pixel
    encoding       depth → target, loss and map of a method; the encodings: shrink, distance, statistical
    curve          how likely foreground is at a depth, measured
    losses         maps and targets → losses
    sampling       images at working scale → training patches
    network        the U-Net
    training       patches → weights
    watershed      map → foreground → separate objects
    segmentation   objects → cells
    detector       image → map → detections; save and load
    pictures       all targets in one picture
    method         the cards
"""

"""U-Nets that learn a map from circles or contours, and find cells in the map by a watershed.

::

    method           the cards, and where better settings are looked for
    head_methods     the same of methods that say something else of cells than a map by depth
    settings         every number that a user may change, by profile
    encodings/       annotations → target, loss and map of each method
    heads/           what those say, what it is taught as, and how cells are read from it
    teaching         what training and detector ask of either
    network          the U-Net
    training         images at working scale → training patches → weights
    detector         image → map → detections; save and load
    segmentation     map → foreground → separate objects, by a watershed
    labelled_pixels  objects as lists of pixels, laid under each other to be looked at together
    object_outlines  objects → outlines, grown
    found_cells      objects → cells: class, outline, confidence
"""

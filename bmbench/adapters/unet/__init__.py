"""U-Nets that learn a map from circles or contours, and find cells in the map by a watershed.

::

    method           the cards, and where better settings are looked for
    settings         every number that a user may change, by profile
    encodings/       annotations → target, loss and map of each method
    network          the U-Net
    training         images at working scale → training patches → weights
    detector         image → map → detections; save and load
    segmentation     map → foreground → separate objects, by a watershed → cells
"""

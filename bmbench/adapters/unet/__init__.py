"""U-Nets that learn a map from circles or contours, and find cells in the map by a watershed.

::

    settings       every number that a user may change, by profile
    encoding       annotations → owner and depth of each pixel → the target of one method
    sampling       images at working scale → training patches
    network        the U-Net
    training       patches → weights
    segmentation   map → objects
    detector       image → map → detections; save and load
    method         the cards
"""

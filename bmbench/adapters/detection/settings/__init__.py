"""Every number of a detector that a user may change.

::

    common           what all detectors of boxes or circles have, and what those with anchors have beside it
    pyramid          RetinaNet, FCOS and Mask R-CNN
    yolo             YOLO v3, and Ultralytics' networks
    detr             the detection transformers of `transformers`
    profiles         the settings of each family, quick and paper
    search_spaces    where better ones are looked for
"""

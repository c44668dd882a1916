"""Detectors of boxes and circles: RetinaNet, its circular sister, Mask R-CNN, YOLO.

::

    method          the cards
    settings/       every number that a user may change, by profile, and where better ones are looked for
    labels          classes of cells: the labels that a network learns
    class_sizes     working scale, levels and anchors for classes that differ in size
    targets         annotations → what a network shall find in a patch, and of what it learns nothing
    networks/       the networks, and what makes one family different from another
    training        patches → weights
    detector        image → views → votes → cells; save and load
    views           mirror images and tiles, and which tile may say something of a cell
    merging/        many predictions of the same cells → one of each
"""

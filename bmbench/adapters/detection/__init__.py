"""Detectors of boxes and circles: RetinaNet, its circular sister, Mask R-CNN, YOLO v3.

::

    settings       every number that a user may change, by profile
    targets        annotations → what a network shall find in a patch, and where it must not be told off
    sizes          anchors from the training cells
    backbone       ResNet with a feature pyramid; weights from elsewhere
    transform      patches and tiles go into torchvision's networks as they are
    retinanet      torchvision's RetinaNet for boxes, and with anchors, coder, matcher and head for circles
    mask_rcnn      torchvision's Mask R-CNN
    yolov3         YOLO v3 in plain torch, called as torchvision's networks are
    families       what makes one detector different from another
    training       patches → weights
    seams          tiles, and which of them may say something of a cell
    outlines       masks → outlines
    detector       image → views → votes → cells; save and load
    method         the cards
"""

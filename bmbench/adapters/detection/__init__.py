"""Detectors of boxes and circles: RetinaNet, its circular sister, Mask R-CNN.

::

    settings       every number that a user may change, by profile
    targets        annotations → what a network shall find in a patch, and where it must not be told off
    sizes          anchors from the training cells
    backbone       ResNet with a feature pyramid; weights from elsewhere
    retinanet      torchvision's RetinaNet for boxes, and with anchors, coder, matcher and head for circles
    mask_rcnn      torchvision's Mask R-CNN
    training       patches → weights
    detector       image → views → votes → cells; save and load
    method         the cards
"""

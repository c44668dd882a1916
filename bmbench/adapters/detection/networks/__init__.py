"""Networks that find boxes or circles; all are called as torchvision's are.

::

    families               what makes one detector different from another: the table
    anchors                sizes from the training cells; which anchors learn nothing
    backbone               a ResNet, or an encoder of timm, with a feature pyramid
    weights                weights from elsewhere, without code from elsewhere
    losses                 those that can be chosen beside torchvision's own
    retinanet              torchvision's RetinaNet, for boxes and for circles
    fcos                   torchvision's FCOS
    mask_rcnn              torchvision's Mask R-CNN
    circular_mask_rcnn     the same with circular anchors
    yolov3                 YOLO v3 in plain torch
    ultralytics_networks   YOLO v3 with a later head to YOLO26, Ultralytics'
    transformers_networks  RT-DETRv2 and DEIMv2 of `transformers`
    detectron2_networks    RetinaNet and Mask R-CNN of detectron2
    detectron2_parts       its parts, which learn nothing from ignored objects
"""

"""Where better settings are looked for: in the study's list (Graebel et al. 2021, Methods).

The confidence threshold of that list is not drawn: at every trial it is the best one of all there are.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bmbench.adapters.search_space import Choice, Range, Real, Space

_LEARNED: Mapping[str, Range] = {
    "optimiser": Choice(options=("adamw", "adam", "sgd")),
    "learning_rate": Real(low=2e-4, high=1e-2, log=True),
    "weight_decay": Real(low=1e-5, high=1e-1, log=True),
    "momentum": Real(low=0.8, high=0.98, when=("optimiser", "sgd")),
    "weak_shrink": Real(low=0.0, high=0.2),
    "nms_iou": Real(low=0.3, high=0.7),
}
_SIZES: Mapping[str, Mapping[str, Range]] = {
    "quick": {"patch_px": Choice(options=(128, 160, 224)), "batch": Choice(options=(4, 8))},
    "paper": {
        "cell_px": Choice(options=(24.0, 40.0, 60.0)),
        "patch_px": Choice(options=(256, 384, 512)),
        "batch": Choice(options=(8, 16)),
    },
}
_ULTRALYTICS = ("yolov3u", "yolo11", "yolo26")
_NORMALISED: Mapping[str, Range] = {"normalisation": Choice(options=("group", "batch", "instance"))}
_BOX_LOSS: Mapping[str, Range] = {"box_loss": Choice(options=("l1", "smooth_l1", "giou"))}
_FOCUS: Mapping[str, Range] = {
    "focal_alpha": Choice(options=(0.25, 0.5)),
    "focal_gamma": Choice(options=(1.0, 2.0)),
}
_FOCUS_OR_NOT: Mapping[str, Range] = {
    "object_loss": Choice(options=("cross_entropy", "focal")),
    "focal_alpha": Choice(options=(0.25, 0.5), when=("object_loss", "focal")),
    "focal_gamma": Choice(options=(1.0, 2.0), when=("object_loss", "focal")),
}
_RETINANET: Mapping[str, Range] = {"positive": Real(low=0.4, high=0.6), **_BOX_LOSS, **_FOCUS}
_MASK_RCNN: Mapping[str, Range] = {
    "positive": Real(low=0.5, high=0.7),
    "mask": Choice(options=("auto", "off")),
}
_OF_FAMILY: Mapping[str, Mapping[str, Range]] = {
    "retinanet": {**_NORMALISED, **_RETINANET},
    "circular_retinanet": {**_NORMALISED, **_RETINANET},
    "fcos": {**_NORMALISED, "centre_strides": Real(low=0.75, high=2.5), **_BOX_LOSS, **_FOCUS},
    "mask_rcnn": {**_NORMALISED, **_MASK_RCNN, **_BOX_LOSS, **_FOCUS_OR_NOT},
    "circular_mask_rcnn": {**_NORMALISED, **_MASK_RCNN, **_BOX_LOSS, **_FOCUS_OR_NOT},
    "detectron2_retinanet": {"positive": Real(low=0.4, high=0.6)},
    "detectron2_mask_rcnn": _MASK_RCNN,
    "yolov3": {
        "ignore_iou": Real(low=0.4, high=0.7),
        "box_loss": Choice(options=("squared", "l1", "smooth_l1", "giou")),
        **_FOCUS_OR_NOT,
    },
    **{name: {"queries": Real(low=1.0, high=4.0)} for name in ("rt_detr_v2", "deim_v2")},
    **{name: {"places": Choice(options=(5, 10, 15))} for name in _ULTRALYTICS},
}
_LOSSES = ("mask", "box_loss", "object_loss", "focal_alpha", "focal_gamma")
_PATCHES: Mapping[str, Mapping[str, Range]] = {
    # Their cells are 40 px wide where those of the others are 24.
    **{name: {"patch_px": Choice(options=(192, 256, 352))} for name in _ULTRALYTICS},
}
_MERGING: Mapping[str, Range] = {
    "anms_share": Real(low=0.5, high=1.0),
    "anms_rival": Real(low=0.0, high=1.0),
    "wbc_iou": Real(low=0.1, high=0.7),
    "wbc_missing": Real(low=0.0, high=1.0),
    "wbc_floor": Real(low=0.0, high=0.05),
    "wbc_area": Real(low=0.0, high=1.0),
}


def space_of(family: str) -> Mapping[str, Space]:
    """The search space of that family, by profile."""
    own = _OF_FAMILY[family]
    quick = {**_SIZES["quick"], **_PATCHES.get(family, {})}
    return MappingProxyType(
        {
            profile: Space(
                learned={**_LEARNED, **own, **sizes},
                decoded=_MERGING,
                # For sets of points alone, so that a search of boxes tries nothing that changes nothing.
                applied=("centre_nms", "centre_share"),
                # With a mask branch the loss has one part more; others weigh their parts otherwise.
                yardstick=tuple(name for name in _LOSSES if name in own),
            )
            for profile, sizes in ({**_SIZES, "quick": quick}).items()
        }
    )

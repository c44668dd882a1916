"""How many parameters a method's network has, with the settings of each profile and one class of cells.

They stand here so that a list of methods need not load torch and build every network; a test counts them.
"""

from collections.abc import Mapping
from types import MappingProxyType

_UNET = {"quick": 486_553, "standard": 1_093_381, "paper": 7_763_041}
_HEAD = {"quick": 489_011, "paper": 7_800_515}
PARAMETERS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "unet_shrink_contour": {"quick": 486_562, "standard": 1_093_394, "paper": 7_763_074},
        "unet_shrink": _UNET,
        "unet_dont_care": _UNET,
        "unet_distance": _UNET,
        "unet_sigmoid": _UNET,
        "unet_statistical": _UNET,
        "unet_statistical_scaled": _UNET,
        "stardist": {"quick": 490_001, "paper": 7_804_385},
        "heatmap": _HEAD,
        "hover": _HEAD,
        "flow": _HEAD,
        "retinanet": {"quick": 1_601_812, "paper": 31_022_957},
        "circular_retinanet": {"quick": 1_599_504, "paper": 30_946_892},
        "fcos": {"quick": 1_594_246, "paper": 30_935_110},
        "mask_rcnn": {"quick": 2_294_432, "paper": 43_327_353},
        "circular_mask_rcnn": {"quick": 2_293_658, "paper": 43_316_822},
        "yolov3": {"quick": 2_163_238, "paper": 61_770_262},
        "yolov3u": {"quick": 3_208_026, "paper": 103_693_235},
        "yolo11": {"quick": 2_590_035, "paper": 20_053_779},
        "yolo26": {"quick": 2_504_190, "paper": 21_774_430},
        "rt_detr_v2": {"quick": 5_041_460, "paper": 42_781_763},
        "deim_v2": {"quick": 4_297_661, "paper": 39_784_527},
    }
)
"""Method → profile → number; Mask R-CNN with its mask branch, those of detectron2 uncounted."""

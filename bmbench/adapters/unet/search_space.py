"""Where better settings of a U-Net are looked for: the study's list (Graebel et al. 2021, Methods).

The confidence threshold of that list is not drawn: at every trial it is the best one of all there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bmbench.adapters.search_space import Choice, Range, Real, Space, Whole

_NETWORK: Mapping[str, Range] = {
    "depth": Whole(low=2, high=4),
    "normalisation": Choice(options=("batch", "instance", "group")),
}
_OPTIMISER: Mapping[str, Range] = {
    "optimiser": Choice(options=("adamw", "adam", "sgd")),
    "learning_rate": Real(low=3e-4, high=3e-2, log=True),
    "weight_decay": Real(low=1e-5, high=1e-1, log=True),
    "momentum": Real(low=0.8, high=0.98, when=("optimiser", "sgd")),
}
_LOSS: Mapping[str, Range] = {
    "loss": Choice(options=("cross_entropy", "squared")),
    "dice": Choice(options=(0.0, 1.0)),
    "foreground_weight": Real(low=0.5, high=4.0, log=True),
}
_CONTOUR: Mapping[str, Range] = {
    "contour": Real(low=0.05, high=0.2),
    "contour_weight": Real(low=0.5, high=8.0, log=True),
}
_SIZES: Mapping[str, Mapping[str, Range]] = {
    "quick": {"patch_px": Choice(options=(96, 128, 192)), "batch": Choice(options=(4, 8))},
    "paper": {"patch_px": Choice(options=(256, 512)), "batch": Choice(options=(8, 16))},
}
_SEGMENTATION: Mapping[str, Range] = {
    "lowest": Real(low=0.1, high=0.4),
    "highest": Real(low=0.4, high=0.8),
    "faint": Real(low=0.05, high=0.3),
    "opening": Real(low=0.0, high=0.2),
    "seeds": Choice(options=("depth", "map")),
    "marker": Real(low=0.4, high=0.95),
    "rise": Real(low=0.05, high=0.3),
    "smallest": Real(low=0.1, high=0.5),
}
_APPLIED = ("smooth", "flooding", "surround", "undo")
_YARDSTICK = ("loss", "dice")


def space_of(encoding: str) -> Mapping[str, Space]:
    """The search space of the method with that encoding, by profile."""
    contour = _CONTOUR if encoding == "shrink_contour" else {}
    return MappingProxyType(
        {
            profile: Space(
                learned={**_NETWORK, **_OPTIMISER, **_LOSS, **contour, **sizes},
                decoded=_SEGMENTATION,
                applied=_APPLIED,
                yardstick=_YARDSTICK,
            )
            for profile, sizes in _SIZES.items()
        }
    )

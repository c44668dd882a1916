"""The U-Net methods, and where better settings of them are looked for.

That is the study's list (Graebel et al. 2021, Methods). The confidence threshold of that list is not drawn:
at every trial it is the best one of all there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from bmbench.adapters.encoders.request import suited_to_encoder
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.reproducible import environment_kept
from bmbench.adapters.method import Decode, Detector, Licence, Method
from bmbench.adapters.network_sizes import PARAMETERS
from bmbench.adapters.search_space import Choice, Range, Real, Space, Whole
from bmbench.adapters.unet.settings import PROFILES
from bmbench.core.types import Pixels

if TYPE_CHECKING:
    from bmbench.adapters.unet.detector import UNetDetector

NETWORK: Mapping[str, Range] = {
    "depth": Whole(low=2, high=4),
    "normalisation": Choice(options=("batch", "instance", "group")),
}
OPTIMISER: Mapping[str, Range] = {
    "optimiser": Choice(options=("adamw", "adam", "sgd")),
    "learning_rate": Real(low=3e-4, high=3e-2, log=True),
    "weight_decay": Real(low=1e-5, high=1e-1, log=True),
    "momentum": Real(low=0.8, high=0.98, when=("optimiser", "sgd")),
}
_LOSS: Mapping[str, Range] = {
    "loss": Choice(options=("cross_entropy", "squared", "absolute")),
    "dice": Choice(options=(0.0, 1.0)),
    "foreground_weight": Real(low=0.5, high=4.0, log=True),
}
_CONTOUR: Mapping[str, Range] = {
    "contour": Real(low=0.05, high=0.2),
    "contour_weight": Real(low=0.5, high=8.0, log=True),
}
SIZES: Mapping[str, Mapping[str, Range]] = {
    "quick": {"patch_px": Choice(options=(96, 128, 192)), "batch": Choice(options=(4, 8))},
    "paper": {
        "cell_px": Choice(options=(24.0, 40.0, 60.0)),
        "patch_px": Choice(options=(256, 384, 512)),
        "batch": Choice(options=(8, 16)),
    },
}
_SEGMENTATION: Mapping[str, Range] = {
    "lowest": Real(low=0.1, high=0.4),
    "highest": Real(low=0.4, high=0.8),
    "faint": Real(low=0.05, high=0.3),
    "opening": Real(low=0.0, high=0.2),
    "seeds": Choice(options=("depth", "map")),
    "marker": Real(low=0.4, high=0.95),
    "rise": Real(low=0.05, high=0.3),
    "smallest": Real(low=0.1, high=1.0),
}
_APPLIED = ("smooth", "flooding", "surround", "undo", "marker_of", "smallest_px", "confidence_in")
_YARDSTICK = ("loss", "dice")


def space_of(encoding: str) -> Mapping[str, Space]:
    """The search space of the method with that encoding, by profile."""
    contour = _CONTOUR if encoding == "shrink_contour" else {}
    return MappingProxyType(
        {
            profile: Space(
                learned={**NETWORK, **OPTIMISER, **_LOSS, **contour, **sizes},
                decoded=_SEGMENTATION,
                applied=_APPLIED,
                yardstick=_YARDSTICK,
            )
            for profile, sizes in SIZES.items()
        }
    )


_PAPER = (
    "Graebel et al., State of the art cell detection in bone marrow whole slide images, "
    "J Pathol Inform 2021;12:36"
)


def _fit(request: FitRequest, *, encoding: str) -> Detector:
    with environment_kept():
        from bmbench.adapters.unet.detector import UNetDetector
        from bmbench.adapters.unet.encodings.encoding import fitted
        from bmbench.adapters.unet.training import fit

        request = suited_to_encoder(request)
        taught = fitted(encoding, request)
        network, calibration = fit(request, taught)
    return UNetDetector(encoding=taught, settings=request.settings, calibration=calibration, network=network)


def load_from(folder: Path) -> Detector:
    """The detector that was saved in a folder: with an encoding, or with a head."""
    with environment_kept():
        from bmbench.adapters.unet.detector import load

        return load(folder)


def _draw(request: FitRequest, path: Path) -> None:
    with environment_kept():
        from bmbench.adapters.unet.encodings.pictures import draw_targets

        draw_targets(request, path)


def ensemble_of(members: Sequence[Detector]) -> Detector:
    """Several fitted U-Nets of one method as one detector."""
    with environment_kept():
        from bmbench.adapters.unet.detector import ensemble

        return ensemble(cast("Sequence[UNetDetector]", members))


def infer_with(detector: Detector, image: Pixels) -> Decode:
    """The maps of an image, and what reads its cells from them with other settings."""
    with environment_kept():
        from bmbench.adapters.unet.detector import infer

        return infer(cast("UNetDetector", detector), image)


def _method(encoding: str, title: str) -> Method:
    return Method(
        name=f"unet_{encoding}",
        title=title,
        family="unet",
        paper=_PAPER,
        settings=PROFILES,
        fit=partial(_fit, encoding=encoding),
        load=load_from,
        extra="train",
        draw=_draw,
        artefact_class=True,
        cell_classes=True,
        outlines=True,
        points=True,
        licence=Licence(name="Apache-2.0", package="bmbench"),
        parameters=PARAMETERS[f"unet_{encoding}"],
        ensemble=ensemble_of,
        space=space_of(encoding),
        architecture=("depth", "width", "normalisation", "encoder", "cell_px", "features"),
        infer=infer_with,
    )


UNET_SHRINK_CONTOUR = _method("shrink_contour", "eroded shapes, contours as a class")
UNET_SHRINK = _method("shrink", "eroded shapes")
UNET_DONT_CARE = _method("dont_care", "eroded shapes, no loss in the ring")
UNET_DISTANCE = _method("distance", "distance to the outline")
UNET_SIGMOID = _method("sigmoid", "sigmoid of that distance")
UNET_STATISTICAL = _method("statistical", "probability of foreground")
UNET_STATISTICAL_SCALED = _method("statistical_scaled", "evidence for and against it")

"""The U-Net methods."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from bmbench.adapters.learning.reproducible import environment_kept
from bmbench.adapters.method import Method
from bmbench.adapters.unet.search_space import space_of
from bmbench.adapters.unet.settings import PROFILES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bmbench.adapters.learning.fit_request import FitRequest
    from bmbench.adapters.method import Decode, Detector
    from bmbench.adapters.unet.detector import UNetDetector
    from bmbench.core.types import Pixels

_PAPER = (
    "Graebel et al., State of the art cell detection in bone marrow whole slide images, "
    "J Pathol Inform 2021;12:36"
)


def _fit(request: FitRequest, *, encoding: str) -> Detector:
    with environment_kept():
        from bmbench.adapters.unet.detector import UNetDetector
        from bmbench.adapters.unet.encodings.encoding import fitted
        from bmbench.adapters.unet.training import fit

        taught = fitted(encoding, request)
        network, calibration = fit(request, taught)
    return UNetDetector(encoding=taught, settings=request.settings, calibration=calibration, network=network)


def _load(folder: Path) -> Detector:
    with environment_kept():
        from bmbench.adapters.unet.detector import load

        return load(folder)


def _draw(request: FitRequest, path: Path) -> None:
    with environment_kept():
        from bmbench.adapters.unet.encodings.pictures import draw_targets

        draw_targets(request, path)


def _ensemble(members: Sequence[Detector]) -> Detector:
    with environment_kept():
        from bmbench.adapters.unet.detector import ensemble

        return ensemble(cast("Sequence[UNetDetector]", members))


def _infer(detector: Detector, image: Pixels) -> Decode:
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
        load=_load,
        extra="train",
        draw=_draw,
        artefact_class=True,
        ensemble=_ensemble,
        space=space_of(encoding),
        infer=_infer,
    )


UNET_SHRINK_CONTOUR = _method("shrink_contour", "eroded shapes, contours as a class")
UNET_SHRINK = _method("shrink", "eroded shapes")
UNET_DONT_CARE = _method("dont_care", "eroded shapes, no loss in the ring")
UNET_DISTANCE = _method("distance", "distance to the outline")
UNET_SIGMOID = _method("sigmoid", "sigmoid of that distance")
UNET_STATISTICAL = _method("statistical", "probability of foreground")
UNET_STATISTICAL_SCALED = _method("statistical_scaled", "evidence for and against it")

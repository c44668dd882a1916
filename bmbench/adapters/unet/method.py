"""The U-Net methods."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from bmbench.adapters.method import Method
from bmbench.adapters.reproducible import environment_kept
from bmbench.adapters.unet.settings import PAPER, QUICK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bmbench.adapters.method import Detector, FitRequest
    from bmbench.adapters.unet.detector import UNetDetector

_PAPER = (
    "Graebel et al., State of the art cell detection in bone marrow whole slide images, "
    "J Pathol Inform 2021;12:36"
)


def _fit(request: FitRequest, *, encoding: str) -> Detector:
    with environment_kept():
        from bmbench.adapters.unet.detector import UNetDetector
        from bmbench.adapters.unet.encoding import ENCODINGS
        from bmbench.adapters.unet.training import fit

        network, calibration = fit(request, ENCODINGS.get(encoding))
    return UNetDetector(
        encoding=encoding, settings=request.settings, calibration=calibration, network=network
    )


def _load(folder: Path) -> Detector:
    with environment_kept():
        from bmbench.adapters.unet.detector import load

        return load(folder)


def _ensemble(members: Sequence[Detector]) -> Detector:
    with environment_kept():
        from bmbench.adapters.unet.detector import ensemble

        return ensemble(cast("Sequence[UNetDetector]", members))


UNET_SHRINK = Method(
    name="unet_shrink",
    title="U-Net, eroded shapes as foreground, watershed",
    family="unet",
    paper=_PAPER,
    settings=MappingProxyType({"quick": QUICK, "paper": PAPER}),
    fit=partial(_fit, encoding="shrink"),
    load=_load,
    extra="train",
    artefact_class=True,
    ensemble=_ensemble,
)

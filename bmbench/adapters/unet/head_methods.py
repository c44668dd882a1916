"""The methods that are heads on a U-Net, and where better settings of them are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from bmbench.adapters.encoders.request import suited_to_encoder
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.reproducible import environment_kept
from bmbench.adapters.method import Detector, Licence, Method
from bmbench.adapters.network_sizes import PARAMETERS
from bmbench.adapters.search_space import Range, Real, Space
from bmbench.adapters.unet.heads.settings import PROFILES
from bmbench.adapters.unet.method import NETWORK, OPTIMISER, SIZES, ensemble_of, infer_with, load_from

_DECODED: Mapping[str, Range] = {
    "lowest": Real(low=0.05, high=0.6),
    "smallest": Real(low=0.1, high=1.0),
}
_LEARNED: Mapping[str, Mapping[str, Range]] = {
    "stardist": {"distance_weight": Real(low=0.005, high=0.5, log=True)},
    "heatmap": {
        "spread": Real(low=0.05, high=0.2),
        "size_weight": Real(low=0.02, high=0.5, log=True),
    },
    "hover": {
        "dice": Real(low=0.0, high=2.0),
        "place_weight": Real(low=0.3, high=3.0, log=True),
        "gradient_weight": Real(low=0.3, high=3.0, log=True),
    },
    "flow": {"flow_weight": Real(low=0.3, high=3.0, log=True)},
}
_OWN: Mapping[str, Mapping[str, Range]] = {
    "stardist": {"nms_share": Real(low=0.2, high=0.7)},
    "heatmap": {"apart": Real(low=0.1, high=0.6)},
    "hover": {
        "window": Real(low=0.2, high=0.8),
        "edge": Real(low=0.2, high=0.7),
        "opening": Real(low=0.0, high=0.4),
    },
    "flow": {"meeting": Real(low=0.002, high=0.05, log=True), "flow_error": Real(low=0.1, high=2.0)},
}


def space_of(name: str) -> Mapping[str, Space]:
    """The search space of a head, by profile."""
    return MappingProxyType(
        {
            profile: Space(
                learned={**NETWORK, **OPTIMISER, **_LEARNED[name], **sizes},
                decoded={**_DECODED, **_OWN[name]},
                yardstick=tuple(_LEARNED[name]),
            )
            for profile, sizes in SIZES.items()
        }
    )


def _fit(request: FitRequest, *, name: str) -> Detector:
    with environment_kept():
        from bmbench.adapters.unet.detector import UNetDetector
        from bmbench.adapters.unet.heads.head import fitted_head
        from bmbench.adapters.unet.training import fit

        request = suited_to_encoder(request)
        head = fitted_head(name, request)
        network, calibration = fit(request, head)
    return UNetDetector(encoding=head, settings=request.settings, calibration=calibration, network=network)


def _method(name: str, title: str, *, paper: str, outlines: bool = True) -> Method:
    return Method(
        name=name,
        title=title,
        family=name,
        paper=paper,
        settings=PROFILES[name],
        fit=partial(_fit, name=name),
        load=load_from,
        extra="train",
        artefact_class=True,
        cell_classes=True,
        outlines=outlines,
        points=True,
        licence=Licence(name="Apache-2.0", package="bmbench"),
        parameters=PARAMETERS[name],
        ensemble=ensemble_of,
        space=space_of(name),
        architecture=("depth", "width", "normalisation", "encoder", "cell_px", "features"),
        infer=infer_with,
    )


STARDIST = _method(
    "stardist",
    "StarDist: star-convex polygons on a U-Net",
    paper="Schmidt et al., Cell detection with star-convex polygons, MICCAI 2018",
)
HEATMAP = _method(
    "heatmap",
    "heatmap: centres and sizes on a U-Net, as CenterNet",
    paper="Zhou et al., Objects as points, arXiv 1904.07850, 2019",
    outlines=False,
)
HOVER = _method(
    "hover",
    "HoVer: horizontal and vertical maps on a U-Net",
    paper="Graham et al., HoVer-Net, Medical Image Analysis 2019;58:101563",
)
FLOW = _method(
    "flow",
    "flow: Cellpose's flows on a U-Net",
    paper="Stringer et al., Cellpose, Nature Methods 2021;18:100-106",
)

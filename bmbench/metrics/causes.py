"""What false alarms lie on, and what missed cells were taken for (Figure 8 of Graebel et al. 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.metrics.assignment import NONE
from bmbench.metrics.matching import Cause, Codes, Pairing
from bmbench.metrics.pairs import admissible

if TYPE_CHECKING:
    from bmbench.core.types import Bools
    from bmbench.metrics.protocol import Geometry, Protocol
    from bmbench.metrics.scene import Scene


def causes(scene: Scene, pairing: Pairing, protocol: Protocol, geometry: Geometry) -> Codes:
    """(n,) `Cause` of every prediction of the scene; where several hold, the first in order."""
    cause = np.zeros(len(scene.predictions), np.int8)
    wrong = np.flatnonzero(pairing.false_alarm)
    suspects = scene.predictions.take(wrong)
    cause[wrong] = Cause.BACKGROUND
    close = admissible(suspects, scene.all_cells, protocol, geometry, widen=True)
    cause[wrong[close.prediction]] = Cause.NEAR
    found = np.zeros(len(scene.cells), bool)
    found[pairing.taken[pairing.taken != NONE]] = True
    again = pairing.pairs.prediction[found[pairing.pairs.cell]]
    cause[again[pairing.false_alarm[again]]] = Cause.DUPLICATE
    on_artefact = admissible(suspects, scene.artefacts, protocol, geometry)
    cause[wrong[on_artefact.prediction]] = Cause.ARTEFACT
    return cause


def taken_for_artefact(
    scene: Scene, pairing: Pairing, protocol: Protocol, geometry: Geometry, *, threshold: float | None
) -> Bools:
    """(c,) mask of the scene's cells that were missed while a prediction of an artefact category admits them.

    Only predictions at or above `threshold` (None: all) speak, for cells and for artefacts alike.
    """
    least = -np.inf if threshold is None else threshold
    found = np.zeros(len(scene.cells), bool)
    kept = pairing.taken[(pairing.taken != NONE) & (scene.score >= least)]
    found[kept] = True
    mistaken = np.zeros(len(scene.cells), bool)
    claims = scene.as_artefacts.take(scene.artefact_score >= least)
    mistaken[admissible(claims, scene.cells, protocol, geometry).cell] = True
    mistaken &= ~found
    return mistaken

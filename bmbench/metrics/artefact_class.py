"""How well artefacts are told, by a detector that has a class for them: found, missed, taken for cells."""

from __future__ import annotations

import dataclasses

import numpy as np

from bmbench.core.types import GroundTruth, Predictions, Role
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.matching_input import artefact_mask
from bmbench.metrics.protocol import Geometry, Protocol
from bmbench.metrics.scores import Scores


def artefact_scores(
    truth: GroundTruth,
    predictions: Predictions,
    protocol: Protocol,
    geometry: Geometry,
    *,
    threshold: float | None,
) -> Scores | None:
    """The scores of the predictions of artefact categories against the annotated artefacts, as one class.

    The roles are exchanged: of its counts `fn_artefact` are artefacts that a prediction of a cell lies on,
    taken for cells, and `fp_artefact` are artefacts predicted on cells. The study's Figure 8 counts so
    (Graebel et al. 2021). None where no artefact is annotated, or none predicted.
    """
    if not np.any(truth.role == Role.ARTEFACT) or not np.any(artefact_mask(truth)[predictions.label]):
        return None
    role = truth.role.copy()
    role[truth.role == Role.CELL], role[truth.role == Role.ARTEFACT] = Role.ARTEFACT, Role.CELL
    categories = tuple(dataclasses.replace(one, artefact=not one.artefact) for one in truth.categories)
    exchanged = dataclasses.replace(truth, role=role, categories=categories)
    rules = dataclasses.replace(protocol, per_class=False)
    least = 1.0 if threshold is None else threshold
    found = evaluate(exchanged, predictions, rules, threshold=least)
    return found.bb if geometry == "bb" else found.cd

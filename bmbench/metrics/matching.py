"""Pairing predictions with annotations: the one place where it is decided what is a hit."""

import enum
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Bools, Floats, Ints
from bmbench.metrics.assignment import (
    NONE,
    assign_first_choice,
    assign_greedily,
    assign_in_order,
    assign_optimally,
)
from bmbench.metrics.challenge_assignment import assign_all_pairs, assign_by_cell, assign_nearest
from bmbench.metrics.matching_input import MatchingInput
from bmbench.metrics.pairs import AdmissiblePairs, admissible, inside_regions
from bmbench.metrics.protocol import Geometry, Protocol

Codes: TypeAlias = NDArray[np.int8]


class MatchOutcome(enum.IntEnum):
    """What became of a prediction."""

    FALSE_ALARM = 0
    HIT = 1
    IGNORED = 2
    """An ignored object or region admits it: it counts neither way."""
    UNUSED = 3
    """Not scored: of an artefact category, beyond `max_detections`, or below the threshold of a Hungarian
    assignment."""


class Cause(enum.IntEnum):
    """What a false alarm lies on; the first that holds."""

    NONE = 0
    """Not a false alarm."""
    ARTEFACT = 1
    """An artefact that it would match."""
    DUPLICATE = 2
    """A cell that it would match, found by another prediction."""
    NEAR = 3
    """Close to a cell, but beyond the limit (or on a cell of another class)."""
    BACKGROUND = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matching:
    """The outcome of every prediction; row i of every column is prediction i.

    With greedy assignment the predictions at or above any threshold have the same outcomes as among
    themselves alone, so one matching serves every threshold.

    Attributes
    ----------
    annotation : (n,) int64
        Row of the cell that a hit found; -1 for everything else.
    outcome : (n,) int8
        A `MatchOutcome`.
    cause : (n,) int8
        A `Cause`.
    similarity : (n,) float64
        Of a hit: IoU, or distance between the centres in pixels; NaN for everything else.
    """

    annotation: Ints
    outcome: Codes
    cause: Codes
    similarity: Floats

    def __len__(self) -> int:
        return len(self.annotation)

    @property
    def is_hit(self) -> Bools:
        """(n,) mask of the hits."""
        mask: Bools = self.outcome == MatchOutcome.HIT
        return mask

    @property
    def is_false_alarm(self) -> Bools:
        """(n,) mask of the false alarms."""
        mask: Bools = self.outcome == MatchOutcome.FALSE_ALARM
        return mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairing:
    """The predictions of a `MatchingInput` paired with its cells; row i of every column is its prediction i.

    Attributes
    ----------
    pairs : AdmissiblePairs
        Every admissible pair of prediction and cell.
    taken : (n,) int64
        Row of its cells; -1 for none.
    hit, absorbed, used : (n,) bool
        Found a cell; counts neither way because an ignored object admits it; took part at all.
    """

    pairs: AdmissiblePairs
    taken: Ints
    hit: Bools
    absorbed: Bools
    used: Bools

    @property
    def false_alarm(self) -> Bools:
        """(n,) mask of the predictions that count against the detector."""
        return self.used & ~self.hit & ~self.absorbed


def pair_greedily(objects: MatchingInput, protocol: Protocol, geometry: Geometry) -> Pairing:
    """By descending score, each prediction takes the best cell, as far as it reaches by the protocol."""
    pairs = admissible(objects.predictions, objects.cells, protocol, geometry)
    if protocol.reach == "nearest":
        taken = assign_nearest(pairs, objects.predictions, objects.cells)
    else:
        assign = assign_first_choice if protocol.reach == "first" else assign_greedily
        taken = assign(pairs, objects.predictions, objects.cells, objects.score)
    return _completed(objects, protocol, geometry, pairs=pairs, taken=taken, hit=taken != NONE)


def pair_in_order(objects: MatchingInput, protocol: Protocol, geometry: Geometry) -> Pairing:
    """Hungarian for curves: which predictions are hits when they are added by descending score.

    Hits hold no cell yet (`taken` is -1): which one it is changes as predictions are added.
    """
    pairs = admissible(objects.predictions, objects.cells, protocol, geometry)
    hit = assign_in_order(pairs, objects.predictions, len(objects.cells), objects.score)
    return _completed(objects, protocol, geometry, pairs=pairs, taken=np.full(len(hit), NONE), hit=hit)


def pair_optimally(
    objects: MatchingInput,
    pairs: AdmissiblePairs,
    protocol: Protocol,
    geometry: Geometry,
    *,
    threshold: float,
) -> Pairing:
    """At a threshold: most pairs of the predictions from there up, then the least total cost (Hungarian).

    Or as the protocol has it: cell by cell, or by the least distance of all pairs.
    """
    used = objects.score >= threshold
    pairs = pairs.take(used[pairs.prediction])
    if protocol.reach == "by_cell":
        taken = assign_by_cell(pairs, objects.predictions, objects.cells)
    elif protocol.assignment == "all_pairs":
        taken = assign_all_pairs(pairs, objects.predictions, objects.cells, used)
    else:
        taken = assign_optimally(pairs, objects.predictions, objects.cells, objects.score)
    return _completed(objects, protocol, geometry, pairs=pairs, taken=taken, hit=taken != NONE, used=used)


def _completed(
    objects: MatchingInput,
    protocol: Protocol,
    geometry: Geometry,
    *,
    pairs: AdmissiblePairs,
    taken: Ints,
    hit: Bools,
    used: Bools | None = None,
) -> Pairing:
    """Ignored objects and regions are looked at last, and only by predictions that found no cell."""
    used = np.ones(len(hit), bool) if used is None else used
    absorbed = np.zeros(len(hit), bool)
    if len(objects.ignored) or len(objects.regions):
        left = np.flatnonzero(used & ~hit)
        rest = objects.predictions.take(left)
        absorbed[left[admissible(rest, objects.ignored, protocol, geometry).prediction]] = True
        absorbed[left[inside_regions(rest, objects.regions, protocol, geometry)]] = True
    return Pairing(pairs=pairs, taken=taken, hit=hit, absorbed=absorbed, used=used)


def held_values(pairing: Pairing) -> Floats:
    """(n,) IoU or distance of each prediction with the cell it took; NaN where it took none."""
    pairs = pairing.pairs
    value = np.full(len(pairing.taken), np.nan)
    chosen = pairing.taken[pairs.prediction] == pairs.cell
    value[pairs.prediction[chosen]] = pairs.value[chosen]
    return value


def causes_of_false_alarms(
    objects: MatchingInput, pairing: Pairing, protocol: Protocol, geometry: Geometry
) -> Codes:
    """(n,) `Cause` of every prediction that was paired; where several hold, the first in order.

    As Figure 8 of Graebel et al. 2021 counts what false alarms lie on.
    """
    cause = np.zeros(len(objects.predictions), np.int8)
    wrong = np.flatnonzero(pairing.false_alarm)
    suspects = objects.predictions.take(wrong)
    cause[wrong] = Cause.BACKGROUND
    close = admissible(suspects, objects.all_cells, protocol, geometry, widen=True)
    cause[wrong[close.prediction]] = Cause.NEAR
    found = np.zeros(len(objects.cells), bool)
    found[pairing.taken[pairing.taken != NONE]] = True
    again = pairing.pairs.prediction[found[pairing.pairs.cell]]
    cause[again[pairing.false_alarm[again]]] = Cause.DUPLICATE
    on_artefact = admissible(suspects, objects.artefacts, protocol, geometry)
    cause[wrong[on_artefact.prediction]] = Cause.ARTEFACT
    return cause


def taken_for_artefact(
    objects: MatchingInput,
    pairing: Pairing,
    protocol: Protocol,
    geometry: Geometry,
    *,
    threshold: float | None,
) -> Bools:
    """(c,) mask of the cells that were missed while a prediction of an artefact category admits them.

    Only predictions at or above `threshold` (None: all) speak, for cells and for artefacts alike.
    """
    least = -np.inf if threshold is None else threshold
    found = np.zeros(len(objects.cells), bool)
    found[pairing.taken[(pairing.taken != NONE) & (objects.score >= least)]] = True
    mistaken = np.zeros(len(objects.cells), bool)
    claims = objects.as_artefacts.take(objects.artefact_score >= least)
    mistaken[admissible(claims, objects.cells, protocol, geometry).cell] = True
    return mistaken & ~found

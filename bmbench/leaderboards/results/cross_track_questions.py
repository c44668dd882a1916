"""Questions between tracks and training modes, asked as tests: weak against precise, artefacts so or so."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from bmbench.core.types import Floats
from bmbench.leaderboards.results.record import Result
from bmbench.leaderboards.results.standings_record import Crossing
from bmbench.leaderboards.results.unit_columns import TrackUnits, metric_by_unit
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.statistics.paired_tests import LEVEL, paired_tests
from bmbench.statistics.resampling import interval
from bmbench.statistics.units import FEWEST_UNITS, MetricByUnit

TOO_FEW = "too few to say"
"""The verdict where no test could say anything else."""


def non_inferiority(
    manifest: Manifest, here: Sequence[Result], there: Sequence[Result], units: TrackUnits
) -> tuple[Crossing, ...]:
    """For every id that stands on both tracks, whether it is here at most `margin` worse than there.

    Shown if the lower end of the 90 % interval of the paired difference lies above −margin, which is a
    one-sided test at 5 % (Piaggio et al., JAMA 2012). Both are scored on the same images, drawn together.
    With too few units for any test there is no such statement either: an interval drawn from two images is
    the range between them.
    """
    partner = manifest.partner
    assert partner is not None
    rivals = {result.id: result for result in there}
    found = []
    name = manifest.metrics[0]
    for result in here:
        twin = rivals.get(result.id)
        if twin is None or name not in twin.metrics or not _same_images(result, twin):
            continue
        table = metric_by_unit([result, twin], name, units.row)
        value, low, high = _difference(table, units.weights, level=0.90)
        found.append(
            Crossing(
                question="weaker",
                first=result.id,
                second=f"{partner.track}/{twin.id}",
                metric=name,
                value=value,
                interval=(low, high),
                level=0.90,
                p=None,
                verdict=_verdict(low, high, partner.margin) if manifest.n_units >= FEWEST_UNITS else TOO_FEW,
            )
        )
    return tuple(found)


def _verdict(low: float, high: float, margin: float) -> str:
    if low > -margin:
        return "not worse"
    return "worse" if high < -margin else "open"


def artefact_modes(manifest: Manifest, rivals: Sequence[Result], units: TrackUnits) -> tuple[Crossing, ...]:
    """For every two submissions of one team and family that differ in how artefacts were trained."""
    name = manifest.metrics[0]
    pairs = [
        (first, second) for first, second in combinations(rivals, 2) if _differ_in_artefacts(first, second)
    ]
    found = []
    for first, second in pairs:
        table = metric_by_unit([first, second], name, units.row)
        tests = None if units.few else paired_tests(table, replicates=manifest.replicates, seed=manifest.seed)
        p = None if tests is None else min(float(tests.p[0]) * len(pairs), 1.0)
        value, low, high = _difference(table, units.weights, level=0.95)
        found.append(
            Crossing(
                question="artefacts",
                first=first.id,
                second=second.id,
                metric=name,
                value=value,
                interval=(low, high),
                level=0.95,
                p=None if p is None else float(f"{p:.3g}"),
                verdict=TOO_FEW if p is None else "differ" if p <= LEVEL else "open",
            )
        )
    return tuple(found)


def _differ_in_artefacts(first: Result, second: Result) -> bool:
    a, b = first.card, second.card
    if a is None or b is None:
        return False
    same = (a.team, a.family, a.annotations, a.external_data) == (
        b.team,
        b.family,
        b.annotations,
        b.external_data,
    )
    return same and a.artefacts != b.artefacts


def _same_images(first: Result, second: Result) -> bool:
    if set(first.rules) != set(second.rules):
        return False
    tallies = [(first.rules[rule].images, second.rules[rule].images) for rule in first.rules]
    return all(a is not None and b is not None and a.cells == b.cells for a, b in tallies)


def _difference(table: MetricByUnit, weights: Floats, *, level: float) -> tuple[float, float, float]:
    drawn = table.resampled(weights)
    low, high = interval(drawn[:, 0] - drawn[:, 1], level=level) or (0.0, 0.0)
    value = float(table.value[0] - table.value[1])
    return value if np.isfinite(value) else 0.0, low, high

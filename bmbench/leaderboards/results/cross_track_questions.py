"""Questions between tracks and training modes, asked as tests: weak against precise, artefacts so or so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from bmbench.leaderboards.results.record import CardFacts, Result
from bmbench.leaderboards.results.standings_record import Crossing
from bmbench.leaderboards.results.unit_columns import TrackUnits, methods_of, seeds_of, tallies
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.statistics.many_methods import ERROR_RATE, planned_pairs
from bmbench.statistics.not_worse import not_worse
from bmbench.statistics.pairs import method_pairs
from bmbench.statistics.units import FEWEST_FOR_INTERVAL

TOO_FEW = "too few units"
"""The verdict where no test could say anything else."""


def non_inferiority(
    manifest: Manifest, here: Sequence[Result], there: Sequence[Result], units: TrackUnits
) -> tuple[Crossing, ...]:
    """For every id that stands on both tracks, whether it is here at most `margin` worse than there.

    By a one-sided test at 2.5 % on the raw and the logit scale both (`statistics.not_worse`), with the
    trainings of all methods of both tracks behind the variance over seeds.
    """
    partner = manifest.partner
    assert partner is not None
    rivals = {result.id: result for result in there}
    name = manifest.metrics[0]
    seeds = seeds_of([*here, *there], name)
    found = []
    for result in here:
        twin = rivals.get(result.id)
        if twin is None or name not in twin.metrics or not _same_images(result, twin):
            continue
        answer = not_worse(methods_of([result, twin], name, units, seeds=seeds), 0, 1, margin=partner.margin)
        found.append(
            Crossing(
                question="weaker",
                first=result.id,
                second=f"{partner.track}/{twin.id}",
                metric=name,
                value=answer.difference,
                interval=answer.interval,
                p=None,
                verdict=answer.verdict,
                margin=answer.margin,
                units_needed=answer.units_needed,
            )
        )
    return tuple(found)


def artefact_modes(manifest: Manifest, rivals: Sequence[Result], units: TrackUnits) -> tuple[Crossing, ...]:
    """Whether a method differs from itself, trained to treat artefacts in another way.

    A method is compared with itself alone: the same team, name, family, settings and annotations. These pairs
    are what the question plans, so Holm's correction is over them and no others.
    """
    name = manifest.metrics[0]
    rows = [
        (one, other)
        for one, other in combinations(range(len(rivals)), 2)
        if _differ_in_artefacts(rivals[one], rivals[other])
    ]
    if not rows:
        return ()
    pairs = method_pairs(methods_of(rivals, name, units, seeds=seeds_of(rivals, name)))
    p = planned_pairs(pairs, *zip(*rows, strict=True))
    few = units.n < FEWEST_FOR_INTERVAL
    return tuple(
        Crossing(
            question="artefacts",
            first=rivals[one].id,
            second=rivals[other].id,
            metric=name,
            value=float(pairs.difference[one, other]),
            interval=None if few else pairs.interval(one, other),
            p=None if few else float(f"{corrected:.3g}"),
            verdict=TOO_FEW if few else "differ" if corrected <= ERROR_RATE else "open",
        )
        for (one, other), corrected in zip(rows, p.tolist(), strict=True)
    )


def _differ_in_artefacts(first: Result, second: Result) -> bool:
    a, b = first.card, second.card
    if a is None or b is None or a.settings is None:
        return False
    alike = ("team", "family", "settings", "annotations", "external_data")
    same = all(getattr(a, name) == getattr(b, name) for name in alike) and _plain_name(a) == _plain_name(b)
    return same and a.artefacts != b.artefacts


def _plain_name(card: CardFacts) -> str:
    """The method's name without the mode that it ends with, as in "unet_shrink-class"."""
    return card.method.removesuffix(card.artefacts).rstrip(" -_,:")


def _same_images(first: Result, second: Result) -> bool:
    return set(first.rules) == set(second.rules) and all(
        tallies(first, rule).cells == tallies(second, rule).cells for rule in first.rules
    )

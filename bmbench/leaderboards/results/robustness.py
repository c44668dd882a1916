"""Who wins under which rule: metric, matching limit, assignment, aggregation."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from bmbench.core.types import Floats
from bmbench.leaderboards.results.record import Result
from bmbench.leaderboards.results.standings_record import RuleRow
from bmbench.leaderboards.results.unit_columns import floats, image_f1
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.present.words import RULES
from bmbench.statistics.ranks import kendall_tau, order

Kind = Literal["metric", "limit", "assignment", "aggregation"]


def rule_rows(manifest: Manifest, rivals: Sequence[Result]) -> tuple[RuleRow, ...]:
    """Every way to rank these results, the track's own metrics first; nothing for fewer than two."""
    if len(rivals) < 2:
        return ()
    own = _metric(rivals, manifest.metrics[0])
    ids = [result.id for result in rivals]
    rows: list[tuple[Kind, str, Floats]] = [
        ("metric", _title(name), _metric(rivals, name)) for name in manifest.metrics
    ]
    if len(manifest.metrics) > 1:
        rows.append(("metric", "mean rank over all metrics", _mean_rank(manifest, rivals)))
    for rule in sorted(rivals[0].rules):
        rows += _of_rule(rivals, rule)
    return tuple(
        RuleRow(kind=kind, rule=text, winner=_winner(values, ids), tau=kendall_tau(own, values))
        for kind, text, values in rows
    )


def _of_rule(rivals: Sequence[Result], rule: str) -> list[tuple[Kind, str, Floats]]:
    name = RULES[rule]
    rows: list[tuple[Kind, str, Floats]] = []
    for place, (limit, _) in enumerate(rivals[0].rules[rule].sweep):
        words = f"IoU > {limit:g}" if rule == "bb" else f"distance ≤ {limit:.3g} px"
        values = [result.rules[rule].sweep[place][1] for result in rivals]
        rows.append(("limit", f"F1 by {name}, {words}", floats(values)))
    hungarian = [result.rules[rule].hungarian_f1 for result in rivals]
    rows.append(("assignment", f"F1 by {name}, Hungarian", floats(hungarian)))
    each = image_f1(rivals, rule)
    defined = each[:, np.isfinite(each).all(axis=0)]
    if defined.shape[1]:
        rows.append(("aggregation", f"mean F1 of images by {name}", defined.mean(axis=1)))
        rows.append(("aggregation", f"median F1 of images by {name}", np.median(defined, axis=1)))
        rows.append(("aggregation", f"mean rank over images by {name}", -_ranks(defined).mean(axis=1)))
    return rows


def _title(metric: str) -> str:
    rule, _, what = metric.partition(".")
    return f"{what.upper()} by {RULES[rule]}"


def _metric(rivals: Sequence[Result], name: str) -> Floats:
    return floats([result.metrics[name].value for result in rivals])


def _mean_rank(manifest: Manifest, rivals: Sequence[Result]) -> Floats:
    table = np.stack([_metric(rivals, name) for name in manifest.metrics], axis=1)
    mean: Floats = -_ranks(np.where(np.isfinite(table), table, -1.0)).mean(axis=1)
    return mean


def _ranks(values: Floats) -> Floats:
    """(m, k) ranks from 1 in each column; equal values share the mean of their ranks."""
    from scipy.stats import rankdata

    ranks: Floats = rankdata(-values, axis=0)
    return ranks


def _winner(values: Floats, ids: list[str]) -> str | None:
    """The id that is first alone; None where several are or nothing is defined."""
    best_first = order(values, ids)
    top = values[best_first[0]]
    if not np.isfinite(top) or np.isclose(values[best_first[1]], top, rtol=0, atol=1e-12):
        return None
    return ids[int(best_first[0])]

"""One valid submission against the ground truth: matched once per rule, everything else from tallies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bmbench.core.types import Floats, GroundTruth, Predictions
from bmbench.leaderboards.results.counted_cells import tallies_of
from bmbench.leaderboards.results.record import (
    CountTallies,
    CurveBand,
    ImageTallies,
    MetricResult,
    Outcomes,
    RuleResult,
)
from bmbench.leaderboards.results.unit_columns import TrackUnits
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.metrics.protocol import Geometry, Protocol
from bmbench.metrics.scores import Evaluation, Scores
from bmbench.metrics.tally import ImageCounts, Tally
from bmbench.statistics.intervals import metric_interval
from bmbench.statistics.jackknife import (
    Jackknife,
    average_precision_of,
    counts_by_unit,
    mean_of,
    ratio_of_counts,
)
from bmbench.statistics.resampling import envelope_at, percentiles

RECALLS = np.linspace(0, 1, 101)
_BAND_REPLICATES = 500
_COUNTS = (
    "tp", "fp", "fn", "fp_artefact", "fp_duplicate", "fp_near", "fp_background", "fn_missed", "fn_artefact",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judge:
    """A track made ready: its truth read, its rules resolved, its images numbered by unit."""

    manifest: Manifest
    truth: GroundTruth
    protocol: Protocol
    units: TrackUnits

    @property
    def rules(self) -> tuple[Geometry, ...]:
        """The matching rules that the track's metrics use, in their order."""
        rules: dict[Geometry, None] = {}
        for name in self.manifest.metrics:
            rules["bb" if name.startswith("bb") else "cd"] = None
        return tuple(rules)


def judge(manifest: Manifest, truth: GroundTruth) -> Judge:
    """A track made ready to score.

    Raises
    ------
    BadInputError
        If the track's rules are not possible, its metrics are not what they score, or the truth is of other
        images than the track.
    """
    from bmbench.core.errors import BadInputError
    from bmbench.metrics.evaluation import scored_geometries
    from bmbench.metrics.protocol import resolve_protocol

    ids = tuple(image.id for image in manifest.images)
    if truth.image_ids != ids:
        remedy = "take both from one `bmbench leaderboard init`"
        raise BadInputError("truth and track have other images", where=manifest.name, remedy=remedy)
    rules = manifest.rules
    bench = Judge(
        manifest=manifest,
        truth=truth,
        protocol=resolve_protocol(
            rules.protocol, iou=rules.iou, radius_px=rules.radius_px, assignment=rules.assignment
        ),
        units=TrackUnits.of(manifest),
    )
    scored = scored_geometries(truth, bench.protocol)
    unscored = [rule for rule in bench.rules if rule not in scored]
    if unscored:
        raise BadInputError(
            "the track has metrics that its protocol and ground truth do not give",
            where=f"{manifest.name}, metrics",
            expected=f"only {' and '.join(f'{rule}.*' for rule in scored)}",
            got=", ".join(manifest.metrics),
            remedy="take the others out, as a new version of the track",
        )
    return bench


def score(
    bench: Judge, answers: Sequence[tuple[Predictions, float]]
) -> tuple[dict[str, MetricResult], dict[str, RuleResult], CountTallies]:
    """The metrics, the results by rule and the counts of one answer (predictions, threshold) a seed."""
    from bmbench.metrics.evaluation import evaluate

    evaluations = [
        evaluate(bench.truth, predictions, bench.protocol, threshold=threshold)
        for predictions, threshold in answers
    ]
    rules = {str(rule): _rule(bench, rule, evaluations, answers) for rule in bench.rules}
    metrics = {str(name): _metric(bench, name, evaluations) for name in bench.manifest.metrics}
    return metrics, rules, _counts(bench, evaluations, answers)


def _counts(
    bench: Judge, evaluations: Sequence[Evaluation], answers: Sequence[tuple[Predictions, float]]
) -> CountTallies:
    """What is counted by centres, as a laboratory counts; by boxes where the track knows no centres."""
    rule: Geometry = "cd" if "cd" in bench.rules else "bb"
    scored = [
        (predictions, _of(evaluation, rule))
        for (predictions, _), evaluation in zip(answers, evaluations, strict=True)
    ]
    return tallies_of(bench.truth, bench.manifest.unit_names, rule, scored)


def _of(evaluation: Evaluation, rule: Geometry) -> Scores:
    scores = evaluation.bb if rule == "bb" else evaluation.cd
    if scores is None:
        raise ValueError(f"the track's protocol does not score {rule}")
    return scores


def _metric(bench: Judge, name: str, evaluations: Sequence[Evaluation]) -> MetricResult:
    """The mean over seeds with its interval over units; the board adds what seeds vary."""
    rule, _, what = name.partition(".")
    scores = [_of(evaluation, "bb" if rule == "bb" else "cd") for evaluation in evaluations]
    jackknives = [_jackknife(bench, one, what) for one in scores]
    mean = mean_of(jackknives)
    found = metric_interval(mean)
    seeds = tuple(getattr(one, what) for one in scores)
    if None in seeds:
        return MetricResult(value=None, interval=None, seeds=seeds)
    return MetricResult(
        value=found.value,
        interval=found.interval,
        seeds=seeds,
        without=tuple(value if np.isfinite(value) else None for value in mean.without.tolist()),
    )


def _jackknife(bench: Judge, scores: Scores, what: str) -> Jackknife:
    units = bench.units
    if what == "ap":
        return average_precision_of(scores.tallies, units.row, units.n, bench.protocol.ap)
    return ratio_of_counts("f1", counts_by_unit(scores.images, units.row, units.n))


def _rule(
    bench: Judge,
    rule: Geometry,
    evaluations: Sequence[Evaluation],
    answers: Sequence[tuple[Predictions, float]],
) -> RuleResult:
    scores = [_of(evaluation, rule) for evaluation in evaluations]
    pooled = _pooled(scores)
    counts = {name: float(np.mean([getattr(one, name) for one in scores])) for name in _COUNTS}
    return RuleResult(
        outcomes=Outcomes(
            limit=scores[0].limit,
            precision=_ratio(counts["tp"], counts["tp"] + counts["fp"]),
            recall=_ratio(counts["tp"], counts["tp"] + counts["fn"]),
            **counts,
        ),
        curve=_band(bench, scores),
        sweep=_sweep(bench, rule, answers),
        hungarian_f1=_mean_f1(
            bench, replace(bench.protocol, assignment="hungarian", reach="free"), rule, answers
        ),
        images=ImageTallies(
            cells=tuple(scores[0].images.cells.tolist()),
            tp=tuple(pooled.tp.tolist()),
            fp=tuple(pooled.fp.tolist()),
        ),
    )


def _pooled(scores: Sequence[Scores]) -> ImageCounts:
    from bmbench.metrics.tally import sum_images

    return sum_images([one.images for one in scores])


def _tally(scores: Scores) -> Tally:
    from bmbench.metrics.tally import pooled

    return pooled(scores.tallies)


def _sweep(
    bench: Judge, rule: Geometry, answers: Sequence[tuple[Predictions, float]]
) -> tuple[tuple[float, float | None], ...]:
    """F1 at other matching limits; the thresholds stay as they are."""
    sweep = bench.manifest.sweep
    radius = bench.protocol.radius_px or 0.0
    limits = sweep.iou if rule == "bb" else tuple(share * radius for share in sweep.radius_shares)
    rows = []
    for limit in limits:
        iou, radius_px = (limit, None) if rule == "bb" else (None, limit)
        rules = replace(bench.protocol, iou=iou, radius_px=radius_px)
        rows.append((limit, _mean_f1(bench, rules, rule, answers)))
    return tuple(rows)


def _mean_f1(
    bench: Judge, rules: Protocol, rule: Geometry, answers: Sequence[tuple[Predictions, float]]
) -> float | None:
    """F1 over all seeds by other rules: another rule is another matching."""
    from bmbench.metrics.evaluation import evaluate

    counts = np.zeros(3)
    for predictions, threshold in answers:
        one = _of(evaluate(bench.truth, predictions, rules, threshold=threshold), rule)
        counts += (one.tp, one.fp, one.tp + one.fn)
    return _f1(*counts)


def _band(bench: Judge, scores: Sequence[Scores]) -> CurveBand:
    """The precision envelope at fixed recalls, with the band of the first of the replicates."""
    units = bench.units
    drawn = replace(units.draws, n=_BAND_REPLICATES).table()
    weights = np.concatenate([np.ones((1, units.draws.n_units)), drawn])
    every = np.mean([envelope_at(_tally(one), units.row, RECALLS, weights) for one in scores], axis=0)
    low, _, high = percentiles(every[1:])
    return CurveBand(precision=_short(every[0]), low=_short(low), high=_short(high))


def _short(values: Floats) -> tuple[float, ...]:
    return tuple(np.round(values, 4).tolist())


def _f1(tp: float, fp: float, cells: float) -> float | None:
    from bmbench.metrics.curve import f_score

    return float(f_score(tp, fp, cells)) if cells else None


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None

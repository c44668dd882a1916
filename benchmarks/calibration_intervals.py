"""How often 95 % intervals hold the truth: of one network, and of methods with several trainings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from calibration_model import CELLS, Design, Method, Scored, draw, like, spread_at
from scipy.special import ndtri
from scipy.stats import t as student

from bmbench.metrics.details import FROC_RATES
from bmbench.statistics.curve_steps import CurveSteps, areas_under
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.intervals import metric_interval
from bmbench.statistics.jackknife import average_precision_of, froc_mean_of, mean_of, ratio
from bmbench.statistics.methods import Methods
from bmbench.statistics.resampling import percentiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bmbench.core.types import Floats
    from bmbench.statistics.intervals import MetricInterval

DESIGNS = (
    Design(units=6),
    Design(units=8),
    Design(units=12),
    Design(units=22),
    Design(units=60),
    Design(units=8, images=2),
    Design(units=22, images=4),
    Design(units=3, images=7),
)
LEVELS = {"mid": 0.84, "high": 0.96, "near 1": 0.99}
SCORED = {
    "mid": Scored(proposed=0.93, false_alarms=20, apart=2.0),
    "high": Scored(proposed=0.99, false_alarms=8, apart=3.2),
    "near 1": Scored(proposed=0.998, false_alarms=4, apart=4.0),
}
CLASSES = {"common": 25.0, "second": 12.0, "rare": 3.0}
"""Cells of each class on an image, on average."""
_REPLICATES = 1_000


@dataclass(slots=True)
class Held:
    """How often intervals of one setting hold the truth.

    `below` and `above` count where the truth lies below or above an interval, `none` sets without one;
    `before` are the sets whose percentile interval holds it, `delta` likewise of Student's t on the delta
    method.
    """

    sets: int = 0
    none: int = 0
    below: int = 0
    above: int = 0
    before: list[bool] = field(default_factory=list)
    delta: list[bool] = field(default_factory=list)

    def add(self, found: MetricInterval, truth: float) -> None:
        """One more set."""
        self.sets += 1
        if found.interval is None:
            self.none += 1
        else:
            self.below += truth < found.interval[0]
            self.above += truth > found.interval[1]

    @property
    def given(self) -> int:
        """Sets with an interval."""
        return self.sets - self.none

    @property
    def share(self) -> float:
        """Of the intervals that were given."""
        return 1 - (self.below + self.above) / self.given if self.given else np.nan


def intervals(n_sets: int, seed: int) -> dict[tuple[str, str], dict[str, Held]]:
    """(metric, level) → design → how often its interval holds the truth."""
    found: dict[tuple[str, str], dict[str, Held]] = defaultdict(dict)
    for place, design in enumerate(DESIGNS):
        for level, f1 in LEVELS.items():
            rng = np.random.default_rng([seed, place, round(1_000 * f1)])
            for metric, held in _ratios(rng, f1, design, n_sets):
                found[metric, level][str(design)] = held
            for metric, held in _curves(rng, SCORED[level], design, max(n_sets // 4, 20)):
                found[metric, level][str(design)] = held
            if level != "near 1":
                for metric, held in _classes(rng, f1, design, n_sets):
                    found[metric, level][str(design)] = held
    return found


def _ratios(rng: np.random.Generator, f1: float, design: Design, n_sets: int) -> Iterator[tuple[str, Held]]:
    """F1, precision and recall at a threshold, and predictions minus cells."""
    method = Method.of(f1, spread=spread_at(f1))
    counts = draw(rng, [method], design, n_sets)
    tp, fp, cells = counts.tp[:, 0, 0], counts.fp[:, 0, 0], counts.cells
    bias = CELLS * (method.recall - 1) + method.false_alarms
    images = np.full_like(cells, design.images)
    for name, upper, lower, truth in (
        ("F1", 2 * tp, tp + fp + cells, f1),
        ("precision", tp, tp + fp, method.precision),
        ("recall", tp, cells, method.recall),
        ("error of counts", tp + fp - cells, images, bias),
    ):
        yield name, _held(upper, lower, truth, number=name == "error of counts")


def _held(upper: Floats, lower: Floats, truth: float, *, number: bool = False) -> Held:
    held = Held()
    for u, low in zip(upper, lower, strict=True):
        held.add(metric_interval(ratio(u, low, scale="number" if number else "share")), truth)
    _add_old(held, upper, lower, truth, number=number)
    return held


def _add_old(held: Held, upper: Floats, lower: Floats, truth: float, *, number: bool) -> None:
    """Percentiles of resampled units, and Student's t with the delta method's error and n − 1 degrees."""
    n = upper.shape[1]
    weights = UnitDraws(n_units=n, n=_REPLICATES).table().T
    for start in range(0, len(upper), 200):
        u, low = upper[start : start + 200], lower[start : start + 200]
        drawn = (u @ weights) / np.maximum(low @ weights, 1e-9)
        ends = np.quantile(drawn, (0.025, 0.975), axis=1)
        held.before += ((ends[0] <= truth) & (truth <= ends[1])).tolist()
    value = upper.sum(1) / lower.sum(1)
    residual = upper - value[:, None] * lower
    error = np.sqrt(np.square(residual).sum(1) * n / (n - 1)) / lower.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.ones(len(value)) if number else 1 / (value * (1 - value))
        gap = truth - value if number else np.log(truth / (1 - truth)) - np.log(value / (1 - value))
        held.delta += (np.abs(gap) <= student.ppf(0.975, n - 1) * error * slope).tolist()


def _curves(
    rng: np.random.Generator, scored: Scored, design: Design, n_sets: int
) -> Iterator[tuple[str, Held]]:
    """AP and the mean sensitivity at seven rates of false alarms."""
    ap, froc, truth = Held(), Held(), scored.ap
    rates = np.array(FROC_RATES)
    limits = -ndtri(np.minimum(rates / scored.false_alarms, 1 - 1e-12))
    mean = float(np.mean(scored.found_above(limits)))
    weights = np.ascontiguousarray(UnitDraws(n_units=design.units, n=_REPLICATES // 2).table().T)
    for _ in range(n_sets):
        tally, unit = scored.draw(rng, design)
        ap.add(metric_interval(average_precision_of([tally], unit, design.units, "all")), truth)
        froc.add(metric_interval(froc_mean_of(tally, unit, design.units, FROC_RATES)), mean)
        if len(ap.before) < n_sets // 2:
            steps = CurveSteps(tally, unit[tally.image], design.units)
            cells = np.bincount(unit, weights=tally.cells) @ weights
            low, _, high = percentiles(areas_under(*steps.counts(weights), cells, "all"))
            ap.before.append(bool(low <= truth <= high))
    yield "AP", ap
    yield "FROC", froc


def _classes(rng: np.random.Generator, f1: float, design: Design, n_sets: int) -> Iterator[tuple[str, Held]]:
    """Macro-F1 of three classes, and the F1 of the rare one."""
    method = Method.of(f1, spread=spread_at(f1))
    each = [draw(rng, [method], design, n_sets, cells=cells) for cells in CLASSES.values()]
    parts = [(2 * one.tp[:, 0, 0], one.tp[:, 0, 0] + one.fp[:, 0, 0] + one.cells) for one in each]
    macro = Held()
    for place in range(n_sets):
        macro.add(metric_interval(mean_of([ratio(upper[place], lower[place]) for upper, lower in parts])), f1)
    weights = UnitDraws(n_units=design.units, n=_REPLICATES).table().T
    for start in range(0, n_sets, 200):
        drawn = np.mean(
            [
                (u[start : start + 200] @ weights) / np.maximum(low[start : start + 200] @ weights, 1e-9)
                for u, low in parts
            ],
            axis=0,
        )
        ends = np.quantile(drawn, (0.025, 0.975), axis=1)
        macro.before += ((ends[0] <= f1) & (f1 <= ends[1])).tolist()
    yield "macro-F1", macro
    yield "F1 of a rare class", _held(*parts[-1], f1)


SEED_DESIGNS = (Design(units=6), Design(units=8), Design(units=22), Design(units=60))


def seed_intervals(n_boards: int, seed: int) -> dict[tuple[str, str], dict[str, tuple[Held, Held]]]:
    """(level, seeds) → design → intervals of a method's mean: with units alone, and with seeds.

    Boards of seven methods; "1 of 3" is a method of one seed whose three neighbours have three.
    """
    found: dict[tuple[str, str], dict[str, tuple[Held, Held]]] = defaultdict(dict)
    for level in ("mid", "high"):
        f1 = LEVELS[level]
        methods = like(f1, 7, seeds=True)
        for place, design in enumerate(SEED_DESIGNS):
            for seeds in ("1 of 3", "3", "5"):
                rng = np.random.default_rng([seed, place, ord(seeds[0]), round(1_000 * f1)])
                n = 3 if seeds == "1 of 3" else int(seeds)
                counts = draw(rng, methods, design, n_boards, seeds=n)
                alone, both = Held(), Held()
                for board in range(n_boards):
                    answers = counts.f1_of(board)
                    if seeds == "1 of 3":
                        answers = [some[:1] if number < 4 else some for number, some in enumerate(answers)]
                    variance = Methods.of(answers).seeds
                    for some in answers[:4]:
                        mean = mean_of(some)
                        alone.add(metric_interval(mean), f1)
                        both.add(metric_interval(mean, seeds=variance, n_seeds=len(some)), f1)
                found[level, seeds][str(design)] = (alone, both)
    return found

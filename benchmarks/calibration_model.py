"""The model that `calibrate.py` draws test sets from, and its exact values.

A unit (patient or slide) has one image or several; an image has gamma-Poisson many cells, 40 on average. Of
each cell the chance to be found, on the logit scale, and the number of false alarms, on the log scale, vary
normally: by image and patient in the same way for all methods, by image and patient for each method, by
training (seed), and a little by training and image. Population values are integrals over these normals (Gauss
and Hermite), not simulations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from bmbench.metrics import Tally
from bmbench.statistics.jackknife import Jackknife, ratio

if TYPE_CHECKING:
    from bmbench.core.types import Floats, Ints

CELLS = 40.0
_SHAPE = 4.0
"""Of the gamma that the mean number of cells of an image is drawn from: its sd is half its mean."""
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far the logit of recall and the logarithm of false alarms vary, as standard deviations.

    `shared` is the same for all methods, `own` each method's; `seed` that of a training, `seed_unit` that of
    a training on one image.
    """

    shared: tuple[float, float] = (0.5, 0.5)
    own: tuple[float, float] = (0.5, 0.6)
    seed: tuple[float, float] = (0.2, 0.2)
    seed_unit: float = 0.2

    def total(self, place: int) -> float:
        """Over images, for one training."""
        return float(np.sqrt(self.shared[place] ** 2 + self.own[place] ** 2 + self.seed_unit**2))


WILD = (1.0, 1.46)
"""The own spread of a method that varies wildly over images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """Mean logit of recall, mean false alarms on an image (of a training that is the mean of all), spread."""

    logit: float
    false_alarms: float
    spread: Spread

    @classmethod
    def of(
        cls, f1: float, *, more_recall: float = 0.0, spread: Spread | None = None, seeds: bool = False
    ) -> Method:
        """The method of this F1 (with `seeds` of its mean over trainings) whose recall is so much higher."""
        return _method(f1, more_recall, spread or Spread(), seeds)

    def f1(self, *, seeds: bool = False) -> float:
        """2 E(hits) / (E(hits) + E(false alarms) + E(cells)): of a mean training, or the mean over them."""
        node = np.meshgrid(_NODES, _NODES, indexing="ij") if seeds else (np.zeros((1, 1)),) * 2
        weight = np.outer(_WEIGHTS, _WEIGHTS) if seeds else np.ones((1, 1))
        recall = _mean_share(self.logit + self.spread.seed[0] * node[0], self.spread.total(0))
        false = self.false_alarms / CELLS * np.exp(self.spread.seed[1] * node[1])
        return float((weight * 2 * recall / (recall + false + 1)).sum())

    @property
    def recall(self) -> float:
        """Of a mean training, over all images."""
        return float(_mean_share(np.array(self.logit), self.spread.total(0)))

    @property
    def precision(self) -> float:
        """Likewise."""
        return self.recall / (self.recall + self.false_alarms / CELLS)


@lru_cache(maxsize=512)
def _method(f1: float, more_recall: float, spread: Spread, over_seeds: int) -> Method:
    recall = f1 + more_recall
    logit = float(brentq(lambda x: float(_mean_share(np.array(x), spread.total(0))) - recall, -12, 16))

    def off(log_false: float) -> float:
        return (
            Method(logit=logit, false_alarms=float(np.exp(log_false)), spread=spread).f1(
                seeds=bool(over_seeds)
            )
            - f1
        )

    return Method(logit=logit, false_alarms=float(np.exp(brentq(off, -12, 8))), spread=spread)


def _mean_share(logit: Floats, sd: float) -> Floats:
    found: Floats = (expit(np.asarray(logit)[..., None] + sd * _NODES) * _WEIGHTS).sum(axis=-1)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """So many units of so many images; half of the variance between images is between units."""

    units: int
    images: int = 1

    def __str__(self) -> str:
        return f"{self.units}" if self.images == 1 else f"{self.units} × {self.images}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """(sets, methods, seeds, units) hits and false alarms; (sets, units) cells and images."""

    tp: Ints
    fp: Ints
    cells: Ints

    def f1_of(self, one: int) -> list[list[Jackknife]]:
        """The F1 of every method and seed of one set."""
        tp, lower = self.tp[one], self.tp[one] + self.fp[one] + self.cells[one]
        return [[ratio(2 * tp[m, s], lower[m, s]) for s in range(tp.shape[1])] for m in range(tp.shape[0])]


def draw(
    rng: np.random.Generator,
    methods: list[Method],
    design: Design,
    n_sets: int,
    *,
    seeds: int = 0,
    cells: float = CELLS,
) -> Counts:
    """Counts of methods on `n_sets` test sets, of so many trainings; 0: of the mean training, one network."""
    n, k, s = design.units * design.images, len(methods), max(seeds, 1)

    def effect(*shape: int) -> Floats:
        """A standard normal by image, half of its variance by unit where a unit has several images."""
        image = rng.standard_normal((*shape, n))
        if design.images == 1:
            return image
        unit = np.repeat(rng.standard_normal((*shape, design.units)), design.images, axis=-1)
        return (image + unit) / np.sqrt(2)

    found = rng.poisson(rng.gamma(_SHAPE, cells / _SHAPE, (n_sets, n)))
    spreads = [method.spread for method in methods]
    if len({spread.shared for spread in spreads}) > 1:
        raise ValueError("what all methods share cannot differ between them")
    moved = []
    for place in (0, 1):
        own = np.array([spread.own[place] for spread in spreads])[:, None]
        x = spreads[0].shared[place] * effect(n_sets, 1) + own * effect(n_sets, k)
        x = np.repeat(x[:, :, None, :], s, axis=2)
        extra = np.array([spread.seed_unit for spread in spreads])[:, None, None]
        x += extra * rng.standard_normal(x.shape)
        if seeds:
            sd = np.array([spread.seed[place] for spread in spreads])[:, None, None]
            x += sd * rng.standard_normal((n_sets, k, s, 1))
        moved.append(x)
    logit = np.array([method.logit for method in methods])[:, None, None]
    rate = np.array([method.false_alarms for method in methods])[:, None, None] * cells / CELLS
    sd = np.array([method.spread.total(1) for method in methods])[:, None, None]
    tp = rng.binomial(found[:, None, None, :], expit(logit + moved[0]))
    fp = rng.poisson(rate * np.exp(moved[1] - sd**2 / 2))

    def by_unit(counts: Ints) -> Ints:
        return counts.reshape(*counts.shape[:-1], design.units, design.images).sum(axis=-1)

    return Counts(tp=by_unit(tp), fp=by_unit(fp), cells=by_unit(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Detections with confidences.

    A share of cells is proposed at all; hits score higher than false alarms by `apart` standard deviations on
    average, which varies over images too.
    """

    proposed: float
    false_alarms: float
    apart: float
    sd_apart: float = 0.4
    sd: tuple[float, float] = (0.7, 0.8)

    @property
    def ap(self) -> float:
        """The all-point AP of the population's curve."""
        t = np.linspace(12, -8, 20_001)
        hits = self.found_above(t)
        false = self.false_alarms / CELLS * ndtr(-t)
        precision = hits / np.maximum(hits + false, 1e-300)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return float((np.diff(hits) * (envelope[1:] + envelope[:-1]) / 2).sum())

    def found_above(self, limit: Floats) -> Floats:
        """The share of all cells that is found with scores above limits."""
        found: Floats = self.proposed * ndtr((self.apart - limit) / np.sqrt(1 + self.sd_apart**2))
        return found

    def draw(self, rng: np.random.Generator, design: Design) -> tuple[Tally, Ints]:
        """One test set, and the unit of each image."""
        n = design.units * design.images
        unit = np.repeat(np.arange(design.units), design.images)

        def effect() -> Floats:
            image = rng.standard_normal(n)
            if design.images == 1:
                return image
            return (image + rng.standard_normal(design.units)[unit]) / np.sqrt(2)

        cells = rng.poisson(rng.gamma(_SHAPE, CELLS / _SHAPE, n))
        center = float(brentq(lambda x: float(_mean_share(np.array(x), self.sd[0])) - self.proposed, -9, 14))
        hits = rng.binomial(cells, expit(center + self.sd[0] * effect()))
        false = rng.poisson(self.false_alarms * np.exp(self.sd[1] * effect() - self.sd[1] ** 2 / 2))
        apart = self.apart + self.sd_apart * effect()
        image = np.concatenate([np.repeat(np.arange(n), hits), np.repeat(np.arange(n), false)])
        hit = np.arange(len(image)) < hits.sum()
        score = rng.standard_normal(len(image)) + np.where(hit, apart[image], 0.0)
        return Tally.of(confidence=ndtr(score / 3), hit=hit, image=image, cells=cells), unit


def like(level: float, k: int, *, seeds: bool = False) -> list[Method]:
    """Methods that are equal in everything."""
    return [Method.of(level, spread=spread_at(level), seeds=seeds)] * k


def unlike(level: float, k: int, *, seeds: bool = False) -> list[Method]:
    """Equal in F1 alone: every third finds more or less, and one in seven varies wildly over images."""
    base = spread_at(level)
    found = []
    for number in range(k):
        shift = (0.0, 0.04, -0.04)[number % 3] * (1 - level) / 0.16
        spread = replace(base, own=WILD) if number % 7 == 6 else base
        found.append(Method.of(level, more_recall=shift, spread=spread, seeds=seeds))
    return found


def spread_at(level: float) -> Spread:
    """What varies at this F1."""
    if level < 0.9:
        return Spread()
    return Spread(shared=(0.6, 0.7), own=(0.3, 0.4), seed=(0.5, 0.5))

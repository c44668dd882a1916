"""What the real sets say together: paired differences stratified by set, and whether orders agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.benchmark.suite.report.blocks import Block, Bullets, Heading, TextGrid
from bmbench.benchmark.suite.report.scored_sets import ScoredSet, same_images
from bmbench.benchmark.suite.report.set_tables import best_words
from bmbench.benchmark.suite.suite_file import Suite
from bmbench.present.words import UNDEFINED, decimal, gap, listed, many, percent
from bmbench.statistics.intervals import jackknife_variance
from bmbench.statistics.many_methods import all_pairs, best_set, planned_pairs
from bmbench.statistics.methods import Methods
from bmbench.statistics.pairs import method_pairs
from bmbench.statistics.stratified import distance_between, order_agreement, stratified, win_rates
from bmbench.statistics.units import FEWEST_FOR_INTERVAL

PLANNED: tuple[tuple[str, str], ...] = (
    ("unet_shrink", "blob_log"),
    ("unet_shrink_contour", "unet_shrink"),
    ("unet_shrink_contour", "unet_statistical"),
    ("unet_shrink", "unet_statistical"),
    ("unet_shrink", "unet_dont_care"),
    ("circular_retinanet", "retinanet"),
    ("retinanet", "yolov3"),
    ("unet_shrink_contour", "mask_rcnn"),
    ("unet_shrink_contour", "retinanet"),
)
"""Pairs that were planned before any result, in the study's order: the first is said to be ahead."""
_ENOUGH = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """The methods that every set of a pool has, on all of its units."""

    names: list[str]
    sets: list[ScoredSet]
    left_out: list[str]
    methods: Methods

    def without(self, place: int) -> Methods:
        """The same without one set."""
        return stratified([_methods(s, self.names) for n, s in enumerate(self.sets) if n != place])


def pool_of(sets: Sequence[ScoredSet]) -> Pool | None:
    """The real sets of three units or more together; None where fewer than two methods are on all of them.

    The images of one data set count once, in the first set that has them: a later one asks another question
    of them, such as another profile's, or which class a cell is of.
    """
    real = [one for one in sets if not one.set.drawn and same_images(one, sets) is None]
    able = [one for one in real if one.n_units >= FEWEST_FOR_INTERVAL]
    if not able:
        return None
    every = [{key.method for key in one.keys} for one in able]
    common = set.intersection(*every)
    names = [key.method for key in able[0].keys if key.method in common]
    if len(names) < 2:
        return None
    methods = stratified([_methods(one, names) for one in able])
    left = sorted(set.union(*every) - common)
    return Pool(names=names, sets=able, left_out=left, methods=methods)


def pooled_section(sets: Sequence[ScoredSet], suite: Suite) -> list[Block]:
    """The pooled table, the planned pairs, and the order of the drawn set beside that of the real ones."""
    blocks: list[Block] = [Heading(level=2, text="All real sets together")]
    pool = pool_of(sets)
    if pool is None:
        return [*blocks, "This needs two methods that are finished on every real set of 3 groups or more."]
    names = listed([f"`{one.name}`" for one in pool.sets])
    text = (
        f"{many(pool.methods.n_units, 'unit')} of {names}. Differences are paired inside each set, and every "
        "set weighs the same; the mean F1 says nothing by itself, the differences do. The win rate is the "
        "share of rivals beaten, the mean over sets (Borda)."
    )
    if pool.left_out:
        text += f" Not on every set, so not here: {', '.join(f'`{name}`' for name in pool.left_out)}."
    blocks += [text, _pooled_grid(pool, suite), *_best_text(pool), *_planned(pool), *_orders(pool, sets)]
    return blocks


def _pooled_grid(pool: Pool, suite: Suite) -> TextGrid:
    pairs = method_pairs(pool.methods)
    base = next((n for n, name in enumerate(pool.names) if name in suite.baselines), None)
    values = np.array([_methods(one, pool.names).value for one in pool.sets])
    wins = win_rates(values)
    best = best_set(pairs).tolist()
    rows = []
    for place in np.argsort(-pool.methods.value).tolist():
        name = pool.names[place]
        against = (
            UNDEFINED
            if base is None or base == place
            else gap(float(pairs.difference[place, base]), pairs.interval(place, base))
        )
        mark = " (baseline)" if name in suite.baselines else ""
        rows.append(
            (
                f"`{name}`{mark}",
                percent(float(pool.methods.value[place])),
                against,
                decimal(float(wins[place]), 2),
                "yes" if best[place] else "no",
                _best_without(pool, place),
            )
        )
    baseline = "–" if base is None else f"− `{pool.names[base]}`, points"
    header = ("method", "mean F1", baseline, "win rate", "best?", "best? without each set")
    return TextGrid(header=header, rows=tuple(rows))


def _best_without(pool: Pool, place: int) -> str:
    """In how many of the pools that lack one set the method may be the best."""
    if len(pool.sets) < 2:
        return UNDEFINED
    able = [bool(best_set(method_pairs(pool.without(n)))[place]) for n in range(len(pool.sets))]
    return f"{sum(able)} of {len(able)}"


def _best_text(pool: Pool) -> list[Block]:
    pairs = method_pairs(pool.methods)
    able = [f"`{n}`" for n, best in zip(pool.names, best_set(pairs).tolist(), strict=True) if best]
    told = int(all_pairs(pool.methods).ahead.sum())
    k = len(pool.names)
    single = all(one.one_training for one in pool.sets)
    seeds = " One seed a row on every set: this speaks of these networks." if single else ""
    text = f"Over these sets: {best_words(able)} {told} of {many(k * (k - 1) // 2, 'pair')}"
    return [f"{text} are told apart, tested together.{seeds}"]


def _planned(pool: Pool) -> list[Block]:
    asked = [(a, b) for a, b in PLANNED if a in pool.names and b in pool.names]
    if not asked:
        return []
    pairs = method_pairs(pool.methods)
    first, second = ([pool.names.index(name) for name in side] for side in zip(*asked, strict=True))
    p = planned_pairs(pairs, first, second)
    texts = []
    for (better, worse), a, b, one in zip(asked, first, second, p.tolist(), strict=True):
        difference = float(pairs.difference[a, b])
        word = "open" if one > _ENOUGH else ("ahead" if difference > 0 else "behind")
        texts.append(f"`{better}` − `{worse}`: {gap(difference, pairs.interval(a, b))} points: **{word}**.")
    about = "Pairs that were planned, above 0 as the study has it, corrected for all of them (Holm):"
    return [about, Bullets(texts=tuple(texts))]


def _orders(pool: Pool, sets: Sequence[ScoredSet]) -> list[Block]:
    """Whether each drawn set orders the methods as the real sets do, and how far it lies above them."""
    blocks: list[Block] = []
    for one in (some for some in sets if some.set.drawn and same_images(some, sets) is None):
        there = {key.method for key in one.keys}
        names = [name for name in pool.names if name in there]
        if len(names) < 2:
            continue
        rows = [pool.names.index(name) for name in names]
        drawn, real = _methods(one, names), pool.methods.take(np.array(rows))
        agree = order_agreement(drawn, real)
        known = (
            "no interval"
            if agree.interval is None
            else f"[{agree.interval[0]:.2f}, {agree.interval[1]:.2f}] (95 %)"
        )
        text = (
            f"Kendall's tau over these {many(agree.n_methods, 'method')}: {decimal(agree.tau, 2)}, {known}; "
            "1 is the same order, 0 none in common, −1 the reverse. An interval that holds 0 leaves it open."
        )
        title = f"Is the order on `{one.name}` the order on real sets?"
        blocks += [Heading(level=3, text=title), text, _drops_between(one, drawn, real, names)]
    return blocks


def _drops_between(one: ScoredSet, drawn: Methods, real: Methods, names: Sequence[str]) -> TextGrid:
    rows = []
    for place, name in enumerate(names):
        sides = [
            (float(m.value[place]), float(jackknife_variance(m.influence[place])), m.df)
            for m in (drawn, real)
        ]
        found = sides[0][0] - sides[1][0]
        rows.append(
            (f"`{name}`", percent(sides[0][0]), percent(sides[1][0]), gap(found, distance_between(*sides)))
        )
    header = ("method", f"F1 on `{one.name}`", "real sets", "drop between sets, points")
    return TextGrid(header=header, rows=tuple(rows))


def _methods(one: ScoredSet, names: Sequence[str]) -> Methods:
    found = one.methods([one.main_key(name) for name in names])
    assert found is not None
    return found

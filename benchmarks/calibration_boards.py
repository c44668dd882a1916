"""How often boards make false claims, and what they find: pairs, best sets, non-inferiority, plans."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from calibration_model import WILD, Counts, Design, Method, draw, like, spread_at, unlike

from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.many_methods import all_pairs, best_set, holm, rank_sets
from bmbench.statistics.methods import Methods
from bmbench.statistics.not_worse import not_worse
from bmbench.statistics.pairs import method_pairs
from bmbench.statistics.planning import findable_differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bmbench.core.types import Floats

MID, HIGH = 0.84, 0.96
_SWAPS = 1_999
_MOST_BEFORE = 7
"""Methods up to which the old test is made here: with more it has no power at all."""


@dataclass(slots=True)
class Rate:
    """How often something happened."""

    hits: int = 0
    tries: int = 0

    def add(self, happened: int | np.bool_, times: int = 1) -> None:
        """So often in so many tries."""
        self.hits += int(happened)
        self.tries += times

    @property
    def share(self) -> float:
        """Of the tries."""
        return self.hits / self.tries if self.tries else np.nan

    @property
    def error(self) -> float:
        """Standard error; of none or all, that of one of them."""
        p = min(max(self.share, 1 / max(self.tries, 1)), 1 - 1 / max(self.tries, 2))
        return float(np.sqrt(p * (1 - p) / self.tries)) if self.tries else np.nan


ONE = "1 beside 3"
"""Half of the methods, but the first, have one training, the others three: the one borrows their variance."""
Seeds = int | str
"""Trainings of each method; 0: one network each, and what is said is said of these networks."""


def boards(
    rng: np.random.Generator, methods: Sequence[Method], design: Design, n_boards: int, *, seeds: Seeds
) -> Iterator[tuple[Methods, Counts, int]]:
    """Boards as the statistics see them, with the counts behind each; few at a time."""
    few, seeds = seeds == ONE, 3 if isinstance(seeds, str) else seeds
    step = max(1, 200_000 // (len(methods) * max(seeds, 1) * design.units * design.images))
    for start in range(0, n_boards, step):
        counts = draw(rng, list(methods), design, min(step, n_boards - start), seeds=seeds)
        for one in range(len(counts.cells)):
            answers = counts.f1_of(one)
            if few:
                answers = [some[:1] if number % 2 else some for number, some in enumerate(answers)]
            yield Methods.of(answers), counts, one


def swap_test(counts: Counts, one: int) -> Floats:
    """(m,) p-values of all pairs as boards had them: swaps of units, after Holm."""
    tp, fp = counts.tp[one].sum(axis=1), counts.fp[one].sum(axis=1)
    upper, lower = 2.0 * tp, tp + fp + counts.tp.shape[2] * counts.cells[one] + 0.0
    n = upper.shape[1]
    exact = 2 ** (n - 1) <= _SWAPS
    if exact:
        swaps = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    else:
        swaps = np.random.default_rng(one).integers(0, 2, (_SWAPS, n))
    p = []
    for a, b in combinations(range(len(upper)), 2):
        u, low = swaps @ (upper[b] - upper[a]), swaps @ (lower[b] - lower[a])
        first = (upper[a].sum() + u) / (lower[a].sum() + low)
        second = (upper[b].sum() - u) / (lower[b].sum() - low)
        observed = abs(upper[a].sum() / lower[a].sum() - upper[b].sum() / lower[b].sum())
        count = np.count_nonzero(np.abs(first - second) >= observed * (1 - 1e-9))
        p.append(count / len(swaps) if exact else (count + 1) / (len(swaps) + 1))
    return holm(np.array(p))


@dataclass(slots=True)
class FalseClaims:
    """Boards of methods that are equal: any false claim about a pair, now and before; what else is said.

    `kept` is how often one fixed method, as good as any, stays in the best set, `rows` how often a row's rank
    set leaves no rank out.
    """

    now: Rate = field(default_factory=Rate)
    before: Rate = field(default_factory=Rate)
    kept: Rate = field(default_factory=Rate)
    rows: Rate = field(default_factory=Rate)


def false_claims(
    kind: str, level: float, k: int, units: int, *, seeds: Seeds, n_boards: int, seed: int
) -> FalseClaims:
    """Of equal methods that are alike or unlike (`calibration_model.unlike`)."""
    methods = (like if kind == "alike" else unlike)(level, k, seeds=bool(seeds))
    rng = np.random.default_rng([seed, k, units, len(str(seeds)), len(kind), round(1_000 * level)])
    found = FalseClaims()
    for number, (board, counts, one) in enumerate(
        boards(rng, methods, Design(units=units), n_boards, seeds=seeds)
    ):
        found.now.add(all_pairs(board).apart.any())
        pairs = method_pairs(board)
        found.kept.add(best_set(pairs)[0])
        sets = rank_sets(pairs)
        found.rows.add((sets.first[0], sets.last[0]) == (1, k))
        if k <= _MOST_BEFORE and number < 300:
            found.before.add((swap_test(counts, one) <= 0.05).any())
    return found


@dataclass(slots=True)
class Power:
    """One method is behind the others: how often it is told apart, and how often it leaves the best set."""

    pairs: Rate = field(default_factory=Rate)
    pairs_before: Rate = field(default_factory=Rate)
    dropped: Rate = field(default_factory=Rate)
    kept: Rate = field(default_factory=Rate)


def power(level: float, k: int, units: int, behind: float, *, seeds: int, n_boards: int, seed: int) -> Power:
    """The last of k methods is `behind` the others by so much F1."""
    spread = spread_at(level)
    methods = [
        *like(level, k - 1, seeds=bool(seeds)),
        Method.of(level - behind, spread=spread, seeds=bool(seeds)),
    ]
    rng = np.random.default_rng([seed, k, units, seeds, round(1_000 * behind), round(1_000 * level)])
    found = Power()
    for number, (board, counts, one) in enumerate(
        boards(rng, methods, Design(units=units), n_boards, seeds=seeds)
    ):
        ahead = all_pairs(board).ahead[:-1, -1]
        found.pairs.add(np.int64(ahead.sum()), times=k - 1)
        best = best_set(method_pairs(board))
        found.dropped.add(not best[-1])
        found.kept.add(best[0])
        if k <= _MOST_BEFORE and number < 100:
            rows = np.array([second == k - 1 for _, second in combinations(range(k), 2)])
            found.pairs_before.add(np.int64((swap_test(counts, one)[rows] <= 0.05).sum()), times=k - 1)
    return found


@dataclass(slots=True)
class Junk:
    """Sixty methods on a ladder among junk: what is told of pairs of them 20 to 40 points apart, and more.

    `family` is within the declared family, `everybody` among all submissions; `size` is how many of the sixty
    are in the best set, board by board.
    """

    family: Rate = field(default_factory=Rate)
    everybody: Rate = field(default_factory=Rate)
    size: list[int] = field(default_factory=list)


def junk(n_junk: int, *, n_boards: int, seed: int, units: int = 22) -> Junk:
    """Sixty methods from F1 0.45 to 0.85, and so much junk from 0.1 to 0.4, a third of it wild."""
    ladder = np.linspace(0.45, 0.85, 60)
    spread = spread_at(MID)
    methods = [Method.of(float(level), spread=spread) for level in ladder]
    wild = [WILD if number % 3 == 0 else spread.own for number in range(n_junk)]
    junk_spread = [type(spread)(shared=spread.shared, own=own) for own in wild]
    below = np.linspace(0.1, 0.4, max(n_junk, 1))[:n_junk]
    methods += [Method.of(float(f1), spread=one) for f1, one in zip(below, junk_spread, strict=True)]
    gap = ladder[None, :] - ladder[:, None]
    far = (gap >= 0.2) & (gap <= 0.4)
    found = Junk()
    # The sixty are the same in all settings: junk is drawn beside them.
    for board in range(n_boards):
        real = draw(np.random.default_rng([seed, board]), methods[:60], Design(units=units), 1)
        more = draw(np.random.default_rng([seed, board]), methods[:60] + methods[60:], Design(units=units), 1)
        answers = [*real.f1_of(0), *_on_cells_of(real, more)]
        every = Methods.of(answers)
        for rate, told in (
            (found.family, all_pairs(every, np.arange(60)).ahead),
            (found.everybody, all_pairs(every).ahead[:60, :60]),
        ):
            rate.add(np.int64(told.T[far].sum()), times=int(far.sum()))
        found.size.append(int(best_set(method_pairs(every))[:60].sum()))
    return found


def _on_cells_of(real: Counts, more: Counts) -> list[list]:
    """The junk of one draw beside the sixty of another one, on units of the same cells."""
    joined = Counts(tp=np.minimum(more.tp, real.cells[:, None, None, :]), fp=more.fp, cells=real.cells)
    return joined.f1_of(0)[60:]


@dataclass(slots=True)
class Margin:
    """A method that is exactly the margin worse, or equal: how often it is called not worse."""

    false: Rate = field(default_factory=Rate)
    before: Rate = field(default_factory=Rate)
    equal: Rate = field(default_factory=Rate)
    needed: list[int] = field(default_factory=list)


def margins(kind: str, level: float, units: int, *, seeds: int, n_boards: int, seed: int) -> Margin:
    """Like spread, more recall, or a wild spread of the weaker one."""
    spread = spread_at(level)
    own = type(spread)(shared=spread.shared, own=WILD, seed=spread.seed) if kind == "varies more" else spread
    more = {"more recall": 0.05 * (1 - level) / 0.16}.get(kind, 0.0)
    found = Margin()
    for behind in (0.02, 0.0):
        methods = [
            Method.of(level - behind, spread=own, more_recall=more, seeds=bool(seeds)),
            Method.of(level, spread=spread, seeds=bool(seeds)),
        ]
        rng = np.random.default_rng(
            [seed, units, seeds, len(kind), round(1_000 * level), round(100 * behind)]
        )
        weights = UnitDraws(n_units=units, n=1_000).table()
        for number, (board, counts, one) in enumerate(
            boards(rng, methods, Design(units=units), n_boards, seeds=seeds)
        ):
            answer = not_worse(board, 0, 1)
            if not behind:
                found.equal.add(answer.verdict == "not worse")
                if answer.units_needed is not None:
                    found.needed.append(answer.units_needed)
                continue
            found.false.add(answer.verdict == "not worse")
            if number < 1_000:
                found.before.add(_percentile_not_worse(counts, one, weights))
    return found


def _percentile_not_worse(counts: Counts, one: int, weights: Floats) -> bool:
    """As boards had it: the 90 % percentile interval of the difference lies above −2 points."""
    tp, fp = counts.tp[one].sum(axis=1), counts.fp[one].sum(axis=1)
    lower = tp + fp + counts.tp.shape[2] * counts.cells[one]
    drawn = (weights @ (2 * tp).T) / np.maximum(weights @ lower.T, 1e-9)
    return bool(np.quantile(drawn[:, 0] - drawn[:, 1], 0.05) > -0.02)


def plans(k: int, units: int, *, n_boards: int, seed: int) -> dict[str, tuple[float, Rate]]:
    """For each planning figure the median over boards, and how often a difference of that size is found."""
    rng = np.random.default_rng([seed, k, units])
    planned: dict[str, list[float]] = {"alone": [], "best_set": [], "all_pairs": []}
    for board, _, _ in boards(rng, like(MID, k), Design(units=units), min(n_boards, 200), seeds=0):
        plan = findable_differences(board, method_pairs(board))
        for name, figures in planned.items():
            figure = None if plan is None else getattr(plan, name)
            if figure is not None:
                figures.append(figure)
    found = {}
    for name, figures in planned.items():
        if not figures:
            continue
        gap, rate = float(np.median(figures)), Rate()
        if gap < MID - 0.1:
            methods = [*like(MID, k - 1), Method.of(MID - gap, spread=spread_at(MID))]
            for board, _, _ in boards(rng, methods, Design(units=units), n_boards, seeds=0):
                pairs = method_pairs(board)
                if name == "alone":
                    rate.add(pairs.p[0, -1] <= 0.05 and pairs.ahead[0, -1])
                elif name == "best_set":
                    rate.add(not best_set(pairs)[-1])
                else:
                    rate.add(all_pairs(board).ahead[0, -1])
        found[name] = (gap, rate)
    return found

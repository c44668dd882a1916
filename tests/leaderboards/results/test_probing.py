"""An attacker who answers a hidden track with questions: how many cells a year of attempts tells, before
and after.

The oracle is the best that an attacker can have: F1 is exact but for what is published of it, a box finds
every cell under it, and the number of cells is known.
"""

import math

import msgspec
import numpy as np
import pytest

from bmbench.leaderboards.results.hidden_scores import published
from bmbench.leaderboards.results.hidden_standings import hidden_standings
from bmbench.leaderboards.results.leakage_budget import (
    cell_bits,
    leakage,
    noise_for,
    value_bits,
)
from bmbench.leaderboards.results.record import Digests, MetricResult, Result
from bmbench.leaderboards.tracks.manifest import Limits

SIDE, CELLS, LEAF = 1_152, 249, 18
ELSEWHERE = 1_084
"""Cells of other images of the track: 1,333 together, as in the measured attack."""
A_YEAR = 12 * 5
"""Submissions of one login, five in 30 days."""


@pytest.fixture
def track(bench):
    """A track, hidden with eight bits a submission; its truth stays where it is, the oracle knows it."""
    bench.track()
    manifest = bench.board.manifest("weak")
    noise, step = noise_for(8.0, 1)
    truth = msgspec.structs.replace(manifest.truth, visibility="hidden", noise=noise, step=step)
    limits = Limits(attempts=5, attempts_of_all=40, days=30)
    return msgspec.structs.replace(manifest, truth=truth, metrics=("cd.f1",), limits=limits)


class Oracle:
    """What the board says of boxes over some squares of the image, and how often it was asked."""

    def __init__(self, track=None, *, questions=1):
        rng = np.random.default_rng(7)
        self.xy = rng.uniform(0, SIDE, (CELLS, 2))
        self.track, self.per_submission, self.asked = track, questions, 0

    @property
    def submissions(self):
        return math.ceil(self.asked / self.per_submission)

    def inside(self, square):
        x, y, side = square
        return ((self.xy >= (x, y)) & (self.xy < (x + side, y + side))).all(axis=1).sum()

    def count(self, square):
        """The cells in a square, as the published F1 tells them: a leaf holds one box, a square one a
        leaf."""
        self.asked += 1
        boxes = (square[2] // LEAF) ** 2
        f1 = 2 * self.inside(square) / (boxes + CELLS + ELSEWHERE)
        return self._seen(f1) * (boxes + CELLS + ELSEWHERE) / 2

    def _seen(self, f1):
        if self.track is None:
            return round(f1 / 0.001) * 0.001
        metrics = {"cd.f1": MetricResult(value=f1, interval=None, seeds=(f1,))}
        result = Result(
            schema="bmbench.result/1", id="probe", track="weak", track_version=1, scorer=1, state="published",
            digests=Digests(card=f"{self.asked}", predictions=(), track="", truth=""), card=None,
            metrics=metrics,
        )  # fmt: skip
        return published(result, self.track, b"salt" * 8).metrics["cd.f1"].value


def found_cells(oracle, most):
    """A quadtree of counts within so many submissions: squares of 18 px that are said to hold a cell, and
    do."""
    waiting, leaves = [((0, 0, SIDE), oracle.count((0, 0, SIDE)))], []
    while waiting and oracle.submissions < most:
        waiting.sort(key=lambda one: -one[1] / one[0][2])
        (x, y, side), count = waiting.pop(0)
        if side <= LEAF:
            leaves.append((x, y, side))
            continue
        half, rest = side // 2, count
        for dx, dy in ((0, 0), (half, 0), (0, half), (half, half)):
            square = (x + dx, y + dy, half)
            part = rest if (dx and dy) else oracle.count(square)
            rest -= part
            if part > 0.5:
                waiting.append((square, part))
    return sum(oracle.inside(square) > 0 for square in leaves), len(leaves)


def test_the_cells_that_a_year_of_attempts_tells(track):
    """Before: ten questions a submission, steps of 0.1 points, no limit that holds. After: the budget."""
    oracle = Oracle(questions=10)
    everything, _ = found_cells(oracle, 10**6)
    in_a_year, _ = found_cells(Oracle(questions=10), A_YEAR)
    after, _ = found_cells(Oracle(track), A_YEAR)
    assert everything > 0.95 * CELLS
    assert oracle.submissions < 200
    assert in_a_year > 40
    assert after <= 2


def test_who_has_good_guesses_learns_little_more(track):
    """300 guesses of which four fifths are right: which ones, by 60 sums over random halves, least
    squares."""
    rng = np.random.default_rng(0)
    right = rng.random(300) < 0.8
    oracle = Oracle(track)
    halves = rng.random((A_YEAR, 300)) < 0.5
    sums = []
    for half in halves:
        oracle.asked += 1
        boxes, cells = half.sum(), CELLS + ELSEWHERE
        sums.append(oracle._seen(2 * (half & right).sum() / (boxes + cells)) * (boxes + cells) / 2)
    guess = halves - 0.5
    error = np.array(sums) - halves.sum(axis=1) * 0.8
    score = guess.T @ (error - error.mean())
    kept = np.argsort(score)[60:]  # a fifth is thrown away
    assert right[kept].mean() < 0.86


def test_the_budget_is_what_it_says():
    """Worked by hand: noise 0.01: log2(1 + 100 / 4.1327) = 4.655; steps of 0.1 alone: log2(11) = 3.459."""
    assert value_bits(0.001, 0.01) == pytest.approx(4.655, abs=1e-3)
    assert value_bits(0.1, 0.0) == pytest.approx(3.459, abs=1e-3)
    # 1,000 places, 10 cells: log2(1000 choose 10) = 77.80 bits.
    assert cell_bits(1_000 * math.pi * 4, 10, 2.0) == pytest.approx(7.780, abs=1e-3)


@pytest.mark.parametrize("bits", [6.0, 8.0, 12.0])
@pytest.mark.parametrize("n", [1, 2])
def test_the_noise_keeps_to_the_bits(track, bits, n):
    noise, step = noise_for(bits * n, n)
    metrics = ("cd.f1", "bb.f1")[:n]
    truth = msgspec.structs.replace(track.truth, noise=noise, step=step)
    budget = leakage(msgspec.structs.replace(track, truth=truth, metrics=metrics))
    assert bits * n - 0.6 < budget.submission <= bits * n
    assert budget.login == pytest.approx(5 * budget.submission)
    assert budget.everybody == pytest.approx(40 * budget.submission)


def test_the_noise_is_normal_and_nobody_can_take_it_away_by_asking_again(track):
    oracle = Oracle(track)
    draws = []
    for _ in range(2_000):
        oracle.asked += 1
        draws.append(oracle._seen(0.5) - 0.5)
    noise = track.truth.noise
    assert abs(np.mean(draws)) < 4 * noise / 2_000**0.5
    assert np.std(draws) == pytest.approx((noise**2 + track.truth.step**2 / 12) ** 0.5, rel=0.08)
    first = oracle._seen(0.5)
    assert oracle._seen(0.5) == first  # the same bytes, the same noise: scored again, nothing new is told


def test_the_order_of_a_hidden_track_is_made_of_what_was_published(track):
    """Three submissions, worked by hand: 0.90 and 0.88 with half-widths of 0.04, 0.50 with 0.04."""
    from bmbench.leaderboards.results.standings_record import Standings

    table = Standings(
        schema="bmbench.standings/2", track="weak", track_version=1, scorer=1, unit="image",
        n_units=10, n_images=10, n_cells=77, metrics=(), rules=(), crossings=(),
    )  # fmt: skip
    results = [
        Result(
            schema="bmbench.result/2", id=id_, track="weak", track_version=1, scorer=1, state="published",
            digests=None, card=None,
            metrics={"cd.f1": MetricResult(value=v, interval=(v - 0.04, v + 0.04), seeds=())},
        )
        for id_, v in (("a", 0.88), ("b", 0.90), ("c", 0.50))
    ]  # fmt: skip
    found = hidden_standings(table, track, results)
    places = {place.id: place for place in found.metrics[0].places}
    assert [place.id for place in found.metrics[0].places] == ["b", "a", "c"]
    assert {id_: place.ranks for id_, place in places.items()} == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    # 0.02 ± 1.96 √2 · 0.04 / 1.96 = 0.02 ± 0.0566
    gap = places["a"].to_leader
    assert (gap.value, *gap.interval) == pytest.approx((-0.02, -0.0766, 0.0366), abs=1e-4)
    assert (found.n_cells, found.metrics[0].family.n_apart) == (0, 2)
    assert {id_: place.best for id_, place in places.items()} == {"a": True, "b": True, "c": False}

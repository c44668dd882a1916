"""oLRP and the AP that causes cost: the same without a unit as the others alone; intervals that hold."""

from __future__ import annotations

import numpy as np
import pytest

from bmbench.metrics.cost_of_causes import PutRight
from bmbench.metrics.localisation_recall_precision import LrpTerms, lowest
from bmbench.metrics.tally import Tally
from bmbench.statistics import detail_intervals
from bmbench.statistics.detail_intervals import cost_intervals, optimal_lrp_interval
from bmbench.statistics.units import ChosenUnits

CELLS = 30


def drawn(rng: np.random.Generator, n_images: int) -> LrpTerms:
    """Images whose recall and false alarms vary; hits are surer, and lie 0.4 off on average."""
    recall = 1 / (1 + np.exp(-rng.normal(1.8, 0.6, n_images)))
    cells = 1 + rng.poisson(CELLS, n_images)
    hits, alarms = rng.binomial(cells, recall), rng.poisson(8 * np.exp(rng.normal(0, 0.5, n_images)))
    image = np.concatenate([np.repeat(np.arange(n_images), each) for each in (hits, alarms)])
    hit = np.arange(len(image)) < hits.sum()
    confidence = 1 / (1 + np.exp(-rng.normal(np.where(hit, 1.5, 0.0), 1.0)))
    order = np.argsort(-confidence)
    tally = Tally(confidence=confidence[order], hit=hit[order], image=image[order], cells=cells)
    return LrpTerms(tally=tally, misplaced=np.where(tally.hit, rng.beta(2, 3, len(hit)), 0.0))


def each_image(n: int) -> ChosenUnits:
    return ChosenUnits(name="image", row=np.arange(n), n=n)


def without(terms: LrpTerms, image: int) -> LrpTerms:
    kept = terms.tally.image != image
    cells = terms.tally.cells.copy()
    cells[image] = 0
    tally = Tally(
        confidence=terms.tally.confidence[kept],
        hit=terms.tally.hit[kept],
        image=terms.tally.image[kept],
        cells=cells,
    )
    return LrpTerms(tally=tally, misplaced=terms.misplaced[kept])


def put_right(terms: LrpTerms) -> PutRight:
    """Every second false alarm is of the cause, and is left out."""
    tally = terms.tally
    wrong = ~tally.hit & (np.cumsum(~tally.hit) % 2 == 0)
    after = Tally(
        confidence=tally.confidence[~wrong],
        hit=tally.hit[~wrong],
        image=tally.image[~wrong],
        cells=tally.cells,
    )
    errors = np.bincount(tally.image[wrong], minlength=len(tally.cells))
    return PutRight(before=tally, after={"cause": after}, errors={"cause": errors})


def test_olrp_without_a_unit_is_that_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    terms, seen = drawn(np.random.default_rng(1), 7), []
    monkeypatch.setattr(detail_intervals, "metric_interval", seen.append)
    optimal_lrp_interval(terms, each_image(7))
    assert seen[0].value == pytest.approx(lowest(terms).error, abs=1e-12)
    anew = [lowest(without(terms, image)).error for image in range(7)]
    assert seen[0].without == pytest.approx(anew, abs=1e-12)


def test_with_the_threshold_held_fixed_it_is_nearly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = drawn(np.random.default_rng(2), 40)
    exact = optimal_lrp_interval(terms, each_image(40))
    monkeypatch.setattr(detail_intervals, "_MOST_NUMBERS", 0)
    fixed = optimal_lrp_interval(terms, each_image(40))
    assert fixed.value == pytest.approx(exact.value, abs=1e-12)
    assert fixed.interval == pytest.approx(exact.interval, abs=2e-3)


def test_a_cost_without_a_unit_is_that_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    terms, seen = drawn(np.random.default_rng(3), 6), []
    monkeypatch.setattr(detail_intervals, "metric_interval", seen.append)
    found = put_right(terms)
    cost_intervals([found], each_image(6), "all")
    assert seen[0].value == pytest.approx(found.cost("cause", "all"), abs=1e-12)
    for image in range(6):
        left = {}
        for name, tally in (("before", found.before), ("after", found.after["cause"])):
            left[name] = without(LrpTerms(tally=tally, misplaced=np.zeros(len(tally.hit))), image).tally
        rest = PutRight(before=left["before"], after={"cause": left["after"]}, errors={})
        assert seen[0].without[image] == pytest.approx(rest.cost("cause", "all"), abs=1e-12)


def test_where_no_cell_is_asked_for_any_more_all_is_right() -> None:
    tally = Tally(
        confidence=np.zeros(0), hit=np.zeros(0, bool), image=np.zeros(0, np.int64), cells=np.ones(8, np.int64)
    )
    nothing = Tally(
        confidence=np.zeros(0), hit=np.zeros(0, bool), image=np.zeros(0, np.int64), cells=0 * tally.cells
    )
    found = PutRight(before=tally, after={"missed": nothing}, errors={"missed": tally.cells})
    assert found.cost("missed", "all") == 1
    one = cost_intervals([found], each_image(8), "all")["missed"]
    assert (one.value, one.interval, one.why_none) == (1.0, None, "few errors")


def test_intervals_hold_the_truth() -> None:
    """300 sets of 12 images; the truth is that of 20,000 images. 0.95 − 3 standard errors is 0.912."""
    rng = np.random.default_rng(4)
    large = drawn(rng, 20_000)
    truth = lowest(large).error, put_right(large).cost("cause", "all")
    held, given = np.zeros(2), np.zeros(2)
    for _ in range(300):
        terms = drawn(rng, 12)
        found = (
            optimal_lrp_interval(terms, each_image(12)),
            cost_intervals([put_right(terms)], each_image(12), "all")["cause"],
        )
        for place, one in enumerate(found):
            if one.interval is not None:
                given[place] += 1
                held[place] += one.interval[0] <= truth[place] <= one.interval[1]
    assert (given >= 290).all()
    assert (held / given >= 0.912).all(), held / given
    assert (held / given <= 0.985).all(), held / given

"""A promised miss rate: by hand, and in simulated sets of patients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.metrics.conformal import conformal_threshold, unit_limits, units_needed
from bmbench.metrics.operating_point import WantedPoint, promised_point
from tests.metrics.scenes import coco_objects, predictions_of, square, truth_of, write_pair


def test_limits_by_hand() -> None:
    """At most a fifth may be missed: of 5 cells 4 are needed, of 2 both; unit 2 has no cell, unit 3 too few.

    Unit 0 finds at 0.9, 0.8, 0.4, 0.3, 0.2: its fourth is 0.3. Unit 1 at 0.7 and 0.6: 0.6.
    """
    confidence = np.array([0.4, 0.9, 0.3, 0.8, 0.2, 0.6, 0.7, 0.5])
    unit = np.array([0, 0, 0, 0, 0, 1, 1, 3])
    limits = unit_limits(confidence, unit, np.array([5, 2, 0, 2]), miss=0.2)
    assert limits[[0, 1]].tolist() == [0.3, 0.6]
    assert np.isnan(limits[2])
    assert limits[3] == -np.inf


@pytest.mark.parametrize(("share", "needed"), [(0.9, 9), (0.95, 19), (0.8, 4), (0.5, 1), (0.75, 3)])
def test_how_many_units_it_takes(share: float, needed: int) -> None:
    """Of n units the lowest limit promises n / (n + 1): nine tenths from nine on."""
    assert units_needed(share) == needed
    assert conformal_threshold(np.full(needed - 1, 0.5), share=share) is None
    assert conformal_threshold(np.full(needed, 0.5), share=share) == 0.5


def test_which_limit_is_taken() -> None:
    """Of 19 units ⌊20 · 0.1⌋ = 2: the second lowest."""
    limits = np.random.default_rng(1).permutation(np.arange(1, 20) / 20)
    assert conformal_threshold(limits, share=0.9) == pytest.approx(0.1)
    assert conformal_threshold(np.append(limits, np.nan), share=0.9) == pytest.approx(0.1)


@pytest.mark.parametrize(("patients", "share"), [(12, 0.9), (24, 0.95), (6, 0.8)])
def test_the_promise_holds_in_simulated_sets(patients: int, share: float) -> None:
    """Patients differ in cells and in how sure the detector is of them; one is drawn anew after the choice.

    2,000 draws: the share that keeps the promise is known within 3 standard errors. A threshold for a recall
    of 0.9 on the same patients breaks it.
    """
    rng = np.random.default_rng(5)
    draws, miss, kept, kept_by_recall = 2_000, 0.1, 0, 0
    for _ in range(draws):
        cells = rng.integers(8, 120, patients + 1)
        unit = np.repeat(np.arange(patients + 1), cells)
        sure = rng.beta(rng.uniform(1.5, 12, patients + 1)[unit], 2)
        found = rng.random(len(unit)) < 0.97
        confidence, owner = sure[found], unit[found]
        limits = unit_limits(confidence, owner, cells, miss=miss)
        threshold = conformal_threshold(limits[:-1], share=share)
        assert threshold is not None
        mine = confidence[owner == patients]
        kept += (mine >= threshold).sum() >= (1 - miss) * cells[-1] - 1e-9
        others = np.sort(confidence[owner < patients])[::-1]
        needed = int(np.ceil((1 - miss) * cells[:-1].sum()))
        at = others[needed - 1] if needed <= len(others) else 0.0
        kept_by_recall += (mine >= at).sum() >= (1 - miss) * cells[-1] - 1e-9
    error = np.sqrt(share * (1 - share) / draws)
    assert kept / draws >= share - 3 * error
    # No more careful than it must be: at most one rank of n + 1 above.
    assert kept / draws <= share + 1 / (patients + 1) + 3 * error
    assert kept_by_recall / draws < share - 10 * error


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), miss=st.sampled_from([0.1, 0.3, 0.5]))
def test_it_is_that_of_evaluations_at_the_threshold(seed: int, miss: float) -> None:
    """As many units keep the rate, by an evaluation at that threshold, as is said."""
    rng = np.random.default_rng(seed)
    truth = truth_of(
        [square(*rng.uniform(0, 200, 2)) for _ in range(60)], rng.integers(0, 12, 60).tolist(), n_images=12
    )
    kept = rng.random(60) < 0.9
    found = predictions_of(
        truth.box[kept].tolist(), rng.random(int(kept.sum())).tolist(), truth.image[kept].tolist()
    )
    scores = evaluate(truth, found, PROTOCOLS["paper"]).cd
    assert scores is not None
    wanted = WantedPoint(metric="miss", least=miss, patients=0.8)
    point = promised_point(scores, wanted, np.arange(12), geometry="cd")
    if point is None:
        return
    at = evaluate(truth, found, PROTOCOLS["paper"], threshold=point.threshold).cd
    assert at is not None
    some = at.images.cells > 0
    keep = (at.images.cells - at.images.tp)[some] <= miss * at.images.cells[some] + 1e-9
    assert point.reached == pytest.approx(keep.mean())
    assert point.units == some.sum()


def test_on_the_command_line(bmbench: Any, tmp_path: Path) -> None:
    """Twelve patients of two images, all cells found but with other confidences; then too few of them."""
    rng = np.random.default_rng(2)
    box = [square(40 * k + 20, 20) for k in range(10)]
    truth = truth_of(
        box * 24, np.repeat(np.arange(24), 10).tolist(), groups=[f"p{k // 2}" for k in range(24)]
    )
    found = predictions_of(truth.box.tolist(), rng.random(240).round(4).tolist(), truth.image.tolist())
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    chosen = write_pair(tmp_path / "a", truth, found)
    scored = write_pair(tmp_path / "b", truth, found)
    call = ("score", scored[0], "--truth", scored[1], "--radius", 5, "--at", "miss=0.2")
    answer = bmbench(*call, "--chosen-on", *chosen, "--json")
    assert answer.code == 0, answer.err
    at = json.loads(answer.out)["at"]
    assert (at["metric"], at["patients"], at["units"]) == ("miss", 0.9, 12)
    assert "a new patient or slide misses at most 0.2 of its cells by centres" in answer.err
    # Of 12 the lowest limit: at it, each patient misses a fifth at most, one of them just so.
    lowest = min(np.sort(found.confidence[truth.image // 2 == p])[::-1][15] for p in range(12))
    assert at["threshold"] == pytest.approx(lowest)
    assert "promises miss=0.2@0.9" in " ".join(bmbench(*call, "--chosen-on", *chosen).out.split())
    alone = bmbench(*call)
    assert (alone.code, "promises nothing for the images that it is chosen on" in alone.err) == (2, True)
    value = coco_objects(truth)
    for image in value["images"]:
        image["group"] = f"p{image['id'] % 4}"
    chosen[1].write_text(json.dumps(value))
    few = bmbench(*call, "--chosen-on", *chosen)
    said = " ".join(few.err.split())
    assert few.code == 2
    assert "too few groups to promise anything (expected 9 groups with cells, or more, got 4)" in said
    assert bmbench(*call[:-1], "miss=0.2@0.8", "--chosen-on", *chosen).code == 0

"""Bootstrap intervals against scoring every drawn set of images anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.statistics.differences import paired_difference
from bmbench.statistics.resampling import interval, resample_weights, resampled_ap, resampled_f1
from tests.metrics.scenes import predictions_of, random_scene, rebuilt, square, truth_of

PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)


def drawn(table: Any, images: list[int]) -> Any:
    """The images of a table, repeated as drawn, each a new image."""
    rows = [np.flatnonzero(table.image == image) for image in images]
    columns = {
        name: getattr(table, name)
        for name in ("xy", "box", "label", "role", "region", "confidence")
        if hasattr(table, name)
    }
    order = np.concatenate([*rows, np.zeros(0, int)]).astype(int)
    again = {name: column[order] for name, column in columns.items()}
    again["image"] = np.repeat(np.arange(len(images)), [len(row) for row in rows])
    if hasattr(table, "image_ids"):
        again |= {"image_ids": tuple(range(len(images))), "groups": tuple(map(str, range(len(images))))}
    return rebuilt(table, **again)


def grouped_scene(seed: int, **options: Any) -> tuple[Any, Any, np.ndarray]:
    truth, predictions = random_scene(seed, images=7, **options)
    names = ["b", "a", "a", "c", "b", "b", "d"]
    return rebuilt(truth, groups=tuple(names)), predictions, np.unique(names, return_inverse=True)[1]


@pytest.mark.parametrize("kind", ["all", "11", "101"])
@pytest.mark.parametrize("few_groups", [True, False])
@pytest.mark.parametrize("geometry", ["bb", "cd"])
def test_weights_do_what_scoring_anew_does(
    kind: Any, few_groups: bool, geometry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not few_groups:
        monkeypatch.setattr("bmbench.statistics.resampling._FEW_GROUPS", 0)
    truth, predictions, group = grouped_scene(3, cells=4, steps=9)
    protocol = replace(PAPER, ap=kind)
    scores = getattr(evaluate(truth, predictions, protocol, threshold=0.4), geometry)
    n = 25
    ap = resampled_ap(scores.tallies, group, kind, n=n, seed=5)
    f1 = resampled_f1(scores.images, group, n=n, seed=5)
    weights = next(resample_weights(4, n, seed=5, block=n))
    for replicate in range(n):
        images = [image for image in range(7) for _ in range(int(weights[group[image], replicate]))]
        anew = getattr(
            evaluate(drawn(truth, images), drawn(predictions, images), protocol, threshold=0.4), geometry
        )
        assert ap[replicate] == pytest.approx(np.nan if anew.ap is None else anew.ap, nan_ok=True)
        assert f1[replicate] == pytest.approx(np.nan if anew.f1 is None else anew.f1, nan_ok=True)


def test_every_draw_is_of_as_many_groups() -> None:
    blocks = list(resample_weights(5, 1000, seed=1, block=300))
    weights = np.concatenate(blocks, axis=1)
    assert [block.shape[1] for block in blocks] == [300, 300, 300, 100]
    assert (weights.sum(axis=0) == 5).all()
    # Each group is drawn once on average, with variance 1 − 1/5; 1000 draws: standard error 0.03.
    assert weights.mean(axis=1) == pytest.approx(np.ones(5), abs=0.12)
    assert weights.var(axis=1) == pytest.approx(np.full(5, 0.8), abs=0.15)


def test_draws_do_not_depend_on_the_block() -> None:
    whole = next(resample_weights(6, 50, seed=2, block=50))
    parts = np.concatenate(list(resample_weights(6, 50, seed=2, block=7)), axis=1)
    assert (whole == parts).all()


def test_the_interval_is_over_groups() -> None:
    """Ten images of one patient tell as much as one: the interval of ten patients is narrower."""
    rng = np.random.default_rng(0)
    truth = truth_of([square(40 * i, 0) for i in range(20)] * 20, np.repeat(np.arange(20), 20).tolist())
    kept = np.flatnonzero(rng.random(400) < np.repeat(rng.uniform(0.3, 1, 20), 20))
    predictions = predictions_of(
        truth.box[kept].tolist(), rng.random(len(kept)).tolist(), truth.image[kept].tolist()
    )

    def width(groups: list[str]) -> float:
        scores = evaluate(rebuilt(truth, groups=tuple(groups)), predictions, PAPER, bootstrap=500).bb
        assert scores is not None
        assert scores.ap_ci is not None
        assert scores.ap is not None
        assert scores.ap_ci[0] <= scores.ap <= scores.ap_ci[1]
        return scores.ap_ci[1] - scores.ap_ci[0]

    alone = width([str(i) for i in range(20)])
    in_fours = width([str(i // 5) for i in range(20)])
    assert alone > 0
    assert in_fours != alone
    one_group = evaluate(rebuilt(truth, groups=("a",) * 20), predictions, PAPER, bootstrap=50).bb
    assert one_group is not None
    assert one_group.ap_ci is None
    assert one_group.f1_ci is None


def test_coverage_of_the_interval() -> None:
    """Recall of 30 images of 10 cells, each found with 0.8: the 95 % interval holds 0.8 most of the time."""
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        truth = truth_of([square(40 * i, 0) for i in range(10)] * 30, np.repeat(np.arange(30), 10).tolist())
        kept = np.flatnonzero(rng.random(300) < 0.8)
        predictions = predictions_of(truth.box[kept].tolist(), [0.5] * len(kept), truth.image[kept].tolist())
        scores = evaluate(truth, predictions, PAPER, bootstrap=300, seed=seed).bb
        assert scores is not None
        assert scores.ap_ci is not None
        held += scores.ap_ci[0] <= 0.8 <= scores.ap_ci[1]
    # Binomial(40, 0.93): fewer than 31 has a chance below 1 in 1000.
    assert held >= 31


def test_paired_difference_is_narrower_than_two_intervals() -> None:
    truth, predictions, _ = grouped_scene(8, cells=12)
    first = evaluate(truth, predictions, PAPER, threshold=0.3, bootstrap=400)
    worse = rebuilt(predictions, box=predictions.box + 1.0)
    second = evaluate(truth, worse, PAPER, threshold=0.3, bootstrap=400)
    found = paired_difference(first, second, "bb", n=400)
    assert found is not None
    assert first.bb is not None
    assert second.bb is not None
    assert found.ap == pytest.approx(first.bb.ap - second.bb.ap)
    assert found.ap_ci is not None
    assert found.ap_ci[0] <= found.ap <= found.ap_ci[1]
    loose = first.bb.ap_ci[1] - second.bb.ap_ci[0] - (first.bb.ap_ci[0] - second.bb.ap_ci[1])
    assert found.ap_ci[1] - found.ap_ci[0] < loose
    same = paired_difference(first, first, "bb", n=50)
    assert same is not None
    assert same.to_json() == {
        "ap": 0.0,
        "f1": 0.0,
        "ap_ci": [0.0, 0.0],
        "f1_ci": [0.0, 0.0],
        "ap_share": 0.5,
        "f1_share": 0.5,
    }
    back = paired_difference(second, first, "bb", n=400)
    assert back is not None
    assert back.ap_ci == pytest.approx((-found.ap_ci[1], -found.ap_ci[0]))
    assert back.ap_share == pytest.approx(1 - found.ap_share)


def test_paired_difference_needs_the_same_images() -> None:
    truth, predictions, _ = grouped_scene(8)
    other_truth, other, _ = grouped_scene(9)
    first, second = evaluate(truth, predictions, PAPER), evaluate(other_truth, other, PAPER)
    with pytest.raises(ValueError, match="same images"):
        paired_difference(first, second, "cd")


def test_interval_of_nothing_is_none() -> None:
    assert interval(np.array([np.nan, np.nan])) is None
    assert interval(np.arange(101.0)) == pytest.approx((2.5, 97.5))

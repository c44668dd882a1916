"""Values of re-weighted images against scoring every drawn set of images anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bmbench.metrics import PROTOCOLS, Curve, evaluate
from bmbench.statistics.curve_steps import CurveSteps, areas_under
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.resampling import envelope_at, percentiles
from tests.metrics.scenes import random_scene, rebuilt

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
@pytest.mark.parametrize("few_units", [True, False])
@pytest.mark.parametrize("geometry", ["bb", "cd"])
def test_weights_do_what_scoring_anew_does(
    kind: Any, few_units: bool, geometry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not few_units:
        monkeypatch.setattr("bmbench.statistics.curve_steps._FEW_UNITS", 0)
    truth, predictions, group = grouped_scene(3, cells=4, steps=9)
    protocol = replace(PAPER, ap=kind)
    scores = getattr(evaluate(truth, predictions, protocol, threshold=0.4), geometry)
    draws = UnitDraws(n_units=4, n=25, seed=5)
    steps = CurveSteps(scores.tallies[0], group[scores.tallies[0].image], 4)
    weighted = np.ascontiguousarray(draws.table().T)
    cells = np.bincount(group, weights=scores.images.cells) @ weighted
    ap = areas_under(*steps.counts(weighted), cells, kind)
    recalls = np.arange(11) / 10
    envelopes = envelope_at(scores.tallies[0], group, recalls, draws.table())
    for replicate, weights in enumerate(draws.table()):
        images = [image for image in range(7) for _ in range(int(weights[group[image]]))]
        anew = getattr(
            evaluate(drawn(truth, images), drawn(predictions, images), protocol, threshold=0.4), geometry
        )
        assert ap[replicate] == pytest.approx(anew.ap or 0.0)
        assert envelopes[replicate] == pytest.approx(best_precision(anew.curve, recalls))


def best_precision(curve: Curve, recalls: np.ndarray) -> list[float]:
    """The highest precision at each recall or beyond, point by point."""
    points = list(zip(curve.recall.tolist(), curve.precision.tolist(), strict=True))
    return [
        max((precision for recall, precision in points if recall >= least - 1e-9), default=0.0)
        for least in recalls
    ]


def test_percentiles_of_a_band() -> None:
    assert percentiles(np.arange(101.0)[:, None]).ravel() == pytest.approx([2.5, 50, 97.5])

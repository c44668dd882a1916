"""Sensitivity at rates of false alarms: by hand, and as MONAI 1.6.1 has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bmbench.metrics import (
    PROTOCOLS,
    evaluate,
    froc,
    sensitivity_per_100_cells,
    sensitivity_per_mm2,
)

from .scenes import predictions_of, rebuilt, square, truth_of


def scored(hits: list[float], alarms: list[float], *, cells: int, images: int = 1) -> tuple[Any, Any]:
    """Cells in a row on the first image, the first ones found with these scores, and false alarms far off."""
    truth = truth_of([square(200 * k, 0) for k in range(cells)], [0] * cells, n_images=images)
    places = [square(200 * k, 0) for k in range(len(hits))]
    places += [square(200 * k, 5000) for k in range(len(alarms))]
    scores = evaluate(truth, predictions_of(places, [*hits, *alarms]), PROTOCOLS["paper"]).cd
    assert scores is not None
    return truth, scores


def test_the_published_case_of_monai_by_both_rules() -> None:
    """TEST_CASE_4 of MONAI: hits at 1, 1, 0.8, 0.8 of 4 cells, false alarms at 0.8 and 0.6, on 2 images.

    Sensitivity is 1/2 without a false alarm, 1 from 1/2 an image on. At 1/4 an image it is 1/2 by steps, and
    3/4 half-way between: means over six rates are (1/2 + 5) / 6 = 0.91667 and (3/4 + 5) / 6, for which MONAI
    publishes 0.95833333.
    """
    _, scores = scored([1, 1, 0.8, 0.8], [0.8, 0.6], cells=4, images=2)
    found = froc(scores, rates=(0.25, 0.5, 1, 2, 4, 8))
    assert found.mean == pytest.approx(5.5 / 6, rel=1e-12)
    assert found.interpolated_mean == pytest.approx(0.95833333, abs=5e-9)
    assert found.interpolated[0] == 0.75


HITS, ALARMS = [0.9, 0.8, 0.8, 0.6, 0.6, 0.6], [0.8, 0.8, 0.6, 0.6, 0.6, 0.3, 0.3, 0.2, 0.1]


def test_per_mm2_and_per_100_cells() -> None:
    """8 cells on 400 x 400 px of 0.5 µm, 0.04 mm². Thresholds 0.9, 0.8, 0.6: 0, 2, 5 false alarms, then 9.

    Per mm² those are 0, 50, 125, 225, and sensitivity is 1/8, 3/8, 6/8, 6/8. By steps at 10, 20, 50, 100,
    200, 300: 1, 1, 3, 3, 6, 6 eighths. Per 100 cells they are 0, 25, 62.5: at 1 … 20 it is 1/8, at 50 3/8.
    Interpolated means are what MONAI 1.6.1 (compute_froc_score) says of the same hits and false alarms.
    """
    truth, scores = scored(HITS, ALARMS, cells=8)
    by_area = sensitivity_per_mm2(rebuilt(truth, image_mm2=np.array([0.04])), scores)
    assert by_area is not None
    assert by_area.by_steps.tolist() == [1 / 8, 1 / 8, 3 / 8, 3 / 8, 6 / 8, 6 / 8]
    assert by_area.interpolated_mean == pytest.approx(0.48333333333333334, rel=1e-12)
    by_cells = sensitivity_per_100_cells(scores)
    assert by_cells is not None
    assert by_cells.by_steps.tolist() == [1 / 8] * 5 + [3 / 8]
    assert by_cells.interpolated_mean == pytest.approx(0.27166666666666667, rel=1e-12)


def test_what_cannot_be_said() -> None:
    """Without a scale of every image there is no area; without cells there is no sensitivity."""
    truth, scores = scored(HITS, ALARMS, cells=8, images=2)
    assert sensitivity_per_mm2(truth, scores) is None
    assert sensitivity_per_mm2(rebuilt(truth, image_mm2=np.array([0.04, np.nan])), scores) is None
    truth, scores = scored([], ALARMS, cells=0)
    assert sensitivity_per_100_cells(scores) is None
    by_area = sensitivity_per_mm2(rebuilt(truth, image_mm2=np.array([0.04])), scores)
    assert by_area is not None
    assert (by_area.mean, by_area.interpolated_mean) == (None, None)


def test_an_image_without_cells_has_an_area() -> None:
    """Twice the area halves the rates: false alarms on what is empty are held against it."""
    truth, scores = scored(HITS, ALARMS, cells=8, images=2)
    one = sensitivity_per_mm2(rebuilt(truth, image_mm2=np.array([0.04, 0.0])), scores)
    two = sensitivity_per_mm2(rebuilt(truth, image_mm2=np.array([0.04, 0.04])), scores)
    assert one is not None
    assert two is not None
    # 0, 25, 62.5, 112.5 per mm².
    assert two.by_steps.tolist() == [1 / 8, 1 / 8, 3 / 8, 6 / 8, 6 / 8, 6 / 8]
    assert one.by_steps.tolist() == [1 / 8, 1 / 8, 3 / 8, 3 / 8, 6 / 8, 6 / 8]


def test_a_rate_that_is_reached_exactly() -> None:
    """29 false alarms on 0.29 mm² are 100 per mm², though 100 · 0.29 is rounded to 28.999999999999996."""
    truth, scores = scored([0.5], [0.9] * 29, cells=1)
    found = sensitivity_per_mm2(rebuilt(truth, image_mm2=np.array([0.29])), scores)
    assert found is not None
    assert found.by_steps.tolist() == [0, 0, 0, 1, 1, 1]

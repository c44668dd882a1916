"""What ``--details`` and the protocol ``coco`` add: by hand, and against scikit-learn."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import fbeta_score

from bmbench.benchmark.scoring.score_files import score_files
from bmbench.benchmark.scoring.tables import score_tables
from bmbench.metrics import PROTOCOLS, sensitivity_per_mm2
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.free_response import MM2_RATES
from bmbench.metrics.tally import pooled
from bmbench.statistics.intervals import f_beta_interval, with_intervals
from bmbench.statistics.jackknife import froc_mean_of
from bmbench.statistics.units import units_of
from tests.metrics.scenes import predictions_of, random_scene, rebuilt, square, taken, truth_of, write_pair

PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)


def printed(report: Any) -> list[str]:
    """The tables at 80 columns, line by line."""
    console = Console(width=80, record=True, file=io.StringIO())
    for table in score_tables(report, title="p.json"):
        console.print(table)
    return console.export_text().splitlines()


def test_by_group_by_hand(tmp_path: Path) -> None:
    """Patient a: two images, three cells, two found, one false alarm; b: one cell, nothing; c: no cell.

    F1 of a: 2 · 2 / (3 + 3) = 2/3, precision 2/3, recall 2/3; of b: 0, no precision, recall 0; of c, with a
    false alarm: no F1, precision 0, no recall.
    """
    truth = truth_of(
        [square(20, 20), square(90, 20), square(20, 20), square(20, 20)],
        [0, 0, 1, 2],
        n_images=4,
        groups=["a", "a", "b", "c"],
    )
    found = predictions_of(
        [square(20, 20), square(20, 20), square(200, 20), square(9, 300)], [0.9] * 4, [0, 1, 1, 3]
    )
    report = score_files(*write_pair(tmp_path, truth, found), PAPER, threshold=0.5, details=True)
    by_group = report.to_json()["details"]["cd"]["by_group"]
    assert by_group == [
        {
            "group": "a",
            "images": 2,
            "cells": 3,
            "tp": 2,
            "fp": 1,
            "fn": 1,
            "f1": pytest.approx(2 / 3),
            "precision": pytest.approx(2 / 3),
            "recall": pytest.approx(2 / 3),
        },
        {"group": "b", "images": 1, "cells": 1, "tp": 0, "fp": 0, "fn": 1}
        | {"f1": 0.0, "precision": None, "recall": 0.0},
        {"group": "c", "images": 1, "cells": 0, "tp": 0, "fp": 1, "fn": 0}
        | {"f1": None, "precision": 0.0, "recall": None},
    ]
    lines = printed(report)
    assert [line.split() for line in lines if line.strip().startswith("a ")] == [
        ["a", "2", "3", "0.667", "0.667"]
    ]
    assert max(map(len, lines)) <= 80


def test_of_many_groups_the_worst_are_shown(tmp_path: Path) -> None:
    """Thirty patients with two images and a cell each; all but the last are found: it comes first."""
    n = 30
    truth = truth_of(
        [square(20, 20)] * n, list(range(n)), n_images=2 * n, groups=[f"p{k % n:02}" for k in range(2 * n)]
    )
    found = predictions_of([square(20, 20)] * (n - 1), [0.9] * (n - 1), list(range(n - 1)))
    report = score_files(*write_pair(tmp_path, truth, found), PAPER, threshold=0.5, details=True)
    rows = [line.split()[0] for line in printed(report) if line.strip().startswith("p") and " 2 " in line]
    assert (len(rows), rows[0], rows[1]) == (24, "p29", "p00")
    assert len(report.to_json()["details"]["bb"]["by_group"]) == n


def test_the_twelve_numbers_of_coco_are_printed(tmp_path: Path) -> None:
    truth, found = random_scene(5, images=4)
    report = score_files(*write_pair(tmp_path, truth, found), PROTOCOLS["coco"])
    assert report.coco_summary is not None
    lines = printed(report)
    shown = {
        line.split()[0]: line.split()[-1]
        for line in lines
        if line.split()[:1] and line.split()[0] in report.coco_summary
    }
    wanted = {name: "–" if one is None else f"{one:.3f}" for name, one in report.coco_summary.items()}
    # The first table has a row AP of its own; the last row of that name counts.
    assert (shown, len(shown)) == (wanted, 12)


def test_f_beta_is_that_of_scikit_learn(tmp_path: Path) -> None:
    """Hits are true positives, false alarms false positives, missed cells false negatives."""
    truth, found = random_scene(7, images=8)
    report = score_files(*write_pair(tmp_path, truth, found), PAPER, threshold=0.4, details=True)
    for geometry, one in report.details.items():
        scores = getattr(report.evaluation, geometry)
        is_cell = [1] * scores.tp + [0] * scores.fp + [1] * scores.fn
        is_found = [1] * scores.tp + [1] * scores.fp + [0] * scores.fn
        for name, beta in (("f2", 2.0), ("f0.5", 0.5)):
            value, interval = one.f_beta[name].value, one.f_beta[name].interval
            assert value == pytest.approx(fbeta_score(is_cell, is_found, beta=beta), rel=1e-12)
            assert interval is not None
            assert interval[0] < value < interval[1]


def test_the_interval_of_f_beta_is_that_of_f1_for_beta_1() -> None:
    evaluation = with_intervals(evaluate(*random_scene(7, images=8), PAPER, threshold=0.4))
    assert evaluation.cd is not None
    found = f_beta_interval(evaluation.cd, units_of(evaluation), beta=1.0)
    assert found.interval == pytest.approx(evaluation.cd.f1_ci)
    empty = with_intervals(
        evaluate(truth_of([]), predictions_of([square(9, 9)], [0.5]), PAPER, threshold=0.4)
    )
    assert empty.cd is not None
    assert f_beta_interval(empty.cd, units_of(empty), beta=2.0).value is None


def test_false_alarms_are_held_against_area_and_cells(tmp_path: Path) -> None:
    """Four images of 4096 x 4096 px of 0.5 µm: 2.048² mm² each. One without: said, and left out."""
    paths = write_pair(tmp_path, *random_scene(5, images=4))
    value = json.loads(paths[1].read_text())
    for image in value["images"]:
        image["um_per_px"] = 0.5
    paths[1].write_text(json.dumps(value))
    report = score_files(*paths, PAPER, details=True)
    found = report.to_json()["details"]["cd"]
    assert found["froc_per_mm2"]["amount"] == pytest.approx(4 * 2.048**2)
    assert found["froc_per_100_cells"]["amount"] == report.evaluation.n_cells / 100
    assert found["froc_per_mm2"]["mean_ci"] is not None
    lines = [" ".join(line.split()) for line in printed(report)]
    assert any(line.startswith("· FROC per mm²") for line in lines)
    del value["images"][1]["um_per_px"]
    paths[1].write_text(json.dumps(value))
    partly = score_files(*paths, PAPER, details=True)
    assert partly.to_json()["details"]["cd"]["froc_per_mm2"] is None
    assert "no sensitivity per mm²: 1 of 4 images lack um_per_px, width or height" in partly.notes
    assert partly.notes != score_files(*paths, PAPER).notes


def test_the_interval_leaves_out_the_area_with_the_image() -> None:
    """Without an image sensitivity is that of the others, over their area."""
    truth, found = random_scene(11, images=4)
    area = np.array([0.02, 0.05, 0.03, 0.1])
    scores = evaluate(truth, found, PAPER).cd
    assert scores is not None
    unit = np.arange(4)
    left = froc_mean_of(pooled(scores.tallies), unit, 4, MM2_RATES, amount=area)
    whole = sensitivity_per_mm2(rebuilt(truth, image_mm2=area), scores)
    assert whole is not None
    assert left.value == pytest.approx(whole.mean)
    for image in range(4):
        others = rebuilt(taken(truth, truth.image != image), image_mm2=np.where(unit == image, 0.0, area))
        alone = evaluate(others, taken(found, found.image != image), PAPER).cd
        assert alone is not None
        rest = sensitivity_per_mm2(others, alone)
        assert rest is not None
        assert left.without[image] == pytest.approx(rest.mean)

"""Agreement of counts and percentages, from two files to numbers, by hand."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from bmbench.benchmark.drawing.score_figures import write_score_folder
from bmbench.benchmark.scoring.reports import ScoreReport
from bmbench.benchmark.scoring.score_files import score_files
from bmbench.benchmark.scoring.tables import score_tables
from bmbench.metrics import PROTOCOLS

PAPER = replace(PROTOCOLS["paper"], radius_px=10.0)
TRUTH = {"a": [(8, 2), (6, 4)], "b": [(19, 1)], "c": [(10, 10), (12, 8), (9, 11)], "d": [(30, 0)]}
"""Other cells and plasma cells of the images of four patients."""
FOUND = {"a": [(9, 1), (6, 4)], "b": [(17, 3)], "c": [(11, 9), (12, 6), (9, 11)], "d": [(32, 1)]}


def objects(counts: dict[str, list[tuple[int, int]]], key: str) -> list[dict[str, Any]]:
    """So many objects of either class in the places 0, 30, 60 … of each image, plasma cells from 3,000 on."""
    rows: list[dict[str, Any]] = []
    images = [pair for patient in counts for pair in counts[patient]]
    for image, pair in enumerate(images, 1):
        for label, (n, start) in enumerate(zip(pair, (0, 3000), strict=True), 1):
            rows += [
                {"image_id": image, "category_id": label, "bbox": [start + 30 * k, 0, 20, 20]}
                for k in range(n)
            ]
    for number, row in enumerate(rows, 1):
        row[key] = number if key == "id" else 0.9
    return rows


def files(folder: Path, *, classes: bool = True) -> tuple[Path, Path]:
    patients = [patient for patient, images in TRUTH.items() for _ in images]
    truth = {
        "images": [
            {"id": n, "file_name": f"{n}.png", "width": 6000, "height": 100, "group": patient}
            for n, patient in enumerate(patients, 1)
        ],
        "categories": [{"id": 1, "name": "other cell"}, {"id": 2, "name": "plasma cell"}],
        "annotations": objects(TRUTH, "id"),
    }
    found = objects(FOUND, "score")
    # What is less sure than the threshold is not counted.
    found.append({"image_id": 1, "category_id": 2, "bbox": [5500, 0, 20, 20], "score": 0.2})
    if not classes:
        for row in found:
            row["category_id"] = 1
    for name, value in (("truth.json", truth), ("found.json", found)):
        (folder / name).write_text(json.dumps(value))
    return folder / "found.json", folder / "truth.json"


def report_of(folder: Path, **more: bool) -> ScoreReport:
    return score_files(*files(folder, **more), PAPER, threshold=0.5, details=True)


def test_by_patient_by_hand(tmp_path: Path) -> None:
    found = report_of(tmp_path).to_json()["details"]["cd"]["count_agreement"]
    cells = found["patients"]["cells"]
    assert cells["truth"] == [20, 20, 60, 30]
    assert cells["found"] == [20, 20, 58, 33]
    # 0, 0, −2 and 3: mean 1/4, without sign 5/4; 0, 0, 2/60 and 3/30 in per cent on average 10/3.
    assert cells["limits"]["bias"] == pytest.approx(0.25)
    assert cells["mean_absolute"] == pytest.approx(1.25)
    assert cells["mean_absolute_percent"] == pytest.approx(10 / 3)
    assert cells["limits"]["bias_ci"] is not None
    plasma = found["patients"]["percentages"]["plasma cell"]
    assert plasma["truth"] == pytest.approx([30, 5, 100 * 29 / 60, 0])
    assert plasma["found"] == pytest.approx([25, 15, 100 * 26 / 58, 100 / 33])
    inside = [
        limits.low <= share / 100 <= limits.high
        for (n, of), share in zip(((6, 20), (1, 20), (29, 60), (0, 30)), plasma["found"], strict=True)
        for limits in [stats.binomtest(n, of).proportion_ci(method="exact")]
    ]
    assert plasma["within"] == pytest.approx(np.mean(inside))
    (cut,) = found["patients"]["cut_offs"]["plasma cells"]
    # Above 10 %: a and c, both found; b is not and is called so, d is not.
    assert (cut["above"], cut["below"], cut["sensitivity"], cut["specificity"]) == (2, 2, 1.0, 0.5)
    assert cut["kappa"] == pytest.approx(0.5)


def test_images_of_one_patient_have_no_intervals(tmp_path: Path) -> None:
    found = report_of(tmp_path).to_json()["details"]["cd"]["count_agreement"]["images"]
    assert len(found["cells"]["truth"]) == 7
    assert found["cells"]["limits"]["bias"] is not None
    assert found["cells"]["limits"]["bias_ci"] is None
    assert found["cells"]["concordance_ci"] is None
    assert found["cells"]["independent"] is False


def test_predictions_without_classes_are_asked_for_no_percentages(tmp_path: Path) -> None:
    found = report_of(tmp_path, classes=False).to_json()["details"]["cd"]["count_agreement"]
    assert found["patients"]["percentages"] == {}
    assert found["patients"]["cut_offs"] == {}
    assert found["patients"]["cells"]["found"] == [20, 20, 58, 33]


def test_it_is_printed_at_80_columns_and_drawn(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    console = Console(width=80, record=True, file=io.StringIO())
    for table in score_tables(report, title="p.json"):
        console.print(table)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    row = next(line for line in text.splitlines() if line.strip().startswith("centres, by patient"))
    assert row.split()[3] == "+0.2"
    assert "percentages by patient, points (centres)" in text
    assert "plasma cells ≥ 10 %" in text
    written = write_score_folder(tmp_path / "out", report, title="p.json")
    assert tmp_path / "out" / "counts.png" in written

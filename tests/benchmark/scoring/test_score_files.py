"""From two files to the report: what it says, and laws that hold for files."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bmbench.benchmark.scoring.compare_files import ComparisonRequest, compare_predictions
from bmbench.benchmark.scoring.score_files import (
    evaluate_files,
    read_pair,
    score_files,
)
from bmbench.metrics import PROTOCOLS
from tests.metrics.scenes import with_scale_and_outlines

PAPER = replace(PROTOCOLS["paper"], radius_px=10.0)
COUNTS = ("tp", "fp", "fn", "fp_artefact", "fp_duplicate", "fp_near", "fp_background")
SCORES = ("ap", "f1", "precision", "recall", "threshold", *COUNTS, "assignment", "ap_ci", "f1_ci")
"""Keys that scripts of others rest on."""


def write(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(value))
    return path


def truth_file(folder: Path, name: str = "truth.json", *, images: tuple[int, ...] = (1, 2, 3)) -> Path:
    """Two cells on each of three images, and an artefact on the first."""
    places = [(image, x, 1) for image in images for x in (0, 100)] + [(images[0], 300, 2)]
    return write(
        folder,
        name,
        {
            "images": [
                {"id": image, "width": 500, "height": 500, "file_name": f"{image}.png"} for image in images
            ],
            "categories": [
                {"id": 1, "name": "cell", "supercategory": "cell"},
                {"id": 2, "name": "smudge", "supercategory": "artefact"},
            ],
            "annotations": [
                {"id": number, "image_id": image, "category_id": category, "bbox": [x, 0, 20, 20]}
                for number, (image, x, category) in enumerate(places)
            ],
        },
    )


def found(image: int, x: float, score: float, category: int = 1) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": [x, 0, 20, 20], "score": score}


DETECTIONS = [
    found(1, 0, 0.9),
    found(1, 300, 0.8),
    found(2, 2, 0.7),
    found(2, 1, 0.6),
    found(2, 100, 0.5, category=2),
    found(1, 200, 0.4),
]


def test_the_report_by_hand(tmp_path: Path) -> None:
    """6 cells; 2 hits (0.9, 0.7), then a duplicate, an artefact, background; one is predicted as artefact.

    Steps: 1/1, 1/2, 2/3, 2/4, 2/5 and recall 1/6, 1/6, 2/6 …: AP = 1/6 + 1/6 · 2/3 = 5/18. F1 at 0.5:
    2 · 2 / (6 + 4) = 0.4.
    """
    files = write(tmp_path, "p.json", DETECTIONS), truth_file(tmp_path)
    report = score_files(*files, PAPER, threshold=0.5).to_json()
    head = {name: report[name] for name in ("protocol", "images", "cells", "predictions", "threshold_source")}
    assert head == {
        "protocol": "paper",
        "images": 3,
        "cells": 6,
        "predictions": 5,
        "threshold_source": "given",
    }
    for geometry in ("bb", "cd"):
        scores = report[geometry]
        assert set(SCORES) <= set(scores)
        assert {name: scores[name] for name in COUNTS} == {
            "tp": 2,
            "fp": 2,
            "fn": 4,
            "fp_artefact": 1,
            "fp_duplicate": 1,
            "fp_near": 0,
            "fp_background": 0,
        }
        assert (scores["fn_missed"], scores["fn_artefact"]) == (3, 1)
        assert scores["ap"] == pytest.approx(5 / 18)
        assert scores["f1"] == pytest.approx(0.4)
        assert (scores["precision"], scores["recall"]) == (0.5, pytest.approx(1 / 3))
        assert (scores["threshold"], scores["assignment"]) == (0.5, "greedy")
        # The third image has no hit: fewer than three units with any.
        assert (scores["ap_ci"], scores["f1_ci"]) == (None, None)
        assert scores["no_interval"]["f1"] == "few hits"
    assert report["interval"] == {
        "method": "logit jackknife t, Kish",
        "unit": "image",
        "units": 3,
        "level": 0.95,
    }
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_every_protocol_gives_plain_json(tmp_path: Path, protocol: str) -> None:
    files = write(tmp_path, "p.json", [*DETECTIONS, found(3, 0, 0.3)]), truth_file(tmp_path)
    with_scale_and_outlines(files[1])
    report = score_files(*files, PROTOCOLS[protocol], details=True).to_json()
    again = json.loads(json.dumps(report, allow_nan=False))
    assert again == json.loads(json.dumps(score_files(*files, PROTOCOLS[protocol], details=True).to_json()))
    assert again["threshold_source"] == "oracle"
    assert (again["bb"] is None) == (PROTOCOLS[protocol].iou is None)
    assert (again["cd"] is None) == (PROTOCOLS[protocol].limit("cd") is None)
    for scores in filter(None, (again["bb"], again["cd"])):
        assert scores["ap_ci"][0] <= scores["ap"] <= scores["ap_ci"][1]
        assert not any(isinstance(value, float) and math.isnan(value) for value in scores.values())
    assert ("coco_summary" in again) == (protocol == "coco")


def test_leaving_an_image_out_equals_answering_it_with_nothing(tmp_path: Path) -> None:
    truth = truth_file(tmp_path)
    images = {"all": [1, 2, 3], "answered": [1, 2]}
    wrapped = {
        name: {"schema": "bmbench.predictions/1", "images": ids, "detections": DETECTIONS}
        for name, ids in images.items()
    }
    reports = [
        score_files(write(tmp_path, f"{name}.json", value), truth, PAPER).to_json()
        for name, value in [*wrapped.items(), ("bare", DETECTIONS)]
    ]
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["cd"]["fn"] + reports[0]["cd"]["tp"] == 6


def test_a_file_of_a_few_of_the_images_is_called_that(tmp_path: Path) -> None:
    files = write(tmp_path, "p.json", DETECTIONS[:1]), truth_file(tmp_path)
    (note,) = score_files(*files, PAPER).to_json()["notes"][1:]
    assert note.startswith("2 of 3 images with cells have no prediction")
    compared = compare_predictions(ComparisonRequest(first=[files[0]], second=[files[0]], truth=files[1]))
    assert f"{files[0]}: {note}" in compared.to_json()["notes"]
    both = write(tmp_path, "q.json", DETECTIONS)
    assert not [one for one in score_files(both, files[1], PAPER).to_json()["notes"] if "prediction" in one]


def test_the_order_of_everything_in_the_files_is_free(tmp_path: Path) -> None:
    report = score_files(write(tmp_path, "a.json", DETECTIONS), truth_file(tmp_path), PAPER)
    value = json.loads((tmp_path / "truth.json").read_text())
    for part in ("images", "annotations", "categories"):
        value[part] = value[part][::-1]
    turned = dict(reversed(value.items()))
    other = score_files(
        write(tmp_path, "b.json", DETECTIONS[::-1]),
        write(tmp_path, "turned.json", turned),
        PAPER,
    )
    assert other.to_json() == report.to_json()


def test_the_files_read_are_those_scored(tmp_path: Path) -> None:
    files = write(tmp_path, "p.json", DETECTIONS), truth_file(tmp_path)
    truth, predictions = read_pair(*files)
    evaluation = evaluate_files(*files, PAPER)
    assert len(predictions) == len(DETECTIONS)
    assert evaluation.cd is not None
    assert len(evaluation.cd.matching) == len(DETECTIONS)
    hits = evaluation.cd.matching.is_hit
    assert truth.image[evaluation.cd.matching.annotation[hits]].tolist() == predictions.image[hits].tolist()


def test_difference_of_two_files(tmp_path: Path) -> None:
    truth = truth_file(tmp_path)
    better = write(tmp_path, "a.json", [found(image, x, 0.9) for image in (1, 2, 3) for x in (0, 100)])
    worse = write(tmp_path, "b.json", DETECTIONS)
    asked = ComparisonRequest(first=[better], second=[worse], truth=truth, changes={"radius_px": 10.0})
    report = compare_predictions(asked).to_json()
    assert report["cd"]["ap"] == pytest.approx(1 - 5 / 18)
    low, high = report["cd"]["ap_ci"]
    assert low < report["cd"]["ap"] < high
    assert report["cd"]["ap_verdict"] == "not told apart"
    assert (report["interval"]["units"], report["trainings"]) == (3, {"first": 1, "second": 1})
    kainz = compare_predictions(replace(asked, protocol="kainz", changes={}))
    assert kainz.differences["bb"] is None


def test_cells_of_a_class_that_qupath_ignores_are_told(tmp_path: Path) -> None:
    truth = truth_file(tmp_path)
    predictions = write(tmp_path, "found.json", DETECTIONS)
    value = json.loads(truth.read_text())
    assert not [note for note in score_files(predictions, truth, PAPER).to_json()["notes"] if "*" in note]
    value["categories"] += [
        {"id": 3, "name": "Region*", "supercategory": "cell"},
        {"id": 4, "name": "Empty*", "supercategory": "cell"},
    ]
    value["annotations"][0]["category_id"] = 3
    starred = write(tmp_path, "starred.json", value)
    (note,) = [note for note in score_files(predictions, starred, PAPER).to_json()["notes"] if "*" in note]
    assert note.startswith("counted as cells: Region* (1);")

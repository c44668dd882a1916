"""Cases that today's programs get wrong, each as two files and the right answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bmbench.benchmark.scoring.score_files import score_files
from bmbench.core.errors import BadInputError
from bmbench.metrics import PROTOCOLS

from .scenes import with_scale_and_outlines

PAPER = PROTOCOLS["paper"]


def cell(number: int, x: float, y: float = 0, **more: Any) -> dict[str, Any]:
    """A cell 20 pixels wide and high with its corner at x, y, on image 1."""
    fields = {"id": number, "image_id": 1, "category_id": 1, "bbox": [x, y, 20, 20], "iscrowd": 0}
    return fields | more


def found(x: float, score: float, y: float = 0, **more: Any) -> dict[str, Any]:
    """A prediction of that size on image 1."""
    return {"image_id": 1, "category_id": 1, "bbox": [x, y, 20, 20], "score": score} | more


def without(record: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in keys}


@dataclass(frozen=True)
class Case:
    """Two files, and what `bb` and `cd` must say; or a part of the refusal."""

    name: str
    cells: list[dict[str, Any]]
    predictions: Any
    expected: dict[str, Any] | None = None
    refusal: str = ""
    images: tuple[int, ...] = (1, 2)


GRID = [cell(number, 40 * (number % 15), 40 * (number // 15)) for number in range(150)]
CASES = [
    # The prediction overlaps both cells by 16 of 24 pixels in x: 2/3 each. The first on the image is taken,
    # and the second prediction (the same box) takes the other.
    Case(
        "equal overlaps",
        [cell(1, 0), cell(2, 8)],
        [found(4, 0.9), found(4, 0.8)],
        {"ap": 1.0, "tp": 2, "fp": 0, "fn": 0},
    ),
    Case("annotation id 0", [cell(0, 0)], [found(0, 0.9)], {"ap": 1.0, "tp": 1}),
    # Both predictions overlap cell 1 most; the second must be content with cell 2 (12/28 would be too little,
    # so they stand 4 and 5 pixels off: 15/25 with cell 2).
    Case(
        "second-best free cell",
        [cell(1, 0), cell(2, 8)],
        [found(2, 0.9), found(3, 0.8)],
        {"ap": 1.0, "tp": 2, "fp": 0},
    ),
    # One hit and one false alarm with equal scores are one step: precision 1/2 at recall 1, whatever the
    # order of the images. Programs that take them one by one answer 1.0 or 0.5 by the order of the files.
    Case(
        "tie across images, hit first", [cell(1, 0)], [found(0, 0.5), found(0, 0.5, image_id=2)], {"ap": 0.5}
    ),
    Case(
        "tie across images, hit last", [cell(1, 0)], [found(0, 0.5, image_id=2), found(0, 0.5)], {"ap": 0.5}
    ),
    Case(
        "an ignored cell that is not found",
        [cell(1, 0), cell(2, 200, ignore=1)],
        [found(0, 0.9)],
        {"ap": 1.0, "fn": 0},
    ),
    Case(
        "an ignored cell found three times",
        [cell(1, 0), cell(2, 200, ignore=1)],
        [found(0, 0.6), found(200, 0.9), found(201, 0.8), found(199, 0.7)],
        {"ap": 1.0, "fp": 0, "ignored": 3},
    ),
    Case(
        "detections in an ignored region",
        [cell(1, 0), cell(2, 200, iscrowd=1, bbox=[200, 0, 300, 300])],
        [found(0, 0.6), found(230, 0.9), found(260, 0.8), found(400, 0.7)],
        {"ap": 1.0, "fp": 0, "ignored": 3},
    ),
    Case(
        "150 cells on one image, all found",
        GRID,
        [found(c["bbox"][0], 0.9, c["bbox"][1]) for c in GRID],
        {"ap": 1.0, "tp": 150},
    ),
    # 100 cells, 29 found: recall is 0.29 exactly, and AP over all points is 0.29.
    Case(
        "29 of 100 cells",
        GRID[:100],
        [found(c["bbox"][0], 0.9, c["bbox"][1]) for c in GRID[:29]],
        {"ap": pytest.approx(0.29), "recall": 0.29},
    ),
    Case(
        "no cells", [], [found(0, 0.9)], {"ap": None, "f1": None, "recall": None, "precision": 0.0, "fp": 1}
    ),
    Case(
        "no detections",
        [cell(1, 0)],
        [],
        {"ap": 0.0, "f1": 0.0, "recall": 0.0, "precision": None, "threshold": None, "fn": 1},
    ),
    Case("nothing at all", [], [], {"ap": None, "f1": None, "precision": None, "threshold": None}),
    Case(
        "the same cell twice",
        [cell(1, 0)],
        [found(0, 0.9), found(1, 0.8)],
        {"ap": 1.0, "fp_duplicate": 1, "fp": 1},
    ),
    Case("no iscrowd", [without(cell(1, 0), "iscrowd")], [found(0, 0.9)], {"ap": 1.0}),
    Case("no annotation id", [without(cell(1, 0), "id")], [found(0, 0.9)], {"ap": 1.0}),
    Case(
        "unknown image",
        [cell(1, 0)],
        [found(0, 0.9), found(0, 0.9, image_id=7)],
        refusal="detections[1].*image_id",
    ),
    Case(
        "unknown category", [cell(1, 0)], [found(0, 0.9, category_id=5)], refusal="detections[0].*category_id"
    ),
    Case(
        "duplicate annotation ids",
        [cell(1, 0), cell(1, 90)],
        [found(0, 0.9)],
        refusal="annotations[1].*duplicate id",
    ),
    Case(
        "duplicate image ids", [cell(1, 0)], [found(0, 0.9)], refusal="images[1].*duplicate id", images=(1, 1)
    ),
    Case("score missing", [cell(1, 0)], [without(found(0, 0.9), "score")], refusal="detections[0].*score"),
    Case("score is not a number", [cell(1, 0)], [found(0, float("nan"))], refusal="detections[0].*NaN"),
]


def files(folder: Path, case: Case) -> tuple[Path, Path]:
    import json

    truth = {
        "images": [{"id": number, "width": 900, "height": 900, "file_name": "a"} for number in case.images],
        "categories": [{"id": 1, "name": "cell", "supercategory": "cell"}],
        "annotations": case.cells,
    }
    paths = folder / "p.json", folder / "t.json"
    for path, value in zip(paths, (case.predictions, truth), strict=True):
        path.write_text(json.dumps(value))
    return paths


@pytest.mark.parametrize("assignment", ["greedy", "hungarian"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answer(tmp_path: Path, case: Case, assignment: Any) -> None:
    paths = files(tmp_path, case)
    protocol = replace(PAPER, assignment=assignment, radius_px=10.0)
    threshold = 0.0 if case.predictions and case.refusal == "" else None
    if case.refusal:
        with pytest.raises(BadInputError) as refusal:
            score_files(*paths, protocol)
        place, _, what = case.refusal.partition(".*")
        assert place in str(refusal.value)
        assert what in str(refusal.value)
        assert str(tmp_path) in str(refusal.value)
        return
    report = score_files(*paths, protocol, threshold=threshold).to_json()
    for geometry in ("bb", "cd"):
        answer = {name: report[geometry][name] for name in case.expected or {}}
        assert answer == case.expected


@pytest.mark.parametrize("protocol", ["coco", "voc2007", "voc2010", "kainz"])
@pytest.mark.parametrize(
    "case",
    [
        case
        for case in CASES
        if case.name in {"annotation id 0", "150 cells on one image, all found", "no cells", "nothing at all"}
    ],
    ids=lambda case: case.name,
)
def test_answer_of_other_protocols(tmp_path: Path, case: Case, protocol: str) -> None:
    report = score_files(*files(tmp_path, case), PROTOCOLS[protocol]).to_json()
    scores = report["bb"] or report["cd"]
    assert scores["ap"] == (None if not case.cells else pytest.approx(1.0, abs=1e-15))
    if protocol == "coco":
        assert report["coco_summary"]["AP50"] == scores["ap"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("schema", [None, "bmbench.predictions/1"])
def test_leaving_an_image_out_is_answering_it_with_nothing(
    tmp_path: Path, protocol: str, schema: str | None
) -> None:
    cells = [cell(1, 0), cell(2, 0, image_id=2)]
    reports = []
    for images in ([1], [1, 2]):
        answer: Any = [found(0, 0.9)]
        if schema:
            answer = {"schema": schema, "images": images, "detections": answer}
        paths = files(tmp_path, Case("two images, one answered", cells, answer))
        with_scale_and_outlines(paths[1])
        reports.append(score_files(*paths, PROTOCOLS[protocol]).to_json())
    assert reports[0] == reports[1]
    # One cell of two is found, whether the other image is named or not.
    scores = reports[0]["bb"] or reports[0]["cd"]
    assert (scores["recall"], scores["fn"], reports[0]["images"]) == (0.5, 1, 2)

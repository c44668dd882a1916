"""A detector's answers in the forms that programs write, against the same answers as a results list."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category, Detections
from bmbench.datasets.formats.qupath.geojson import write_qupath

CLASSES = (Category(id=5, name="RBC"), Category(id=9, name="WBC"))
FOUND = {
    "a": [(9, [10, 5, 8, 6], 0.9), (5, [20, 10, 10, 10], 0.25)],
    "b": [(9, [0, 0, 12, 4], 0.5)],
}
"""Image stem → category, COCO box, score; on images of 40 × 20 px."""


@pytest.fixture
def truth(tmp_path):
    """A ground truth of three images, which are not there themselves."""
    value = {
        "images": [
            {"id": n, "file_name": f"test/{name}.png", "width": 40, "height": 20}
            for n, name in enumerate("abc", 7)
        ],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 9, "bbox": [10, 5, 8, 6]}],
        "categories": [{"id": c.id, "name": c.name} for c in CLASSES],
    }
    (tmp_path / "gt.json").write_text(json.dumps(value))
    return tmp_path / "gt.json"


def as_results(place):
    ids = {"a": 7, "b": 8}
    rows = [
        {"image_id": ids[name], "category_id": category, "bbox": box, "score": score}
        for name, found in FOUND.items()
        for category, box, score in found
    ]
    (place / "results.json").write_text(json.dumps(rows))
    return place / "results.json"


def as_coco(place):
    """With numbers of its own for images and categories."""
    value = {
        "images": [{"id": name, "file_name": f"{name}.png", "width": 40, "height": 20} for name in "ba"],
        "categories": [{"id": 0, "name": "WBC"}, {"id": 1, "name": "RBC"}],
        "annotations": [
            {"id": 1, "image_id": name, "category_id": int(category == 5), "bbox": box, "score": score}
            for name, found in FOUND.items()
            for category, box, score in found
        ],
    }
    (place / "coco.json").write_text(json.dumps(value))
    return place / "coco.json"


def as_yolo(place, names="RBC\nWBC\n"):
    """As `yolo predict save_txt save_conf` writes: label files alone."""
    (place / "labels").mkdir()
    if names:
        (place / "labels" / "classes.txt").write_text(names)
    for name, found in FOUND.items():
        lines = [
            f"{int(category == 9)} {(x + w / 2) / 40} {(y + h / 2) / 20} {w / 40} {h / 20} {score}\n"
            for category, (x, y, w, h), score in found
        ]
        (place / "labels" / f"{name}.txt").write_text("".join(lines))
    return place / "labels"


def as_geojson(place):
    (place / "out").mkdir()
    for name, found in FOUND.items():
        box = np.array([[x, y, x + w, y + h] for _, (x, y, w, h), _ in found], float)
        detections = Detections.of(
            xy=(box[:, :2] + box[:, 2:]) / 2,
            box=box,
            confidence=np.array([score for *_, score in found]),
            label=np.array([int(category == 9) for category, *_ in found]),
        )
        write_qupath(place / "out" / f"{name}.geojson", detections, CLASSES)
    return place / "out"


def as_csv(place, separator=","):
    lines = ["image,xmin,ymin,xmax,ymax,class,score"]
    for name, found in FOUND.items():
        for category, (x, y, w, h), score in found:
            label = "WBC" if category == 9 else "RBC"
            lines.append(f"{name}.png,{x},{y},{x + w},{y + h},{label},{score}")
    text = "\n".join(lines)
    if separator == ";":
        text = text.replace(",", ";").replace("0.", "0,")
    (place / "out.csv").write_text(text)
    return place / "out.csv"


def as_german_csv(place):
    return as_csv(place, ";")


@pytest.mark.parametrize("form", [as_coco, as_yolo, as_geojson, as_csv, as_german_csv])
def test_every_form_says_the_same_as_a_results_list(tmp_path, truth, form):
    _, plain = read_pair(as_results(tmp_path), truth)
    (tmp_path / "other").mkdir()
    annotations, other = read_pair(form(tmp_path / "other"), truth)
    assert annotations.image_ids == (7, 8, 9)
    for column in ("image", "xy", "box", "confidence", "label"):
        np.testing.assert_allclose(getattr(other, column), getattr(plain, column), atol=1e-6, err_msg=column)
    assert other.notes == ()


def test_what_is_not_stated_is_said(tmp_path, truth):
    _, plain = read_pair(as_results(tmp_path), truth)
    _, other = read_pair(as_yolo(tmp_path, names=""), truth)
    np.testing.assert_array_equal(other.label, plain.label)
    assert set(other.notes) == {"class 0 is taken for RBC", "class 1 is taken for WBC"}
    (tmp_path / "p.csv").write_text("image,x,y\na.png,14,8\n")
    _, points = read_pair(tmp_path / "p.csv", truth)
    assert points.xy.tolist() == [[14, 8]]
    assert points.notes == (
        "1 detection without a confidence counts with 1",
        "objects without a class are taken for RBC",
    )


@pytest.mark.parametrize("name", ["a_cp_masks.tif", "a.tif"])
def test_masks_of_cellpose_and_stardist_are_detections(tmp_path, truth, name):
    labels = np.zeros((20, 40), np.uint16)
    labels[5:11, 10:18] = 3
    (tmp_path / "labels").mkdir()
    Image.fromarray(labels).save(tmp_path / "labels" / name)
    _, found = read_pair(tmp_path / "labels", truth)
    assert (found.image.tolist(), found.box.tolist(), found.confidence.tolist()) == (
        [0],
        [[10, 5, 18, 11]],
        [1],
    )


SCORED = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}
RBC = [{"id": 1, "name": "RBC"}]


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        (
            "x.csv",
            "image,x,y,class\nz.png,1,1,RBC\n",
            "an image that is not there .*one of 'test/a.png'.*got 'z.png'",
        ),
        (
            "x.csv",
            "image,x,y,class\na.png,1,1,blast\n",
            "class .blast. is none of the ground truth",
        ),
        ("x.csv", "image,x,y,class,score\na.png,1,1,RBC,70\n", "confidence outside 0 to 1"),
        (
            "x.json",
            {"images": [{"id": 1}], "categories": RBC, "annotations": [SCORED | {"score": None}]},
            "1 annotations without a score.*--truth",
        ),
        (
            "x.json",
            {"images": [{"id": 1, "file_name": "z.png"}], "categories": RBC, "annotations": [SCORED]},
            "on an image that the ground truth does not have .*one of 'test/a.png', .*got 'z.png'",
        ),
        ("x.csv", "image,x,y,class\na_x.png,1,1,RBC\nb_x.png,1,1,RBC\n", "all have '_x' behind the name"),
        (
            "x.json",
            {"images": [{"id": 1, "file_name": "a.jpg"}], "categories": RBC, "annotations": [SCORED]},
            r"only the ending differs \('a.jpg' for 'a.png'\)",
        ),
        (
            "x.json",
            {
                "images": [{"id": one} for one in (8, 9, 10)],
                "categories": RBC,
                "annotations": [SCORED | {"image_id": one} for one in (8, 9, 10)],
            },
            r"got 10 among 8, 9, 10\); all fit if 1 is subtracted",
        ),
        (
            "x.json",
            {
                "images": [{"id": 1, "file_name": "a.png"}],
                "categories": [{"id": 1, "name": "blast"}],
                "annotations": [SCORED],
            },
            "class 'blast' is none of the ground truth .*expected RBC, WBC.*--class",
        ),
        ("x.json", {"images": [], "categories": [], "annotations": 3}, "not a COCO file with scores"),
    ],
)
def test_answers_on_something_else_are_refused(tmp_path, truth, file, text, what):
    (tmp_path / file).write_text(text if isinstance(text, str) else json.dumps(text))
    with pytest.raises(BadInputError, match=what):
        read_pair(tmp_path / file, truth)


def test_the_format_may_be_named(tmp_path, truth):
    as_results(tmp_path)
    place = tmp_path / "labels"
    place.mkdir()
    (place / "a.txt").write_text("1 0.35 0.4 0.2 0.3 0.9\n")
    (place / "classes.txt").write_text("RBC\nWBC\n")
    with_name = read_pair(Path(f"yolo:{place}"), truth)[1]
    np.testing.assert_array_equal(with_name.box, read_pair(place, truth)[1].box)
    with pytest.raises(BadInputError, match="file not found"):
        read_pair(tmp_path / "nothing.json", truth)


def test_score_and_compare_take_them_and_say_what_was_assumed(tmp_path, truth, bmbench):
    labels = as_yolo(tmp_path, names="")
    answer = bmbench("score", labels, "--truth", truth)
    assert answer.code == 0
    assert "class 0 is taken for RBC" in answer.out + answer.err
    answer = bmbench("compare", labels, as_results(tmp_path), "--truth", truth)
    assert answer.code == 0
    assert "+0.000" in answer.out

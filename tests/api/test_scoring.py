"""What a program hands over is scored as the command scores the file of the same."""

import json
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import bmbench
from bmbench.core.errors import BadInputError, UnknownNameError

CELLS = {"a.png": [[10, 10, 30, 30], [60, 60, 80, 80]], "b.png": [[5, 5, 25, 25]], "c.png": []}
FOUND = {
    "a.png": [[11, 10, 31, 30, 0.9], [200, 200, 220, 220, 0.3]],
    "b.png": [[5, 6, 25, 26, 0.8]],
    "c.png": [],
}
"""x0 y0 x1 y1 of three cells, and with a confidence of two hits and a false alarm."""


def quiet(predictions, truth, **rules):
    return bmbench.score(predictions, truth, radius_px=8, **rules).to_json()


def coco(numbered=True):
    """The same as COCO files hold it."""
    ids = {name: number if numbered else name for number, name in enumerate(CELLS)}
    truth = {
        "images": [{"id": ids[name], "file_name": name} for name in CELLS],
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": [
            {"image_id": ids[name], "category_id": 1, "bbox": [x, y, right - x, bottom - y]}
            for name, boxes in CELLS.items()
            for x, y, right, bottom in boxes
        ],
    }
    found = [
        {"image_id": ids[name], "category_id": 1, "score": score, "bbox": [x, y, right - x, bottom - y]}
        for name, boxes in FOUND.items()
        for x, y, right, bottom, score in boxes
    ]
    return found, truth


@pytest.fixture(name="printed")
def _printed(bmbench, tmp_path):
    """What `bmbench score --json` prints of the two files."""
    found, truth = coco()
    (tmp_path / "found.json").write_text(json.dumps(found))
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    files = tmp_path / "found.json", tmp_path / "truth.json"
    said = bmbench("score", files[0], "--truth", files[1], "--radius", 8, "--json")
    return files, json.loads(said.out)


def test_files_and_dicts_are_scored_as_the_command_does_it(printed):
    files, expected = printed
    assert quiet(*files) == expected
    assert quiet(*map(str, files)) == expected
    assert quiet(*coco()) == expected
    assert quiet(bmbench.Predictions.from_coco(files[0]), bmbench.GroundTruth.from_coco(files[1])) == expected


@pytest.mark.parametrize("kind", [list, np.float32, np.float64, tuple])
def test_arrays_of_any_kind_are_scored_alike(printed, kind):
    def made(boxes):
        return kind(boxes) if kind in (list, tuple) else np.array(boxes, kind)

    found = {name: made(boxes) for name, boxes in FOUND.items()}
    truth = {name: made(boxes) for name, boxes in CELLS.items()}
    expected = printed[1]
    for given in ((found, truth), (list(found.values()), list(truth.values()))):
        answer = quiet(*given)
        for rule in ("bb", "cd"):
            for name in ("tp", "fp", "fn", "fp_background"):
                assert answer[rule][name] == expected[rule][name]
            assert answer[rule]["ap"] == pytest.approx(expected[rule]["ap"], abs=1e-12)


def test_columns_with_the_image_of_each_object_are_the_same_as_lists_by_image(printed):
    rows = [(name, box) for name, boxes in FOUND.items() for box in boxes]
    flat = bmbench.Predictions.from_arrays(
        box=[box[:4] for _, box in rows],
        confidence=[box[4] for _, box in rows],
        image=[name for name, _ in rows],
    )
    assert quiet(flat, CELLS)["cd"] == printed[1]["cd"]


def test_images_without_any_cell_count():
    only = bmbench.GroundTruth.from_arrays(xy=[[10, 10]], image=["a"])
    with_empty = bmbench.GroundTruth.from_arrays(xy=[[10, 10]], image=["a"], images=["a", "b"])
    assert (len(only.images), len(with_empty.images)) == (1, 2)
    found = bmbench.Predictions.from_arrays(xy=[[10, 10], [3, 3]], confidence=[0.9, 0.5], image=["a", "b"])
    assert quiet(found, with_empty, threshold=0.1)["cd"]["fp"] == 1
    with pytest.raises(BadInputError, match="unknown image_id"):
        quiet(found, only)


def test_detections_of_supervision_are_scored_as_their_boxes(printed):
    sv = pytest.importorskip("supervision", reason="whose objects these are")
    found = {
        name: sv.Detections(
            xyxy=np.array([box[:4] for box in boxes], float).reshape(-1, 4),
            confidence=np.array([box[4] for box in boxes]),
            class_id=np.zeros(len(boxes), int),
        )
        for name, boxes in FOUND.items()
    }
    truth = {
        name: sv.Detections(xyxy=np.array(boxes, float).reshape(-1, 4), class_id=np.zeros(len(boxes), int))
        for name, boxes in CELLS.items()
    }
    assert quiet(found, truth)["bb"] == printed[1]["bb"]
    assert quiet(found, CELLS)["cd"] == printed[1]["cd"]


def test_a_mask_of_supervision_becomes_its_outline():
    sv = pytest.importorskip("supervision", reason="whose objects these are")
    mask = np.zeros((1, 40, 40), bool)
    mask[0, 5:15, 10:30] = True
    found = bmbench.Predictions.from_supervision(
        sv.Detections(xyxy=np.array([[10, 5, 30, 15]]), mask=mask, confidence=np.array([0.5]))
    )
    corners = np.concatenate(found.contour[0])
    assert [*corners.min(axis=0), *corners.max(axis=0)] == [10, 5, 30, 15]


def test_results_of_ultralytics_are_called_by_their_files():
    def result(name, boxes):
        columns = np.array(boxes, np.float32).reshape(-1, 5)
        parts = SimpleNamespace(xyxy=columns[:, :4], conf=columns[:, 4], cls=np.zeros(len(columns)))
        return SimpleNamespace(path=f"/some/where/{name}", boxes=parts, names={0: "cell"}, masks=None)

    found = bmbench.Predictions.from_ultralytics([result(*one) for one in FOUND.items()])
    assert found.image.tolist() == ["a.png", "a.png", "b.png"]
    assert quiet(found, CELLS)["cd"]["tp"] == 2
    assert quiet([result(*one) for one in FOUND.items()], CELLS)["bb"]["tp"] == 2


def test_classes_are_found_by_name_and_one_class_is_the_one():
    truth = bmbench.GroundTruth.from_arrays(xy=[[1, 1], [40, 40]], category=["blast", "smudge (artefact)"])
    assert repr(truth) == "GroundTruth(1 cell, 1 artefact on 1 image)"
    named = bmbench.Predictions.from_arrays(xy=[[1, 1], [40, 40]], category=["blast", "smudge (artefact)"])
    assert quiet(named, truth)["artefact_predictions"] == 1
    # The number 0 of a library with one class is the one class of cells here.
    assert quiet(bmbench.Predictions.from_arrays(xy=[[1, 1]], category=0), truth)["cd"]["tp"] == 1
    two = bmbench.GroundTruth.from_arrays(xy=[[1, 1], [40, 40]], category=["blast", "monocyte"])
    with pytest.raises(BadInputError, match="no class 'lymphocyte' in the ground truth"):
        quiet(bmbench.Predictions.from_arrays(xy=[[1, 1]], category="lymphocyte"), two)


def test_groups_are_what_intervals_are_made_over():
    truth = bmbench.GroundTruth.from_arrays(
        xy=[[[1, 1]], [[1, 1]], [[1, 1]]], image=["a", "b", "c"], group={"a": "p1", "b": "p1", "c": "p2"}
    )
    assert quiet([[[1, 1]]] * 3, bmbench.GroundTruth.from_arrays(xy=[[[1, 1]]] * 3))["groups"] == 3
    assert repr(truth).endswith("3 images of 2 groups)")


def test_the_radius_of_the_study_is_assumed_with_a_warning_only_where_it_is_assumed():
    with pytest.warns(UserWarning, match="55 px apart, the radius of the study"):
        bmbench.score([[[1, 1]]], [[[1, 1]]])
    with pytest.warns(UserWarning, match="55 px"):
        bmbench.compare([[[1, 1]], [[2, 2]]], [[[1, 1]], []], [[[1, 1]], [[1, 1]]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bmbench.score([[[1, 1]]], [[[1, 1]]], radius_px=5)
        bmbench.score([[[1, 1]]], [[[1, 1]]], protocol="kainz")


def test_two_sides_are_compared_as_the_command_does_it(bmbench, printed, tmp_path):
    import bmbench as package

    files, _ = printed
    fewer = [one for one in coco()[0] if one["score"] > 0.85]
    (tmp_path / "fewer.json").write_text(json.dumps(fewer))
    said = bmbench("compare", files[0], tmp_path / "fewer.json", "--truth", files[1], "--radius", 8, "--json")
    expected = json.loads(said.out)
    found = package.compare(*(coco()[0], fewer), coco()[1], radius_px=8).to_json()
    assert {**found, "first": 0, "second": 0} == {**expected, "first": 0, "second": 0}


ONE = {"image_id": 0, "category_id": 1, "bbox": [1, 1, 2, 2], "score": 0.5}
REFUSED = [
    ({}, "neither xy nor box is given"),
    ({"xy": [[1, 2], [3]]}, "xy: not a column of numbers"),
    ({"xy": [1, 2]}, "xy: one object instead of a list of them"),
    ({"xy": [[1, 2, 3]]}, r"xy: another shape \(expected shape \(n, 2\), got \(1, 3\)\)"),
    ({"xy": [["a", "b"]]}, "xy: not a column of numbers"),
    ({"xy": [[1, float("nan")]]}, r"xy\[0\]: not a finite number"),
    ({"xy": {"x": 1}}, "a mapping instead of a list"),
    ({"xy": [[1, 2]], "confidence": [80]}, r"confidence\[0\]: not a confidence .* divide per cent by 100"),
    ({"xy": [[1, 2]], "confidence": [0.1, 0.2]}, r"confidence: another number of values \(expected 1"),
    ({"xy": [[[1, 2]], [[3, 4]]], "confidence": [0.1, 0.2]}, r"confidence\[0\]: a single value"),
    ({"xy": [[[1, 2]], [[3, 4]]], "confidence": [[0.1], [0.2, 0.3]]}, r"confidence\[1\]: another number"),
    ({"xy": [[[1, 2]], [[3, 4]]], "image": ["a"]}, r"image: another number of values \(expected 2"),
    ({"xy": [[1, 2]], "image": ["a", "b"]}, "image: another number of values"),
    ({"xy": [[1, 2]], "image": [1.5]}, r"image\[0\]: not an id"),
    ({"box": [[10, 10, 5, 5]]}, r"box\[0\]: a box that ends before it starts .* turn x y width height"),
    ({"xy": [[1, 2]], "box": [[0, 0, 1, 1], [1, 1, 2, 2]]}, "box: another number of values"),
]


@pytest.mark.parametrize(("columns", "said"), REFUSED, ids=lambda value: str(value)[:30])
def test_what_is_no_column_is_refused_in_one_sentence_that_names_it(columns, said):
    with pytest.raises(BadInputError, match=said) as caught:
        bmbench.Predictions.from_arrays(**columns)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("columns", "said"), [
    ({"xy": [[1, 2]], "radius": 0}, r"radius\[0\]: no radius"),
    ({"xy": [[1, 2]], "image": ["z"], "images": ["a"]}, "an object on an unknown image"),
    ({"xy": [[1, 2]], "image": "a", "group": {"b": "p"}}, "a group of an unknown image"),
    ({"contour": [[[0, 0], [1, 1]]]}, r"contour\[0\]: not an outline"),
    ({"contour": [[[0, 0], [1, 1], [0, 1]], None]}, r"contour\[1\]: an object without a place"),
])  # fmt: skip
def test_annotations_that_are_none_are_refused(columns, said):
    with pytest.raises(BadInputError, match=said):
        bmbench.GroundTruth.from_arrays(**columns)


@pytest.mark.parametrize(("answers", "said"), [
    ([[[1, 2, 3, 4, 5, 6]]], "predictions: arrays of another width"),
    ([[[1, 2]], [[1, 2, 0.5]]], "predictions: arrays of another width .*got 2 and 3"),
    ([ONE | {"image_id": 9}], r"predictions, detections\[0\]: unknown image_id"),
    ([ONE | {"score": 5}], r"predictions, detections\[0\].score"),
    ("nothing.json", "nothing.json: file not found"),
    (3, r"predictions\[0\]: not an array of one image"),
    (None, r"predictions\[0\]: not an array of one image"),
])  # fmt: skip
def test_answers_that_are_none_are_refused_and_no_hidden_file_is_named(answers, said):
    with pytest.raises(BadInputError, match=said) as caught:
        bmbench.score(answers, [[[1, 2]]], radius_px=5)
    assert "/tmp" not in str(caught.value)


def test_rules_that_are_not_there_are_named():
    with pytest.raises(UnknownNameError, match="unknown protocol 'papr'; did you mean 'paper'"):
        bmbench.score([[[1, 2]]], [[[1, 2]]], protocol="papr")
    with pytest.raises(UnknownNameError, match="unknown rule 'max_detection'; did you mean 'max_detections'"):
        bmbench.score([[[1, 2]]], [[[1, 2]]], radius_px=5, max_detection=3)
    with pytest.raises(UnknownNameError, match="unknown rule 'assignement'; did you mean 'assignment'"):
        bmbench.compare([[[1, 2]]], [[[1, 2]]], [[[1, 2]]], radius_px=5, assignement="greedy")


def test_an_outline_gives_its_box_and_a_radius_its_circle():
    drawn = bmbench.GroundTruth.from_arrays(contour=[[[0, 0], [10, 0], [10, 20]]])
    assert drawn.columns.box.tolist() == [[0, 0, 10, 20]]
    round_ = bmbench.GroundTruth.from_arrays(xy=[[10, 20]], radius=5)
    assert round_.columns.box.tolist() == [[5, 15, 15, 25]]


def test_a_result_is_short_as_text_and_whole_as_html():
    result = bmbench.score(FOUND, CELLS, radius_px=8)
    assert len(repr(result).splitlines()) == 1
    page = result._repr_html_()
    for line in result.table().splitlines()[4:7]:
        for word in line.split():
            assert word in page
    assert page.count("<svg") == 1
    assert page.count("<polyline") == 2

"""Predictions files: what is read, what is refused, and that writing and reading agree."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmbench.core.errors import BadInputError
from bmbench.core.types import CELL, Category, Detections, GroundTruth
from bmbench.datasets.formats import read_ahead
from bmbench.datasets.formats.predictions import SCHEMA, read_columns, read_predictions, write_predictions
from bmbench.datasets.formats.read_ahead import reading_ahead
from bmbench.datasets.reading import json_lists

ARTEFACT = Category(id=9, name="smudge", artefact=True)


def truth_on(*ids: int | str) -> GroundTruth:
    """Images without any cell."""
    none = np.zeros(0, np.int64)
    return GroundTruth(
        image_ids=ids,
        groups=tuple(map(str, ids)),
        image=none,
        xy=np.zeros((0, 2)),
        box=np.zeros((0, 4)),
        label=none,
        role=none,
        region=np.zeros(0, bool),
        categories=(CELL, ARTEFACT),
    )


def detection(**more: Any) -> dict[str, Any]:
    return {"image_id": 3, "category_id": 1, "bbox": [10, 20, 30, 40], "score": 0.5} | more


def read(folder: Path, value: Any, *ids: int | str) -> Any:
    path = folder / "p.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return read_predictions(path, truth_on(*(ids or (7, 3))))


def refusal(folder: Path, value: Any) -> str:
    with pytest.raises(BadInputError) as error:
        read(folder, value)
    assert str(folder / "p.json") in str(error.value)
    return str(error.value)


def wrapped(*detections: dict[str, Any], images: Any = (7, 3), schema: str = SCHEMA) -> dict[str, Any]:
    return {"schema": schema, "images": list(images), "detections": list(detections)}


@pytest.mark.parametrize("wrap", [False, True])
def test_columns_by_hand(tmp_path: Path, wrap: bool) -> None:
    rows = [
        detection(segmentation=[[1, 2, 3, 4, 5, 6]]),
        detection(image_id=7, category_id=9, score=1, center=[11, 22]),
        detection(score=0),
    ]
    found = read(tmp_path, wrapped(*rows) if wrap else rows)
    assert found.image.tolist() == [1, 0, 1]
    assert found.label.tolist() == [0, 1, 0]
    assert found.confidence.tolist() == [0.5, 1.0, 0.0]
    assert found.box.tolist() == [[10, 20, 40, 60]] * 3
    assert found.xy.tolist() == [[25, 40], [11, 22], [25, 40]]
    assert found.schema == (SCHEMA if wrap else "coco-results")


@pytest.mark.parametrize("value", [[detection()], wrapped(detection())])
def test_a_mark_of_utf8_before_the_text_is_passed_over(tmp_path: Path, value: Any) -> None:
    assert len(read(tmp_path, "\ufeff" + json.dumps(value))) == 1


@pytest.mark.parametrize("value", [[], wrapped(), wrapped(images=())])
def test_no_detections(tmp_path: Path, value: Any) -> None:
    assert len(read(tmp_path, value)) == 0


def test_a_detection_may_be_a_point(tmp_path: Path) -> None:
    point = {key: value for key, value in detection(center=[5, 6]).items() if key != "bbox"}
    found = read(tmp_path, [point, detection()])
    assert found.xy.tolist() == [[5, 6], [25, 40]]
    assert found.box.tolist() == [[5, 6, 5, 6], [10, 20, 40, 60]]


@pytest.mark.parametrize("piece", [1, 1 << 20])
@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"score": 1.5}, ["detections[1].score", "from 0 to 1"]),
        ({"score": -0.1}, ["detections[1].score", "from 0 to 1"]),
        ({"score": "0.5"}, ["detections[1].score", "not a number from 0 to 1"]),
        ({"score": None}, ["detections[1].score", "not a number from 0 to 1"]),
        ({"bbox": [1, 2, 3, -4]}, ["detections[1].bbox", "negative"]),
        ({"bbox": [1, 2, 3]}, ["detections[1].bbox", "4 numbers"]),
        ({"bbox": [1, 2, 3, 1e12]}, ["detections[1].bbox", "out of range"]),
        ({"bbox": None}, ["detections[1].bbox", "no box"]),
        ({"image_id": 99}, ["detections[1]", "unknown image_id", "99", "belong together"]),
        ({"image_id": "3"}, ["detections[1]", "unknown image_id", "'3'"]),
        ({"image_id": 2**70}, ["detections[1]"]),
        ({"category_id": 99}, ["detections[1]", "unknown category_id"]),
        ({"category_id": True}, ["detections[1].category_id", "not a whole number"]),
        ({"center": [1]}, ["detections[1].center"]),
    ],
)
def test_bad_values_are_refused_with_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, change: Any, parts: list[str], wrap: bool, piece: int
) -> None:
    monkeypatch.setattr(json_lists, "PIECE", piece)
    rows = [detection(), detection(**change), detection(), detection()]
    text = refusal(tmp_path, wrapped(*rows) if wrap else rows)
    for part in parts:
        assert part in text


@pytest.mark.parametrize("piece", [1, 1 << 20])
@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ('"score": 0.25', '"score": NaN', ["detections[2]", "NaN is not a number"]),
        ('"score": 0.25', '"score": Infinity', ["detections[2]", "Infinity is not a number"]),
        ('"score": 0.25', '"score": 1e999', ["detections[2].score", "out of range"]),
        ('"score": 0.25', '"score": 0.25, "score": 0.9', ["detections[2]", "'score' is there twice"]),
        ('"score": 0.25', '"score": 0.25, "bbox": [0, 0, 1, 1]', ["detections[2]", "'bbox' is there twice"]),
        ('"score": 0.25', '"s": 1, "sc\\u006fre": 1, "score": 1', ["[2]", "'score' is there twice"]),
        ('"score": 0.25', '"score" 0.25', ["detections[2]", "not valid JSON"]),
    ],
)
def test_bad_text_is_refused_with_its_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    old: str,
    new: str,
    parts: list[str],
    wrap: bool,
    piece: int,
) -> None:
    monkeypatch.setattr(json_lists, "PIECE", piece)
    rows = [detection(), detection(), detection(score=0.25), detection()]
    text = refusal(tmp_path, json.dumps(wrapped(*rows) if wrap else rows).replace(old, new))
    for part in parts:
        assert part in text


@pytest.mark.parametrize("wrap", [False, True])
def test_a_file_cut_in_the_middle_says_where(tmp_path: Path, wrap: bool) -> None:
    rows = [detection() for _ in range(20)]
    text = json.dumps(wrapped(*rows) if wrap else rows)
    place = text.index('"score"', len(text) // 2)
    found = refusal(tmp_path, text[:place])
    assert "ends in the middle" in found
    assert f"byte {place}" in found
    assert f"detections[{text[:place].count('score')}]" in found


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("", "not a list of detections"),
        ("7", "not a list of detections"),
        ({"detections": []}, "schema"),
        (wrapped(schema="bmbench.predictions/2"), "unknown schema"),
        (wrapped(images=[3, 3]), "images[1]"),
        (wrapped(images=[3, 4]), "images[1]"),
        (wrapped(detection(), images=[7]), "does not name"),
        ("[] []", "not valid JSON"),
        ("", "an empty file"),
        ("a,b\n1,2\n", "b'a,b"),
        (wrapped(schema="bmbench.predictions/2"), "write this form"),
        (wrapped(images=[[3]]), "images[0]"),
        ({"images": [{"id": 3}], "annotations": [], "categories": []}, "the file that is meant"),
        ('{"image_id": 3}\n{"image_id": 3}', "the file that is meant"),
        ([[1]], "detections[0]"),
        (json.dumps(wrapped()).replace("{", '{"schema": "a", ', 1), "'schema' is there twice"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, value: Any, part: str) -> None:
    assert part in refusal(tmp_path, value)


coordinates = st.floats(-1e4, 1e4)
found_cells = st.lists(
    st.tuples(
        coordinates, coordinates, st.floats(0, 500), st.floats(0, 500), st.floats(0, 1), st.integers(0, 1)
    ),
    max_size=6,
)


@given(answers=st.dictionaries(st.one_of(st.integers(-(2**40), 2**40), st.text()), found_cells, max_size=4))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, answers: Any) -> None:
    """Up to the stated decimals; and written again, what was read gives the same bytes."""
    path = tmp_path_factory.mktemp("p") / "p.json"
    truth = truth_on(*answers)
    written = {}
    for image_id, rows in answers.items():
        columns = np.array(rows, float).reshape(-1, 6)
        box = np.concatenate([columns[:, :2], columns[:, :2] + columns[:, 2:4]], axis=1)
        written[image_id] = Detections.of(
            xy=columns[:, :2] + 1, box=box, confidence=columns[:, 4], label=columns[:, 5].astype(int)
        )
    write_predictions(path, written, truth.categories)
    data = path.read_bytes()
    found = read_predictions(path, truth)
    assert json.loads(data)["images"] == list(answers)
    again = {}
    for row, (image_id, one) in enumerate(written.items()):
        here = found.image == row
        assert found.box[here] == pytest.approx(one.box, abs=0.0011)
        assert found.xy[here] == pytest.approx(one.xy, abs=0.0021)
        assert found.confidence[here] == pytest.approx(one.confidence, abs=0.6e-6)
        assert found.label[here].tolist() == one.label.tolist()
        again[image_id] = Detections.of(
            xy=found.xy[here], box=found.box[here], confidence=found.confidence[here], label=found.label[here]
        )
    write_predictions(path, again, truth.categories)
    assert path.read_bytes() == data


def test_written_form_by_hand(tmp_path: Path) -> None:
    one = Detections.of(
        xy=np.array([[5.0, 5.0], [1.0, 2.0]]),
        box=np.array([[0.0, 0.0, 10.0, 10.0], [0.12345, -1e-9, 3.0, 4.0]]),
        confidence=np.array([1.0, 0.12345678]),
        contour=((), (np.array([[0.0, 0.0], [1.00049, 0.0], [1.0, 1.0]]),)),
    )
    write_predictions(tmp_path / "p.json", {"a": one, 2: Detections.empty()}, (CELL,))
    value = json.loads((tmp_path / "p.json").read_text())
    assert value == {
        "schema": "bmbench.predictions/1",
        "images": ["a", 2],
        "detections": [
            {"image_id": "a", "category_id": 1, "bbox": [0, 0, 10, 10], "score": 1.0},
            {
                "image_id": "a",
                "category_id": 1,
                "bbox": [0.123, 0, 2.877, 4],
                "score": 0.123457,
                "center": [1, 2],
                "segmentation": [[0, 0, 1, 0, 1, 1]],
            },
        ],
    }
    assert math.copysign(1, value["detections"][1]["bbox"][1]) == 1


@pytest.mark.parametrize("image_id", [3, "text"])
@pytest.mark.parametrize("wrap", [False, True])
def test_another_process_reads_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap: bool, image_id: int | str
) -> None:
    monkeypatch.setattr(read_ahead, "LONG", 1)
    monkeypatch.setattr(read_ahead, "_processors", lambda: 2)
    rows = [detection(score=i / 500, center=[i, 5] if i % 2 else None, image_id=image_id) for i in range(500)]
    path = tmp_path / "p.json"
    path.write_text(json.dumps(wrapped(*rows) if wrap else rows))
    asked: list[Any] = []
    monkeypatch.setattr(read_ahead, "_read", asked.append)
    monkeypatch.setattr(read_ahead, "_has_one_thread", lambda: False)
    with reading_ahead(path, path) as columns:
        there = columns()
    assert asked == []
    here = read_columns(path)
    for name in ("image_id", "category_id", "score", "box", "size", "xy"):
        assert np.array_equal(getattr(there, name), getattr(here, name)), name
    assert there.answered == here.answered == ((7, 3) if wrap else None)


@pytest.mark.parametrize("value", [[detection(score=7)], "cut ["])
def test_what_another_process_cannot_hand_back_is_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    monkeypatch.setattr(read_ahead, "LONG", 1)
    monkeypatch.setattr(read_ahead, "_processors", lambda: 2)
    monkeypatch.setattr(read_ahead, "_has_one_thread", lambda: False)
    asked: list[Any] = []
    monkeypatch.setattr(read_ahead, "_read", asked.append)
    path = tmp_path / "p.json"
    path.write_text(json.dumps(value))
    with reading_ahead(path, path) as columns:
        columns()
    assert asked == [path]

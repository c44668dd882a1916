"""Ground truth as columns, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bmbench.core.errors import BadInputError
from bmbench.core.types import Role, is_artefact_name
from bmbench.datasets.formats.coco import columns as coco_columns
from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.datasets.formats.coco.samples import read_coco
from bmbench.datasets.reading import json_lists
from tests.datasets.columns import ground_truth


def data_set(annotations: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "images": [
            {"id": 7, "width": 100, "height": 80, "file_name": "a.png", "group": "p1"},
            {"id": 3, "width": 100, "height": 80, "file_name": "b.png"},
        ],
        "categories": [
            {"id": 1, "name": "cell", "supercategory": "cell"},
            {"id": 5, "name": "smudge", "supercategory": "artefact"},
        ],
        "annotations": annotations,
    } | more


def annotation(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": 3, "category_id": 1, "bbox": [10, 20, 30, 40]} | more


def read(folder: Path, value: Any) -> Any:
    path = folder / "gt.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return read_ground_truth(path)


def refusal(folder: Path, value: Any) -> str:
    with pytest.raises(BadInputError) as error:
        read(folder, value)
    assert str(folder / "gt.json") in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("kind", "artefact"), [
    ("artefact", True),
    ("artifact", True),
    ("Artefact", True),
    ("ARTIFACT", True),
    ("artefacts", False),
    ("cell", False),
    ("", False),
    (None, False),
])  # fmt: skip
def test_both_readers_know_artefacts_by_the_same_words(
    tmp_path: Path, kind: str | None, *, artefact: bool
) -> None:
    categories = [{"id": 1, "name": "smudge", "supercategory": kind}]
    truth = read(tmp_path, data_set([annotation(1)], categories=categories))
    assert truth.categories == read_coco(tmp_path / "gt.json").categories
    assert truth.categories[0].artefact is artefact
    # Names of classes say it in more words.
    assert is_artefact_name(f"Large {kind}, dark") is (artefact or kind == "artefacts")


def test_columns_by_hand(tmp_path: Path) -> None:
    truth = read(
        tmp_path,
        data_set(
            [
                annotation(1),
                annotation(2, image_id=7, category_id=5, circle=[50, 40, 10]),
                annotation(3, ignore=1, center=[12, 22], area=77.5),
                annotation(4, iscrowd=True),
            ]
        ),
    )
    assert truth.image_ids == (7, 3)
    assert truth.groups == ("p1", "3")
    assert truth.image.tolist() == [1, 0, 1, 1]
    assert truth.box.tolist() == [[10, 20, 40, 60]] * 4
    assert truth.xy.tolist() == [[25, 40], [50, 40], [12, 22], [25, 40]]
    assert truth.role.tolist() == [Role.CELL, Role.ARTEFACT, Role.IGNORE, Role.IGNORE]
    assert truth.region.tolist() == [False, False, False, True]
    assert truth.label.tolist() == [0, 1, 0, 0]
    assert truth.size.tolist() == [[30, 40]] * 4
    assert truth.area.tolist() == [1200, 1200, 77.5, 1200]


def test_boxes_from_other_geometries(tmp_path: Path) -> None:
    shapes = [
        {"segmentation": [[10, 20, 40, 20, 40, 60]]},
        {"circle": [25, 40, 15]},
        {"center": [25, 40]},
        {"segmentation": [[10, 20, 40, 20, 40, 60]], "circle": [30, 30, 5]},
        {"bbox": [1, 2, 3, 4], "circle": [30, 30, 5]},
    ]
    records = [
        {key: value for key, value in annotation(number).items() if key != "bbox"} | shape
        for number, shape in enumerate(shapes)
    ]
    truth = read(tmp_path, data_set(records))
    assert truth.box.tolist() == [
        [10, 20, 40, 60],
        [10, 25, 40, 55],
        [25, 40, 25, 40],
        [10, 20, 40, 60],
        [1, 2, 4, 6],
    ]
    assert truth.xy.tolist() == [[25, 40], [25, 40], [25, 40], [30, 30], [30, 30]]


def test_the_two_readers_agree_on_real_outlines(shared_data: Path, tmp_path: Path) -> None:
    """The other reader keeps every outline; the columns of both are the same."""
    from bmbench.core.dataset import LoadRequest
    from bmbench.datasets import DATASETS
    from bmbench.datasets.formats.coco.samples import write_coco

    split = DATASETS.get("dsb_purple").load(LoadRequest(data=shared_data / "dsb_purple"))
    samples = [sample for subset in split.samples.values() for sample in subset]
    write_coco(tmp_path / "gt.json", samples, split.categories)
    columns = read_ground_truth(tmp_path / "gt.json")
    slow = ground_truth(read_coco(tmp_path / "gt.json", images=tmp_path).samples, split.categories)
    assert columns.image_ids == slow.image_ids
    for name in ("image", "xy", "box", "label", "role", "region"):
        assert np.array_equal(getattr(columns, name), getattr(slow, name)), name


@pytest.mark.parametrize("piece", [1, 40, 100, 1 << 20])
def test_pieces_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """Texts and nested lists that look like the end of a record must not be cut there."""
    records = [
        annotation(1, note="},{", attributes={"list": [{"a": 1}, {"a": 2}]}),
        annotation(2, note='"}, {"'),
        annotation(3, segmentation={"size": [80, 100], "counts": "},{"}),
        *(annotation(number, image_id=7) for number in range(4, 40)),
    ]
    monkeypatch.setattr(json_lists, "PIECE", piece)
    truth = read(tmp_path, data_set(records))
    assert truth.image.tolist() == [1, 1, 1] + [0] * 36
    spaced = read(tmp_path, json.dumps(data_set(records), indent=2))
    assert spaced.image.tolist() == truth.image.tolist()


def test_ids_may_be_texts(tmp_path: Path) -> None:
    value = data_set([annotation(1, image_id="12"), annotation(2, image_id=12)])
    value["images"] = [{"id": 12}, {"id": "12"}, {"id": "slide 1"}]
    assert read(tmp_path, value).image.tolist() == [1, 0]


def test_text_ids_stand_once_too(tmp_path: Path) -> None:
    text = refusal(tmp_path, data_set([annotation(1, id="a"), annotation(2, id=None), annotation(3, id="a")]))
    assert "annotations[2]" in text
    assert "duplicate id" in text


@pytest.mark.parametrize("piece", [1, 1 << 20])
@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"bbox": [1, 2, -3, 4]}, ["annotations[2].bbox", "negative"]),
        ({"bbox": [1, 2, 3]}, ["annotations[2].bbox", "4 numbers"]),
        ({"bbox": [1, 2, 3, "four"]}, ["annotations[2].bbox[3]", "not a finite number"]),
        ({"bbox": [1e10, 2, 3, 4]}, ["annotations[2].bbox", "out of range"]),
        ({"image_id": 99}, ["annotations[2]", "unknown image_id", "99"]),
        ({"category_id": 99}, ["annotations[2]", "unknown category_id", "99"]),
        ({"id": 1}, ["annotations[2]", "duplicate id", "1"]),
        ({"iscrowd": 2}, ["annotations[2].iscrowd", "0 or 1"]),
        ({"area": -1}, ["annotations[2].area", "negative"]),
        ({"center": [1e10, 0]}, ["annotations[2].center", "out of range"]),
    ],
)
def test_bad_values_are_refused_with_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], parts: list[str], piece: int
) -> None:
    monkeypatch.setattr(json_lists, "PIECE", piece)
    text = refusal(tmp_path, data_set([annotation(0), annotation(1), annotation(2) | change, annotation(4)]))
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ('"image_id": 3', '"image_id": 3, "image_id": 7', ["annotations[1]", "'image_id' is there twice"]),
        (
            '"image_id": 3',
            '"image_id": 3, "image_\\u0069d": 7',
            ["annotations[1]", "'image_id' is there twice"],
        ),
        ("[10, 20, 30, 40]", "[NaN, 20, 30, 40]", ["annotations[1]", "NaN is not a number"]),
        ("[10, 20, 30, 40]", "[10, -Infinity, 30, 40]", ["annotations[1]", "-Infinity is not a number"]),
        ("[10, 20, 30, 40]", "[10, 1e999, 30, 40]", ["annotations[1].bbox[1]", "out of range"]),
        ('"images": [', '"annotations": [], "images": [', ["'annotations' is there twice"]),
        ('"name": "cell"', '"name": "cell", "id": 2', ["categories[0]", "'id' is there twice"]),
        ('"width": 100', '"width": 100, "id": 9', ["images[0]", "'id' is there twice"]),
    ],
)
def test_bad_text_is_refused_with_its_place(tmp_path: Path, old: str, new: str, parts: list[str]) -> None:
    text = json.dumps(data_set([annotation(1, category_id=5, bbox=[1, 2, 3, 4], image_id=7), annotation(2)]))
    assert old in text
    text = refusal(tmp_path, text.replace(old, new, 1))
    for part in parts:
        assert part in text


def test_a_file_cut_in_the_middle_says_where(tmp_path: Path) -> None:
    text = json.dumps(data_set([annotation(1), annotation(2)]))
    assert "ends in the middle" in refusal(tmp_path, text[: len(text) // 2])
    assert f"byte {len(text) // 2}" in refusal(tmp_path, text[: len(text) // 2])


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ([annotation(1)], "give the ground truth here"),
        ({"images": []}, "annotations"),
        ({"schema": "bmbench.predictions/1", "images": [], "detections": []}, "the file that is meant"),
        (data_set([], categories=[]), "no category"),
        ("", "ends in the middle"),
        ("{", "ends in the middle"),
        ("nonsense", "not valid JSON"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, value: Any, part: str) -> None:
    assert part in refusal(tmp_path, value)


def test_a_mark_of_utf8_before_the_text_is_passed_over(tmp_path: Path) -> None:
    assert len(read(tmp_path, "\ufeff" + json.dumps(data_set([annotation(1)]))).image) == 1


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="file not found"):
        read_ground_truth(tmp_path / "nothing.json")
    path = tmp_path / "bytes.json"
    path.write_bytes(json.dumps(data_set([annotation(1, id="Zürich")]), ensure_ascii=False).encode("latin-1"))
    with pytest.raises(BadInputError, match=r"bytes\.json, annotations\[0\], byte \d+: not UTF-8 text"):
        read_ground_truth(path)
    path.write_text(json.dumps(data_set([annotation(1, id="half \ud800")])))
    with pytest.raises(BadInputError, match="not valid JSON"):
        read_ground_truth(path)


def outcome(path: Path) -> Any:
    """What a file holds, or why it is refused."""
    try:
        return {name: np.asarray(value).tolist() for name, value in vars_of(read_ground_truth(path)).items()}
    except BadInputError as error:
        return str(error)


def vars_of(truth: Any) -> dict[str, Any]:
    return {name: getattr(truth, name) for name in truth.__dataclass_fields__ if name != "categories"}


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A small file with its parts in any order, with a byte or two changed, or none."""
    parts = data_set(
        [annotation(n) for n in range(draw(st.integers(0, 2)))], info={"annotations": [{"a": 1}]}
    )
    keys = draw(st.permutations(list(parts)))
    text = bytearray(json.dumps({key: parts[key] for key in keys}, **draw(st.sampled_from(STYLES))).encode())
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text) - 1))
        text[place : place + draw(st.integers(0, 1))] = draw(st.sampled_from(CHANGES))
    return bytes(text)


STYLES = [{"separators": (",", ":")}, {}, {"indent": 1}]
CHANGES = [
    b"",
    *(bytes([byte]) for byte in b'{}[],:"1 \\\xff'),
    b"}]",
    b'}],"annotations":[{',
    b'"image_id":1,',
]
ONE = json.dumps(data_set([annotation(1)]))


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files())
@example(ONE[:-1].encode() + b', "annotations": []}')
@example(ONE[:-1].encode() + b', "more": [{"image_id": 1}]}')
@example(ONE.replace('"annotations"', '"more"').encode())
@example(json.dumps({"info": data_set([annotation(1)])} | data_set([])).encode())
@example(ONE[:-2].encode())
@example(ONE.replace("bbox", "box").encode())
def test_annotations_cut_out_unread_are_read_as_any_others(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "gt.json"
    path.write_bytes(text)
    found = outcome(path)
    with pytest.MonkeyPatch.context() as patch:
        read_anyhow = coco_columns._read
        patch.setattr(coco_columns, "_read", lambda path, **_: read_anyhow(path, guess=False))
        assert found == outcome(path)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("last", [False, True])
def test_annotations_as_programs_write_them_are_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: dict[str, Any], last: bool
) -> None:
    """Not slower than it must be: where they end is guessed right."""
    parts = data_set([annotation(1, segmentation={"size": [1, 2], "counts": [1]}), annotation(2)])
    if not last:
        parts = {"annotations": parts["annotations"]} | parts
    guesses: list[bool] = []
    read_anyhow = coco_columns._read

    def read_and_tell(path: Path, *, guess: bool, **_: bool) -> Any:
        guesses.append(guess)
        return read_anyhow(path, guess=guess)

    monkeypatch.setattr(coco_columns, "_read", read_and_tell)
    assert len(read(tmp_path, json.dumps(parts, **style)).image) == 2
    assert guesses == [True]


@pytest.mark.parametrize("part", ["info", "categories"])
def test_text_that_is_not_utf8_is_refused(tmp_path: Path, part: str) -> None:
    path = tmp_path / "gt.json"
    value = data_set([annotation(1)])
    value[part] = [{"id": 1, "note": "*"}] if part == "categories" else "*"
    path.write_bytes(json.dumps(value).encode().replace(b"*", b"\xff"))
    assert "not UTF-8 text" in outcome(path)

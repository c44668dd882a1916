"""Reading alike records at once gives what reading them one by one gives, faults included."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bmbench.core.errors import BadInputError
from bmbench.datasets.formats.coco.columns import _ANNOTATIONS as ANNOTATIONS
from bmbench.datasets.formats.predictions import _DETECTIONS as DETECTIONS
from bmbench.datasets.reading import json_rows
from bmbench.datasets.reading.alike_rows import AlikeRows

NUMBER = st.one_of(
    st.integers(-5, 10**6),
    st.floats(-1e6, 1e6).filter(np.isfinite),
    st.sampled_from([1e-07, 2.5e22, 0.1 + 0.2]),
)
WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)
FIELDS = {
    "image_id": WHOLE,
    "category_id": WHOLE,
    "bbox": st.lists(NUMBER, min_size=4, max_size=4),
    "score": NUMBER,
    "area": NUMBER,
    "iscrowd": st.integers(0, 1),
    "center": st.lists(NUMBER, min_size=2, max_size=2),
    "segmentation": st.just([]),
    "extra": NUMBER,
    "pair": st.lists(NUMBER, min_size=1, max_size=1),
}
STYLES = [{"separators": (",", ":")}, {}, {"indent": 1}]


def outcome(text: bytes, layout: json_rows.Layout) -> Any:
    """The values of all fields, or what is refused."""
    values: dict[str, list[Any]] = {}
    try:
        for first, columns in json_rows.pieces(text, layout, path=Path("f.json"), name="detections"):
            n = len(columns[layout.required[0]])
            for name in layout.columns:
                column = columns.get(name, [None] * n)
                column = column.tolist() if isinstance(column, np.ndarray) else column
                values.setdefault(name, []).extend(map(plain, column))
            assert all(len(column) == first + n for column in values.values())
    except BadInputError as error:
        return str(error)
    return values


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A list of alike records as programs write it, with a byte or two changed, or none."""
    extra = draw(st.permutations([name for name in FIELDS if name not in ("image_id", "category_id")]))
    names = draw(st.permutations(["image_id", "category_id", *extra[: draw(st.integers(2, 6))]]))
    records = [{name: draw(FIELDS[name]) for name in names} for _ in range(draw(st.integers(1, 3)))]
    text = bytearray(json.dumps(records, **draw(st.sampled_from(STYLES))).encode())
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text) - 1))
        length = draw(st.integers(0, 1))
        text[place : place + length] = draw(st.sampled_from(CHANGES))
    return bytes(text)


CHANGES = [bytes([byte]) for byte in b'0159.-+eE,:"[]{}\\ nat_/\x01\x02'] + [
    b"",
    b"[]",
    b"1e999",
    b"NaN",
    b"null",
]
RECORD = '{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":0.5}'

SECRET, HIDDEN = RECORD.replace("0.5", "5\x01-1"), RECORD.replace("0.5", "\x020.5")
"""What no JSON text holds, and the reader itself puts in place of other bytes meanwhile."""


@settings(max_examples=600, deadline=None)
@given(texts(), st.sampled_from([DETECTIONS, ANNOTATIONS]))
@example(b'[{"i5mage_id":,"category_id":1,"bbox":[1,2,3,4],"score":0.5}]', DETECTIONS)
@example(b'[{"image_id":1,"category_id":1,"bbox":5[,2,3,4],"score":0.5}]', DETECTIONS)
@example(b'[{"image_id":1,"category_id":1,"bbox":[1,2,3,4]5,"score":}]', DETECTIONS)
@example(b'[{"image_id":1,"category_id":1,"bbox":[1,2,3,],4"score":0.5}]', DETECTIONS)
@example(b'[5{"image_id":,"category_id":1,"bbox":[1,2,3,4],"score":0.5}]', DETECTIONS)
@example(f"[{RECORD},{RECORD.replace('1,', '1.0,', 1)}]".encode(), DETECTIONS)
@example(f"[{RECORD},{RECORD.replace('0.5', '[]')}]".encode(), DETECTIONS)
@example(f"[{RECORD},{RECORD.replace('_id', '_id2', 1)}]".encode(), DETECTIONS)
@example(f"[{RECORD},{RECORD.replace('0.5', '01')}]".encode(), DETECTIONS)
@example(f"[{RECORD},{RECORD.replace('0.5', '1e999')}]".encode(), DETECTIONS)
@example(f"[{RECORD.replace('1,', str(2**64) + ',', 1)}]".encode(), DETECTIONS)
@example(f'[{RECORD[:-1]},"score":0.7}}]'.encode(), DETECTIONS)
@example(f"[{RECORD},{RECORD}".encode(), DETECTIONS)
@example(f"[{RECORD},{RECORD}]]".encode(), DETECTIONS)
@example(f"[{RECORD},5{RECORD}]".encode(), DETECTIONS)
@example(f"[{RECORD},{SECRET}]".encode(), DETECTIONS)
@example(f"[{RECORD.replace('0.5', '5e-1')},{SECRET}]".encode(), DETECTIONS)
@example(f"[{HIDDEN}]".encode(), DETECTIONS)
@example(
    b'[{"image_id":1,"category_id":2,"bbox":[1,2,3,4],"score":0.5},'
    b'{"category_id":3,"image_id":4,"bbox":[1,2,3,4],"score":0.5}]',
    DETECTIONS,
)
@example(b'[{"image_id":1,"category_id":1,"bbox":[1,2,3,4,5],"center":[6],"score":0.5}]', DETECTIONS)
@example(f"[{RECORD.replace('0.5', '[]')}]".encode(), DETECTIONS)
@example(
    b'[{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"x":[],"score": 0.5 },'
    b'{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"x": 5 ,"score":[]}]',
    DETECTIONS,
)
def test_alike_records_are_read_as_any_others(text: bytes, layout: json_rows.Layout) -> None:
    one_by_one = dataclasses.replace(layout, numbers={})
    assert outcome(text, layout) == outcome(text, one_by_one)


def test_a_fault_in_a_late_piece_has_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "PIECE", 100)
    records = [RECORD] * 30
    records[17] = RECORD.replace("0.5", "NaN")
    assert "detections[17]" in outcome(f"[{','.join(records)}]".encode(), DETECTIONS)


@pytest.mark.parametrize("style", STYLES, ids=["compact", "spaced", "indented"])
def test_what_programs_write_is_read_at_once(style: dict[str, Any]) -> None:
    """Not slower than it must be: whole numbers among fractions, exponents, empty outlines."""
    annotations = [
        {
            "id": 3,
            "image_id": 1,
            "category_id": 1,
            "segmentation": [],
            "bbox": box,
            "area": area,
            "iscrowd": 0,
        }
        for box, area in (([1, 2.5, 3, 4], 1e-07), ([0.1, -7, 3.0, 1e16], 5))
    ]
    read = AlikeRows(ANNOTATIONS.known, ANNOTATIONS.needed).columns(json.dumps(annotations, **style).encode())
    assert read is not None
    assert read["bbox"].tolist() == [[1, 2.5, 3, 4], [0.1, -7, 3, 1e16]]
    assert read["area"].tolist() == [1e-07, 5]
    assert set(read) == {"id", "image_id", "category_id", "bbox", "area", "iscrowd"}


def test_a_list_of_other_records_is_not_tried_for_long() -> None:
    alike = AlikeRows(DETECTIONS.known, DETECTIONS.needed)
    for _ in range(3):
        assert alike.columns(b'[{"image_id":"a","category_id":1,"bbox":[1,2,3,4],"score":0.5}]') is None
    assert alike.columns(f"[{RECORD}]".encode()) is None

"""Long lists of records: read in pieces as the standard parser reads them whole, faults included."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bmbench.core.errors import BadInputError
from bmbench.datasets.reading import json_lists
from bmbench.datasets.reading.json_lists import JsonLists

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


class Record(msgspec.Struct):
    image_id: int | str
    category_id: int
    score: float | None = None
    bbox: tuple[float, float, float, float] | None = None
    center: tuple[float, float] | None = None


class Records(msgspec.Struct):
    rows: list[Record]


WIDTHS = {"image_id": -1, "category_id": -1, "score": 0, "bbox": 4, "center": 2}


def outcome(text: bytes) -> Any:
    """The values of all fields, or None if they are refused."""
    try:
        columns = JsonLists(Path("f.json"), text, Records, title="list").columns("rows")
    except BadInputError:
        return None
    n = len(columns["image_id"])
    return {
        name: [None] * n if column is None else [plain(value) for value in column.tolist()]
        for name, column in columns.items()
    }


def plain(value: Any) -> Any:
    """A value as JSON has it; NaN stands for none."""
    first = value[0] if isinstance(value, list) else value
    return None if isinstance(first, float) and math.isnan(first) else value


class TwiceError(ValueError):
    """A key stands twice."""


def naive(text: bytes) -> Any:
    """What `outcome` should be, record by record by the standard library."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in items if key in WIDTHS]
        if len(set(keys)) < len(keys):
            raise TwiceError
        return dict(items)

    try:
        rows = json.loads(text.decode(), object_pairs_hook=pairs, parse_constant=no_number)
        assert isinstance(rows, list)
        return {name: [checked(row, name) for row in rows] for name in WIDTHS}
    except (ValueError, AssertionError):
        return None


def no_number(name: str) -> float:
    raise ValueError(name)


def checked(row: Any, name: str) -> Any:
    assert isinstance(row, dict)
    value, width = row.get(name), WIDTHS[name]
    if width < 0:
        assert isinstance(value, int if name == "category_id" else (int, str))
        assert not isinstance(value, bool)
        return value
    if value is None:
        return None
    items = value if width else [value]
    assert isinstance(items, list)
    assert len(items) == max(width, 1)
    assert all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in items)
    assert all(abs(item) <= sys.float_info.max for item in items)
    return [float(item) for item in items] if width else float(value)


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


CHANGES = [bytes([byte]) for byte in b'0159.-+eE,:"[]{}\\ nat_/\x01\x02\xff'] + [
    b"",
    b"[]",
    b"NaN",
    b"null",
    b"},{",
    b'"score":1,',
]
RECORD = '{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":0.5}'


@settings(max_examples=600, deadline=None)
@given(texts(), st.sampled_from([1, 100, 1 << 20]))
@example(b'[{"i5mage_id":,"category_id":1,"bbox":[1,2,3,4],"score":0.5}]', 1)
@example(b'[{"image_id":1,"category_id":1,"bbox":5[,2,3,4],"score":0.5}]', 1)
@example(b'[{"image_id":1,"category_id":1,"bbox":[1,2,3,4]5,"score":}]', 1)
@example(b'[{"image_id":1,"category_id":1,"bbox":[1,2,3,],4"score":0.5}]', 1)
@example(b'[5{"image_id":,"category_id":1,"bbox":[1,2,3,4],"score":0.5}]', 1)
@example(f"[{RECORD},{RECORD.replace('1,', '1.0,', 1)}]".encode(), 1)
@example(f"[{RECORD},{RECORD.replace('0.5', '[]')}]".encode(), 1)
@example(f"[{RECORD},{RECORD.replace('_id', '_id2', 1)}]".encode(), 1)
@example(f"[{RECORD},{RECORD.replace('0.5', '01')}]".encode(), 1)
@example(f"[{RECORD},{RECORD.replace('0.5', '1e999')}]".encode(), 1)
@example(f"[{RECORD},{RECORD.replace('0.5', 'null')}]".encode(), 1)
@example(f"[{RECORD.replace('1,', str(2**64) + ',', 1)}]".encode(), 1)
@example(f'[{RECORD[:-1]},"score":0.7}}]'.encode(), 1)
@example(f'[{RECORD[:-1]},"sc\\u006fre":0.7}}]'.encode(), 1)
@example(f'[{RECORD[:-1]},"center":null,"center":[1,2]}}]'.encode(), 1)
@example(f'[{RECORD[:-1]},"center":null,"x":{{"score":1}}}}]'.encode(), 1)
@example(f'[{RECORD[:-1]},"x":"}},{{","y":[{{"a":1}},{{"a":2}}]}},{RECORD}]'.encode(), 1)
@example(f"[{RECORD},{RECORD}".encode(), 1)
@example(f"[{RECORD},{RECORD}]]".encode(), 1)
@example(f"[{RECORD},5{RECORD}]".encode(), 1)
@example(b'[{"image_id":1,"category_id":1,"bbox":[1,2,3,4,5],"center":[6],"score":0.5}]', 1)
@example(f'[{RECORD[:-1]},"center":null,"x":{10**30}}}]'.encode(), 1)
@example(b"[]", 1)
@example(b" [ ] ", 1)
@example(b"{}", 1)
@example(b"", 1)
def test_pieces_are_read_as_the_standard_library_reads_the_whole(text: bytes, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lists, "PIECE", piece)
        assert outcome(text) == naive(text)


def refusal(text: bytes) -> str:
    with pytest.raises(BadInputError) as error:
        JsonLists(Path("f.json"), text, Records, title="list").columns("rows")
    return str(error.value)


def test_a_fault_in_a_late_piece_has_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lists, "PIECE", 100)
    for fault, place in (("NaN", "score"), ('"a"', "score"), ("1e999", "score"), ('1,"score":2', "")):
        records = [RECORD] * 30
        records[17] = RECORD.replace("0.5", fault)
        assert f"rows[17]{place and '.'}{place}: " in refusal(f"[{','.join(records)}]".encode())


@given(st.integers(0, 10**6), st.sampled_from(STYLES))
def test_whatever_a_text_is_cut_after_it_ends_in_the_middle(share: int, style: dict[str, Any]) -> None:
    """A number may end anywhere, a text and a word too."""
    records = [json.loads(RECORD) | {"x": ['a\\"\u00e9', True, None, -1.5e-7, {}], "y": "\u2603"}] * 2
    text = json.dumps(records, **style).encode()
    place = share % len(text)
    found = refusal(text[:place])
    assert "ends in the middle" in found
    assert f"byte {place}" in found


@pytest.mark.parametrize("text", ["[1, nonsense", "nonsense", "[1] 2", "[] []", '["a" "b"]', "[tru]", "[1.]"])
def test_what_is_no_json_does_not_end_in_the_middle(text: str) -> None:
    assert "not valid JSON" in refusal(text.encode())
    assert "middle" not in refusal(text.encode())


@pytest.mark.parametrize("text", ["[" * 100_000, '[{"x":' + "[" * 100_000 + "]" * 100_000 + "}]"])
def test_nesting_without_end_is_refused(text: str) -> None:
    assert "nested too deeply" in refusal(text.encode())


def test_numbers_of_any_length_are_refused_or_passed_over() -> None:
    digits = "9" * 5000
    assert "rows[0].score" in refusal(f"[{RECORD.replace('0.5', digits)}]".encode())
    assert outcome(f'[{RECORD[:-1]},"x":{digits}}}]'.encode())["score"] == [0.5]


def test_bytes_that_are_no_text_have_their_place() -> None:
    assert refusal(b'[{"x":1},{"x":"\xff"}]').startswith("f.json, rows[1], byte 15: not UTF-8 text")

"""A record is written as Python's own `json` writes it, whatever writes it sooner."""

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmbench.core.types import CELL, Annotations, Sample
from bmbench.datasets.formats.coco.records import annotation_records, dump

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(float),
    st.floats(-1e6, 1e6),
    st.sampled_from([0.0, -0.0, 1e-6, 4e-7, 12.000001, 0.1, -5e-5, 1e9]),
)


def drawn(ring, **columns):
    ring = np.array(ring, float)
    box = np.array([[*ring.min(axis=0), *ring.max(axis=0)]])
    annotations = Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, contour=((ring,),), **columns)
    return Sample(
        image_id=1, name="a.png", width=9, height=9, group="a", annotations=annotations,
        load=lambda: np.zeros((9, 9, 3), np.uint8),
    )  # fmt: skip


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=6))
def test_numbers_are_rounded_and_written_as_json_writes_them(ring):
    (record,) = annotation_records(drawn(ring), [CELL])
    text = dump({"id": 1, **record})
    rounded = np.round(np.array(ring), 6).ravel().tolist()
    expected = [int(value) if value.is_integer() else value for value in rounded]
    said = json.loads(text)
    assert said["segmentation"] == [expected]
    assert text == json.dumps(said, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    assert json.dumps([expected], separators=(",", ":")) in text


@pytest.mark.parametrize(
    "value", ["a\u007fb", 'quote " and \\', "é", "tab\t", "1.0,", "e-5", "\ud800", None, 1e-7]
)
def test_texts_are_written_as_json_writes_them(value):
    record = {"image_id": value, "segmentation": [[1.5, 2]]}
    expected = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    raw = msgspec.Raw(b"[[1.5,2]]")
    assert dump({**record, "segmentation": raw}) == dump(record) == expected


def test_what_is_no_number_is_not_written():
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump({"bbox": [float("nan")]})

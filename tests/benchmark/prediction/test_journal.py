"""A journal cut off anywhere keeps its whole records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmbench.benchmark.prediction.journal import Journal
from bmbench.core.errors import BadInputError
from bmbench.core.types import Detections

FACTS = {"image": "a.tif", "size": [3, 4]}


def some(n: int) -> Detections:
    rng = np.random.default_rng(n)
    contour = tuple(tuple(rng.normal(size=(3 + i, 2)) for _ in range(i % 3)) for i in range(n))
    return Detections(
        xy=rng.normal(size=(n, 2)),
        box=rng.normal(size=(n, 4)),
        confidence=rng.uniform(size=n),
        label=rng.integers(0, 3, n),
        contour=contour,
    )


def same(a: Detections, b: Detections) -> bool:
    columns = all(
        (getattr(a, name) == getattr(b, name)).all() for name in ("xy", "box", "confidence", "label")
    )
    outlines = [
        len(one) == len(other) and all((p == q).all() for p, q in zip(one, other, strict=True))
        for one, other in zip(a.contour, b.contour, strict=True)
    ]
    return columns and all(outlines)


def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", FACTS) as journal:
        for number in (4, 0, 7):
            journal.append(number, some(number))
    with Journal(tmp_path / "j", FACTS) as journal:
        assert len(journal) == 3
        assert 4 in journal
        assert 5 not in journal
        for number in (0, 4, 7):
            assert same(journal.read(number), some(number))


def test_a_journal_cut_anywhere_keeps_whole_records_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    place = tmp_path / "j"
    ends = []
    with Journal(place, FACTS) as journal:
        for number in range(3):
            ends.append(place.stat().st_size)
            journal.append(number, some(number + 1))
    whole = place.read_bytes()
    ends.append(len(whole))
    for cut in range(len(whole)):
        place.write_bytes(whole[:cut])
        with Journal(place, FACTS) as journal:
            kept = sum(end <= cut for end in ends[1:])
            assert len(journal) == kept
            for number in range(kept):
                assert same(journal.read(number), some(number + 1))
            for number in range(kept, 3):
                journal.append(number, some(number + 1))
        assert place.read_bytes() == whole


def test_a_damaged_record_and_all_after_it_are_done_again(tmp_path: Path) -> None:
    place = tmp_path / "j"
    with Journal(place, FACTS) as journal:
        journal.append(0, some(2))
        first = place.stat().st_size
        journal.append(1, some(2))
        journal.append(2, some(2))
    data = bytearray(place.read_bytes())
    data[first + 40] ^= 1
    place.write_bytes(bytes(data))
    with Journal(place, FACTS) as journal:
        assert [number in journal for number in range(3)] == [True, False, False]


def test_a_length_that_is_nonsense_asks_for_no_memory(tmp_path: Path) -> None:
    place = tmp_path / "j"
    with Journal(place, FACTS) as journal:
        journal.append(0, some(2))
    with place.open("ab") as file:
        file.write(b"tile" + b"\x01\0\0\0" + b"\xff" * 7 + b"\x7f" + b"\0" * 400)
    with Journal(place, FACTS) as journal:
        assert len(journal) == 1


@pytest.mark.parametrize("facts", [FACTS | {"size": [3, 5]}, {}, []])
def test_a_journal_of_something_else_is_refused_and_kept(tmp_path: Path, facts: object) -> None:
    place = tmp_path / "j"
    with Journal(place, FACTS) as journal:
        journal.append(0, some(2))
    before = place.read_bytes()
    with pytest.raises(BadInputError, match="another prediction"):
        Journal(place, facts)
    assert place.read_bytes() == before

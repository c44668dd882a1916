"""Counts of a board, from files to standings: by hand, each training by itself, units left out whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.leaderboards.results.record import read_result
from bmbench.leaderboards.results.standings_record import CountStandings, read_standings
from bmbench.leaderboards.results.verify import verify_board
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

CELLS = (2, 4, 6, 8)
FOUND = (3, 5, 5, 10)
BOARDS = sorted(path.parent for path in (Path(__file__).parents[3] / "leaderboards").glob("*/tracks"))


def boxes(image: int, counts: tuple[int, ...]) -> list[dict[str, Any]]:
    """So many boxes of each class, every class in a row of its own."""
    return [
        {"image_id": image, "category_id": label, "bbox": [40 * place, 60 * label, 30, 30]}
        for label, n in enumerate(counts, 1)
        for place in range(n)
    ]


def write_cells(path: Path, counts: list[tuple[int, ...]], *, groups: int = 0) -> None:
    """A truth of so many cells of each class an image, and one artefact in the corner of each."""
    images, annotations = [], []
    for number, some in enumerate(counts, 1):
        image = {"id": number, "file_name": f"{number}.png", "width": 512, "height": 512}
        images.append(image | ({"group": f"patient {number % groups}"} if groups else {}))
        annotations += boxes(number, some)
        annotations.append({"image_id": number, "category_id": 9, "bbox": [480, 480, 30, 30]})
    for number, row in enumerate(annotations, 1):
        row |= {"id": number, "area": 900, "iscrowd": 0}
    categories = [{"id": label + 1, "name": f"cell {label}"} for label in range(len(counts[0]))]
    categories.append({"id": 9, "name": "smudge", "supercategory": "artefact"})
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))


def said(counts: list[tuple[int, ...]]) -> list[dict[str, Any]]:
    """An answer of so many boxes; one more an image is less sure than the threshold."""
    rows = [row | {"score": 0.9} for image, some in enumerate(counts, 1) for row in boxes(image, some)]
    return rows + [
        {"image_id": image, "category_id": 1, "bbox": [400, 400, 30, 30], "score": 0.2}
        for image in range(1, len(counts) + 1)
    ]


def agreement(bench: Any, id_: str = "one") -> Any:
    counts = read_standings(bench.board.standings("weak")).counts
    assert isinstance(counts, CountStandings)
    return counts.rows[id_]


def scored(
    bench: Any, cells: list[tuple[int, ...]], *answers: list[tuple[int, ...]], groups: int = 0
) -> None:
    write_cells(bench.truth, cells, groups=groups)
    bench.track(**({"unit": "patient"} if groups else {}))
    bench.submit("one", [said(one) for one in answers])
    bench.score()


def alone(counts: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [(n,) for n in counts]


def test_one_training_by_hand(bench: Any) -> None:
    scored(bench, alone(CELLS), alone(FOUND))
    found = agreement(bench)
    # Differences 1, 1, −1, 2: mean 3/4, squares about it 19/4, without sign 5/4.
    sd = (4.75 / 3) ** 0.5
    assert found.bias == pytest.approx(0.75)
    assert (found.low, found.high) == pytest.approx((0.75 - 1.959964 * sd, 0.75 + 1.959964 * sd))
    reach = 3.182446 * sd / 2
    assert found.bias_interval == pytest.approx((0.75 - reach, 0.75 + reach))
    assert found.off_by == pytest.approx(1.25)
    assert found.off_by_percent == pytest.approx(100 * (1 / 2 + 1 / 4 + 1 / 6 + 2 / 8) / 4)
    # Variances 5 and 6.6875, covariance 5.25, means 0.75 apart: 2 · 5.25 / (5 + 6.6875 + 0.5625).
    assert found.concordance == pytest.approx(6 / 7)
    low, high = found.concordance_interval
    assert low < 6 / 7 < high
    # The limits have the interval of Bland and Altman: √(1/4 + 1.96² / (2 · 3)) of quantile and spread.
    of_limit = 3.182446 * sd * (1 / 4 + 1.959964**2 / 6) ** 0.5
    assert found.low_interval == pytest.approx((found.low - of_limit, found.low + of_limit))


def test_the_mean_on_every_image_is_what_looking_is_worth(bench: Any) -> None:
    scored(bench, alone(CELLS), alone(FOUND))
    counts = read_standings(bench.board.standings("weak")).counts
    assert isinstance(counts, CountStandings)
    same = counts.same_everywhere
    assert (counts.rule, counts.cells, same.bias, same.off_by, same.concordance) == ("cd", 5, 0, 2, 0)
    assert same.high == pytest.approx(1.959964 * (20 / 3) ** 0.5)
    assert same.low == -same.high
    blank = counts.rows["blank"]
    assert (blank.bias, blank.off_by, blank.concordance) == (-5, 5, 0)


def test_limits_are_those_of_one_training_and_not_of_the_mean_of_several(bench: Any) -> None:
    """Two trainings whose mean is right everywhere: each is off by one, and so is what a laboratory runs."""
    up, down = (3, 3, 7, 7), (1, 5, 5, 9)
    scored(bench, alone(CELLS), alone(up), alone(down))
    found = agreement(bench)
    assert (found.bias, found.off_by) == (0, 1)
    assert found.high == pytest.approx(1.959964 * (4 / 3) ** 0.5)
    assert found.low == -found.high
    # Of several trainings it is not known how limits vary; the bias has an interval in which they vary.
    assert (found.low_interval, found.high_interval, found.concordance_interval) == (None, None, None)
    assert found.bias_interval is not None


def test_copies_of_a_training_are_one(bench: Any) -> None:
    scored(bench, alone(CELLS), alone(FOUND), alone(FOUND), alone(FOUND))
    found = agreement(bench)
    reach = 3.182446 * (4.75 / 3) ** 0.5 / 2
    assert found.bias_interval == pytest.approx((0.75 - reach, 0.75 + reach))
    assert found.low_interval is not None
    assert found.concordance_interval is not None


def test_patients_are_left_out_whole_and_their_images_are_not_independent(bench: Any) -> None:
    cells = [(5,)] * 8
    differences = np.array([1, 2, 3, 2, 1, 4, 3, 1])
    scored(bench, cells, [(5 + int(n),) for n in differences], groups=4)
    found = agreement(bench)
    # Images 1 and 5 are of one patient, 2 and 6 of another one.
    means = differences.reshape(2, 4).mean(axis=0)
    expected = stats.t.interval(0.95, 3, loc=means.mean(), scale=stats.sem(means))
    assert found.bias_interval == pytest.approx(expected)
    assert found.high - found.low == pytest.approx(2 * 1.959964 * differences.std(ddof=1))
    assert (found.low_interval, found.concordance_interval) == (None, None)


def test_below_three_units_there_are_no_limits(bench: Any) -> None:
    scored(bench, alone(CELLS[:2]), alone(FOUND[:2]))
    found = agreement(bench)
    assert (found.bias, found.off_by) == (1, 1)
    assert (found.bias_interval, found.low, found.high, found.concordance) == (None, None, None, None)


def test_percentages_of_classes_by_patient(bench: Any) -> None:
    # Images 1 and 4, 2 and 5, 3 and 6 are of one patient: of ten cells 4, 2, 6 are of the second class.
    cells = [(3, 2), (4, 1), (2, 3), (3, 2), (4, 1), (2, 3)]
    # 5 of 10, 1 of 8 and 6 of 12 are found: +10, −7.5 and −10 points.
    found = [(2, 3), (3, 1), (3, 3), (3, 2), (4, 0), (3, 3)]
    scored(bench, cells, found, groups=3)
    result = read_result(bench.board.result("weak", "one"))
    assert not isinstance(result.counts, msgspec.UnsetType)
    assert result.counts.found == ((5, 4, 6, 5, 4, 6),)
    second = result.counts.classes["cell 1"]
    assert second.bias == pytest.approx((10 - 7.5 - 10) / 3)
    assert second.off_by == pytest.approx(27.5 / 3)
    # Limits of 4, 2 and 6 of 10 reach from 12 to 74, 3 to 56 and 26 to 88 per cent: all three lie inside.
    assert second.within == 1
    assert result.counts.classes["cell 0"].bias == pytest.approx(-second.bias)


def test_one_class_told_is_no_percentage(bench: Any) -> None:
    scored(bench, [(3, 2), (4, 1), (2, 3)], [(5, 0), (5, 0), (4, 0)])
    result = read_result(bench.board.result("weak", "one"))
    assert not isinstance(result.counts, msgspec.UnsetType)
    assert (result.counts.classes, result.counts.found) == ({}, ((5, 5, 4),))


def without_counts(path: Path) -> None:
    """A file as it was before counts were kept."""
    value = json.loads(path.read_text())
    del value["counts"]
    path.write_text(json.dumps(value))


def test_files_of_before_are_read_verified_and_filled(bench: Any) -> None:
    scored(bench, alone(CELLS), alone(FOUND))
    files = [*bench.board.result_files("weak"), bench.board.standings("weak")]
    before = {path: path.read_bytes() for path in files}
    whole = verify_board(bench.board, Silent()).count
    for path in files:
        without_counts(path)
    assert 60 < verify_board(bench.board, Silent()).count < whole
    bench.score()
    assert {path: path.read_bytes() for path in files} == before
    path = bench.board.result("weak", "one")
    text = path.read_text()
    assert '"found":[[3,5,5,10]]' in text
    path.write_text(text.replace('"found":[[3,5,5,10]]', '"found":[[3,5,6,9]]'))
    with pytest.raises(BadInputError, match="/counts/found"):
        verify_board(bench.board, Silent())


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_what_is_counted_is_what_was_matched(folder: Path) -> None:
    """Hits and false alarms of all seeds, image by image."""
    board = Leaderboard(folder)
    for track in board.manifests():
        for path in board.result_files(track.name):
            result = read_result(path)
            assert not isinstance(result.counts, msgspec.UnsetType)
            images = result.rules[result.counts.rule].images
            assert images is not None
            together = [tp + fp for tp, fp in zip(images.tp, images.fp, strict=True)]
            assert np.sum(result.counts.found, axis=0).tolist() == together

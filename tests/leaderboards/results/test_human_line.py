"""A track with several raters: the others stand among the controls, scored as answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.boards.build import build_board
from bmbench.leaderboards.results.hidden_truth import HideWishes, hide
from bmbench.leaderboards.results.record import read_result


def second_rater(truth: Path, path: Path, *, missed: int, images: slice = slice(None)) -> Path:
    """The cells of the truth but the first so many of every image, and one more cell on each."""
    value = json.loads(truth.read_text())
    value["images"] = value["images"][images]
    kept: list[Any] = []
    for image in value["images"]:
        mine = [row for row in value["annotations"] if row["image_id"] == image["id"]]
        cells = [row for row in mine if row["category_id"] == 1]
        kept += [row for row in mine if row not in cells[:missed]]
        kept.append(cells[0] | {"bbox": [470, 470, 40, 40]})
    value["annotations"] = [row | {"id": number} for number, row in enumerate(kept, start=1)]
    path.write_text(json.dumps(value))
    return path


def test_the_human_line_is_a_control_on_the_board(bmbench: Any, bench: Any, tmp_path: Path) -> None:
    """12 cells an image, 3 of them missed and one drawn beside: F1 = 2 · 9 / (12 + 10)."""
    rater = second_rater(bench.truth, tmp_path / "b.json", missed=3)
    board = bench.board.path
    init = ("leaderboard", "init", board, "--track", "weak", "--truth", bench.truth, "--radius", 15)
    answer = bmbench(*init, "--rater", rater)
    assert answer.code == 0, answer.err
    assert (board / "tracks/weak/rater-2.json").read_bytes() == rater.read_bytes()
    bench.submit("some-cells", bench.answer(recall=0.9, false=1))
    bench.score()
    line = read_result(bench.board.result("weak", "rater-2"))
    assert (line.control, line.metrics["cd.f1"].value) == (True, pytest.approx(18 / 22))
    build_board(bench.board)
    page = (board / "boards/weak.md").read_text()
    assert "| control | human line\\: another rater |  | 0.818 " in page
    assert (
        "Another rater agrees with this ground truth at F1 (centres) 0.818; 1 of 1 methods reach that" in page
    )
    rater.write_text("{}")
    (board / "tracks/weak/rater-2.json").write_text("{}")
    with pytest.raises(BadInputError, match="is not the rater that the track names"):
        bench.score()


def test_further_raters_are_told_apart_and_methods_below_them_need_no_warning(
    bench: Any, tmp_path: Path
) -> None:
    raters = tuple(
        second_rater(bench.truth, tmp_path / f"{name}.json", missed=missed)
        for name, missed in (("b", 0), ("c", 3))
    )
    bench.track(raters=raters)
    bench.submit("some-cells", bench.answer(recall=0.5, false=6))
    bench.score()
    build_board(bench.board)
    page = (bench.board.path / "boards/weak.md").read_text()
    assert page.count("human line\\: another rater \\(rater\\-") >= 2
    assert "Another rater agrees" not in page


def test_a_track_of_one_rater_keeps_its_digest(bench: Any) -> None:
    bench.track()
    assert "raters" not in (bench.board.path / "tracks/weak/track.json").read_text()


def test_what_no_track_can_have_writes_nothing(bench: Any, tmp_path: Path) -> None:
    some = second_rater(bench.truth, tmp_path / "b.json", missed=1, images=slice(3))
    with pytest.raises(BadInputError, match="has not seen all images"):
        bench.track(raters=(some,))
    every = second_rater(bench.truth, tmp_path / "c.json", missed=1)
    with pytest.raises(BadInputError, match="outside of the repository"):
        bench.track(raters=(every,), outside=True)
    assert not (bench.board.path / "tracks").exists()
    bench.track(raters=(every,))
    with pytest.raises(BadInputError, match="raters, whose files are public"):
        hide(bench.board, "weak", HideWishes(recipients=("age1x",), bits=4))

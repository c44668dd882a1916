"""Several raters: scores against each and their agreement, by hand and by laws."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from rich.console import Console

from bmbench.benchmark.scoring.score_files import score_files
from bmbench.benchmark.scoring.tables import score_tables
from bmbench.core.types import Category, Role
from bmbench.metrics import PROTOCOLS, evaluate, rater_agreement
from bmbench.metrics.raters import as_answer
from tests.metrics.scenes import coco_objects, predictions_of, rebuilt, scenes, square, truth_of, write_pair

PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)
CELLS = [square(100 * k, 20) for k in range(1, 5)]


def write_rater(path: Path, truth: Any, **changes: Any) -> Path:
    path.write_text(json.dumps(coco_objects(truth) | changes))
    return path


def two_raters() -> tuple[Any, Any]:
    """The first marks 4 cells on image 1 and 2 on image 2; the second 3 of the 4 (5 px off), one other; 1 of
    the 2.

    Pairs: 3 + 1 = 4. Of 6 and 5 cells: F1 = 2 · 4 / (6 + 5) = 8/11. Boxes of 20 px, 5 px apart: IoU 15/25.
    """
    first = truth_of([*CELLS, square(100, 20), square(200, 20)], [0, 0, 0, 0, 1, 1])
    moved = [square(100 * k + 5, 20) for k in range(1, 4)]
    second = truth_of([*moved, square(100, 300), square(100, 20)], [0, 0, 0, 0, 1])
    return first, second


def test_agreement_by_hand(bmbench: Any, tmp_path: Path) -> None:
    """Predicted: cells 1 and 2 of image 1, and both of image 2. Against the first: tp 4, fn 2: 8/10.

    Against the second: the two are 5 px off, one of image 2 is there: tp 3, fp 1, fn 2: 6/9.
    """
    first, second = two_raters()
    found = predictions_of([CELLS[0], CELLS[1], square(100, 20), square(200, 20)], [0.9] * 4, [0, 0, 1, 1])
    paths = write_pair(tmp_path, first, found)
    rater = write_rater(tmp_path / "second.json", second)
    call = ("score", paths[0], "--truth", paths[1], "--rater", rater, "--radius", 8)
    answer = bmbench(*call, "--json")
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)["raters"]
    assert (report["names"], report["images"]) == (["truth.json", "second.json"], 2)
    for geometry in ("bb", "cd"):
        one = report[geometry]
        assert [pair["f1"] for pair in one["pairs"]] == [pytest.approx(8 / 11)]
        assert [(pair["shared"], pair["alone"]) for pair in one["pairs"]] == [(8, 3)]
        assert one["raters"] == pytest.approx(8 / 11)
        assert [row["f1"] for row in one["against"]] == [pytest.approx(8 / 10), pytest.approx(6 / 9)]
        assert one["answer"] == pytest.approx((8 / 10 + 6 / 9) / 2)
        assert one["difference"] == pytest.approx((8 / 10 + 6 / 9) / 2 - 8 / 11)
        assert one["raters_ci"] is None
    shown = " ".join(bmbench(*call).out.split())
    assert "1 truth.json 0.800 0.800 · 2 second.json 0.667 0.667" in shown
    assert "· mean: the human line 0.727 0.727" in shown
    assert "answer − human line +0.006 +0.006" in shown


def test_what_one_rater_ignores_counts_for_neither() -> None:
    """The second ignores the right half: of 4 and 2 cells there and here, only those at 100 and 200 count."""
    first = truth_of(CELLS)
    border = [250.0, 0.0, 500.0, 100.0]
    second = truth_of(
        [CELLS[0], square(900, 900), border],
        role=[0, 0, Role.IGNORE],
        region=[False, False, True],
        label=[0] * 3,
    )
    for geometry in ("bb", "cd"):
        agreement = rater_agreement(first, second, PAPER, geometry)  # type: ignore[arg-type]
        assert agreement is not None
        # One pair; alone: 200 of the first, 900 of the second.
        assert (agreement.shared.tolist(), agreement.alone.tolist()) == ([2], [2])
        assert agreement.f1 == pytest.approx(0.5)


@settings(max_examples=30)
@given(scene=scenes(grid=4.0))
def test_it_is_the_same_from_both_sides(scene: Any) -> None:
    first, found = scene
    second = truth_of(found.box.tolist(), found.image.tolist(), n_images=len(first.image_ids))
    for geometry in ("bb", "cd"):
        there = rater_agreement(first, second, PAPER, geometry)  # type: ignore[arg-type]
        back = rater_agreement(second, first, PAPER, geometry)  # type: ignore[arg-type]
        assert there is not None
        assert back is not None
        assert there.shared.tolist() == back.shared.tolist()
        assert there.alone.tolist() == back.alone.tolist()


def test_a_rater_agrees_with_themself_and_equals_the_answer() -> None:
    """The answer that repeats the second rater is as far from the first as the raters are."""
    first, second = two_raters()
    alone = rater_agreement(first, first, PAPER, "cd")
    assert alone is not None
    assert alone.f1 == 1
    scores = evaluate(first, as_answer(second), PAPER, threshold=0.5).cd
    both = rater_agreement(first, second, PAPER, "cd")
    assert scores is not None
    assert both is not None
    assert scores.f1 == both.f1


def test_images_are_found_by_name_and_those_that_one_lacks_are_left_out(tmp_path: Path) -> None:
    """The second file has other ids and another order, a picture more, and lacks image 1."""
    first, second = two_raters()
    paths = write_pair(tmp_path, first, predictions_of([square(100, 20)], [0.9], [1]))
    value = coco_objects(second)
    value["images"] = [
        {**value["images"][1], "id": 77},
        {"id": 5, "file_name": "more.png", "width": 9, "height": 9},
    ]
    value["annotations"] = [one | {"image_id": 77} for one in value["annotations"] if one["image_id"] == 2]
    (tmp_path / "second.json").write_text(json.dumps(value))
    report = score_files(paths[0], [paths[1], tmp_path / "second.json"], PAPER, threshold=0.5)
    assert report.raters is not None
    assert report.raters.n_images == 1
    assert report.raters.rules["cd"].line.raters.value == pytest.approx(2 / 3)
    assert "raters are compared on 1 image: 1 that one of them lacks left out" in report.notes
    assert report.evaluation.n_images == 2


def test_intervals_rest_on_the_units(tmp_path: Path) -> None:
    """Eight images; that of the human line is the interval of F1 of one rater against the other."""
    rng = np.random.default_rng(4)
    places = [[square(40 * k + 20, 20) for k in range(10)] for _ in range(8)]
    image = np.repeat(np.arange(8), 10)
    first = truth_of([box for some in places for box in some], image.tolist())
    kept = rng.random(80) < 0.8
    second = truth_of(first.box[kept].tolist(), image[kept].tolist(), n_images=8)
    paths = write_pair(
        tmp_path,
        first,
        predictions_of(first.box[kept].tolist(), [0.9] * int(kept.sum()), image[kept].tolist()),
    )
    report = score_files(paths[0], [paths[1], write_rater(tmp_path / "b.json", second)], PAPER, threshold=0.5)
    assert report.raters is not None
    assert report.evaluation.cd is not None
    line = report.raters.rules["cd"].line
    assert line.raters.interval == pytest.approx(report.evaluation.cd.f1_ci)


def test_the_table_fits_80_columns(tmp_path: Path) -> None:
    first, second = two_raters()
    paths = write_pair(tmp_path, first, predictions_of([square(100, 20)], [0.9], [1]))
    others = [write_rater(tmp_path / f"rater-with-a-long-name-{k}.json", second) for k in (2, 3)]
    report = score_files(paths[0], [paths[1], *others], PAPER, threshold=0.5)
    console = Console(width=80, record=True, file=io.StringIO())
    for table in score_tables(report, title="p.json"):
        console.print(table)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[1:4] for line in lines if " and " in line] == [
        ["1", "and", "2"],
        ["1", "and", "3"],
        ["2", "and", "3"],
    ]


OTHER_PICTURE = {"images": [{"id": 9, "file_name": "x.png", "width": 9, "height": 9}], "annotations": []}


@pytest.mark.parametrize(
    ("change", "more", "said"),
    [
        (OTHER_PICTURE, (), "without any image of the ground truth"),
        (
            {"categories": [{"id": 1, "name": "blast"}, {"id": 9, "name": "artefact"}]},
            ("--per-class",),
            "'blast' is unknown to the raters before",
        ),
        (
            {"categories": [{"id": 1, "name": "cell", "supercategory": "artefact"}]},
            (),
            "'cell' is of artefacts to one rater",
        ),
    ],
)
def test_what_is_no_other_rater_is_refused(
    bmbench: Any, tmp_path: Path, change: Any, more: Any, said: str
) -> None:
    first, second = two_raters()
    paths = write_pair(tmp_path, first, predictions_of([square(100, 20)], [0.9], [1]))
    rater = write_rater(tmp_path / "second.json", second, **change)
    answer = bmbench("score", paths[0], "--truth", paths[1], "--rater", rater, *more)
    assert answer.code == 2
    assert said in " ".join(answer.err.split())
    twice = bmbench("score", paths[0], "--truth", paths[1], "--rater", paths[1])
    assert (twice.code, "a rater is given twice" in twice.err) == (2, True)


def test_classes_are_the_same_by_name(tmp_path: Path) -> None:
    """Two classes in another order and with other ids; one cell is called otherwise: 1 pair of 2 and 2."""
    blast, other = Category(id=1, name="blast"), Category(id=2, name="other")
    first = truth_of(CELLS[:2], label=[0, 1], categories=(blast, other))
    second = truth_of(CELLS[:2], label=[1, 1], categories=(replace(other, id=7), replace(blast, id=8)))
    paths = write_pair(tmp_path, first, rebuilt(predictions_of([], []), image=np.zeros(0, np.int64)))
    rater = write_rater(tmp_path / "second.json", second)
    for per_class, f1 in ((True, 0.5), (False, 1.0)):
        report = score_files(paths[0], [paths[1], rater], replace(PAPER, per_class=per_class))
        assert report.raters is not None
        assert report.raters.rules["cd"].line.raters.value == f1


def test_the_folder_of_a_score(bmbench: Any, tmp_path: Path) -> None:
    """A figure for all that there is to show, and what ``--json`` prints; a file in its place is refused."""
    first, second = two_raters()
    paths = write_pair(tmp_path, first, predictions_of([square(100, 20)], [0.9], [1]))
    rater = write_rater(tmp_path / "second.json", second)
    out = tmp_path / "new" / "out"
    call = ("score", paths[0], "--truth", paths[1], "--rater", rater, "--out", out, "--json")
    answer = bmbench(*call)
    assert answer.code == 0, answer.err
    assert json.loads((out / "scores.json").read_text()) == json.loads(answer.out)
    figures = {"precision_recall", "reliability", "froc", "causes", "sizes", "raters", "counts"}
    assert {path.name for path in out.iterdir()} == {"scores.json"} | {f"{name}.png" for name in figures}
    assert all(path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" for path in out.glob("*.png"))
    refused = bmbench(*call[:6], "--out", paths[0])
    assert refused.code != 0
    assert "cannot be written" in refused.err


def test_nothing_to_draw_is_no_figure(bmbench: Any, tmp_path: Path) -> None:
    """No prediction and no cell: no curve, and no fault."""
    paths = write_pair(tmp_path, truth_of([], n_images=1), [])
    answer = bmbench("score", paths[0], "--truth", paths[1], "--out", tmp_path / "out")
    assert answer.code == 0, answer.err

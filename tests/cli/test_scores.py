"""`bmbench score` with all it can add, and `bmbench compare`."""

import json
from pathlib import Path
from typing import Any

import pytest

SQUARE = 20


def record(image: int, x: float, *, category: int = 1, **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": [x, 0, SQUARE, SQUARE]} | more


@pytest.fixture
def truth(tmp_path) -> Path:
    """Three images; on each two blasts at x = 0 and 100, and a smaller cell at x = 200."""
    cells = [
        record(image, x, category=category)
        for image in (1, 2, 3)
        for x, category in ((0, 1), (100, 1), (200, 2))
    ]
    return write(
        tmp_path / "truth.json",
        {
            "images": [{"id": i, "width": 300, "height": 50, "file_name": f"{i}.png"} for i in (1, 2, 3)],
            "categories": [{"id": 1, "name": "blast"}, {"id": 2, "name": "other"}],
            "annotations": [cell | {"id": number} for number, cell in enumerate(cells)],
        },
    )


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def answered(bmbench: Any, *arguments: object) -> Any:
    answer = bmbench(*arguments, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def test_each_category_by_itself(bmbench, truth, tmp_path):
    """All blasts are found and no other cell: AP is (1 + 0) / 2, recall 6 of 9."""
    found = [record(image, x, score=0.9) for image in (1, 2, 3) for x in (0, 100)]
    path = write(tmp_path / "p.json", found)
    scores = answered(bmbench, "score", path, "--truth", truth, "--per-class")
    assert scores["bb"]["ap"] == 0.5
    assert scores["bb"]["recall"] == pytest.approx(6 / 9)
    assert {name: one["ap"] for name, one in scores["bb"]["classes"].items()} == {"blast": 1.0, "other": 0.0}
    shown = bmbench("score", path, "--truth", truth, "--per-class").out
    assert [line.split()[:4] for line in shown.splitlines() if "blast" in line] == [
        ["blast", "6", "1.000", "1.000"],
        # What is taken for what: six blasts are called so, no other cell is.
        ["1", "blast", "6", "0"],
    ]


def test_a_cap_on_the_predictions_of_an_image(bmbench, truth, tmp_path):
    """The surest one of each image counts: 3 of 9 cells."""
    found = [record(image, x, score=0.9 - x / 1000) for image in (1, 2, 3) for x in (0, 100)]
    path = write(tmp_path / "p.json", found)
    scores = answered(bmbench, "score", path, "--truth", truth, "--max-detections", 1)
    assert (scores["cd"]["tp"], scores["cd"]["fn"]) == (3, 6)


def test_a_radius_beyond_half_a_cell_is_told(bmbench, truth, tmp_path):
    """Cells of 20 px: 10 px are half of one, and 20 / 3 = 6.7."""
    path = write(tmp_path / "p.json", [record(1, 0, score=0.9)])
    answer = bmbench("score", path, "--truth", truth)
    assert answer.err == (
        "note: centres match up to 55 px apart, but cells are 20.0 px across on average: "
        "the study's third of the diameter would be --radius 6.7\n"
    )
    assert "note" not in answer.out
    assert bmbench("score", path, "--truth", truth, "--radius", 10.5).err.startswith("note: ")
    both = bmbench("compare", path, path, "--truth", truth, "--json")
    assert both.err == answer.err
    assert json.loads(both.out)["notes"] == [both.err.removeprefix("note: ").strip()]
    for options in (("--radius", 10), ("--protocol", "voc2010")):
        assert bmbench("compare", path, path, "--truth", truth, *options).err == ""
        assert bmbench("score", path, "--truth", truth, *options).err == ""


def test_details(bmbench, truth, tmp_path):
    """Hits 3 px to the right: IoU (17 · 20) / (23 · 20). Two predictions for three cells an image: −1."""
    found = [record(image, x + 3, score=0.9) for image in (1, 2, 3) for x in (0, 100)]
    path = write(tmp_path / "p.json", found)
    details = answered(bmbench, "score", path, "--truth", truth, "--details")["details"]
    for geometry in ("bb", "cd"):
        assert details[geometry]["localisation"]["mean_distance_px"] == pytest.approx(3)
        assert details[geometry]["localisation"]["mean_iou"] == pytest.approx(17 / 23)
        assert details[geometry]["localisation"]["median_size_ratio"] == pytest.approx(1)
        assert details[geometry]["count_error"]["mean"] == -1
    # Above an IoU of 17/23 = 0.739 nothing is found.
    assert details["bb"]["sweep"]["recall"] == pytest.approx([6 / 9] * 9 + [0])
    shown = bmbench("score", path, "--truth", truth, "--details").out
    assert [line.split()[-2:] for line in shown.splitlines() if "mean IoU" in line] == [["0.739", "0.739"]]


def run_directory(folder: Path, truth: Path, found: list[dict[str, Any]], threshold: float) -> Path:
    """What a finished run leaves behind, as far as scoring reads it."""
    from dataclasses import asdict, replace

    from bmbench.metrics import PROTOCOLS

    write(folder / "predictions.json", found)
    write(folder / "truth.json", json.loads(truth.read_text()))
    write(folder / "config.json", {"protocol": asdict(replace(PROTOCOLS["paper"], radius_px=5.0))})
    write(folder / "metrics.json", {"bb": None, "cd": {"threshold": threshold}})
    return folder


@pytest.fixture
def runs(truth, tmp_path) -> tuple[Path, Path]:
    """The first finds every cell, the second two of three on each image; both with a false alarm below."""
    images = (1, 2, 3)
    first = [record(i, x, category=c, score=0.9) for i in images for x, c in ((0, 1), (100, 1), (200, 2))]
    false_alarms = [record(i, 50, score=0.2) for i in images]
    second = [one for one in first if one["bbox"][0] < 200]
    return (
        run_directory(tmp_path / "a", truth, first + false_alarms, 0.5),
        run_directory(tmp_path / "b", truth, second + false_alarms, 0.1),
    )


@pytest.mark.parametrize("replicates", [-1, 1, 99, 1_000_001, 10_000_000_000])
def test_intervals_from_too_few_replicates_or_more_than_anybody_waits_for(bmbench, truth, runs, replicates):
    asked: list[tuple[object, ...]] = [
        ("score", runs[0] / "predictions.json", "--truth", truth), ("compare", *runs)
    ]  # fmt: skip
    for command in asked:
        answer = bmbench(*command, "--bootstrap", replicates)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == (
            f"error: --bootstrap {replicates} (expected 0 for no interval, or 100 to 1,000,000 replicates)\n"
        )
        assert [bmbench(*command, "--bootstrap", n).code for n in (0, 100)] == [0, 0]


def test_two_runs_are_compared_at_their_own_thresholds(bmbench, runs):
    """F1: 1 − 2·6 / (9 + 6 + 3) = 1/3; AP: 1 − 2/3. Each image alone gives the same: so do all draws."""
    report = answered(bmbench, "compare", *runs, "--bootstrap", 100)
    for geometry in ("bb", "cd"):
        assert report[geometry]["f1"] == pytest.approx(1 / 3)
        assert report[geometry]["f1_ci"] == pytest.approx([1 / 3, 1 / 3])
        assert report[geometry]["ap"] == pytest.approx(1 / 3)
        assert report[geometry]["ap_share"] == 1.0
    assert report["scores"]["second"]["cd"]["limit"] == 5.0
    assert [report["scores"][side]["threshold_source"] for side in ("first", "second")] == ["given", "given"]


def test_files_and_runs_may_be_mixed_and_options_go_first(bmbench, runs, truth):
    """The file at its oracle threshold has F1 1 too; the other way round every sign turns."""
    file = runs[0] / "predictions.json"
    report = answered(bmbench, "compare", runs[1], file, "--bootstrap", 100, "--radius", 7)
    assert report["cd"]["f1"] == pytest.approx(-1 / 3)
    assert report["scores"]["first"]["cd"]["limit"] == 7.0
    both = answered(bmbench, "compare", *runs, "--threshold", 0.1, "--bootstrap", 100)
    # At 0.1 the first has three false alarms too: 2·9 / (9 + 9 + 3).
    assert both["cd"]["f1"] == pytest.approx(18 / 21 - 2 / 3)
    assert answered(bmbench, "compare", file, file, "--truth", truth, "--bootstrap", 100)["cd"]["ap_ci"] == [
        0,
        0,
    ]


def test_the_table_of_a_comparison_fits_80_columns(bmbench, runs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    answer = bmbench("compare", *runs, "--bootstrap", 100)
    assert answer.code == 0
    assert max(map(len, answer.out.splitlines())) <= 80
    assert answer.out.count("+0.333 [+0.333, +0.333]") == 4
    assert "F1 of both: threshold as given" in answer.out


def test_one_image_is_no_plural_and_gives_no_interval(bmbench, tmp_path):
    truth = write(
        tmp_path / "one.json",
        {
            "images": [{"id": 1, "width": 300, "height": 50, "file_name": "1.png"}],
            "categories": [{"id": 1, "name": "cell"}],
            "annotations": [record(1, 0) | {"id": 1}],
        },
    )
    file = write(tmp_path / "p.json", [record(1, 0, score=0.9)])
    for command, counted in (
        (("score", file), "1 image, 1 cell, 1 prediction"),
        (("compare", file, file), "1 image, 1 cell, 1 group"),
    ):
        shown = [line.strip() for line in bmbench(*command, "--truth", truth).out.splitlines()]
        assert counted in shown
        assert "no interval: all images are of one group (patient or slide)" in shown


def test_what_cannot_be_compared(bmbench, runs, truth, tmp_path):
    file = runs[0] / "predictions.json"
    assert "--truth" in refusal(bmbench, file, file)
    assert "metrics.json" in refusal(bmbench, runs[0], tmp_path / "made", "--truth", truth, folder=True)
    value = json.loads(truth.read_text())
    write(runs[1] / "truth.json", value | {"annotations": value["annotations"][:-1]})
    assert "same test images" in refusal(bmbench, *runs)
    config = json.loads((runs[1] / "config.json").read_text())
    config["protocol"]["radius_px"] = 6.0
    write(runs[1] / "config.json", config)
    assert "--protocol" in refusal(bmbench, *runs, "--truth", truth)


def refusal(bmbench: Any, *arguments: object, folder: bool = False) -> str:
    if folder:
        Path(str(arguments[1])).mkdir()
    answer = bmbench("compare", *arguments)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    return str(answer.err)

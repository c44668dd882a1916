"""`bmbench score` with all it can add, and `bmbench compare`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmark.whole_records import whole_config, whole_metrics, whole_scores

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
    path = write(tmp_path / "p.json", [record(image, 0, score=0.9) for image in (1, 2, 3)])
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


ONE = "{} wants classes of cells, and the ground truth has one: all cells count as 'cell'"
ALL = "{} wants classes of cells, and all predictions are of one: by class, each counts as {}, and cells of "
NO = "no class {} in the ground truth: other cells match within 7.5 µm"
ASSUMED = [
    # What is asked for, the truth's classes, those of the answer, what is said.
    ("--per-class", ("cell",), (1,), [ONE.format("scoring by class")]),
    ("coco", ("cell",), (1,), [ONE.format("the protocol coco")]),
    (
        "ocelot",
        ("a", "b", "c"),
        (1,),
        [ALL.format("the protocol ocelot", "'a'") + "the 2 other classes as missed"],
    ),
    (
        "hovernet",
        ("a", "b"),
        (2,),
        [ALL.format("the protocol hovernet", "'b'") + "the other class as missed"],
    ),
    ("monkey", ("Monocytes", "blast"), (1, 2), [NO.format("lymphocyte")]),
    ("monkey", ("cell",), (1,), [ONE.format("the protocol monkey"), NO.format("lymphocyte or monocyte")]),
    ("monkey", ("lymphocyte", "monocyte"), (1, 2), []),
    ("--per-class", ("a", "b"), (1, 2), []),
    ("midog", ("a", "b"), (1,), []),
    ("paper", ("a", "b"), (1,), []),
]


@pytest.mark.parametrize(("asked", "names", "answer", "notes"), ASSUMED)
def test_what_is_assumed_of_classes_is_one_line(bmbench, tmp_path, *, asked, names, answer, notes):
    """Cells of 20 px at 1 µm a pixel, an image for each class; the answer has the classes in turn."""
    side = {"width": 90, "height": 90, "um_per_px": 1}
    images = [{"id": n, "file_name": f"{n}.png", **side} for n in (1, 2, 3)]
    of_class = {n: 1 + n % len(names) for n in (1, 2, 3)}
    cells = [{"id": n, "image_id": n, "category_id": of_class[n], "bbox": [9, 9, 20, 20]} for n in of_class]
    categories = [{"id": n, "name": name} for n, name in enumerate(names, 1)]
    truth = write(tmp_path / "gt.json", {"images": images, "categories": categories, "annotations": cells})
    options = [asked] if asked.startswith("-") else ["--protocol", asked]
    found = [record(n, 9, category=answer[n % len(answer)], score=0.9) for n in (1, 2, 3)]
    path = write(tmp_path / "p.json", found)
    for command in (("score", path), ("compare", path, path)):
        told = bmbench(*command, "--truth", truth, *options).err.splitlines()
        assert [line.removeprefix("note: ") for line in told if "centres match" not in line] == notes


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
    protocol = asdict(replace(PROTOCOLS["paper"], radius_px=5.0))
    write(folder / "config.json", whole_config(protocol=protocol))
    write(folder / "metrics.json", whole_metrics(bb=None, cd=whole_scores(threshold=threshold)))
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


def test_options_of_the_old_intervals_are_taken_and_change_nothing(bmbench, truth, runs):
    asked: list[tuple[object, ...]] = [
        ("score", runs[0] / "predictions.json", "--truth", truth, "--radius", 5), ("compare", *runs)
    ]  # fmt: skip
    for command in asked:
        plain, old = bmbench(*command), bmbench(*command, "--bootstrap", 10_000, "--seed", 3)
        assert (plain.code, old.code, plain.out) == (0, 0, old.out)
        assert old.err == "note: without effect: --bootstrap and --seed; intervals are not drawn any more\n"
        assert "bootstrap" not in bmbench(command[0], "--help").out


def test_two_runs_are_compared_at_their_own_thresholds(bmbench, runs):
    """F1: 1 − 2·6 / (9 + 6 + 3) = 1/3; AP: 1 − 2/3. Each image alone gives the same: nothing is tested."""
    report = answered(bmbench, "compare", *runs)
    for geometry in ("bb", "cd"):
        assert report[geometry]["f1"] == pytest.approx(1 / 3)
        assert report[geometry]["f1_ci"] is None
        assert report[geometry]["ap"] == pytest.approx(1 / 3)
        assert report[geometry]["ap_verdict"] == "not tested"
    assert report["scores"]["second"]["cd"]["limit"] == 5.0
    sources = [report["scores"][side]["threshold_source"] for side in ("first", "second")]
    assert sources == ["optimisation", "optimisation"]


def test_files_and_runs_may_be_mixed_and_options_go_first(bmbench, runs, truth):
    """The file at its oracle threshold has F1 1 too; the other way round every sign turns."""
    file = runs[0] / "predictions.json"
    report = answered(bmbench, "compare", runs[1], file, "--radius", 7)
    assert report["cd"]["f1"] == pytest.approx(-1 / 3)
    assert report["scores"]["first"]["cd"]["limit"] == 7.0
    both = answered(bmbench, "compare", *runs, "--threshold", 0.1)
    # At 0.1 the first has three false alarms too: 2·9 / (9 + 9 + 3).
    assert both["cd"]["f1"] == pytest.approx(18 / 21 - 2 / 3)
    same = answered(bmbench, "compare", file, file, "--truth", truth)["cd"]
    assert (same["ap_ci"], same["ap_verdict"]) == ([0, 0], "the same")


def test_the_table_of_a_comparison_fits_80_columns(bmbench, runs, truth, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    answer = bmbench("compare", *runs)
    assert answer.code == 0
    assert max(map(len, answer.out.splitlines())) <= 80
    assert answer.out.count("+0.333") == 4
    chosen = "chosen by its run on its optimisation images"
    for side, threshold in (("first", "0.500"), ("second", "0.100")):
        line = f"F1 of {side} at confidence ≥ {threshold}: {chosen}"
        assert line in " ".join(answer.out.split())
    given = bmbench("compare", *runs, "--threshold", 0.1).out
    assert "F1 of both at confidence ≥ 0.100: as given" in given
    mixed = bmbench("compare", runs[0], runs[1] / "predictions.json").out
    oracle = "F1 of second at confidence ≥ 0.900: best threshold of these very images (oracle)"
    assert oracle in " ".join(mixed.split())
    assert "No interval and no test: all of 3 images show the same difference." in " ".join(
        answer.out.split()
    )
    same = bmbench("compare", runs[0], runs[0]).out
    assert same.count("the same") == 5
    assert "The two are the same in every unit." in same


@pytest.fixture
def eight(tmp_path) -> Path:
    """Eight images of ten cells."""
    cells = [record(image, 30 * x) for image in range(1, 9) for x in range(10)]
    return write(
        tmp_path / "eight.json",
        {
            "images": [
                {"id": i, "width": 400, "height": 50, "file_name": f"{i}.png", "group": f"p{(i + 1) // 2}"}
                for i in range(1, 9)
            ],
            "categories": [{"id": 1, "name": "cell"}],
            "annotations": [cell | {"id": number} for number, cell in enumerate(cells)],
        },
    )


def answer_file(path: Path, missed: list[int]) -> Path:
    """Of each image so many cells are missed."""
    found = [record(image + 1, 30 * x, score=0.9) for image, n in enumerate(missed) for x in range(n, 10)]
    return write(path, found)


def test_groups_are_the_units_where_there_are_any(bmbench, eight, tmp_path):
    file = answer_file(tmp_path / "p.json", [1, 0, 2, 1, 0, 1, 2, 1])
    command = ("score", file, "--truth", eight, "--radius", 5)
    scores = answered(bmbench, *command)
    assert (scores["interval"]["unit"], scores["interval"]["units"]) == ("group", 4)
    assert "it rests on 4 groups (patients or slides)" in " ".join(bmbench(*command).out.split())
    refused = bmbench(*command, "--unit", "image")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.count("\n") == 1
    assert "the 8 images are of 4 groups" in refused.err
    assert "--independent" in refused.err
    told = answered(bmbench, *command, "--unit", "image", "--independent")
    assert told["interval"] == scores["interval"] | {"unit": "image", "units": 8, "independent": True}
    assert told["cd"]["recall_ci"] != scores["cd"]["recall_ci"]
    shown = " ".join(bmbench(*command, "--unit", "image", "--independent").out.split())
    assert "it rests on 8 images, taken for independent" in shown


def test_errors_on_few_units_give_no_interval_and_a_reason(bmbench, eight, tmp_path):
    file = answer_file(tmp_path / "p.json", [1, 0, 0, 0, 0, 0, 2, 0])
    shown = " ".join(bmbench("score", file, "--truth", eight, "--radius", 5).out.split())
    assert "no interval: few errors seen in 4 groups" in shown
    assert "in brackets" not in shown


def test_methods_of_several_trainings(bmbench, eight, tmp_path):
    first = [answer_file(tmp_path / f"a{s}.json", [s, 0, 1, 1, 0, s, 1, 1]) for s in (0, 1)]
    second = [answer_file(tmp_path / f"b{s}.json", [3, 2, 3, 4, 2 + s, 3, 4, 4]) for s in (0, 1)]
    command = ("compare", first[0], second[0], "--truth", eight, "--radius", 5)
    one = " ".join(bmbench(*command).out.split())
    assert "this speaks of these two networks, not of their methods" in one
    more = ("--more-first", first[1], "--more-second", second[1])
    report = answered(bmbench, *command, *more)
    assert report["trainings"] == {"first": 2, "second": 2}
    # Recall without false alarms: (75 + 73) / 160 against (55 + 54) / 160.
    assert report["cd"]["ap"] == pytest.approx((76 + 74 - 55 - 54) / 160)
    assert report["cd"]["ap_verdict"] == "first ahead"
    both = " ".join(bmbench(*command, *more).out.split())
    assert "Means over 2 and 2 trainings" in both
    assert "The verdict is corrected for 4 comparisons" in both
    assert "it rests on 4 groups (patients or slides) only" in both


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
    empty = write(tmp_path / "none.json", [record(1, 200, score=0.9)])
    for command, counted, why in (
        (
            ("score", file),
            "1 image, 1 cell, 1 prediction",
            "no interval: 1 image cannot show how images differ",
        ),
        (("compare", file, empty), "1 image, 1 cell", "No interval and no test: 1 image cannot show"),
    ):
        shown = bmbench(*command, "--truth", truth).out
        assert counted in [line.strip() for line in shown.splitlines()]
        assert why in " ".join(shown.split())


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


def test_the_comparison_in_the_docs_is_what_the_command_prints(bmbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    root = Path(__file__).resolve().parents[2]
    board = root / "leaderboards" / "synthetic"
    files = [
        board / f"submissions/weak/{name}/predictions-s0.json"
        for name in ("unet-shrink", "unet-shrink-foreground")
    ]
    truth = board / "tracks/weak/truth.json"
    shown = bmbench("compare", *files, "--truth", truth, "--radius", 14, "--threshold", 0.5).out
    printed = {line.rstrip() for line in shown.splitlines()}
    text = (root / "docs" / "metrics.md").read_text("utf-8")
    block = text.partition("Two networks of the synthetic board")[2].split("```")[1]
    quoted = [line.rstrip() for line in block.strip("\n").splitlines()]
    assert len(quoted) > 10
    assert [line for line in quoted if line not in printed] == []

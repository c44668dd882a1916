"""The commands as a user meets them: what good input leaves behind, what bad input gets."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bmbench import cli
from bmbench.core.progress import Silent

Edit = Callable[[dict[str, Any], Path], None]


@pytest.fixture(scope="session")
def finished(marrow, tmp_path_factory) -> Path:
    """The directory of a finished run of the blob detector."""
    from bmbench.benchmark.run.begin_or_resume import run

    out = tmp_path_factory.mktemp("runs")
    return run(_options(marrow, out), Silent()).path


def _options(marrow: Path, out: Path, **changes: Any) -> Any:
    from bmbench.benchmark.records.options import RunOptions

    plain: dict[str, Any] = {"method": "blob_log", "dataset": str(marrow), "out": out}
    return RunOptions(**(plain | changes))


def _damaged(marrow: Path, folder: Path, edit: Edit) -> Path:
    """A copy of the data set with one thing wrong."""
    shutil.copytree(marrow, folder)
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    edit(content, folder)
    file.write_text(json.dumps(content))
    return folder


def _truncate_an_image(content: dict[str, Any], folder: Path) -> None:
    image = next(folder.rglob("*.png"))
    image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])


def _remove_an_image(content: dict[str, Any], folder: Path) -> None:
    next(folder.rglob("*.png")).unlink()


def _negative_box(content: dict[str, Any], folder: Path) -> None:
    content["annotations"][3]["bbox"][2] = -4


def _unknown_image(content: dict[str, Any], folder: Path) -> None:
    content["annotations"][3]["image_id"] = 999


def _no_cells(content: dict[str, Any], folder: Path) -> None:
    content["annotations"] = []


def _not_coco(content: dict[str, Any], folder: Path) -> None:
    content.clear()
    content["shapes"] = []


@pytest.mark.parametrize(
    ("edit", "facts"),
    [
        (_truncate_an_image, (".png",)),
        (_remove_an_image, (".png", "not found")),
        (_negative_box, ("annotations[3]", "-4")),
        (_unknown_image, ("annotations[3]", "999")),
        (_no_cells, ("annotations.json", "no cell")),
        (_not_coco, ("annotations.json", "images")),
    ],
)
def test_bad_data_gets_one_sentence_and_leaves_nothing(bmbench, marrow, tmp_path, edit, facts):
    data = _damaged(marrow, tmp_path / "data", edit)
    answer = bmbench("run", "--method", "blob_log", "--dataset", data, "--out", tmp_path / "runs")
    _is_one_sentence(answer, facts)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", [("run", "--method", "blob_log"), ("tune", "--trials", "2")])
@pytest.mark.usefixtures("torch")
def test_a_file_where_runs_should_go_is_bad_input(bmbench, marrow, tmp_path, command):
    file = tmp_path / "file"
    file.write_text("mine")
    answer = bmbench(*command, "--dataset", marrow, "--out", file)
    _is_one_sentence(answer, (str(file), "is a file", "expected a folder for runs", "--out"))
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["--method", "unet_shrnk"], ("unknown method", "did you mean 'unet_shrink'")),
        (["--dataset", "kaintz"], ("unknown data set", "did you mean 'kainz'")),
        (["--dataset", "nowhere/gt.json"], ("nowhere/gt.json", "not found")),
        (["--dataset", "kainz"], ("--data",)),
        (["--dataset", "kainz", "--data", "nowhere"], ("nowhere",)),
        (["--track", "week"], ("unknown track", "did you mean 'weak'")),
        (["--profile", "fast"], ("unknown profile",)),
        (["--artefacts", "cells"], ("unknown artefact mode",)),
        (["--method", "blob_log", "--classes", "all"], ("blob_log has one class of cells",)),
        (["--method", "retinanet", "--classes", "blst"], ("unknown class of cells", "did you mean 'blast'")),
        (["--method", "retinanet", "--classes", "al"], ("unknown class of cells", "did you mean 'all'")),
        (["--set", "stepz=3"], ("unknown setting", "did you mean 'steps'")),
        (["--set", "steps=many"], ("--set steps=many (expected a whole number)",)),
        (["--set", "steps"], ("name=value",)),
        (["--set", "steps=0"], ("steps is 0", "more than 0")),
        (["--set", "width=-8"], ("width is -8", "more than 0")),
        (["--set", "rise=-1"], ("rise is -1", "0 or more")),
        (["--set", "learning_rate=nan"], ("learning_rate=nan", "a finite number")),
        (["--set", "patch_px=100"], ("patch_px is 100", "a multiple of 16")),
        (["--set", "tile_px=128"], ("overlap_px is 224", "less than tile_px, 128")),
        (["--jitter-px", "inf"], ("--jitter-px inf", "a finite number")),
    ],
)
@pytest.mark.usefixtures("torch")
def test_bad_options_get_one_sentence_and_leave_nothing(bmbench, tmp_path, monkeypatch, arguments, facts):
    monkeypatch.chdir(tmp_path)
    _is_one_sentence(bmbench("run", *arguments), facts)
    assert not (tmp_path / "runs").exists()


def test_a_run_in_brackets_is_printed_as_it_is_called(bmbench, finished, tmp_path):
    folder = tmp_path / "runs[old]" / finished.name
    shutil.copytree(finished, folder)
    answer = bmbench("run", "--resume", folder)
    assert answer.code == 0
    assert f"Run directory: {folder} " in answer.out


def test_debug_shows_where_an_error_came_from(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bmbench", "run", "--track", "week", "--debug"])
    with pytest.raises(Exception, match="unknown track"):
        cli.main()


def test_a_run_leaves_everything_needed_to_trust_it(finished):
    files = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    assert files >= {
        "config.json",
        "environment.json",
        "log.txt",
        "predictions.json",
        "truth.json",
        "metrics.json",
        "pr_curves.png",
        "gallery.png",
        "optimisation/predictions.json",
        "optimisation/truth.json",
        "checkpoint/blob_log.json",
    }
    config = json.loads((finished / "config.json").read_text())
    assert config["images"] == {"train": 4, "validation": 1, "optimisation": 1, "test": 2}
    assert len(config["data_hash"]) == 64
    split = json.loads((finished / "split.json").read_text())
    assert {subset: len(images) for subset, images in split["images"].items()} == config["images"]
    assert [row["images"] for row in split["balance"]] == list(config["images"].values())
    assert len([file for file in files if file.startswith("gallery/")]) == config["images"]["test"]


def test_a_run_is_scored_again_from_its_files(bmbench, finished):
    config = json.loads((finished / "config.json").read_text())
    metrics = json.loads((finished / "metrics.json").read_text())
    answer = bmbench(
        "score", finished / "predictions.json", "--truth", finished / "truth.json", "--json",
        "--radius", config["protocol"]["radius_px"], "--threshold", metrics["cd"]["threshold"],
    )  # fmt: skip
    again = json.loads(answer.out)
    assert answer.code == 0
    assert (again["bb"], again["cd"]) == (metrics["bb"], metrics["cd"])
    assert metrics["threshold_source"] == "optimisation"


def test_the_same_seed_gives_the_same_predictions(finished, marrow, tmp_path):
    from bmbench.benchmark.run.begin_or_resume import run

    again = run(_options(marrow, tmp_path), Silent()).path
    assert (again / "predictions.json").read_bytes() == (finished / "predictions.json").read_bytes()
    assert (again / "metrics.json").read_bytes() == (finished / "metrics.json").read_bytes()


def test_a_second_run_does_not_touch_the_first(bmbench, finished, marrow):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    answer = bmbench("run", "--method", "blob_log", "--dataset", marrow, "--out", finished.parent)
    assert answer.code == 0
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before
    assert (finished.parent / f"{finished.name}-2" / "row.md").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("torch")
def test_the_network_runs_from_end_to_end_and_repeats_itself(bmbench, marrow, tmp_path):
    predictions = []
    for name in ("a", "b"):
        answer = bmbench(
            "run", "--dataset", marrow, "--out", tmp_path / name,
            "--set", "steps=4", "--set", "width=4", "--set", "views=1", "--set", "validate_every=2",
        )  # fmt: skip
        assert answer.code == 0, answer.err
        predictions.append(next((tmp_path / name).glob("*/predictions.json")).read_bytes())
    assert predictions[0] == predictions[1]


def test_tables_fit_80_columns(bmbench, finished, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (
        ("score", finished / "predictions.json", "--truth", finished / "truth.json"),
        ("methods",),
        ("datasets", "list"),
    ):
        answer = bmbench(*arguments)
        assert answer.code == 0
        assert max(map(len, answer.out.splitlines())) <= 80
        assert "…" not in answer.out


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        ("[]]", ("bad.json",)),
        ('[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], "score": NaN}]', ("bad.json",)),
        ('[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], "score": 1.5}]', ("1.5",)),
        ('[{"image_id": 1, "category_id": 1, "bbox": [0, 0, -5, 5], "score": 0.5}]', ("-5",)),
        ('[{"image_id": 999, "category_id": 1, "bbox": [0, 0, 5, 5], "score": 0.5}]', ("999",)),
        ('[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]}]', ("score",)),
    ],
)
def test_bad_predictions_get_one_sentence(bmbench, finished, tmp_path, content, facts):
    path = tmp_path / "bad.json"
    path.write_text(content)
    answer = bmbench("score", path, "--truth", finished / "truth.json", "--json")
    _is_one_sentence(answer, ("bad.json", *facts))
    assert answer.out == ""


def test_synthesise_refuses_a_folder_with_something_in_it(bmbench, tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    answer = bmbench("datasets", "synthesise", tmp_path, "--images", 1, "--size", 256)
    _is_one_sentence(answer, (str(tmp_path),))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def _is_one_sentence(answer: Any, facts: tuple[str, ...]) -> None:
    assert answer.code == 2, (answer.out, answer.err)
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    for fact in facts:
        assert fact in answer.err

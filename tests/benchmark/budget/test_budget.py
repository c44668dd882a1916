"""`bmbench budget`: few and all annotations, with a method that takes seconds."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bmbench.benchmark.budget.options import parse_shares
from bmbench.benchmark.protocol.learned_from import annotated_part
from bmbench.benchmark.records.options import RunOptions
from bmbench.core.errors import BadInputError
from bmbench.datasets.synthetic.dataset import sample

TINY = ("--set", "n_blobs=1", "--set", "n_scales=1", "--methods", "blob_log")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_smaller_share_lies_within_a_larger_one(seed: int) -> None:
    samples = tuple(sample(number, size_px=256) for number in range(20))
    parts = [annotated_part(samples, share, seed=seed) for share in (0.05, 0.1, 0.2, 0.5, 1.0)]
    assert [len(part) for part in parts] == [1, 2, 4, 10, 20]
    for small, large in pairwise(parts):
        assert {one.image_id for one in small} < {one.image_id for one in large}
    assert parts[-1] == samples


def test_patients_are_annotated_in_turn() -> None:
    samples = tuple(
        dataclasses.replace(sample(number, size_px=256), group="many" if number < 9 else str(number))
        for number in range(12)
    )
    for seed in range(5):
        groups = [one.group for one in annotated_part(samples, 4 / 12, seed=seed)]
        assert sorted(groups) == ["10", "11", "9", "many"]


def test_other_seeds_annotate_other_images() -> None:
    samples = tuple(sample(number, size_px=256) for number in range(20))
    drawn = {annotated_part(samples, 0.1, seed=seed)[0].image_id for seed in range(8)}
    assert len(drawn) > 2


@pytest.mark.parametrize("texts", [["0"], ["101"], ["x"], ["-5"], ["nan"]])
def test_a_share_is_a_percentage(texts: list[str]) -> None:
    with pytest.raises(BadInputError, match="percentages above 0"):
        parse_shares(texts)
    assert parse_shares(["100", "5", "5"]) == (0.05, 1.0)


@pytest.mark.usefixtures("full_pictures")
def test_a_budget_is_run_once_and_says_what_it_rests_on(
    bmbench: Callable[..., Any], marrow: Path, tmp_path: Path
) -> None:
    # Of four training images 5 and 20 % are the same one.
    asked = ("budget", "--dataset", marrow, "--out", tmp_path / "b", "--seeds", "0", *TINY)
    asked = (*asked, "--shares", "5,20,100", "--seconds-circle", 6, "--seconds-contour", 60)
    dry = bmbench(*asked, "--dry-run")
    assert dry.code == 0
    assert "20 % of 4 training images are 1, as 5 % are: left out" in dry.out
    assert not (tmp_path / "b").exists()
    (tmp_path / "file").write_text("")
    refused = bmbench(*asked[:3], "--out", tmp_path / "file", *asked[5:], "--dry-run")
    assert (refused.code, "is a file (expected a folder for studies)" in refused.err) == (2, True)
    first = bmbench(*asked, "--json")
    assert first.code == 0, first.err
    value = json.loads(first.out)
    points = {(one["track"], one["share"]): one for one in value["points"]}
    assert set(points) == {(track, share) for track in ("precise", "weak") for share in (0.05, 1.0)}
    for share, images in ((0.05, 1), (1.0, 4)):
        outlines, circles = points["precise", share], points["weak", share]
        assert outlines["images"] == circles["images"] == images
        # The same objects, drawn in another way: 60 s and 6 s each.
        assert outlines["annotations"] == circles["annotations"] > 0
        assert outlines["minutes"] == pytest.approx(outlines["annotations"], abs=0.01)
        assert circles["minutes"] == pytest.approx(outlines["minutes"] / 10, abs=0.01)
    assert points["weak", 1.0]["behind"] is None
    gap = points["weak", 1.0]["f1"] - points["weak", 0.05]["f1"]
    assert points["weak", 0.05]["behind"] == pytest.approx(gap, abs=1e-9)

    runs = sorted((tmp_path / "b" / "shares").glob("*/runs/*/metrics.json"))
    assert len(runs) == 4
    times = [run.stat().st_mtime_ns for run in runs]
    again = bmbench(*asked)
    assert again.code == 0
    assert [run.stat().st_mtime_ns for run in runs] == times
    assert "unet" not in again.out
    with (tmp_path / "b" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["minutes"]) for row in rows] == [one["minutes"] for one in value["points"]]
    assert "- Settings changed: n_blobs=1 and n_scales=1." in (tmp_path / "b" / "report.md").read_text()
    assert "| blob_log, weak, 5 %" in (tmp_path / "b" / "report.md").read_text()
    assert (tmp_path / "b" / "budget.png").stat().st_size > 10_000
    asked_for = {
        run.parts[-4]: json.loads(run.with_name("config.json").read_text())["options"] for run in runs
    }
    assert asked_for["5"]["annotated"] == 0.05
    assert "annotated" not in asked_for["100"]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_run_learns_from_a_share_of_its_images(share: float) -> None:
    with pytest.raises(BadInputError, match="a share above 0, at most 1"):
        RunOptions(annotated=share)
    assert "annotated" not in RunOptions().to_json()
    record = RunOptions(annotated=0.1).to_json()
    assert RunOptions.from_json(record, where="here").annotated == 0.1

"""The seeds of a method put together: by hand, and as a row of the report."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bmbench.benchmark.suite import read_suite, write_suite_report
from bmbench.benchmark.suite.plan import set_folder
from bmbench.benchmark.suite.report.ensembles import put_together
from bmbench.core.types import Predictions
from tests.benchmark.reproduce.finished import cell, write_answers, write_run, write_study


def answers(found):
    """Predictions (image, x, confidence), boxes of 10 px around them."""
    xy = np.array([[one[1], 50.0] for one in found], float).reshape(-1, 2)
    return Predictions(
        image=np.array([one[0] for one in found], np.int64),
        xy=xy,
        box=np.hstack([xy - 5, xy + 5]),
        confidence=np.array([one[2] for one in found], float),
        label=np.zeros(len(found), np.int64),
    )


def test_near_answers_of_different_seeds_are_one_cell_and_those_of_one_seed_are_two():
    first = answers([(0, 100, 0.9), (0, 106, 0.6), (1, 100, 0.8)])
    second = answers([(0, 103, 0.3), (0, 300, 0.4)])
    found = put_together([first, second], radius=8.0)
    got = sorted(zip(found.image.tolist(), found.xy[:, 0].tolist(), found.confidence.tolist(), strict=True))
    assert got == [
        # 0.9 of one seed takes the nearest of the other; where they meet, the surer one weighs three times.
        (0, pytest.approx((0.9 * 100 + 0.3 * 103) / 1.2), pytest.approx(0.6)),
        (0, 106.0, pytest.approx(0.3)),
        (0, 300.0, pytest.approx(0.2)),
        (1, 100.0, pytest.approx(0.4)),
    ]
    assert np.allclose(found.box[:, 2:] - found.box[:, :2], 10)


def test_nothing_and_one_detector_stay_as_they_are():
    alone = answers([(0, 10, 0.5), (0, 12, 0.7), (2, 10, 0.1)])
    same = put_together([alone], radius=8.0)
    assert sorted(same.confidence.tolist()) == sorted(alone.confidence.tolist())
    assert len(put_together([answers([]), answers([])], radius=8.0).confidence) == 0


def test_what_seeds_miss_in_turn_is_found_together(tmp_path):
    """Two seeds that find the first cells of an image alone, and one that finds all of them."""
    path, out = tmp_path / "s.toml", tmp_path / "out"
    path.write_text(
        'schema = "bmbench.suite/1"\nname = "s"\n[[sets]]\nname = "drawn"\ndataset = "synthetic"\n'
        'drawn = true\nseeds = [0, 1]\nmethods = ["unet_shrink", "blob_log"]\n'
    )
    rows = {("unet_shrink", 0): [2] * 5 + [3], ("unet_shrink", 1): [4] * 5 + [3], ("blob_log", 0): [1] * 6}
    cells = {key: cell(key[0], seed=key[1]) for key in rows}
    folder = write_study(set_folder(out, "drawn").path, list(cells.values()))
    for key, found in rows.items():
        write_run(folder, cells[key], found)
        write_answers(folder.run(cells[key]) / "optimisation", [4, 4])
        answers = folder.run(cells[key]) / "optimisation" / "predictions.json"
        # Low enough that a cell of one seed alone counts.
        answers.write_text(json.dumps([one | {"score": 0.3} for one in json.loads(answers.read_text())]))
    text = write_suite_report(read_suite(path), out, lambda _: None).read_text("utf-8")
    (row,) = [
        line for line in text.splitlines() if line.startswith("| `unet_shrink` |     ") and "[" in line
    ][-1:]
    shown = [part.strip() for part in row.strip("|").split("|")]

    def f1(found):
        return 2 * sum(found) / (sum(found) + 24)

    alone = (f1(rows["unet_shrink", 0]) + f1(rows["unet_shrink", 1])) / 2
    assert shown[:4] == [
        "`unet_shrink`",
        "2",
        f"{100 * alone:.1f}",
        f"{100 * f1(rows['unet_shrink', 1]):.1f}",
    ]
    assert shown[4].startswith(f"+{100 * (f1(rows['unet_shrink', 1]) - alone):.1f} [")
    assert text.count("Several trainings together") == 1

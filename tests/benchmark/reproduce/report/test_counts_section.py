"""Agreement of counts in the report of a study: seeds, folds, classes and cut-offs, by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.report.counts_section import counts_section, row_agreements
from bmbench.benchmark.reproduce.report.runs import collect
from bmbench.benchmark.reproduce.report.seed_means import Table
from tests.benchmark.reproduce.finished import cell, write_run, write_study

GROUPS = ["a", "a", "b", "c", "d"]


def scores_of(folder: StudyFolder) -> Table:
    return Table(collect(folder))


def with_classes(run: Path, truth: list[int], found: list[int]) -> None:
    """Of each image so many cells, and so many predictions, from the first one on, are plasma cells."""
    file = json.loads((run / "truth.json").read_text())
    file["categories"] = [{"id": 1, "name": "other cell"}, {"id": 2, "name": "plasma cell"}]
    answers = json.loads((run / "predictions.json").read_text())
    for rows, counts in ((file["annotations"], truth), (answers, found)):
        for image, n in enumerate(counts, 1):
            own = [row for row in rows if row["image_id"] == image]
            for row in own[:n]:
                row["category_id"] = 2
    (run / "truth.json").write_text(json.dumps(file))
    (run / "predictions.json").write_text(json.dumps(answers))


def test_means_over_seeds_by_hand(tmp_path: Path) -> None:
    """Patients have 8, 4, 4 and 4 cells; seed 0 finds 7, 4, 2, 4 and seed 1 one more on each image."""
    one, other = cell("unet_shrink"), cell("unet_shrink", seed=1)
    folder = write_study(tmp_path / "study", [one, other])
    write_run(folder, one, [4, 3, 4, 2, 4], groups=GROUPS)
    write_run(folder, other, [4, 3, 4, 2, 4], false=1, groups=GROUPS)
    (row,) = row_agreements(scores_of(folder))
    # Differences −1, 0, −2, 0 (mean −3/4) and 1, 1, −1, 1 (mean 1/2).
    assert row.bias.value == pytest.approx(-1 / 8)
    assert (row.bias.n_seeds, row.bias.n_units, row.level) == (2, 4, "patient")
    text = counts_section(tmp_path, scores_of(folder))
    spread = np.mean([np.std([-1, 0, -2, 0], ddof=1), np.std([1, 1, -1, 1], ddof=1)]) * 1.959964
    limits = f"−{spread + 1 / 8:.1f} to +{spread - 1 / 8:.1f}"
    # Off by (3/4 + 1) / 2.
    values = rf"\| +−0\.1 \| +{re.escape(limits)} \| +0\.9 \|"
    assert re.search(
        rf"\| weak `unet_shrink`, patients {values}.*\n\| · 95 % +\| −[\d.]+ to \+[\d.]+ \|", text
    )
    # Images: −3/5 and 2/5 on average.
    assert re.search(r"\| · images +\| +−0\.1 \|", text)
    assert (tmp_path / "counts.png").stat().st_size > 1000


def test_folds_are_one_test_set_and_classes_have_cut_offs(tmp_path: Path) -> None:
    """Ten cells an image; patients a and b in one fold, c in another, so that three are looked at."""
    first, second = cell("blob_log+crops", fold="p=a"), cell("blob_log+crops", fold="p=c")
    folder = write_study(tmp_path / "study", [first, second])
    write_run(folder, first, [10, 10], cells=10, groups=["a", "b"])
    write_run(folder, second, [10, 10], cells=10, groups=["c", "c"], data="1" * 64)
    with_classes(folder.run(first), [4, 0], [3, 2])
    with_classes(folder.run(second), [3, 1], [1, 0])
    (row,) = row_agreements(scores_of(folder))
    (units,) = row.by_group
    assert units.percentages["plasma cell"].truth == pytest.approx([40, 0, 20])
    assert units.percentages["plasma cell"].found == pytest.approx([30, 20, 5])
    assert len(row.seeds[0].images.cells.truth) == 4
    text = counts_section(tmp_path, scores_of(folder))
    # −10, +20 and −15 points. Above 10 %: a and c, of which a is found; b is taken for one.
    assert re.search(r"\| weak `blob_log\+crops`: plasma cell +\| +−1\.7 \|", text)
    assert re.search(r"plasma cells ≥ 10 % +\| +2 \| +50 % \| +1 \| +0 % \| −0\.50 \|", text)
    assert "by patient" in text


def test_images_without_groups_are_the_units(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study", [cell("unet_shrink")])
    write_run(folder, cell("unet_shrink"), [4, 3, 4, 2])
    text = counts_section(tmp_path, scores_of(folder))
    assert "`unet_shrink`, images" in text
    assert "patients" not in text.split("|", 1)[1]
    assert "· images" not in text
    assert "Percentages" not in text


def test_a_seed_of_which_a_fold_is_missing_takes_no_part(tmp_path: Path) -> None:
    cells = [cell("unet_shrink", fold=fold, seed=seed) for fold in ("p=a", "p=b") for seed in (0, 1)]
    folder = write_study(tmp_path / "study", cells)
    for one in cells[:3]:
        write_run(folder, one, [4, 3], data=str(int(one.fold == "p=b")) * 64)
    (row,) = row_agreements(scores_of(folder))
    assert len(row.seeds) == 1
    assert len(row.seeds[0].images.cells.truth) == 4

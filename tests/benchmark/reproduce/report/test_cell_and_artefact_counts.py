"""Errors on cells and on artefacts, counted by hand."""

from __future__ import annotations

import json

import pytest

from bmbench.benchmark.reproduce.report.cell_and_artefact_counts import (
    artefact_shares,
    draw_four_counts,
    four_counts,
)
from bmbench.benchmark.reproduce.report.runs import collect
from bmbench.benchmark.reproduce.report.seed_means import Table
from tests.benchmark.reproduce.finished import cell, write_run, write_study

pytestmark = pytest.mark.slow

CATEGORIES = [{"id": 1, "name": "cell"}, {"id": 2, "name": "smudge", "supercategory": "artefact"}]
OBJECTS = [(0, 0, 1), (40, 0, 1), (0, 200, 2), (40, 200, 2), (80, 200, 2)]
"""x, y, category: two cells, three artefacts."""


def answered(folder, one, answers):
    """A finished run that says this of one image: x, y, category."""
    write_run(folder, one, [2])
    run = folder.run(one)
    objects = [
        {"id": number + 1, "image_id": 1, "category_id": kind, "bbox": [x, y, 20, 20]}
        for number, (x, y, kind) in enumerate(OBJECTS)
    ]
    image = {"id": 1, "file_name": "0.png", "width": 800, "height": 800, "group": "slide 0"}
    truth = {"images": [image], "annotations": objects, "categories": CATEGORIES}
    said = [
        {"image_id": 1, "category_id": kind, "bbox": [x, y, 20, 20], "score": 0.9 - 0.01 * number}
        for number, (x, y, kind) in enumerate(answers)
    ]
    (run / "truth.json").write_text(json.dumps(truth))
    (run / "predictions.json").write_text(json.dumps(said))


@pytest.mark.usefixtures("full_pictures")
def test_what_is_taken_for_what(tmp_path):
    """As a class: a cell found, an artefact taken for one, one made up; an artefact found, one made up.
    As cells: both cells found, two artefacts taken for cells."""
    as_class = cell("unet_shrink", artefacts="class")
    as_cells = cell("unet_shrink", artefacts="foreground")
    folder = write_study(tmp_path / "study", [as_class, as_cells])
    answered(folder, as_class, [(0, 0, 1), (0, 200, 1), (0, 500, 1), (40, 200, 2), (0, 600, 2)])
    answered(folder, as_cells, [(0, 0, 1), (40, 0, 1), (0, 200, 1), (40, 200, 1)])
    rows = four_counts(collect(folder))
    assert {row.key.artefacts: list(row.counts.values()) for row in rows} == {
        "class": [1, 1, 2, 1],
        "foreground": [0, 0, 2, 1],
    }
    draw_four_counts(tmp_path / "four.png", rows)
    assert (tmp_path / "four.png").stat().st_size > 5000


def test_a_cell_taken_for_an_artefact_is_a_missed_cell_and_no_second_error(tmp_path):
    one = cell("unet_shrink", artefacts="class")
    folder = write_study(tmp_path / "study", [one])
    answered(folder, one, [(0, 0, 1), (40, 0, 2), (0, 200, 2), (40, 200, 2), (80, 200, 2)])
    (row,) = four_counts(collect(folder))
    assert list(row.counts.values()) == [0, 1, 0, 0]


def test_without_artefacts_there_is_nothing_to_count(tmp_path):
    folder = write_study(tmp_path / "study", [cell("unet_shrink")])
    write_run(folder, cell("unet_shrink"), [4, 4])
    assert four_counts(collect(folder)) == []


def test_the_share_of_artefacts_stands_beside_the_annotated_one(tmp_path):
    """Seed 0: 2 of 5 found, seed 1: 3 of 4; annotated: 3 of 5. Those that learned no class say nothing."""
    seeds = [cell("unet_shrink", artefacts="class", seed=seed) for seed in (0, 1)]
    other = cell("unet_shrink", artefacts="foreground")
    folder = write_study(tmp_path / "study", [*seeds, other])
    answered(folder, seeds[0], [(0, 0, 1), (0, 200, 1), (0, 500, 1), (40, 200, 2), (0, 600, 2)])
    answered(folder, seeds[1], [(0, 0, 1), (0, 200, 2), (40, 200, 2), (80, 200, 2)])
    answered(folder, other, [(0, 0, 1)])
    (text,) = artefact_shares(Table(collect(folder)))
    mean = 100 * (2 / 5 + 3 / 4) / 2
    assert (
        text
        == f"`unet_shrink` (weak): {mean:.1f} % of what was found are artefacts, 60.0 % of what is annotated."
    )

"""The report: a function of the finished runs, and what it says of them."""

from __future__ import annotations

import csv
import json
import re
import shutil

import pytest

from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.report.published import PUBLISHED, places, published
from bmbench.benchmark.reproduce.report.questions import relative_size, within_margin
from bmbench.benchmark.reproduce.report.report import write_report
from bmbench.benchmark.reproduce.report.runs import Key, collect
from bmbench.core.errors import BadInputError
from bmbench.statistics.not_worse import NotWorse
from tests.benchmark.reproduce.finished import cell, write_elsewhere, write_run, write_study

pytestmark = pytest.mark.slow

SHRINK, CONTOUR, STATISTICAL, DONT_CARE = (
    "unet_shrink",
    "unet_shrink_contour",
    "unet_statistical",
    "unet_dont_care",
)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> StudyFolder:
    """Four encodings on weak circles, one on contours, six groups, two seeds; one failure, two not run."""
    found = {
        cell(SHRINK): {"found": [4] * 6},
        cell(STATISTICAL): {"found": [3, 3, 3, 3, 3, 2], "false": 1},
        cell(DONT_CARE): {"found": [4] * 6, "grow": 1.6},
        cell(CONTOUR): {"found": [4] * 6},
        cell(CONTOUR, track="precise"): {"found": [4] * 6},
        cell(CONTOUR, track="precise", seed=1): {"found": [3] * 6},
    }
    others = [cell(SHRINK, seed=1), cell(STATISTICAL, seed=1), cell(DONT_CARE, seed=1)]
    folder = write_study(tmp_path_factory.mktemp("study"), [*found, *others])
    for one, what in found.items():
        write_run(folder, one, **what)
    write_elsewhere(folder, cell(SHRINK), "purple", [3, 3])
    folder.failure(others[0]).parent.mkdir()
    folder.failure(others[0]).write_text(json.dumps({"reason": "the training diverged"}))
    return folder


@pytest.fixture(scope="module")
def text(study) -> str:
    """The report of that study."""
    return write_report(study).read_text()


def test_the_report_by_hand(text):
    # Shrink minus statistical: 1 − 2 · 17 / (24 + 23) = 0.277, tested with how trainings vary: by 1/7 / √2.
    claim = "`unet_shrink` ahead of `unet_statistical` on circles, F1 (centres): +27.7 ["
    assert claim in " ".join(text.split())
    assert "Methods are called *ahead*" in " ".join(text.split())
    # Boxes 1.6 times as wide: IoU 1 / 2.56 < 0.5, so that none matches.
    assert re.search(r"`unet_dont_care` +\| +0\.0 \| +100\.0 \| +\+100\.0[^|]*\| 1\.60 \|", text)
    assert "`weak-background-unet_shrink-s1`: the training diverged" in text
    missing = "- `weak-background-unet_dont_care-s1`\n- `weak-background-unet_statistical-s1`"
    assert f"## Not run yet\n\n{missing}" in text
    row = "| weak `unet_shrink`: background            |     5.0 |    2.0 |  1.0 |     2.0 |    3.0 |   1.0 |"
    assert row in text
    # Weak 1, precise the mean of 1 and 6/7: each method's mean over its own seeds.
    assert re.search(r"\| `unet_shrink_contour` \| `unet_shrink_contour` \| +\+7\.1 \[", text)


def test_an_order_that_is_not_shown_comes_with_its_errors(tmp_path):
    """6 of 24 cells missed and 6 false alarms, against none: F1 18 / 24 and 1."""
    folder = write_study(tmp_path / "study", [cell(SHRINK), cell(STATISTICAL)])
    write_run(folder, cell(SHRINK), [3, 3, 2, 3, 4, 3], false=1)
    write_run(folder, cell(STATISTICAL), [4] * 6)
    text = " ".join(write_report(folder).read_text().split())
    found = re.search(
        r"F1 \(centres\): −25\.0 \[[^]]*\]: the opposite is shown\. `unet_shrink` misses 6\.0 cells a run "
        r"and makes up 6\.0, `unet_statistical` misses 0\.0 cells a run and makes up 0\.0\.",
        text,
    )
    assert found


def test_groups_that_all_show_the_same_say_nothing_of_others(tmp_path):
    folder = write_study(tmp_path / "study", [cell(SHRINK), cell(STATISTICAL)])
    write_run(folder, cell(SHRINK), [3] * 6)
    write_run(folder, cell(STATISTICAL), [4] * 6)
    text = " ".join(write_report(folder).read_text().split())
    assert "F1 (centres): −14.3: cannot be told, every group shows the same." in text


def test_errors_are_counted_for_every_row_and_drawn_for_those_taught_in_several_ways(tmp_path):
    cells = [cell(SHRINK), cell(SHRINK, artefacts="class"), cell(CONTOUR)]
    folder = write_study(tmp_path / "study", cells)
    for one in cells:
        write_run(folder, one, [4] * 6)
    text = write_report(folder).read_text()
    table = text[text.index("## False alarms and misses") : text.index("![False alarms and misses]")]
    assert all(f"weak `{one.method}`: {one.artefacts}" in table for one in cells)
    only = write_study(tmp_path / "only", cells[:2])
    for one in cells[:2]:
        write_run(only, one, [4] * 6)
    write_report(only)
    pictures = [(place.path / "artefacts.png").read_bytes() for place in (folder, only)]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("methods", [("retinanet", "yolov3"), ("retinanet", SHRINK)])
def test_detectors_are_drawn_with_their_table(methods, tmp_path):
    """With U-Nets among them in a picture of their own, since Table 2 has one of the U-Nets."""
    folder = write_study(tmp_path / "study", [cell(method) for method in methods])
    for method in methods:
        write_run(folder, cell(method), [4] * 6)
    text = write_report(folder).read_text()
    table = text[text.index("## Table 3") : text.index("## Are weak")]
    assert all(f"`{method}`" in table for method in methods)
    with_unets = SHRINK in methods
    assert ("scores_all.png" if with_unets else "scores_weak.png") in table
    assert ("## Table 2" in text) == with_unets
    assert (folder.path / "scores_weak.png").is_file()


def test_other_images_have_a_table_of_their_own(text):
    """3 of 4 cells on both: 2 · 6 / (8 + 6) = 85.7 per cent; recall reaches 3/4 at precision 1."""
    block = text[text.index("### `purple`") : text.index("## Every run")]
    assert "2 images of 2 groups with 8 cells; resized by 0.5 (pixel size)" in block
    assert re.search(r"\| `unet_shrink` +\| +85\.7 \| +85\.7 \| +75\.0 \| +75\.0 \|", block)
    assert "shrink_contour" not in block


def test_the_same_runs_give_the_same_bytes(study, text, tmp_path):
    """Wherever they lie, in whatever order they were asked for, and with an older report around."""
    other = StudyFolder(tmp_path / "other")
    shutil.copytree(study.path, other.path)
    record = json.loads((other.path / "study.json").read_text())
    record["cells"] = record["cells"][::-1]
    (other.path / "study.json").write_text(json.dumps(record))
    write_report(other)
    names = sorted(path.name for path in study.path.iterdir() if path.suffix in {".md", ".png", ".csv"})
    assert {"report.md", "results.csv", "pr_weak.png", "scores_weak.png"} <= set(names)
    for name in names:
        assert (study.path / name).read_bytes() == (other.path / name).read_bytes(), name


def test_lines_fit_80_columns_but_for_wide_tables(text):
    for line in text.splitlines():
        assert len(line) <= (100 if line.startswith("|") else 80), line


def test_every_row_of_the_study_stands_beside_ours(text):
    """17 rows, each with its places; below it the method of the same name here, where it was run."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert len(PUBLISHED) == 17
    for row in PUBLISHED:
        part = text[text.index(f"The study's Table {row.table}, on another data set") :].split("\n\n")[1]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()]
        place = next(n for n, cells in enumerate(rows) if cells[0] == f"{row.name}, the study")
        assert [float(cell.split(" (")[0]) for cell in rows[place][1:]] == list(row.scores)
        track = "precise" if row.table == 1 else "weak"
        if (track, row.method) in {
            ("weak", SHRINK),
            ("weak", STATISTICAL),
            ("weak", DONT_CARE),
            ("weak", CONTOUR),
        }:
            own = next(cells for cells in lines if cells[0] == f"`{row.method}`" and len(cells) == 5)
            assert rows[place + 1][0] == f"· `{row.method}` here"
            assert all(re.fullmatch(r"\d+\.\d", cell) for cell in rows[place + 1][1:])
            assert own
        elif row.method != CONTOUR:
            assert rows[place + 1] == [f"· `{row.method}` here, not run", "–", "–", "–", "–"]


def test_the_places_of_the_study_are_those_of_its_table(text):
    """Table 1 by hand: F1 of boxes 94.5 > 93.2 > 92.5 > 91.9 > 88.8, and so on."""
    assert dict(zip((row.method for row in published(1)), places(published(1)), strict=True)) == {
        "unet_shrink_contour": (2, 1, 5, 4),
        "mask_rcnn": (1, 2, 1, 1),
        "retinanet": (4, 4, 4, 5),
        "yolov3": (5, 5, 2, 3),
        "circular_retinanet": (3, 3, 3, 2),
    }


def claimed(folder):
    """The sentences of the study and what is said of each, from the report of a folder."""
    text = " ".join(write_report(folder).read_text().split())
    part = text[text.index("## What the study found, asked here") :].split(" ## ")[0]
    return dict(line.split(": ", 1) for line in part.split(" - ")[1:])


def test_an_order_of_several_is_its_smallest_difference(tmp_path):
    """Shrinking finds 22 of 24 cells; the three others 18, 21 and 16, without a false alarm."""
    found = {
        SHRINK: [4, 4, 4, 4, 3, 3],
        "unet_distance": [3, 3, 4, 3, 2, 3],
        "unet_sigmoid": [4, 4, 4, 3, 3, 3],
        "unet_statistical_scaled": [3, 3, 3, 2, 3, 2],
    }
    folder = write_study(tmp_path / "study", [cell(name) for name in found])
    for name, numbers in found.items():
        write_run(folder, cell(name), numbers)
    said = claimed(folder)
    names = "`unet_distance`, `unet_sigmoid`, `unet_statistical_scaled`"
    answer = said[f"`unet_shrink` ahead of {names} on circles, F1 (centres)"]
    assert answer.startswith(f"+{100 * (44 / 46 - 42 / 45):.1f}")
    assert "`unet_sigmoid` misses 3.0 cells a run" in answer
    left = said["Not asked, since not all of it was run here"]
    assert f"; {names} ahead of `unet_statistical` on circles;" in left


def test_dont_care_is_asked_again_at_a_lenient_overlap(tmp_path):
    """1.6 times as wide: an IoU of 0.39. No box matches from 0.5, all do from 0.3."""
    folder = write_study(tmp_path / "study", [cell(DONT_CARE), cell(CONTOUR)])
    write_run(folder, cell(DONT_CARE), [4, 4, 4, 4, 4, 3], grow=1.6)
    write_run(folder, cell(CONTOUR), [4, 4, 4, 3, 4, 4])
    answer = claimed(folder)[
        "`unet_dont_care` repaired by an IoU of 0.3 in place of the protocol's, F1 (boxes)"
    ]
    assert answer.startswith(f"+{100 * 46 / 47:.1f}")
    assert "There it is 0.0 [" in answer


def test_small_cells_and_taught_artefacts_are_counted_by_hand(tmp_path):
    """Four cells of one size an image, so that all are small; one artefact an image, beside them."""
    rows = {
        cell(SHRINK): {"found": [3, 4, 3, 4, 2, 4], "false": 1},
        cell(SHRINK, artefacts="foreground"): {"found": [4, 4, 4, 4, 3, 4]},
        cell(SHRINK, track="precise"): {"found": [3, 3, 3, 4, 2, 4]},
    }
    folder = write_study(tmp_path / "study", list(rows))
    for one, what in rows.items():
        write_run(folder, one, **what)
    said = claimed(folder)
    small = "`unet_shrink` finds more of the smallest third of cells from circles than from contours"
    assert said[f"{small}, recall (centres)"].startswith(f"+{100 / 24:.1f}")
    taught = "`unet_shrink` taught artefacts as cells (weak)"
    part = [text for sentence, text in said.items() if sentence == taught]
    assert part
    text = (folder.path / "report.md").read_text()
    flat = " ".join(text.split())
    assert f"{taught}: fewer false alarms beside artefacts, of 100 cells: +25.0" in flat
    assert f"{taught}: fewer cells missed, of 100 cells: +{300 / 24:.1f}" in flat
    assert f"{taught}: more false alarms on artefacts, of 100 cells: 0.0" in flat


def test_every_picture_named_is_there_and_none_is_empty(study, text):
    names = [part.split(")")[0] for part in text.split("](")[1:]]
    assert names
    for name in names:
        assert (study.path / name).stat().st_size > 1000, name


def test_the_table_for_programs_holds_every_pair(study, text):
    rows = list(csv.DictReader((study.path / "results.csv").read_text().splitlines()))
    means = [row for row in rows if row["kind"] == "mean"]
    pairs = [row for row in rows if row["kind"] == "difference"]
    assert (len(means), len(pairs)) == (4 * 5, 4 * 5 * 4)
    row = next(
        row
        for row in pairs
        if (row["score"], row["first"], row["second"])
        == ("F1 centres", "weak/background/unet_shrink", "weak/background/unet_statistical")
    )
    assert float(row["value"]) == pytest.approx(1 - 34 / 47, abs=1e-6)
    assert float(row["low"]) < float(row["value"]) < float(row["high"])


@pytest.mark.parametrize(
    ("verdict", "units", "word"),
    [
        ("not worse", 30, "yes"),
        ("worse", 30, "no"),
        ("open", 30, "open: about 30 groups needed"),
        ("open", None, "open: more seeds needed"),
        ("same", None, "same"),
        ("too few units", None, "too few units"),
    ],
)
def test_the_margin(verdict, units, word):
    found = NotWorse(verdict=verdict, difference=0.0, interval=None, margin=0.02, units_needed=units)
    assert within_margin(found) == word


def test_with_few_groups_no_pair_is_tested(tmp_path):
    """Four groups: who may be the best, and nothing of pairs; two: nothing at all."""
    for n, words in ((4, "pairs are not tested with 4 test groups"), (2, "2 test groups cannot show")):
        folder = write_study(tmp_path / str(n), [cell(SHRINK), cell(STATISTICAL)])
        write_run(folder, cell(SHRINK), [4, 4, 3, 4][:n])
        write_run(folder, cell(STATISTICAL), [3, 4, 3, 2][:n])
        text = " ".join(write_report(folder).read_text().split())
        assert words in text
        assert ("By chance two equal methods may differ by" in text) == (n == 4)
        assert " is ahead of " not in text


def test_size_is_that_of_hits_by_centres(study):
    rows = collect(study).rows
    assert relative_size(rows[Key("weak", "background", DONT_CARE)]) == pytest.approx(1.6)
    assert relative_size(rows[Key("weak", "background", SHRINK)]) == pytest.approx(1.0)


def test_a_study_without_a_finished_run_says_so(tmp_path):
    folder = write_study(tmp_path, [cell(SHRINK)])
    text = write_report(folder).read_text()
    assert "0 of 1 run finished" in text
    assert "- `weak-background-unet_shrink-s0`" in text


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="is not the folder of a study"):
        write_report(StudyFolder(tmp_path))

"""The report of a suite, from runs that are written by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.suite.plan import set_folder
from bmbench.benchmark.suite.report.blocks import Heading, ReportPicture, TextGrid, to_html, to_markdown
from bmbench.benchmark.suite.report.failures import crowding, tier_counts
from bmbench.benchmark.suite.report.pooled import pool_of
from bmbench.benchmark.suite.report.report import write_suite_report
from bmbench.benchmark.suite.report.scored_sets import read_sets
from bmbench.benchmark.suite.report.set_figure import set_figure
from bmbench.benchmark.suite.report.set_tables import score_grid
from bmbench.benchmark.suite.report.verdicts import verdict_section
from bmbench.benchmark.suite.suite_file import read_suite
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category, GroundTruth, Role
from tests.benchmark.reproduce.finished import cell, write_run, write_study

TEXT = """
schema = "bmbench.suite/1"
name = "three"
title = "Three sets"
methods = ["blob_log", "unet_shrink", "unet_sigmoid"]
[[sets]]
name = "drawn"
dataset = "synthetic"
drawn = true
familiar = "like"
[[sets]]
name = "one"
folder = "one"
human = { f1 = 0.84, what = "two raters" }
[[sets]]
name = "two"
folder = "two"
[[sets]]
name = "absent"
folder = "absent"
"""
FOUND = {
    "drawn": ([1, 2, 1, 2, 1, 0, 1, 1], [4, 4, 4, 3, 3, 2, 3, 2], [4, 3, 4, 3, 2, 2, 2, 2]),
    "one": ([2, 1, 2, 3, 1, 2], [4, 3, 4, 4, 3, 4], [3, 3, 4, 3, 2, 3]),
    "two": ([3, 3, 2, 3, 3, 3, 2], [4, 4, 3, 4, 4, 4, 3], [4, 3, 3, 3, 4, 3, 2]),
}
METHODS = ("blob_log", "unet_shrink", "unet_sigmoid")
LOOKS = ["like_1", "like_2", "like_3", "like_4", "new_1", "new_2", "new_3", "new_4"]


@pytest.fixture
def three(tmp_path):
    """The suite, and the folder of its finished runs: cells found of four on each image."""
    path = tmp_path / "three.toml"
    path.write_text(TEXT)
    out = tmp_path / "out"
    for name, rows in FOUND.items():
        folder = write_study(set_folder(out, name).path, [cell(method) for method in METHODS])
        for method, found in zip(METHODS, rows, strict=True):
            write_run(folder, cell(method), found, groups=LOOKS if name == "drawn" else None)
    return read_suite(path), out


def test_the_figure_shows_the_rows_of_the_table(three):
    for one in read_sets(*three):
        scores, _ = set_figure(one).axes
        table = [row for row in score_grid(one, one.keys).rows if row[0] != "people"]
        assert [f"`{tick.get_text()}`" for tick in scores.get_yticklabels()] == [
            row[0].removesuffix(" (baseline)") for row in table
        ]
        dots = [line for line in scores.lines if line.get_marker() in "os"]
        assert [f"{line.get_xdata()[0]:.1f}" for line in dots] == [row[2] for row in table]
        filled = {place for place, line in enumerate(dots) if line.get_markerfacecolor() != "white"}
        assert filled == {n for n, row in enumerate(table) if row[5] == "yes" or "(baseline)" in row[0]}
        people = [line for line in scores.lines if line.get_label() == "people"]
        assert [line.get_xdata()[0] for line in people] == ([84.0] if one.set.human else [])


def f1(found: list[int]) -> float:
    return 2 * sum(found) / (sum(found) + 4 * len(found))


def test_the_report_says_what_the_runs_say(three):
    suite, out = three
    said: list[str] = []
    text = write_suite_report(suite, out, said.append).read_text("utf-8")
    assert said == ["note: absent has no method that is finished in every fold: not in the report"]
    assert "3 sets of 4, 9 of 9 runs" in text
    for name, rows in FOUND.items():
        assert f"## {name}" in text
        assert all(f"{100 * f1(found):.1f}" in text for found in rows)
    assert "| people " in text
    assert text.count("(baseline)") == len(FOUND) + 1
    assert "`absent`: not run" in text
    page = (out / "report.html").read_text("utf-8")
    assert page.count("<table>") == text.count("\n| ---")
    assert write_suite_report(suite, out, said.append).read_text("utf-8") == text


def test_the_drop_is_that_between_looks_by_hand(three):
    suite, out = three
    drawn = next(one for one in read_sets(suite, out) if one.name == "drawn")
    found = drawn.drop(drawn.main_key("unet_shrink"))
    assert found is not None
    value, interval = found
    assert value == pytest.approx(f1([4, 4, 4, 3]) - f1([3, 2, 3, 2]))
    assert interval is not None
    assert interval[0] < value < interval[1]


def test_only_real_sets_are_pooled_and_each_weighs_the_same(three):
    suite, out = three
    pool = pool_of(read_sets(suite, out))
    assert pool is not None
    assert [one.name for one in pool.sets] == ["one", "two"]
    place = pool.names.index("unet_shrink")
    assert pool.methods.value[place] == pytest.approx((f1(FOUND["one"][1]) + f1(FOUND["two"][1])) / 2)


def test_the_same_images_under_other_settings_are_compared_and_not_pooled(three, tmp_path):
    _, out = three
    path, better = tmp_path / "more.toml", [4, 4, 4, 4, 4, 4]
    path.write_text(f'{TEXT}[[sets]]\nname = "again"\nfolder = "one"\nprofile = "standard"\n')
    suite = read_suite(path)
    folder = write_study(set_folder(out, "again").path, [cell("blob_log"), cell("unet_shrink")])
    write_run(folder, cell("blob_log"), FOUND["one"][0])
    write_run(folder, cell("unet_shrink"), better)
    pool = pool_of(read_sets(suite, out))
    assert pool is not None
    assert [one.name for one in pool.sets] == ["one", "two"]
    text = write_suite_report(suite, out, lambda _: None).read_text("utf-8")
    assert text.count("The same test images are in `one`") == 1
    gained = 100 * (f1(better) - f1(FOUND["one"][1]))
    assert f"- `unet_shrink`: +{gained:.1f} [" in text
    assert "- `blob_log`: 0.0 points of F1." in text.replace("+0.0", "0.0")


def test_the_drawn_images_under_other_settings_are_compared_and_have_no_order_of_their_own(three, tmp_path):
    _, out = three
    path = tmp_path / "more.toml"
    again = '[[sets]]\nname = "again"\ndataset = "synthetic"\ndrawn = true\nsettings = ["overlap=union"]\n'
    path.write_text(TEXT + again)
    folder = write_study(set_folder(out, "again").path, [cell("unet_shrink")])
    write_run(folder, cell("unet_shrink"), [3] * 8, groups=LOOKS)
    text = write_suite_report(read_suite(path), out, lambda _: None).read_text("utf-8")
    assert text.count("The same test images are in `drawn`") == 1
    assert "settings `overlap=union`" in text
    assert f"- `unet_shrink`: {100 * (f1([3] * 8) - f1(FOUND['drawn'][1])):+.1f} [" in text.replace("−", "-")
    assert text.count("Is the order on") == 1


def test_a_method_that_one_set_lacks_is_named_and_not_pooled(three):
    suite, out = three
    (StudyFolder(set_folder(out, "two").path).run(cell("unet_sigmoid")) / "metrics.json").unlink()
    pool = pool_of(read_sets(suite, out))
    assert pool is not None
    assert (pool.names, pool.left_out) == (["unet_shrink", "blob_log"], ["unet_sigmoid"])
    assert "`two`: 1 run not finished: `unet_sigmoid` 1" in write_suite_report(
        suite, out, lambda _: None
    ).read_text("utf-8")


def test_a_folder_without_runs_is_refused(three, tmp_path):
    with pytest.raises(BadInputError, match="no finished run"):
        write_suite_report(three[0], tmp_path / "nothing", lambda _: None)


def test_what_strangers_write_is_text_in_both_forms():
    blocks = [Heading(level=1, text="<b>"), TextGrid(header=("a",), rows=(("`x` **y** <i>",),))]
    assert "| `x` **y** <i> |" in to_markdown(blocks)
    page = to_html("t", blocks)
    assert "<h1>&lt;b&gt;</h1>" in page
    assert "<code>x</code> <b>y</b> &lt;i&gt;" in page


def test_a_page_has_addresses_a_list_of_them_and_tables_that_scroll_by_themselves(tmp_path):
    """As for a reader on a phone, with keys alone, or with a screen reader."""
    (tmp_path / "a.png").write_bytes(b"a picture")
    grid = TextGrid(header=("method", "F1"), rows=(("`x`", "1.0"),))
    blocks = [
        Heading(level=1, text="All"), "First of all.",
        Heading(level=2, text="In `a_1`, drawn"), grid,
        Heading(level=2, text="Where methods fail"), Heading(level=3, text="In `a_1`, drawn"), grid,
        ReportPicture(path=tmp_path / "a.png", what="Hits of 1 method"),
    ]  # fmt: skip
    page = to_html("t", blocks)
    assert re.findall(r"<h(\d) id=\"([^\"]+)\"", page) == [
        ("2", "in-a_1-drawn"), ("2", "where-methods-fail"), ("3", "in-a_1-drawn.2")
    ]  # fmt: skip
    assert re.findall(r"href=\"#([^\"]+)\"", page) == ["in-a_1-drawn", "where-methods-fail"]
    assert page.index("First of all") < page.index("<nav") < page.index("<h2")
    assert (
        page.count('<div class=scroll role=region tabindex=0 aria-label="In a_1, drawn"><table><thead>') == 2
    )
    assert page.count("<th scope=col") == 4
    assert 'alt="Hits of 1 method"' in page
    assert "<figcaption>Hits of 1 method</figcaption></figure>" in page
    assert "<nav" not in to_html("t", blocks[:4])


def test_one_method_is_not_compared_and_one_question_is_one(tmp_path, monkeypatch):
    path, out = tmp_path / "alone.toml", tmp_path / "out"
    path.write_text(TEXT.replace('["blob_log", "unet_shrink", "unet_sigmoid"]', '["blob_log"]'))
    folder = write_study(set_folder(out, "one").path, [cell("blob_log")])
    write_run(folder, cell("blob_log"), FOUND["one"][0])
    monkeypatch.setattr("bmbench.benchmark.suite.report.report.question_rows", lambda _: (("", "", "shown"),))
    monkeypatch.setattr("bmbench.benchmark.suite.report.report.n_decided", lambda _: 1)
    text = write_suite_report(read_suite(path), out, lambda _: None).read_text("utf-8")
    short = " ".join(text.partition("## In short")[2].partition("##")[0].split())
    assert "One method alone is finished." in short
    assert "best" not in short
    assert "Of the study's questions 1 of 1 is decided" in short


def test_tiers_are_counted_by_hand():
    """Cells of radius 5: two 9 apart (touching), one alone, one 6 from an artefact (overlapping)."""
    xy = np.array([[10.0, 10], [19, 10], [60, 60], [90, 90], [96, 90]])
    truth = GroundTruth(
        image_ids=(1,),
        groups=("a",),
        image=np.zeros(5, np.int64),
        xy=xy,
        box=np.column_stack([xy - 5, xy + 5]),
        label=np.array([0, 0, 1, 1, 2]),
        role=np.array([Role.CELL] * 4 + [Role.ARTEFACT]),
        region=np.zeros(5, bool),
        categories=(
            Category(id=1, name="blast"),
            Category(id=2, name="mitosis"),
            Category(id=3, name="bare nucleus", artefact=True),
        ),
    )
    assert crowding(truth).tolist() == [1, 1, 0, 2, 2]
    counts = tier_counts(truth, np.array([True, False, True, False, True]))
    assert counts == {
        ("cells", "blast"): (1, 2),
        ("cells", "mitosis"): (1, 2),
        ("artefacts", "bare nucleus"): (1, 1),
        ("cells", "(alone)"): (1, 1),
        ("cells", "(touching)"): (1, 2),
        ("cells", "(overlapping)"): (0, 1),
    }


def test_pictures_are_of_the_baseline_and_of_methods_from_the_best_to_the_worst(three, monkeypatch):
    suite, out = three
    asked = {}

    def drawn(path, collection, keys):
        asked[path.name] = [key.method for key in keys]
        path.write_bytes(b"a picture")
        return "" if "drawn" in path.name else "the images are not at hand"

    monkeypatch.setattr("bmbench.benchmark.suite.report.failures.draw_examples", drawn)
    text = write_suite_report(suite, out, lambda _: None).read_text("utf-8")
    assert asked["examples_drawn.jpg"] == ["unet_shrink", "unet_sigmoid", "blob_log"]
    assert "![Hits and errors of 3 methods on drawn](examples_drawn.jpg)" in text
    assert text.count("No picture: the images are not at hand.") == 2
    assert "data:image/jpeg;base64,YSBwaWN0dXJl" in (out / "report.html").read_text("utf-8")


def test_tiers_say_who_finds_least_and_most(three):
    suite, out = three
    rows = write_suite_report(suite, out, lambda _: None).read_text("utf-8").splitlines()
    (tier,) = [line for line in rows if line.startswith("| cells: (alone)")][:1]
    shares = {method: 100 * sum(found) / 32 for method, found in zip(METHODS, FOUND["drawn"], strict=True)}
    least, most = sorted(METHODS[1:], key=lambda method: shares[method])
    cells = [cell.strip() for cell in tier.strip("|").split("|")]
    assert cells[1:] == [
        f"{shares['blob_log']:.1f}",
        f"{shares[least]:.1f} `{least}`",
        f"{(shares[least] + shares[most]) / 2:.1f}",
        f"{shares[most]:.1f} `{most}`",
    ]


def test_questions_get_a_verdict_an_effect_and_what_would_decide_them(tmp_path):
    """The contour class wins on every group; circles cost nothing that eight groups can show."""
    path, out = tmp_path / "q.toml", tmp_path / "out"
    path.write_text(TEXT.partition('[[sets]]\nname = "one"')[0])
    better, worse = [4, 4, 4, 4, 3, 4, 4, 4], [2, 3, 2, 2, 2, 3, 2, 2]
    drawn = [3, 4, 4, 4, 4, 3, 4, 4]
    rows = [
        (cell("unet_shrink_contour"), better),
        (cell("unet_shrink"), worse),
        (cell("unet_shrink_contour", track="precise"), drawn),
    ]
    folder = write_study(set_folder(out, "drawn").path, [one for one, _ in rows])
    for one, found in rows:
        write_run(folder, one, found, groups=LOOKS)
    (there,) = read_sets(read_suite(path), out)
    grid = next(block for block in verdict_section([there]) if isinstance(block, TextGrid))
    found = {row[:2]: row[2:] for row in grid.rows}
    verdict, effect, units, needed = found[
        "`unet_shrink_contour` ahead of `unet_shrink` on circles", "F1 (centres)"
    ]
    assert (verdict, units, needed) == ("shown", "8", "")
    assert effect.startswith(f"+{100 * (f1(better) - f1(worse)):.1f} [")
    verdict, effect, _, needed = found[
        "`unet_shrink_contour` as good from circles as from contours", "F1 (centres), 2 points"
    ]
    assert verdict == "open"
    assert int(needed) > 8


def test_one_training_a_method_is_said_of_its_verdicts_and_a_network_a_fold_is_not(tmp_path):
    path = tmp_path / "q.toml"
    path.write_text(TEXT.partition('[[sets]]\nname = "one"')[0])
    suite, found = read_suite(path), {"unet_shrink_contour": [4, 4, 3, 4], "unet_shrink": [2, 3, 2, 2]}
    said = []
    for name, repeats in {
        "networks": [{}],
        "trainings": [{"seed": 0}, {"seed": 1}],
        "folds": [{"fold": "p=1"}, {"fold": "p=2"}],
    }.items():
        cells = [cell(method, **repeat) for method in found for repeat in repeats]
        folder = write_study(set_folder(tmp_path / name, "drawn").path, cells)
        for one in cells:
            write_run(folder, one, found[one.method], groups=LOOKS[:4])
        text = write_suite_report(suite, tmp_path / name, lambda _: None).read_text("utf-8")
        assert "decided" in text
        said.append(("for these networks (one seed)" in text, "Each method is one network here" in text))
    assert said == [(True, True), (False, False), (False, False)]

"""The table of counts: what it shows, why it is empty, and that strangers' classes stay words."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import Any

import msgspec
import pytest

from bmbench.leaderboards.boards.counts import count_table
from bmbench.leaderboards.boards.exports.tables import track_csv, track_json
from bmbench.leaderboards.boards.page import Page
from bmbench.leaderboards.results.record import AgreementRow, CountTallies
from bmbench.leaderboards.results.standings_record import CountStandings
from bmbench.leaderboards.tracks.about import About
from tests.leaderboards.boards.boards_by_hand import board, result

pytest.importorskip("jinja2", reason="jinja2 (bmbench[leaderboard]) is not installed")
ABOUT = About(schema="bmbench.about/1", title="Boards")
NASTY = "<b>bla|st</b>"


def row(bias: float, **more: Any) -> AgreementRow:
    plain = {
        "bias": bias,
        "bias_interval": (bias - 1, bias + 1.5),
        "low": bias - 4,
        "low_interval": (bias - 6, bias - 2),
        "high": bias + 4,
        "high_interval": (bias + 2, bias + 6),
        "off_by": abs(bias) + 0.25,
        "off_by_percent": 12.5,
        "concordance": 0.875,
        "concordance_interval": (0.75, 0.9375),
    }
    return AgreementRow(**(plain | more))


@pytest.fixture
def page() -> Page:
    """Three submissions and a control: one tells classes, one was scored before counts were kept."""
    rows = [result("best one", 0.9), result("next one", 0.8), result("old one", 0.7)]
    rows.append(result("a control (yes)", 0.1, control=True))
    classes = {"plain": row(1.0, within=0.5), NASTY: row(-3.0, within=1.0)}
    tallies = CountTallies(rule="cd", found=((12, 3), (11, 4)), classes=classes)
    rows[0] = msgspec.structs.replace(rows[0], counts=tallies)
    rows[3] = msgspec.structs.replace(rows[3], counts=tallies)
    made = board(rows, best={"best one"})
    counts = CountStandings(
        rule="cd",
        cells=12.25,
        same_everywhere=row(0.0, bias_interval=None, concordance=0.0, concordance_interval=None),
        rows={"best-one": row(0.5), "next-one": row(-2.0), "a-control-(yes)": row(30.0)},
    )
    return dataclasses.replace(made, table=msgspec.structs.replace(made.table, counts=counts))


def markdown_of(page: Page) -> str:
    from bmbench.leaderboards.boards.markdown_boards import markdown

    return markdown([page], ABOUT)["weak.md"].partition("## Counts")[2].partition("\n## ")[0]


def html_of(page: Page) -> dict[str, str]:
    from bmbench.leaderboards.boards.site import site

    return site([page], ABOUT)


def test_a_row_for_everybody_and_for_who_does_not_look(page: Page) -> None:
    lines = [line for line in markdown_of(page).splitlines() if line.startswith("| ")]
    assert lines[1:6] == [
        "| best one | +0.5 [−0.5, +2.0] | −3.5 to +4.5 | 0.8 | 0.88 [0.75, 0.94] |",
        "| next one | −2.0 [−3.0, −0.5] | −6.0 to +2.0 | 2.2 | 0.88 [0.75, 0.94] |",
        "| old one | – | – | – | – |",
        "| a control (control) | +30.0 [+29.0, +31.5] | +26.0 to +34.0 | 30.2 | 0.88 [0.75, 0.94] |",
        "| 12\\.2 on every image (control) | 0.0 | −4.0 to +4.0 | 0.2 | 0.00 |",
    ]
    html = html_of(page)["weak.html"]
    assert '<td>old one</td><td class="num">–</td>' in html
    assert '<td class="num ends">+0.5<span class="ci">−0.5 to +2.0</span></td>' in html


def test_a_dash_is_explained_and_only_then(page: Page) -> None:
    words = "scored before boards had counts; bmbench leaderboard score adds them"
    assert markdown_of(page).count(words) == html_of(page)["weak.html"].count(words) == 1
    counts = page.table.counts
    assert isinstance(counts, CountStandings)
    full = msgspec.structs.replace(counts, rows=counts.rows | {"old-one": row(1.0)})
    page = dataclasses.replace(page, table=msgspec.structs.replace(page.table, counts=full))
    assert words not in markdown_of(page)


def test_classes_are_shares_of_those_that_tell_them(page: Page) -> None:
    text = markdown_of(page)
    # Off by 1.25 and 3.25, in limits 1/2 and 1: means; the larger bias is the second one's.
    first, control = [line for line in text.splitlines() if line.startswith("| ")][-2:]
    assert first.startswith("| best one | 2.2 | 75 % | −3.0 ")
    assert control.startswith("| a control (control) | 2.2 | 75 % | −3.0 ")
    assert NASTY not in text
    unranked = dataclasses.replace(page, ranked=page.ranked[1:])
    assert "Percentages" not in markdown_of(unranked), "a control alone has no such table"
    files = html_of(page)
    assert "&lt;b&gt;bla|st&lt;/b&gt;" in files["weak/best-one.html"]
    assert all(NASTY not in data for data in files.values())
    assert "Percentages of classes" not in files["weak/next-one.html"]
    assert "−3.5 [−5.5, −1.5] to +4.5 [+2.5, +6.5]" in files["weak/best-one.html"]


@pytest.mark.parametrize(("visibility", "words"), [("public", "Scored before"), ("hidden", "is hidden")])
def test_a_board_without_counts_says_why(page: Page, visibility: str, words: str) -> None:
    truth = msgspec.structs.replace(page.manifest.truth, visibility=visibility)
    bare = dataclasses.replace(
        page,
        manifest=msgspec.structs.replace(page.manifest, truth=truth),
        table=msgspec.structs.replace(page.table, counts=msgspec.UNSET),
    )
    said = count_table(bare)
    assert said is not None
    assert (words in said.about, said.lines, said.notes) == (True, (), ())
    assert words in markdown_of(bare)
    assert words in html_of(bare)["weak.html"]
    assert "Counts, by" not in html_of(bare)["weak/best-one.html"]


def test_a_few_units_leave_columns_empty_and_the_note_says_so(page: Page) -> None:
    few = dataclasses.replace(page, table=msgspec.structs.replace(page.table, n_units=2))
    assert "2 slides cannot show how slides differ" in markdown_of(few)
    assert "Bland and Altman" in markdown_of(page)


def test_machines_read_the_same_numbers(page: Page) -> None:
    found = {one["id"]: one for one in csv.DictReader(io.StringIO(track_csv(page)))}
    first = found["best-one"]
    assert [first[f"count.{name}"] for name in ("bias", "bias_low", "limit_high", "concordance_low")] == [
        "0.5",
        "-0.5",
        "4.5",
        "0.75",
    ]
    assert found["old-one"]["count.bias"] == ""
    value = json.loads(track_json(page))
    assert value["standings"]["counts"]["rows"]["next-one"]["bias"] == -2.0
    counts = value["submissions"][0]["counts"]
    assert "found" not in counts, "what images hold is in `results/`"
    assert counts["classes"]["plain"]["within"] == 0.5

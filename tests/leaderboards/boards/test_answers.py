"""What the first lines of a board say, on boards that are worked out by hand."""

import dataclasses

import msgspec
import pytest

from bmbench.leaderboards.boards.answers import answers, answers_in_short, in_short
from bmbench.leaderboards.boards.overview import methods, rises
from bmbench.leaderboards.boards.statements import statements, untested
from tests.leaderboards.boards.boards_by_hand import board, result


def said(page):
    return {one.about: one.text for one in answers(page)}


def test_one_best_method_is_named_with_its_value():
    page = board([result("a", 0.9), result("b", 0.7), result("c", 0.5)], best={"a"})
    assert said(page)["Best"] == "a is the best of these 3 (95 %): F1 (centres) 0.900 [0.890, 0.910]."
    assert said(page)["Worse"] == (
        "b (20.0 points [18.0, 22.0]) and c (40.0 points [38.0, 42.0]): shown not to be the best. "
        "Points are below a, which has the highest value."
    )
    assert in_short(page) == "a"


def test_those_that_cannot_be_told_apart_are_named_and_the_cheapest_of_them():
    page = board(
        [
            result("dear one", 0.9, ms_per_image=900.0, train_hours=1.0),
            result("cheap one", 0.89, ms_per_image=120.0, train_hours=9.0),
            result("bad one", 0.5, ms_per_image=1.0),
        ],
        best={"dear one", "cheap one"},
    )
    assert said(page)["Best"] == (
        "Of the 3 submitted one of these 2, which cannot be told apart for the first place (95 %): dear one "
        "and cheap one. "
        "The cheapest of them, as declared: cheap one, 0.12 s an image."
    )
    assert said(page)["Cost"] == (
        "As declared: seconds an image 0.001 to 0.9; hours of training 1 to 9 (2 of 3 say so). "
        "Nobody declares million parameters or GB of memory."
    )
    assert in_short(page) == "one of 2 of 3"


def test_costs_that_single_trainings_may_differ_by_make_nobody_the_cheapest():
    """0.055 h is less than half as much again as 0.047 h; 0.08 h is more."""
    for dear, named in ((0.055, False), (0.08, True)):
        page = board(
            [result("a", 0.9, train_hours=dear), result("b", 0.89, train_hours=0.047)], best={"a", "b"}
        )
        assert ("The cheapest of them, as declared: b," in said(page)["Best"]) is named


def test_a_cost_that_not_all_of_them_declare_makes_nobody_the_cheapest():
    page = board([result("a", 0.9, ms_per_image=5.0), result("b", 0.89)], best={"a", "b"})
    assert "cheapest" not in said(page)["Best"]
    assert "none can be left out: a and b." in said(page)["Best"]


def test_many_worse_ones_are_summed_up():
    rows = [result("a", 0.9), *(result(f"w{i}", 0.8 - i / 100) for i in range(6))]
    text = said(board(rows, best={"a"}))["Worse"]
    assert text.startswith("w0 (10.0 points [8.0, 12.0]), w1 (")
    assert "and 3 more (13.0 to 15.0 points): shown" in text


def test_what_is_not_known_says_how_many_images_it_would_take():
    """120 slides where 8 slides hold 40 images: 600 images."""
    page = board([result("a", 0.9), result("b", 0.89)], best={"a", "b"})
    assert said(page)["Not known"] == (
        "Which of the 2 is best. A method that is truly 4.1 points behind the best is found out here in 4 of "
        "5 cases. To show 1.0 points between two methods it would take about 120 slides (600 images as they "
        "are here)."
    )


def test_a_board_without_tests_gives_values_and_no_verdict():
    page = board([result("a", 0.9), result("b", 0.89)], best={"a", "b"}, tested=False, n_units=2, plan=None)
    assert said(page)["Best"] == (
        "2 slides cannot show which of these 2 is best by F1 (centres). Values lie between 0.890 and 0.900."
    )
    assert "Worse" not in said(page)
    assert said(page)["Not known"].endswith("are made from 3 slides on, and all pairs tested from 6 on.")
    assert in_short(page) == "not known"


def test_an_empty_board_and_a_board_of_one():
    assert said(board([], best=set())) == {"Best": "No submission is ranked yet."}
    assert said(board([result("a", 0.9)], best={"a"}, tested=False, plan=None))["Best"] == (
        "a is the only one here: F1 (centres) 0.900 [0.890, 0.910]."
    )


def test_names_are_made_safe_one_by_one():
    page = board([result("a", 0.9), result("b", 0.5), result("c", 0.1, control=True)], best={"a"})
    safe = {one.about: one.text for one in answers(page, lambda name: f"<{name}>")}
    assert safe["Best"].startswith("<a> is the best")
    assert safe["Worse"].startswith("<b> (40.0")
    assert "below <a>," in safe["Worse"]
    assert safe["For scale"].endswith("<c> 0.100.")
    assert [one.about for one in answers_in_short(page)] == ["Best", "Worse"]


def test_controls_stand_in_the_table_where_their_value_does():
    page = board([result("a", 0.9), result("b", 0.5), result("c", 0.7, control=True)], best={"a"})
    assert [entry.name for entry in page.rows] == ["a", "c", "b"]


def test_one_row_a_method_over_all_tracks():
    weak = board([result("a", 0.9), result("B", 0.8)], best={"a", "B"})
    other = board([result("b", 0.9, track="other"), result("c", 0.8)], best={"b"}, track="other")
    rows = methods([weak, other])
    assert [(row.name, row.n_best, sorted(row.entries)) for row in rows] == [
        ("B", 2, ["other", "weak"]),
        ("a", 1, ["weak"]),
        ("c", 0, ["other"]),
    ]
    # The address of a method does not move with what else is there.
    assert {row.name: row.file for row in methods([weak])}["a"] == rows[1].file
    assert len({row.file for row in rows}) == 3


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([], [("2026-01-02", 0.5, ("a",)), ("2026-03-01", 0.7, ("b",))]),
        # What was replaced stood there once; what was withdrawn did not.
        ([("d", 0.6, "superseded", "2026-02-01T10:00:00Z")],
         [("2026-01-02", 0.5, ("a",)), ("2026-02-01", 0.6, ("d",)), ("2026-03-01", 0.7, ("b",))]),
        ([("d", 0.9, "withdrawn", "2026-02-01T10:00:00Z")],
         [("2026-01-02", 0.5, ("a",)), ("2026-03-01", 0.7, ("b",))]),
        # The same value on a later day shares the first place, and takes it from nobody.
        ([("d", 0.7, "superseded", "2026-04-01T10:00:00Z")],
         [("2026-01-02", 0.5, ("a",)), ("2026-03-01", 0.7, ("b",)), ("2026-04-01", 0.7, ("d",))]),
    ],
)  # fmt: skip
def test_how_the_highest_value_rose(others, found):
    rows = [
        result("b", 0.7, arrived="2026-03-01T10:00:00Z"),
        result("c", 0.6, arrived="2026-03-05T10:00:00Z"),
        result("a", 0.5, arrived="2026-01-02T10:00:00Z"),
        *(result(name, value, state=state, arrived=date) for name, value, state, date in others),
    ]
    page = board(rows, best={"b"})
    assert [(rise.day, rise.value, rise.ids) for rise in rises(page)] == found


def test_a_track_without_dates_has_no_history():
    assert rises(board([result("a", 0.9)], best={"a"})) == ()


def test_an_end_below_zero_has_a_true_minus():
    page = board([result("a", 0.9), result("b", 0.89)], best={"a"})
    assert "b (1.0 points [\u22121.0, 3.0])" in said(page)["Worse"]


@pytest.mark.parametrize(
    ("n_units", "text"),
    [
        (8, "No places or tests: one submission alone is compared with nothing."),
        (2, "No intervals, places or tests: 2 slides cannot show how slides differ."),
    ],
)
def test_a_board_without_places_says_whether_units_or_submissions_are_too_few(n_units, text):
    page = board([result("a", 0.9)], best={"a"}, tested=False, n_units=n_units, plan=None)
    assert untested(page) == text


@pytest.mark.parametrize(("days", "text"), [(30, "committed to git"), (None, "limits.days")])
def test_a_board_without_dates_says_whether_git_or_the_track_knows_none(days, text):
    page = board([result("a", 0.9), result("b", 0.89)], best={"a"})
    if days is not None:
        limits = msgspec.structs.replace(page.manifest.limits, days=days)
        page = dataclasses.replace(page, manifest=msgspec.structs.replace(page.manifest, limits=limits))
    assert [text in line for line in statements(page) if line.startswith("No dates")] == [True]

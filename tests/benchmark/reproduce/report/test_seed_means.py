"""Means over seeds and their differences, by hand."""

from __future__ import annotations

import pytest

from bmbench.benchmark.reproduce.report.runs import Key, View, collect, views
from bmbench.benchmark.reproduce.report.seed_means import Table, judge
from tests.benchmark.reproduce.finished import cell, write_elsewhere, write_run, write_study

ALL, SOME = "unet_shrink", "unet_statistical"
A, B = Key("weak", "background", ALL), Key("weak", "background", SOME)


def table(path, runs) -> Table:
    """The scores of runs: (cell, what `write_run` takes)."""
    folder = write_study(path, [one for one, _, _ in runs])
    for one, found, more in runs:
        write_run(folder, one, found, **more)
    return Table(collect(folder))


def test_a_difference_that_is_the_same_on_all_groups_has_no_width(tmp_path):
    """One finds 4 of 4 everywhere: F1 1. The other 3 of 4: 2 · 18 / (24 + 18) = 6/7, whatever is drawn."""
    scores = table(tmp_path, [(cell(ALL), [4] * 6, {}), (cell(SOME), [3] * 6, {})])
    found = scores.contrast("f1", plus=[(A, "cd")], minus=[(B, "cd")])
    assert found.value == pytest.approx(1 / 7)
    assert found.interval == pytest.approx((1 / 7, 1 / 7))
    assert (found.n_units, found.sign) == (6, 1)
    turned = scores.contrast("f1", plus=[(B, "cd")], minus=[(A, "cd")])
    assert (turned.value, turned.sign) == (pytest.approx(-1 / 7), -1)


def test_fewer_than_six_groups_never_tell_methods_apart(tmp_path):
    scores = table(tmp_path, [(cell(ALL), [4] * 5, {}), (cell(SOME), [3] * 5, {})])
    found = scores.contrast("f1", plus=[(A, "cd")], minus=[(B, "cd")])
    assert found.interval == pytest.approx((1 / 7, 1 / 7))
    assert found.sign == 0


@pytest.mark.parametrize(("n_images", "unit", "sign"), [(6, "image", 1), (5, "image", 0), (12, "group", 1)])
def test_images_judge_where_groups_are_too_few(tmp_path, n_images, unit, sign):
    """Two images a group: with 6 images 3 groups, which tell nothing; with 12 images 6 groups, which do."""
    groups = [f"slide {number // 2}" for number in range(n_images)]
    runs = [(cell(name), [n] * n_images, {"groups": groups}) for name, n in ((ALL, 4), (SOME, 3))]
    scores = table(tmp_path, runs)
    judged = judge(scores)
    found = judged.contrast("f1", plus=[(A, "cd")], minus=[(B, "cd")])
    assert (judged.unit, found.sign) == (unit, sign)
    assert scores.contrast("f1", plus=[(A, "cd")], minus=[(B, "cd")]).sign == (unit == "group")


def test_one_group_has_no_interval(tmp_path):
    scores = table(tmp_path, [(cell(ALL), [4, 4], {"groups": ["one", "one"]})])
    found = scores.mean(A, "cd", "f1")
    assert (found.value, found.interval, found.n_units) == (1.0, None, 1)


def test_the_interval_covers_the_seeds(tmp_path):
    """Seeds with F1 1 and 6/7 on every group: mean 13/14. A quarter of the draws has seed 1 twice."""
    scores = table(tmp_path, [(cell(ALL), [4] * 6, {}), (cell(ALL, seed=1), [3] * 6, {})])
    found = scores.mean(A, "bb", "f1")
    assert found.value == pytest.approx(13 / 14)
    assert found.interval == pytest.approx((6 / 7, 1))
    assert found.n_seeds == 2


def test_the_interval_covers_the_groups(tmp_path):
    """All cells of three groups, none of three others: F1 of a draw is that of its share of full groups."""
    scores = table(tmp_path, [(cell(ALL), [4, 4, 4, 0, 0, 0], {})])
    found = scores.mean(A, "cd", "f1")
    # 12 of 24: 2 · 12 / (24 + 12). With one full group of six drawn 2 · 4 / 28, with five 2 · 20 / 44.
    assert found.value == pytest.approx(2 / 3)
    assert found.interval == pytest.approx((2 / 7, 10 / 11))


def test_a_difference_is_of_the_seeds_that_both_have(tmp_path):
    """Seed 1 of the first, much worse, has no partner: it must not count."""
    runs = [(cell(ALL), [4] * 6, {}), (cell(ALL, seed=1), [1] * 6, {}), (cell(SOME), [3] * 6, {})]
    found = table(tmp_path, runs).contrast("f1", plus=[(A, "cd")], minus=[(B, "cd")])
    assert (found.value, found.n_seeds) == (pytest.approx(1 / 7), 1)


def test_the_folds_of_a_seed_are_one_test_set(tmp_path):
    """4 of 4 cells in one fold, none of 12 in the other: 2 · 4 / (16 + 4) = 0.4, not the mean of 1 and 0.

    AP: recall reaches 1/4 at precision 1. The groups of folds are different ones though their names are not.
    """
    runs = [
        (cell(ALL, fold="test=a"), [4], {}),
        (cell(ALL, fold="test=b"), [0, 0, 0], {"data": "1" * 64}),
    ]
    scores = table(tmp_path, runs)
    assert scores.mean(A, "cd", "f1").value == pytest.approx(0.4)
    assert scores.mean(A, "cd", "ap").value == pytest.approx(0.25)
    assert scores.n_units == 4


def test_a_hit_is_drawn_with_its_own_fold(tmp_path):
    """One finds the image of fold a, the other that of fold b: AP 1/2 each, and the draws tell them apart.

    Two units are drawn of two: a twice, both once or b twice (1/4, 1/2, 1/4), the difference 1, 0 or −1.
    """
    runs = [
        (cell(name, fold=f"test={fold}"), [4 if fold == own else 0], {})
        for name, own in ((ALL, "a"), (SOME, "b"))
        for fold in "ab"
    ]
    found = table(tmp_path, runs).contrast("ap", plus=[(A, "cd")], minus=[(B, "cd")])
    assert (found.value, found.interval) == (0, (-1, 1))


def test_a_seed_without_one_of_its_folds_does_not_count(tmp_path):
    runs = [(cell(ALL, fold=f"test={fold}", seed=seed), [4], {}) for fold in "ab" for seed in (0, 1)]
    folder = write_study(tmp_path, [one for one, _, _ in runs])
    for one, found, _ in runs[:3]:
        write_run(folder, one, found)
    assert Table(collect(folder)).mean(A, "cd", "f1").n_seeds == 1


def test_a_method_that_lacks_a_fold_differs_from_none(tmp_path):
    """All folds of one method are finished, one of two of the other: nothing can be said yet."""
    runs = [(cell(name, fold=f"test={fold}"), [4], {}) for name in (ALL, SOME) for fold in "ab"]
    folder = write_study(tmp_path, [one for one, _, _ in runs])
    for one, found, _ in runs[:3]:
        write_run(folder, one, found)
    found = Table(collect(folder)).contrast("f1", plus=[(A, "cd")], minus=[(B, "cd")])
    assert (found.value, found.interval, found.n_seeds) == (None, None, 0)


def test_a_run_of_other_data_takes_no_part(tmp_path):
    runs = [(cell(ALL), [4] * 6, {}), (cell(ALL, seed=1), [3] * 6, {"data": "1" * 64})]
    scores = table(tmp_path, runs)
    assert scores.mean(A, "cd", "f1").value == 1
    assert list(scores.collection.odd.values()) == [
        "was run with other data than `weak-background-unet_shrink-s0`"
    ]


def test_folds_that_answer_the_same_other_images_are_repeats_not_one_test_set(tmp_path):
    """Both folds answer the same two images, all 8 cells and 4 of them: F1 1 and 2/3, mean 5/6."""
    cells = [cell(ALL, fold="test=a"), cell(ALL, fold="test=b")]
    folder = write_study(tmp_path, cells)
    for one, found in zip(cells, ([4, 4], [2, 2]), strict=True):
        write_run(folder, one, [4])
        write_elsewhere(folder, one, "purple", found)
    assert views(collect(folder), folder) == [View(elsewhere="purple")]
    scores = Table(collect(folder, View(elsewhere="purple")))
    found = scores.mean(A, "cd", "f1")
    assert (found.value, found.n_seeds, found.n_units) == (pytest.approx(5 / 6), 2, 2)
    assert scores.collection.first.protocol.radius_px == 12.0

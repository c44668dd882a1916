"""Means over seeds and their differences, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from bmbench.benchmark.reproduce.report.runs import Key, View, collect, views
from bmbench.benchmark.reproduce.report.seed_means import Table
from tests.benchmark.reproduce.finished import cell, write_elsewhere, write_run, write_study

ALL, SOME = "unet_shrink", "unet_statistical"
A, B = Key("weak", "background", ALL), Key("weak", "background", SOME)


def table(path, runs) -> Table:
    """The scores of runs: (cell, what `write_run` takes)."""
    folder = write_study(path, [one for one, _, _ in runs])
    for one, found, more in runs:
        write_run(folder, one, found, **more)
    return Table(collect(folder))


def f1_without(found, gone):
    """F1 of four cells an image and no false alarm, with one image left out."""
    left = [hits for place, hits in enumerate(found) if place != gone]
    return 2 * sum(left) / (4 * len(left) + sum(left))


def test_a_difference_is_that_of_the_jackknife(tmp_path):
    """Two rows of one seed each on six groups: worked from the F1 without each group."""
    one, other = [4, 4, 3, 4, 4, 2], [3, 4, 2, 3, 4, 1]
    scores = table(tmp_path, [(cell(ALL), one, {}), (cell(SOME), other, {})])
    found = scores.difference("f1", "cd", A, B)
    gaps = np.array([f1_without(one, gone) - f1_without(other, gone) for gone in range(6)])
    z = 5 * (gaps.mean() - gaps)
    weight = np.mean([(4 + np.array(some)) / (24 + sum(some)) for some in (one, other)], axis=0)
    reach = t.ppf(0.975, 1 / (weight**2).sum() - 1) * np.sqrt((z**2).sum() / 30)
    value = 2 * 21 / (24 + 21) - 2 * 17 / (24 + 17)
    assert found.value == pytest.approx(value)
    assert found.interval == pytest.approx((value - reach, value + reach))
    turned = scores.difference("f1", "cd", B, A)
    assert (turned.value, turned.p) == (pytest.approx(-value), pytest.approx(found.p))


def test_images_of_one_group_are_one_unit(tmp_path):
    groups = [f"slide {number // 2}" for number in range(12)]
    hits = [4, 3, 4, 4, 2, 4, 3, 4, 4, 4, 1, 4]
    scores = table(tmp_path, [(cell(ALL), hits, {"groups": groups})])
    assert scores.mean(A, "cd", "f1").n_units == 6


def test_two_groups_have_no_interval(tmp_path):
    scores = table(tmp_path, [(cell(ALL), [4, 3], {}), (cell(SOME), [2, 2], {})])
    assert (scores.mean(A, "cd", "f1").interval, scores.mean(A, "cd", "f1").n_units) == (None, 2)
    found = scores.difference("f1", "cd", A, B)
    assert (found.interval, found.p) == (None, None)


def test_the_interval_covers_the_seeds_of_all_rows(tmp_path):
    """A method of one seed borrows what the trainings of another one vary."""
    hits = [4, 3, 2, 4, 3, 2]
    alone = table(tmp_path / "alone", [(cell(ALL), hits, {})])
    runs = [(cell(ALL), hits, {}), (cell(SOME), [4] * 6, {}), (cell(SOME, seed=1), [1] * 6, {})]
    among = table(tmp_path / "among", runs)
    narrow, wide = (one.mean(A, "cd", "f1").interval for one in (alone, among))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert among.seed_variance("cd", "f1").df == 1


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
    found = Table(collect(folder)).difference("f1", "cd", A, B)
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

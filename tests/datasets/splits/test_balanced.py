import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from bmbench.core.dataset import SUBSETS
from bmbench.core.errors import BadInputError
from bmbench.core.types import Annotations, Sample
from bmbench.datasets.splits.balanced import (
    FRACTIONS,
    balance,
    balanced_split,
    split_samples,
    subset_sizes,
)
from bmbench.datasets.splits.leakage import leaks


def cohort(n, seed=0):
    """(n, 8) objects per class as in the study: 40 % artefacts, the rarest class near 0.5 %."""
    rng = np.random.default_rng(seed)
    share = np.array([0.2, 0.15, 0.1, 0.08, 0.05, 0.015, 0.005, 0.4])
    return np.array(
        [rng.multinomial(rng.integers(60, 180), rng.dirichlet(20 * share)) for _ in range(n)], float
    )


def worst_deviation(counts, subset):
    """Largest relative deviation of any subset's objects of any class from its share."""
    share = np.array([counts[subset == s].sum(axis=0) / counts.sum(axis=0) for s in range(4)])
    return np.abs(share / np.array(FRACTIONS)[:, None] - 1).max()


def samples_of(labels, groups=None, files=None):
    made = []
    for number, own in enumerate(labels):
        n = len(own)
        made.append(
            Sample(
                image_id=number,
                name=f"{number:03}.png",
                width=9,
                height=9,
                group=groups[number] if groups else f"{number:03}.png",
                annotations=Annotations.of(
                    xy=np.zeros((n, 2)), box=np.zeros((n, 4)), label=np.array(own, int)
                ),
                load=partial(np.zeros, (9, 9, 3), np.uint8),
                file=files[number] if files else None,
            )
        )
    return made


def test_sizes_by_hand():
    # 101: 56.56, 11.11, 11.11, 22.22; the one left over goes to the largest remainder.
    assert subset_sizes(101) == (57, 11, 11, 22)
    assert subset_sizes(100) == (56, 11, 11, 22)
    # 7: 3.92, 0.77, 0.77, 1.54; three are left over.
    assert subset_sizes(7) == (4, 1, 1, 1)
    assert subset_sizes(4) == (1, 1, 1, 1)


@given(st.integers(4, 3000))
def test_sizes_add_up_leave_no_subset_empty_and_are_near_their_share(n):
    sizes = np.array(subset_sizes(n))
    assert sizes.sum() == n
    assert sizes.min() >= 1
    assert (np.abs(sizes - np.array(FRACTIONS) * n) < 1).all() or n < 10


@pytest.mark.parametrize("seed", range(3))
def test_a_split_of_the_studys_size_is_exact_and_balanced(seed):
    """Sixty objects of the rarest class: whole ones cannot come nearer than some per cent to 11 %."""
    counts = cohort(101, seed)
    subset = balanced_split(counts, np.arange(101), seed=seed)
    assert np.bincount(subset).tolist() == [57, 11, 11, 22]
    assert worst_deviation(counts, subset) < 0.15
    random = np.random.default_rng(seed).permutation(np.repeat(np.arange(4), [57, 11, 11, 22]))
    assert worst_deviation(counts, random) > 0.4


@pytest.mark.parametrize("seed", range(6))
def test_a_small_set_gets_the_best_of_all_its_splits(seed):
    """Eight images in 4, 1, 1, 2: all 840 ways, judged by the documented sum of squared deviations."""
    counts = np.random.default_rng(seed).integers(0, 30, (8, 2)).astype(float)
    columns = np.column_stack([counts, counts.sum(axis=1), np.ones(8)])
    share = np.array(FRACTIONS)[:, None]

    def cost(subset):
        sums = np.array([columns[np.array(subset) == s].sum(axis=0) for s in range(4)])
        return (((sums / columns.sum(axis=0) - share) / share) ** 2).sum()

    best = min(set(itertools.permutations([0, 0, 0, 0, 1, 2, 3, 3])), key=cost)
    assert cost(balanced_split(counts, np.arange(8), seed=0)) == pytest.approx(cost(best))


def test_a_perfect_split_is_found_where_there_is_one():
    """Eight pairs of images, one rich and one poor: each of the two equal subsets needs both kinds."""
    counts = np.tile([[30.0, 0], [0, 10]], (8, 1))
    subset = balanced_split(counts, np.arange(16), seed=0, fractions=(0.5, 0.5))
    for s in range(2):
        assert_array_equal(counts[subset == s].sum(axis=0), [120, 40])


@given(st.integers(0, 1000), st.integers(4, 15))
def test_groups_stay_whole_and_no_subset_is_empty(seed, n_groups):
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, 30)])
    subset = balanced_split(cohort(len(groups), seed), groups, seed=seed)
    assert all(len(set(subset[groups == g])) == 1 for g in range(n_groups))
    assert set(subset) == set(range(4))


def test_many_groups_come_near_the_sizes():
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(50), 8))
    subset = balanced_split(cohort(400), groups, seed=0)
    assert np.abs(np.bincount(subset) / 400 - FRACTIONS).max() < 0.03


def test_groups_are_dealt_by_their_images_too():
    """Every group holds the same objects, the larger ones spread over more images."""
    size = np.tile([1, 2, 6, 15], 10)
    groups = np.repeat(np.arange(40), size)
    counts = (1 / np.repeat(size, size))[:, None]
    for seed in range(5):
        subset = balanced_split(counts, groups, seed=seed)
        assert np.abs(np.bincount(subset) / len(groups) - FRACTIONS).max() < 0.03


def test_the_outcome_depends_on_the_seed_but_not_on_the_order_of_images():
    rng = np.random.default_rng(0)
    samples = samples_of([rng.integers(0, 3, rng.integers(1, 30)) for _ in range(40)])
    first = split_samples(samples, n_classes=3, seed=1)
    again = split_samples(samples[::-1], n_classes=3, seed=1)
    other = split_samples(samples, n_classes=3, seed=2)
    names = [
        {subset: [s.name for s in part] for subset, part in split.items()} for split in (first, again, other)
    ]
    assert names[0] == names[1]
    assert names[0] != names[2]
    assert tuple(first) == SUBSETS


def test_groups_are_whole_unless_images_are_asked_for():
    samples = samples_of([[0, 1]] * 30, groups=["p1", "p2", "p3", "p4", "p5", "p6"] * 5)
    whole = split_samples(samples, n_classes=2, seed=0)
    assert leaks(whole) == ()
    assert all(len(part) % 5 == 0 for part in whole.values())
    single = split_samples(samples, n_classes=2, seed=0, whole_groups=False)
    assert [len(part) for part in single.values()] == list(subset_sizes(30))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (samples_of([[0]] * 3), "3 images cannot be split into 4 subsets .*at least 4.*annotate more images"),
        (samples_of([[0]] * 9, groups=list("aaabbbccc")), "3 groups cannot .*split_by=image"),
    ],
)
def test_too_few_to_split_is_one_sentence(samples, message):
    with pytest.raises(BadInputError, match=message):
        split_samples(samples, n_classes=1, seed=0)


def test_the_balance_table_by_hand():
    train, test = samples_of([[0, 0, 1], [0]], groups=["p", "p"]), samples_of([[1, 1, 1]])
    rows = balance({"train": train, "validation": (), "test": test}, 3)
    assert [(r.subset, r.images, r.groups, r.objects) for r in rows] == [
        ("train", 2, 1, (3, 1, 0)),
        ("validation", 0, 0, (0, 0, 0)),
        ("test", 1, 1, (0, 3, 0)),
    ]
    assert [r.shares for r in rows] == [(1.0, 0.25, None), (0.0, 0.0, None), (0.0, 0.75, None)]


def test_leaks_are_named_by_group_id_and_bytes(tmp_path):
    files = [tmp_path / f"{n}.png" for n in range(4)]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number % 3]))
    one, two, three, four = samples_of([[0]] * 4, groups=list("abca"), files=files)
    assert leaks({"train": [one], "test": [two, three]}) == ()
    found = leaks({"train": [one, two], "test": [three, four]})
    assert found == (
        "group a lies in train and in test",
        "image file of 003.png lies in train and in test",
    )
    assert "image 1 lies in train and in test" in leaks({"train": [two], "test": [two]})
    assert leaks({"train": [one, four]}) == ()

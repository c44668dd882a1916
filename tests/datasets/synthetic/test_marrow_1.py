"""`marrow_1`: what it promises of slides, looks, tiers and raters, and that neither drawn set moves."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.geometry import rings_box
from bmbench.core.types import Annotations, Role
from bmbench.datasets.synthetic.dataset import sample
from bmbench.datasets.synthetic.marrow_1.dataset import (
    CLASSES,
    RADIUS_PX,
    TRAINING,
    field_of_view,
    load,
    rater_of_test,
)
from bmbench.datasets.synthetic.marrow_1.objects import PLACED
from bmbench.datasets.synthetic.marrow_1.raters import marks_of
from bmbench.datasets.synthetic.marrow_1.slides import LOOK_OF, TEST_LOOKS, slide_of


@pytest.fixture(scope="module")
def whole():
    """The set as it is by default."""
    return load(LoadRequest())


def digest(annotations: Annotations) -> str:
    """Of what an annotation file would hold, at a tenth of a pixel: the last bits differ between machines."""
    rows = [
        (CLASSES[label].name, int(role), *np.rint(10 * box).astype(int).tolist())
        for label, role, box in zip(annotations.label, annotations.role, annotations.box, strict=True)
    ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def test_it_is_as_large_as_it_says(whole):
    test = whole.samples["test"]
    assert (len(test), len({one.group for one in test})) == (60, 20)
    cells = sum(int((one.annotations.role == Role.CELL).sum()) for one in test)
    assert 1350 <= cells <= 1650
    assert whole.radius_px == RADIUS_PX == 9.33
    groups = [{one.group for one in samples} for samples in whole.samples.values()]
    assert len(set.union(*groups)) == sum(map(len, groups))
    ids = [one.image_id for samples in whole.samples.values() for one in samples]
    assert len(ids) == len(set(ids))


def test_a_larger_training_set_holds_the_smaller_ones(whole):
    small = load(LoadRequest(options={"training": "small", "test_slides": "2"})).samples
    medium = {one.name: one for one in whole.samples["train"]}
    assert (len(small["train"]), len(medium), len(small["test"])) == (12, 36, 6)
    for one in small["train"]:
        assert digest(one.annotations) == digest(medium[one.name].annotations)
    sizes = [TRAINING[size] for size in ("small", "medium", "large")]
    assert [slides * fields for slides, fields in sizes] == [12, 36, 96]
    assert all(less[place] <= more[place] for less, more in pairwise(sizes) for place in (0, 1))


def test_shares_of_tiers_come_out_as_stated(whole):
    """Of what is placed; some finds no room, large objects more often, and cut ones are slivers."""
    names = Counter(
        CLASSES[label].name for one in whole.samples["test"] for label in one.annotations.label.tolist()
    )
    total = sum(names.values())
    apart = ("damaged cell", "bare nucleus", "smudge cell", "precipitate", "granules", "mitosis")
    cells = total - sum(names[name] for name in (*apart, "megakaryocyte"))
    assert sum(share for share, _ in PLACED.values()) == pytest.approx(1.0)
    assert cells / total == pytest.approx(PLACED["cells"][0], abs=0.04)
    for tier, name in (
        ("mitoses", "mitosis"),
        ("cut cells", "damaged cell"),
        ("bare nuclei", "bare nucleus"),
        ("smudge cells", "smudge cell"),
        ("precipitate", "precipitate"),
        ("granules", "granules"),
    ):
        assert names[name] / total == pytest.approx(PLACED[tier][0], rel=0.35), tier
    assert names["megakaryocyte"] >= 20


def test_eight_test_slides_are_familiar_and_no_training_slide_has_another_look(whole):
    assert Counter(TEST_LOOKS) == {look: 8 if look == "familiar" else 2 for look in LOOK_OF}
    assert {one.group.rpartition("_")[2] for one in whole.samples["test"]} == set(LOOK_OF)
    for look in LOOK_OF:
        here, there = slide_of(4, 0), slide_of(4, 0, look)
        changed = here.focus_px != there.focus_px or any(
            not np.allclose(here.dyes[dye], there.dyes[dye]) for dye in here.dyes
        )
        assert changed == (look != "familiar"), look


def test_two_raters_agree_as_two_people_do(whole):
    """F1 between two raters 0.84 and against the truth 0.92, over the test images, by shared objects."""
    both = first = second = right = cells = 0
    rng = np.random.default_rng(8)
    for one in (one for one in whole.samples["test"] for _ in range(4)):
        marks = [marks_of(one.annotations, rng) for _ in range(2)]
        a, b, truth = (
            {tuple(xy) for xy in some.xy[some.role == Role.CELL]} for some in (*marks, one.annotations)
        )
        both, first, second = both + len(a & b), first + len(a), second + len(b)
        right, cells = right + len(a & truth), cells + len(truth)
    assert 2 * both / (first + second) == pytest.approx(0.84, abs=0.02)
    assert 2 * right / (first + cells) == pytest.approx(0.92, abs=0.015)


def test_two_raters_of_a_test_image_differ_and_each_is_always_the_same():
    marks = [digest(rater_of_test(0, 0, rater).annotations) for rater in (1, 2, 1)]
    assert marks[0] == marks[2] != marks[1]


def test_only_training_data_carries_the_marks_of_a_rater():
    noisy, true = (field_of_view("train", 0, 0, labels=labels) for labels in ("rater", "true"))
    assert digest(noisy.annotations) != digest(true.annotations)
    assert np.array_equal(noisy.load(), true.load())
    both = [field_of_view("test", 0, 0, labels=labels).annotations for labels in ("rater", "true")]
    assert digest(both[0]) == digest(both[1])


def test_a_rater_moves_nothing_and_takes_artefacts_for_cells_of_a_class():
    truth = field_of_view("test", 1, 0).annotations
    marks = [marks_of(truth, np.random.default_rng(seed)) for seed in range(40)]
    places = {tuple(xy) for xy in truth.xy}
    assert all(tuple(xy) in places for some in marks for xy in some.xy)
    cells = [label for some in marks for label in some.label[some.role == Role.CELL]]
    assert not any(CLASSES[label].artefact for label in cells)


def test_outlines_lie_in_the_image_and_boxes_around_them():
    here = field_of_view("test", 3, 1)
    for rings, box in zip(here.annotations.contour, here.annotations.box, strict=True):
        assert np.allclose(rings_box(rings), box)
    assert here.annotations.box.min() >= 0
    assert here.annotations.box[:, 2:].max() <= here.width == here.load().shape[1]


def test_it_is_the_set_that_results_are_of():
    """A change of any of these is a new set with a new name."""
    assert digest(field_of_view("train", 0, 0).annotations) == "80423a1f5029e5de"
    assert digest(field_of_view("test", 1, 2).annotations) == "20e7251fd6a50ade"
    pixels = field_of_view("test", 1, 2).load()
    assert (
        hashlib.sha256(np.rint(pixels.mean(axis=(0, 1)) * 2).tobytes()).hexdigest()[:16] == "80efdde5660799e6"
    )


def test_the_small_set_is_as_it_was():
    """Of `bmbench run` without options: the drawing is shared, and may not move."""
    here = sample(14)
    rows = np.rint(10 * here.annotations.box).astype(int).tolist()
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:16] == "bff30b641aa60c3e"
    mean = np.rint(here.load().mean(axis=(0, 1)) * 2)
    assert hashlib.sha256(mean.tobytes()).hexdigest()[:16] == "d84a7eadeb501071"


@pytest.mark.parametrize(
    ("options", "said"),
    [({"test_slides": "21"}, "from 2 to 20"), ({"test_slides": "a"}, "'a'"), ({"size": "3"}, "size")],
)
def test_bad_options_are_refused(options, said):
    with pytest.raises(BadInputError, match=said):
        load(LoadRequest(options=options))


def test_a_misspelt_size_gets_the_nearest_name():
    with pytest.raises(UnknownNameError, match="medium"):
        load(LoadRequest(options={"training": "medum"}))

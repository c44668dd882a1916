"""Images brought to the size of nuclei and the colours that a detector learned from."""

import numpy as np
import pytest

from bmbench.adapters.images.appearance import Appearance, cut
from bmbench.benchmark.protocol.adjustment import (
    Adjusting,
    Adjustment,
    adjust,
    adjustment_lines,
    require_appearance,
)
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.datasets.synthetic.dataset import sample

LEARNED = Appearance(nucleus_px=20.0, mean=(200.0, 150.0, 190.0), deviation=(30.0, 40.0, 20.0))
MEASURED = Adjusting(measured_scale=True, learned=LEARNED)


def test_without_a_wish_nobody_looks():
    def never():
        raise AssertionError

    done = adjust(Adjusting(learned=LEARNED), never, stated=0.7)
    assert (done.factor, done.nucleus_px, done.table) == (0.7, None, None)
    assert adjustment_lines(Adjusting(), [("a.png", done)]) == ()


def test_the_factor_is_the_ratio_of_the_diameters_whatever_is_stated():
    image = sample(1).load()
    done = adjust(MEASURED, lambda: cut(image), stated=3.0)
    assert done.factor == pytest.approx(20.0 / done.nucleus_px)
    half = adjust(MEASURED, lambda: [part[::2, ::2] for part in cut(image)])
    assert half.factor == pytest.approx(2 * done.factor, rel=0.06)


def test_where_no_nuclei_are_seen_the_stated_scale_holds_and_is_said():
    blank = np.full((90, 90, 3), 230, np.uint8)
    done = adjust(MEASURED, lambda: [blank], stated=0.5)
    assert done.factor == 0.5
    assert "read as stated" in adjustment_lines(MEASURED, [("blank.png", done)])[0]


def test_standardised_images_have_the_mean_and_deviation_of_the_training_images():
    image = np.clip(sample(0).load(), 60, 200)
    asked = Adjusting(standardise=True, learned=LEARNED)
    done = adjust(asked, lambda: [image])
    seen = done.recolour(image).reshape(-1, 3)
    # What is outside 0 … 255 afterwards is cut off.
    assert seen.mean(axis=0) == pytest.approx(LEARNED.mean, abs=2)
    assert seen.std(axis=0) == pytest.approx(LEARNED.deviation, abs=3)
    assert done.factor == 1
    assert done.shift == pytest.approx(np.array(LEARNED.mean) - image.reshape(-1, 3).mean(axis=0), abs=0.06)


def test_what_was_found_is_one_line_each():
    asked = Adjusting(measured_scale=True, standardise=True, learned=LEARNED)
    one = ("a.png", Adjustment(factor=0.8, nucleus_px=25.0, shift=(-12.0, 3.0, 0.0)))
    two = ("b.png", Adjustment(factor=1.6, nucleus_px=12.5, shift=(-14.0, 5.0, 2.0)))
    three = ("c.png", Adjustment(factor=1.0, shift=(-13.0, 4.0, 1.0)))
    assert adjustment_lines(asked, [one]) == (
        "scale: nuclei of 25.0 px, learned from 20.0 px: read × 0.80",
        (
            "colours: standardised to the training images, "
            "mean moved by -12 +3 +0 grey levels of red, green, blue"
        ),
    )
    scale, colours = adjustment_lines(asked, [one, two, three])
    assert scale == (
        "scale: nuclei of 18.8 (12.5 to 25.0) px, learned from 20.0 px: read × 1.20 (0.80 to 1.60); "
        "too few nuclei on c.png: read as stated"
    )
    assert colours.endswith("-13 +4 +1 grey levels of red, green, blue (median)")


def test_a_run_that_does_not_know_its_images_is_refused_in_a_sentence():
    with pytest.raises(BadInputError, match="--scale auto: the run does not say how its"):
        require_appearance(Adjusting(measured_scale=True), where="runs/old")
    with pytest.raises(BadInputError, match="--standardise: the run"):
        require_appearance(Adjusting(standardise=True), where="runs/old")
    sizeless = Appearance(nucleus_px=None, mean=LEARNED.mean, deviation=LEARNED.deviation)
    with pytest.raises(BadInputError, match="no nuclei were seen on the training images"):
        require_appearance(Adjusting(measured_scale=True, learned=sizeless), where="runs/old")
    require_appearance(Adjusting(standardise=True, learned=sizeless), where="runs/old")
    require_appearance(Adjusting(), where="runs/old")


def test_one_size_for_all_images_is_the_median_and_ignores_what_one_image_shows():
    image = sample(1).load()
    shared = Adjusting.of(scale="shared", standardise=False, learned=LEARNED)
    doubled = image.repeat(2, axis=0).repeat(2, axis=1)
    known = shared.sharing([cut(image), [], cut(image), cut(doubled)])
    single = adjust(MEASURED, lambda: cut(image))
    for one in (image, doubled):
        assert adjust(known, lambda one=one: cut(one)).factor == single.factor
    lines = adjustment_lines(known, [("a.png", single), ("b.png", single)])
    assert len(lines) == 1
    assert f"nuclei of {single.nucleus_px:.1f} px, the median of all images" in lines[0]
    assert known.suffix == "-scale=shared"
    with pytest.raises(UnknownNameError, match="unknown scale 'aut'"):
        Adjusting.of(scale="aut", standardise=False)


def test_where_no_image_shows_nuclei_all_are_read_as_stated():
    blank = np.full((90, 90, 3), 230, np.uint8)
    known = Adjusting.of(scale="shared", standardise=False, learned=LEARNED).sharing([[blank]])
    done = adjust(known, lambda: [blank], stated=0.5)
    assert (done.factor, done.nucleus_px) == (0.5, None)
    assert "read as stated" in adjustment_lines(known, [("blank.png", done)])[0]

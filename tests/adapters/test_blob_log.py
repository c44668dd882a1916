"""The blob detector on discs of known place and size."""

import dataclasses

import numpy as np
import pytest

from bmbench.adapters.blob_log import BlobDetector, BlobSettings, find_blobs, fit, sigmas
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.core.progress import Silent
from bmbench.core.types import Role

ONE_TO_ONE = BlobDetector(settings=BlobSettings(), diameter_px=16.0, blob=1.0, believable=0.5)


class Notes(Silent):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


def request(samples):
    return FitRequest(train=samples, validation=[], settings=BlobSettings(), seed=0, augment=augment)


def test_a_disc_is_found_with_its_centre_and_radius(circles, smear):
    for radius in (7.0, 8.0, 9.5):
        found = ONE_TO_ONE.predict(smear(circles((30.3, 25.8, radius)), 50, 60))
        best = found.take(np.argmax(found.confidence, keepdims=True))
        assert best.xy[0] == pytest.approx([30.3, 25.8], abs=0.75)
        assert best.box[0, 2:] - best.box[0, :2] == pytest.approx(2 * radius, rel=0.15)


def test_a_box_ends_where_the_image_does(circles, smear):
    found = ONE_TO_ONE.predict(smear(circles((2.0, 38.0, 8.0)), 40, 60))
    best = found.take(np.argmax(found.confidence, keepdims=True))
    assert best.box[0, [0, 3]] == pytest.approx([0, 40])
    assert best.box[0, [1, 2]] == pytest.approx([30, 10], abs=2)


def test_the_response_is_largest_at_the_scale_of_the_disc(circles, smear):
    # Of the scale-normalised Laplacian of Gaussian of a disc of radius r, the peak is at sigma = r / √2.
    image = smear(circles((40.0, 40.0, 12.0)), 80, 80)
    scales = np.geomspace(5, 15, 41)
    strongest = [find_blobs(image, np.array([s]), 4.0)[2][0] for s in scales]
    assert scales[int(np.argmax(strongest))] == pytest.approx(12 / np.sqrt(2), rel=0.03)


def test_scales_surround_the_blob_in_equal_ratios():
    scales = sigmas(BlobSettings(spread=2.0, n_scales=3), 20.0)
    assert scales == pytest.approx(10 / np.sqrt(2) * np.array([0.5, 1.0, 2.0]))


def test_of_two_blobs_too_near_the_stronger_stays(circles, smear):
    image = smear(circles((20.0, 20.0, 3.5), (32.0, 20.0, 6.0)), 40, 60)
    both = find_blobs(image, np.array([3.5]), 10.0)[0]
    assert both[:2, 0] == pytest.approx([32, 20], abs=1)
    alone, _, response = find_blobs(image, np.array([3.5]), 14.0)
    assert alone[0, 0] == pytest.approx(32, abs=1)
    assert (np.linalg.norm(alone[1:] - alone[0], axis=1) > 14).all()
    assert (np.diff(response) <= 0).all()


def test_confidence_does_not_depend_on_the_rest_of_the_image(circles, smear):
    alone = ONE_TO_ONE.predict(smear(circles((30.0, 30.0, 8.0)), 60, 160))
    crowd = ONE_TO_ONE.predict(smear(circles((30.0, 30.0, 8.0), (110.0, 30.0, 8.0)), 60, 160))
    assert crowd.confidence.max() == pytest.approx(alone.confidence.max(), rel=1e-6)


def test_confidence_is_one_half_at_the_believable_response(circles, smear):
    image = smear(circles((30.0, 30.0, 8.0)), 60, 60)
    response = find_blobs(image, sigmas(BlobSettings(), 16.0), 5.6)[2][0]
    detector = dataclasses.replace(ONE_TO_ONE, believable=float(response))
    assert detector.predict(image).confidence.max() == pytest.approx(0.5)


def test_the_size_of_dark_parts_is_learned(sample):
    """Circles twice as wide as the discs: the blob is half a cell wide, and boxes are as the circles."""
    wide = []
    for number in range(2):
        one = sample(number, side=120, n=6)
        circle = one.annotations.circle * [1, 1, 2]
        wide.append(dataclasses.replace(one, annotations=dataclasses.replace(one.annotations, circle=circle)))
    detector = fit(request(wide))
    assert detector.blob == pytest.approx(0.5, rel=0.25)
    found = detector.predict(wide[0].load())
    sides = (found.box[:, 2:] - found.box[:, :2])[found.confidence >= 0.5]
    assert np.median(sides) == pytest.approx(np.mean(2 * wide[0].annotations.circle[:, 2]), rel=0.2)


def test_blobs_on_ignored_cells_do_not_count_against_a_response(sample):
    """Half of the discs are ignored: every blob that counts is on a cell. As background they would count."""
    one = sample(5, side=120, n=12)
    role = np.where(np.arange(len(one.annotations)) % 2, int(Role.IGNORE), int(Role.CELL))
    half = dataclasses.replace(one, annotations=dataclasses.replace(one.annotations, role=role))
    background = dataclasses.replace(one, annotations=one.annotations.take(role == Role.CELL))
    for annotated, perfect in ((half, True), (background, False)):
        notes = Notes()
        fit(dataclasses.replace(request([annotated]), progress=notes))
        assert ("F1 1.000" in notes.texts[0]) == perfect

"""Images at another scale, and how large their cells are."""

import sys

import numpy as np
import pytest

from bmbench.adapters.images.working_scale import mean_diameter, resized, working_size
from bmbench.core.errors import MissingExtraError
from bmbench.core.objects import scaled
from bmbench.core.types import Annotations, Role


def test_shrinking_averages_areas():
    image = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    blocks = image.reshape(4, 2, 6, 2, 3).mean(axis=(1, 3))
    assert np.abs(resized(image, (6, 4)) - blocks).max() <= 0.5


def test_a_disc_stays_where_its_circle_goes(circles, smear):
    annotations = circles((31.0, 20.0, 9.0))
    image = smear(annotations, 40, 60)
    size = working_size(60, 40, 0.53)
    assert size == (32, 21)
    ratio = np.array(size) / (60, 40)
    smaller = scaled(annotations, ratio)
    dark = 255.0 - resized(image, size)[..., 1]
    dark = np.where(dark > 60, dark - 35, 0)
    y, x = np.mgrid[:21, :32] + 0.5
    centroid = [(dark * x).sum() / dark.sum(), (dark * y).sum() / dark.sum()]
    assert smaller.xy[0] == pytest.approx(centroid, abs=0.1)
    assert smaller.circle[0, 2] == pytest.approx(9 * np.sqrt(32 / 60 * 21 / 40))
    assert smaller.box[0] == pytest.approx(annotations.box[0] * [32 / 60, 21 / 40, 32 / 60, 21 / 40])


def test_only_cells_count_for_the_mean(circles):
    cells, others = circles((9.0, 9.0, 4.0)), circles((9.0, 9.0, 40.0), role=Role.ARTEFACT)
    assert mean_diameter([cells, others, Annotations.empty()]) == pytest.approx(8.0)


def test_no_image_is_smaller_than_a_pixel():
    assert working_size(3, 1, 0.1) == (1, 1)


def test_without_opencv_a_resized_image_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(MissingExtraError, match=r"OpenCV, which resizes images,.*bmbench\[train\]"):
        resized(image, (4, 4))
    assert resized(image, (8, 8)) is image

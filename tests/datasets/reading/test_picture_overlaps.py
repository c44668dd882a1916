"""Where the marks of a picture lie, against SciPy's filters, whatever size the picture has."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from bmbench.datasets.reading.picture_overlaps import (
    _SIGMA_PX,
    MARKS,
    _off_powers_of_two,
    _peaks,
    marks_of,
    overlaps,
)

MARGIN = 16


def highest_of_25(values):
    """Rows and columns of what SciPy's maximum filter leaves as it is, away from the edges."""
    peak = (values == ndimage.maximum_filter(values, 5)) & (values > 1.0)
    inside = np.zeros_like(peak)
    inside[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    return np.nonzero(peak & inside)


@pytest.mark.parametrize("shape", [(1, 1), (20, 300), (31, 32), (33, 33), (36, 40), (97, 128)])
@pytest.mark.parametrize("values", [3, 9, 10_000])
def test_peaks_are_the_highest_of_the_25_around(shape, values):
    # Few values: many neighbours are equal, of which each is a peak.
    drawn = np.random.default_rng(values).integers(0, values, shape).astype(np.float64)
    for found, expected in zip(_peaks(drawn, MARGIN), highest_of_25(drawn), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_marks_are_where_two_widths_of_smoothing_differ_most():
    rng = np.random.default_rng(5)
    grey = np.asarray(Image.fromarray(rng.integers(0, 256, (12, 11), np.uint8)).resize((90, 95)))
    fine, smooth = (ndimage.gaussian_filter(grey.astype(float), s * _SIGMA_PX) for s in (1, 1.6))
    spots = np.abs(fine - smooth)
    rows, columns = highest_of_25(spots)
    assert 5 < len(rows) < MARKS
    strongest = np.argsort(-spots[rows, columns], kind="stable")
    # A picture of less than 96 px to a side is looked at in one size alone.
    expected = np.column_stack([columns, rows])[strongest] + 0.5
    np.testing.assert_array_equal(marks_of(np.repeat(grey[:, :, None], 3, axis=2)).xy, expected)


def test_rows_do_not_lie_a_power_of_two_apart():
    room = _off_powers_of_two((6, 512))
    assert room.shape == (6, 512)
    assert room.strides[0] % 4096


def test_no_pictures_do_not_overlap():
    assert list(overlaps([])) == []

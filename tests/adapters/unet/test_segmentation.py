"""Maps → objects, by perfect maps of known cells and by hand-drawn maps."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage
from skimage.segmentation import watershed

from bmbench.adapters.unet.encodings.encoding import ENCODINGS, encode
from bmbench.adapters.unet.encodings.object_pixels import Regrowth
from bmbench.adapters.unet.found_cells import Growth, find_objects
from bmbench.adapters.unet.segmentation import (
    components,
    disc,
    foreground,
    inner_distance,
    peaks,
    separate,
    separate_summits,
)
from bmbench.adapters.unet.settings import UNetSettings

SETTINGS = UNetSettings(cell_px=20.0, shrink=0.2, lowest=0.3, highest=0.5, faint=0.15)


def growth(smallest_px2):
    return Growth(regrowth=lambda _: Regrowth(px=4.0), smallest_px2=smallest_px2)


GROWTH = growth(30.0)


def perfect_map(annotations, height, width):
    return encode(annotations, (height, width), encoding=ENCODINGS.get("shrink"), settings=SETTINGS).value[0]


def discs(height, width, *xyrp):
    y, x = np.mgrid[:height, :width] + 0.5
    probability = np.zeros((height, width), np.float32)
    for cx, cy, r, p in xyrp:
        probability[np.hypot(x - cx, y - cy) < r] = p
    return probability


def pairing(found, annotations):
    """For each annotated cell the nearest object, which must be a different one for each."""
    assert len(found) == len(annotations)
    distance = np.linalg.norm(annotations.xy[:, None] - found.xy[None], axis=2)
    nearest = distance.argmin(axis=1)
    assert len(set(nearest)) == len(annotations)
    return nearest, distance.min(axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_a_perfect_map_gives_the_cells_back(scattered, seed):
    cells = scattered(np.random.default_rng(seed), 160, 25, (7.0, 14.0))
    found = find_objects(perfect_map(cells, 160, 160), SETTINGS, GROWTH)
    nearest, apart = pairing(found, cells)
    assert apart.max() < 0.5
    assert found.box[nearest] == pytest.approx(cells.box, abs=1.0)
    assert (found.confidence == 1).all()


def test_undoing_the_erosion_is_right_on_average(scattered):
    cells = scattered(np.random.default_rng(9), 400, 80, (8.0, 14.0))
    found = find_objects(perfect_map(cells, 400, 400), SETTINGS, GROWTH)
    nearest, _ = pairing(found, cells)
    sides = found.box[nearest, 2:] - found.box[nearest, :2]
    assert abs((sides.mean(axis=1) / 2 - cells.circle[:, 2]).mean()) < 0.15


def test_overlapping_circles_come_apart_where_they_were_split(circles):
    cells = circles((20.0, 20.0, 10.0), (34.0, 20.0, 10.0))
    found = find_objects(perfect_map(cells, 40, 60), SETTINGS, GROWTH)
    nearest, _ = pairing(found, cells)
    left, right = found.box[nearest]
    # Half-way between the centres is x = 27.
    assert left[2] == pytest.approx(27, abs=1)
    assert right[0] == pytest.approx(27, abs=1)


def test_a_cell_at_the_border_ends_there(circles):
    found = find_objects(perfect_map(circles((1.0, 20.0, 10.0)), 40, 40), SETTINGS, GROWTH)
    assert found.box[0] == pytest.approx([0, 10, 11, 30], abs=1)
    assert found.contour[0][0].min() >= 0


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_a_map_below_the_faint_threshold_has_no_object(value):
    assert len(find_objects(np.full((30, 30), value, np.float32), SETTINGS, GROWTH)) == 0


def test_a_faint_cell_is_found_and_ranks_last():
    probability = discs(40, 80, (20, 20, 6, 0.9), (60, 20, 6, 0.25))
    found = find_objects(probability, SETTINGS, GROWTH)
    order = np.argsort(-found.confidence)
    assert found.confidence[order] == pytest.approx([0.9, 0.25], abs=1e-6)
    assert found.xy[order] == pytest.approx(np.array([[20, 20], [60, 20]]), abs=1e-6)


def test_a_faint_rim_does_not_glue_bright_cells_together():
    probability = np.maximum(
        discs(40, 60, (20, 20, 10, 0.28), (35, 20, 10, 0.28)),
        discs(40, 60, (20, 20, 6, 0.9), (35, 20, 6, 0.9)),
    )
    found = find_objects(probability, SETTINGS, GROWTH)
    assert found.confidence == pytest.approx([0.9, 0.9], abs=1e-6)


def test_touching_kernels_are_cut_at_the_waist():
    # Two discs of radius 8 whose centres are 13 px apart: one component, waist at x = 26.5, where half its
    # height is √(8² − 6.5²) = 4.7, less than three quarters of 8.
    found = find_objects(discs(40, 60, (20, 20, 8, 0.9), (33, 20, 8, 0.9)), SETTINGS, GROWTH)
    assert len(found) == 2
    assert sorted(found.xy[:, 0]) == pytest.approx([19.7, 33.3], abs=0.7)


def test_a_small_kernel_beside_a_large_one_is_not_swallowed():
    # Distances inside reach 12 and 5: a threshold relative to the component's largest would lose the small.
    found = find_objects(discs(50, 60, (20, 25, 12, 0.9), (35.5, 25, 5, 0.9)), SETTINGS, GROWTH)
    assert len(found) == 2


def test_specks_are_opened_away_and_small_objects_dropped():
    probability = discs(40, 60, (20, 20, 6, 0.9))
    probability[5, 50] = 0.9
    assert len(find_objects(probability, SETTINGS, GROWTH)) == 1
    # A cell of radius 6 + 4 has 314 px².
    assert len(find_objects(probability, SETTINGS, growth(330.0))) == 0
    assert len(find_objects(probability, SETTINGS, growth(290.0))) == 1


def test_flooding_crowded_components_alone_equals_flooding_everything():
    generator = np.random.default_rng(5)
    xy = generator.uniform(0, 200, (90, 2))
    probability = discs(
        200, 200, *((x, y, r, 0.9) for (x, y), r in zip(xy, generator.uniform(5, 9, 90), strict=True))
    )
    opened = foreground(probability, SETTINGS).opened
    labels = separate(components(opened), inner_distance(components(opened)), SETTINGS, reach_px=6.0)
    assert (labels > 0).tolist() == opened.tolist()
    # The oracle floods the whole map at once, from one seed pixel set per object: the object's own core.
    distance = ndimage.distance_transform_edt(opened)
    core = np.where(
        distance >= ndimage.maximum(distance, labels, np.arange(labels.max() + 1))[labels] * 0.95, labels, 0
    )
    flooded = watershed(-distance, core, mask=opened)
    assert (flooded == labels).mean() > 0.995


def test_the_centre_is_that_of_the_object_and_inside_its_outline(circles):
    found = find_objects(perfect_map(circles((20.2, 17.6, 10.0)), 40, 40), SETTINGS, GROWTH)
    assert found.xy[0] == pytest.approx([20.2, 17.6], abs=0.3)
    assert found.box[0] == pytest.approx([10.2, 7.6, 30.2, 27.6], abs=1)


def ridge(*heights):
    """A map whose cross-section runs through these heights, 8 px from one to the next."""
    along = np.interp(np.arange(8 * len(heights)), 8 * np.arange(len(heights)) + 4, heights)
    return np.pad(np.tile(along, (9, 1)), 6).astype(np.float32)


def summits(probability, **settings):
    """How many objects the foreground above 0.1 falls into."""
    settings = dataclasses.replace(SETTINGS, seeds="map", smooth=0.0, **settings)
    return separate_summits(probability > 0.1, probability, settings)


def test_a_pixel_that_hangs_on_by_a_corner_is_not_given_to_another_part():
    probability = np.zeros((12, 24), np.float32)
    probability[4:7, 2:5] = 0.9
    # Two summits that touch, and a pixel at a corner of them, in a part of its own.
    probability[4:7, 10:19] = [0.9, 0.9, 0.9, 0.3, 0.3, 0.3, 0.9, 0.9, 0.9]
    probability[7, 19] = 0.5
    labels = summits(probability, rise=0.2)
    assert set(labels[4:7, 2:5].ravel()) == {1}
    assert set(labels[4:7, 10:19].ravel()) == {2, 3}
    assert labels[7, 19] == 0


def test_a_summit_is_a_cell_if_the_pass_to_a_higher_one_is_deep_enough():
    # Summits 0.9, 0.6, 0.8; the passes between them lie 0.05 below the second and 0.4 below the third.
    heights = (0.2, 0.9, 0.55, 0.6, 0.4, 0.8, 0.2)
    assert summits(ridge(*heights), rise=0.3).max() == 2
    assert summits(ridge(*heights), rise=0.1).max() == 2
    assert summits(ridge(*heights), rise=0.04).max() == 3
    assert summits(ridge(*heights), rise=0.5).max() == 1
    # The cut runs through the pass: 4 px into the fifth interval, behind 6 px of margin.
    labels = summits(ridge(*heights), rise=0.1)
    changes = np.flatnonzero(np.diff(labels[10, 6:-6]))
    assert abs(changes - (8 * 4 + 4)).max() <= 1


def test_every_component_has_a_summit_however_low():
    probability = discs(60, 60, (15, 15, 8, 0.15), (45, 45, 8, 0.9))
    labels = summits(probability, rise=0.3)
    assert set(np.unique(labels[probability > 0.1])) == {1, 2}


def test_touching_cells_of_one_breadth_come_apart_by_their_cones_alone():
    # Two cones of radius 10, 12 px apart, cut out low: the foreground has no waist, the map has a pass.
    low = dataclasses.replace(SETTINGS, lowest=0.1, highest=0.1)
    probability = np.maximum(*(cone(40, 60, x, 20, 10) for x in (24, 36)))
    by_depth = find_objects(probability, low, GROWTH)
    by_map = find_objects(probability, dataclasses.replace(low, seeds="map"), GROWTH)
    assert len(by_depth) == 1
    assert sorted(by_map.xy[:, 0]) == pytest.approx([23.5, 36.5], abs=1.0)


def cone(height, width, cx, cy, r):
    y, x = np.mgrid[:height, :width] + 0.5
    return np.clip(1 - np.hypot(x - cx, y - cy) / r, 0, 1).astype(np.float32)


@pytest.mark.parametrize("seed", range(6))
def test_peaks_are_those_of_a_dilation_by_a_disc(seed):
    generator = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(generator.normal(size=(120, 130)), 2 + seed)
    distance = inner_distance(components(noise > 0))
    reach, fraction = generator.uniform(2, 25), generator.uniform(0.4, 1)
    largest = ndimage.maximum_filter(distance, footprint=disc(reach) > 0, mode="constant")
    expected = (distance > 0) & (distance >= np.float32(fraction) * largest)
    assert peaks(distance, fraction, reach).tolist() == expected.tolist()


def test_flooding_to_the_background_ends_half_way_between():
    # Radius 6; the background's marker begins 0.2 · 20 = 4 px further out, so both floods meet 2 px outside.
    probability = discs(40, 80, (20, 20, 6, 0.9), (60, 20, 6, 0.9))
    wide = dataclasses.replace(SETTINGS, flooding="background", surround=0.2)
    plain = Growth(regrowth=lambda _: Regrowth(), smallest_px2=30.0)
    found, narrow = (find_objects(probability, s, plain) for s in (wide, SETTINGS))
    assert len(found) == len(narrow) == 2
    grown = (found.box[:, 2:] - found.box[:, :2]) - (narrow.box[:, 2:] - narrow.box[:, :2])
    assert grown == pytest.approx(np.full((2, 2), 4.0), abs=1.0)


def test_touching_kernels_stay_apart_when_the_background_floods_too():
    wide = dataclasses.replace(SETTINGS, flooding="background")
    assert len(find_objects(discs(40, 60, (20, 20, 8, 0.9), (33, 20, 8, 0.9)), wide, GROWTH)) == 2


def test_less_of_the_shrinking_can_be_undone():
    probability = discs(40, 40, (20, 20, 6, 0.9))
    half = find_objects(probability, dataclasses.replace(SETTINGS, undo=0.5), growth(30.0))
    # Radius 6 and half of 4 px.
    assert half.box[0] == pytest.approx([12, 12, 28, 28], abs=0.6)


def test_a_map_that_is_foreground_everywhere_is_one_object_within_the_image():
    everything = Growth(regrowth=lambda _: Regrowth(share=1.0), smallest_px2=30.0)
    found = find_objects(np.ones((50, 70), np.float32), SETTINGS, everything)
    assert found.box.tolist() == [[0, 0, 70, 50]]

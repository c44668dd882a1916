"""Many objects at a time, beside each of them alone by scikit-image and OpenCV."""

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import find_contours

from bmbench.adapters.unet.labelled_pixels import LabelledPixels, stacks
from bmbench.adapters.unet.object_outlines import boxes_of, grown_outlines
from bmbench.adapters.unet.segmentation import components, inner_distance
from bmbench.core.geometry import clip_ring, ring_area


def discs(generator, shape):
    """Labels with gaps between the numbers, of discs of which later ones lie below."""
    labels = np.zeros(shape, np.int32)
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    for label in range(1, 50, 2):
        middle, radius = generator.uniform(0, shape), generator.uniform(0.6, 9)
        labels[(np.hypot(y - middle[0], x - middle[1]) < radius) & (labels == 0)] = label
    return labels


def blobs(generator, shape):
    """Labels of bent objects, with holes, that touch the edge."""
    smooth = ndimage.gaussian_filter(generator.normal(size=shape), generator.uniform(0.5, 2.5))
    return ndimage.label(smooth > np.quantile(smooth, 0.65))[0].astype(np.int32)


def in_parts(generator, shape):
    """Three labels, each of many parts."""
    return generator.integers(0, 4, shape).astype(np.int32)


def outline_alone(mask, by_px):
    """The level line of the distance to one object, one pixel beyond the image kept."""
    margin = int(np.ceil(by_px)) + 2
    distance = ndimage.distance_transform_edt(np.pad(~mask, margin, constant_values=True))
    distance = distance.astype(np.float32).astype(np.float64)[margin - 2 :, margin - 2 :]
    distance = distance[: mask.shape[0] + 4, : mask.shape[1] + 4]
    distance[[0, -1]] = distance[:, [0, -1]] = by_px + 1
    rings = find_contours(distance, by_px + 0.5)
    outer = max(rings, key=ring_area)[:-1]
    return clip_ring(outer[:, ::-1] - 1.5, mask.shape[1], mask.shape[0])


@pytest.mark.parametrize("drawn", [discs, blobs, in_parts])
# 3.5 and √2 − ½ put the level on the very distance of pixels.
@pytest.mark.parametrize("growth", [0.0, 3.5, 2**0.5 - 0.5, None])
def test_outlines_are_those_of_each_object_alone(drawn, growth):
    generator = np.random.default_rng(3)
    labels = drawn(generator, (70, 90))
    objects = LabelledPixels.of(labels)
    by_px = generator.uniform(0, 8, len(objects)) if growth is None else np.full(len(objects), growth)
    found = grown_outlines(objects, by_px)
    numbers = np.unique(labels[labels > 0])
    assert len(found) == len(numbers)
    for ring, number, by in zip(found, numbers, by_px.tolist(), strict=True):
        alone = outline_alone(labels == number, by)
        assert ring.shape == alone.shape
        assert ring == pytest.approx(alone, abs=1e-9)


def test_outlines_of_a_wide_object_and_of_more_than_fit_into_one_map():
    labels = np.zeros((900, 1700), np.int32)
    labels[:3, :] = 1
    for number, (row, column) in enumerate(np.ndindex(40, 60), 2):
        labels[20 + 20 * row : 24 + 20 * row, 20 + 25 * column : 26 + 25 * column] = number
    found = grown_outlines(LabelledPixels.of(labels), np.zeros(2401))
    boxes = boxes_of(found)
    assert boxes[0].tolist() == [0, 0, 1700, 3]
    assert boxes[1].tolist() == [20, 20, 26, 24]
    assert boxes[-1].tolist() == [20 + 25 * 59, 800, 26 + 25 * 59, 804]


def test_an_outline_far_beyond_the_image_is_that_of_the_image():
    labels = discs(np.random.default_rng(2), (30, 40))
    for ring in grown_outlines(LabelledPixels.of(labels), np.full(len(np.unique(labels)) - 1, 1e7)):
        assert boxes_of([ring]).tolist() == [[0, 0, 40, 30]]


def test_objects_that_are_laid_under_each_other_keep_their_distance():
    labels = blobs(np.random.default_rng(1), (200, 200))
    objects, boxes, _ = LabelledPixels.of(labels).by_side(1)
    seen = 0
    for stack in stacks(objects, boxes, np.full(len(objects), 3), beyond=3):
        owner = np.zeros(stack.shape, np.int32)
        owner.ravel()[stack.place] = objects.owner(stack.part) + 1
        assert np.count_nonzero(owner) == len(stack.place)
        for number in range(1, owner.max() + 1):
            near = cv2.dilate((owner == number).astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
            assert set(np.unique(owner[near])) <= {0, number}
        seen += owner.max()
    assert seen == len(objects) == labels.max()


@pytest.mark.parametrize("seed", range(3))
def test_inner_distance_is_that_of_the_whole_map(seed):
    opened = blobs(np.random.default_rng(seed), (150, 130)) > 0
    wanted = ndimage.distance_transform_edt(opened)
    assert inner_distance(components(opened)) == pytest.approx(np.where(opened, wanted - 0.5, 0), abs=1e-5)


def test_inner_distance_without_an_edge_ends_at_the_longer_side():
    assert (inner_distance(components(np.ones((4, 9), bool))) == 9).all()
    assert (inner_distance(components(np.zeros((4, 9), bool))) == 0).all()

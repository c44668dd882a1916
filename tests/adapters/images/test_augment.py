"""Image and geometry move together: shapes drawn from the moved geometry are the shapes of the patch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from bmbench.adapters.images.augment import Affine, augment, blurred, cut, draw_window, move
from bmbench.core.geometry import ring_area
from bmbench.core.types import Annotations, Role

SEEDS = st.integers(0, 2**32 - 1)
# No symmetry, right angles only (a bilinear sample rounds sharper corners off by more than half a pixel).
HOOK = np.array([[0.0, 0], [40, 0], [40, 14], [16, 14], [16, 30], [0, 30]])


def coverage(rings, height, width, fine=8):
    """(height, width) share of each pixel inside an odd number of the rings, counted on a fine grid."""
    centres = (np.arange(fine) + 0.5) / fine
    x = (np.arange(width)[:, None] + centres).ravel()
    y = (np.arange(height)[:, None] + centres).ravel()
    inside = np.zeros((len(y), len(x)), int)
    for ring in rings:
        for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            rows = (ay > y) != (by > y)
            if rows.any():
                inside[rows] += (ax + (y[rows] - ay) * (bx - ax) / (by - ay))[:, None] > x
    return (inside % 2).reshape(height, fine, width, fine).mean(axis=(1, 3))


def picture(rings, height, width):
    return np.repeat(np.rint(255 * coverage(rings, height, width))[:, :, None], 3, axis=2).astype(np.uint8)


def distance_to(rings, points):
    """(n,) distance of each point to the nearest edge."""
    best = np.full(len(points), np.inf)
    for ring in rings:
        for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            along = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
            best = np.minimum(best, np.hypot(*(points - a - along[:, None] * (b - a)).T))
    return best


def contours(*rings):
    box = np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in rings])
    return Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, contour=tuple((ring,) for ring in rings))


def assert_agrees(patch, moved):
    """Beyond half a pixel of the moved outlines, bright pixels are inside and dark ones outside."""
    size = len(patch)
    rings = [ring for rings in moved.contour for ring in rings]
    inside = coverage(rings, size, size, fine=1) > 0
    centres = np.stack(np.meshgrid(*[np.arange(size) + 0.5] * 2), axis=-1).reshape(-1, 2)
    clear = distance_to(rings, centres).reshape(size, size) > 0.5
    assert_array_equal((patch[:, :, 0] >= 128)[clear], inside[clear])


@settings(max_examples=40)
@given(seed=SEEDS, place=st.tuples(st.floats(10, 250), st.floats(10, 170)), size=st.sampled_from([64, 97]))
def test_contours_move_with_the_picture(seed, place, size):
    """Any angle, mirrored or not; the window inside the image."""
    hook = HOOK + place
    image = picture([hook], 210, 300)
    patch, moved = augment(image, contours(hook), size, np.random.default_rng(seed), most_blur_px=0)
    assert patch.shape == (size, size, 3)
    assert_agrees(patch, moved)


@settings(max_examples=40)
@given(
    seed=SEEDS,
    extent=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    size=st.integers(1, 150),
    blur_px=st.sampled_from([0.0, 0.1, 0.17, 0.5, 1.0]),
)
def test_every_grey_level_is_the_one_that_scipy_gives_but_for_a_rounding(seed, extent, size, blur_px):
    """OpenCV weighs neighbours in 32nds before its version 5, and rounds before it blurs."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*extent, 3), np.uint8)
    window = draw_window(*extent[::-1], size, rng)
    offset = window(np.full((1, 2), 0.5))[0, ::-1] - 0.5
    shown = [
        ndimage.affine_transform(
            image[:, :, channel].astype(np.float32),
            window.matrix[::-1, ::-1],
            offset=offset,
            output_shape=(size, size),
            order=1,
            mode="reflect",
        )
        for channel in range(3)
    ]
    if blur_px:
        shown = [ndimage.gaussian_filter(one, blur_px, mode="reflect", truncate=3.0) for one in shown]
    patch = blurred(cut(image, window, size), blur_px)
    assert_allclose(patch, np.stack(shown, axis=-1), rtol=0, atol=2 + 2 * 255 / 64)
    assert abs(patch - np.stack(shown, axis=-1)).mean() < 4


@settings(max_examples=25)
@given(seed=SEEDS, place=st.tuples(st.floats(2, 28), st.floats(2, 18)))
def test_beyond_the_edge_picture_and_annotations_are_mirrored_alike(seed, place):
    """The window is larger than the image in both directions; the gap to the mirrored shape is resolved."""
    hook = HOOK + place
    image = picture([hook], 50, 70)
    patch, moved = augment(image, contours(hook), 96, np.random.default_rng(seed), most_blur_px=0)
    assert len(moved) > 1
    assert_agrees(patch, moved)


@settings(max_examples=40)
@given(seed=SEEDS, place=st.tuples(st.floats(30, 170), st.floats(30, 120)))
def test_circles_move_with_the_picture(seed, place):
    """The centre of brightness of a soft blob is the moved circle's centre, blurred or not."""
    y, x = np.mgrid[:150, :200] + 0.5
    blob = 250 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * 4.0**2))
    image = np.repeat(np.rint(blob)[:, :, None], 3, axis=2).astype(np.uint8)
    circle = np.array([[*place, 18.0]])
    box = np.concatenate([circle[:, :2] - 18, circle[:, :2] + 18], axis=1)
    given_circle = Annotations.of(xy=circle[:, :2], box=box, circle=circle)
    patch, moved = augment(image, given_circle, 80, np.random.default_rng(seed))
    whole = (moved.box >= 0).all() and (moved.box <= 80).all()
    if len(moved) == 0 or not whole:
        return
    weight = patch[:, :, 0].astype(float)
    rows, columns = np.mgrid[:80, :80] + 0.5
    seen = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    assert_allclose(moved.xy[0], seen, atol=0.1)
    assert_allclose(moved.circle[0], [*moved.xy[0], 18])
    assert_allclose(moved.box[0], [*(moved.xy[0] - 18), *(moved.xy[0] + 18)])


@given(seed=SEEDS)
def test_shapes_keep_their_size_and_ids(seed):
    """A turn and a mirror change no area, no radius and no side of a square box; labels and roles stay."""
    hook = HOOK + np.array([80, 60])
    box = np.array([[80.0, 60, 120, 90], [90, 60, 110, 80], [70, 50, 130, 110]])
    marked = Annotations.of(
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        circle=np.array([[0.0, 0, 0], [0, 0, 0], [100, 80, 30]]),
        contour=((hook,), (), ()),
        label=np.array([2, 0, 1]),
        role=np.array([Role.CELL, Role.ARTEFACT, Role.IGNORE]),
        region=np.array([False, False, True]),
    )
    window = draw_window(200, 160, 150, np.random.default_rng(seed))
    moved = move(marked, window.inverse(), 150, image_size=(200, 160))
    for row in range(len(moved)):
        source = moved.label[row]
        assert (moved.role[row], moved.region[row]) == {
            2: (Role.CELL, False),
            0: (Role.ARTEFACT, False),
            1: (Role.IGNORE, True),
        }[source]
        side = moved.box[row, 2:] - moved.box[row, :2]
        if source == 2:
            assert ring_area(moved.contour[row][0]) == pytest.approx(ring_area(hook))
        else:
            assert_allclose(side, 20 if source == 0 else 60)


def test_a_box_alone_turns_as_the_ellipse_that_fills_it():
    angle = np.linspace(0, 2 * np.pi, 20_000)
    ellipse = np.column_stack([50 + 20 * np.cos(angle), 40 + 8 * np.sin(angle)])
    marked = Annotations.of(xy=np.array([[50.0, 40]]), box=np.array([[30.0, 32, 70, 48]]))
    window = draw_window(100, 80, 40, np.random.default_rng(5))
    to_patch = window.inverse()
    moved = move(marked, to_patch, 40, image_size=(100, 80))
    expected = to_patch(ellipse)
    assert_allclose(moved.box[0], [*expected.min(axis=0), *expected.max(axis=0)], atol=1e-4)


@pytest.mark.parametrize(
    ("centre", "kept"),
    [((-3.0, 20.0), True), ((-5.5, 20.0), False), ((-3.0, -3.0), True), ((-4.0, -4.0), False)],
)
def test_an_object_is_kept_if_any_of_it_is_visible(centre, kept):
    """A circle of radius 5 near a corner of the patch: its box reaches in where the circle does not."""
    x, y = centre
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    ring = np.array(centre) + 5 * np.column_stack([np.cos(angle), np.sin(angle)])
    box = np.array([[x - 5, y - 5, x + 5, y + 5]])
    here = Affine(matrix=np.eye(2), shift=np.zeros(2))
    for marked in (
        Annotations.of(xy=np.array([centre]), box=box, circle=np.array([[x, y, 5.0]])),
        Annotations.of(xy=np.array([centre]), box=box, contour=((ring,),)),
    ):
        moved = move(marked, here, 40, image_size=(40, 40))
        assert len(moved) == int(kept)
        if kept:
            assert_allclose(moved.box, box, atol=1e-3)


@given(seed=SEEDS)
def test_the_window_stays_inside_an_image_that_is_large_enough(seed):
    corners = np.array([[0.0, 0], [64, 0], [64, 64], [0, 64]])
    seen = draw_window(120, 92, 64, np.random.default_rng(seed))(corners)
    assert (seen >= -1e-9).all()
    assert (seen <= np.array([120, 92]) + 1e-9).all()
    seen = draw_window(40, 500, 64, np.random.default_rng(seed))(corners)
    assert (seen[:, 1] >= -1e-9).all()
    assert (seen[:, 1] <= 500 + 1e-9).all()


def test_windows_differ_in_angle_place_and_mirror_and_reach_everywhere():
    rng = np.random.default_rng(0)
    windows = [draw_window(300, 300, 64, rng) for _ in range(400)]
    middles = np.array([window(np.array([[32.0, 32]]))[0] for window in windows])
    assert (middles.min(axis=0) < 50).all()
    assert (middles.max(axis=0) > 250).all()
    mirrored = np.mean([np.linalg.det(window.matrix) < 0 for window in windows])
    assert 0.4 < mirrored < 0.6
    angles = np.array([np.arctan2(window.matrix[1, 1], window.matrix[0, 1]) for window in windows])
    assert (np.histogram(angles, bins=8, range=(-np.pi, np.pi))[0] > 25).all()


def test_the_same_generator_gives_the_same_patch_and_another_one_another():
    image = np.random.default_rng(1).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    marked = contours(HOOK + 20)
    patches = [augment(image, marked, 48, np.random.default_rng(seed))[0] for seed in (3, 3, 4)]
    assert_array_equal(patches[0], patches[1])
    assert (patches[0] != patches[2]).any()
    assert image.dtype == patches[0].dtype


def test_a_map_of_no_effect_copies_the_pixels():
    image = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    corner = Affine(matrix=np.eye(2), shift=np.array([7.0, 3.0]))
    assert_array_equal(cut(image, corner, 20), image[3:23, 7:27])
    quarter = Affine(matrix=np.array([[0.0, -1], [1, 0]]), shift=np.array([20.0, 0.0]))
    assert_array_equal(cut(image, quarter, 20), np.rot90(image[:20, :20]))


def test_blur_softens_slightly_and_in_half_of_the_patches():
    """Noise loses contrast where blurred; turning alone by bilinear sampling cannot explain that much."""
    image = np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    here = Affine(matrix=np.eye(2), shift=np.zeros(2))
    sharp, soft = (blurred(cut(image, here, 100), blur).std() for blur in (0.0, 1.0))
    # White noise after a Gaussian of 1 px keeps 1 / (2 sqrt(pi)) = 28 % of its standard deviation.
    assert soft / sharp == pytest.approx(0.28, abs=0.02)
    empty = Annotations.empty()
    spread = [
        augment(image, empty, 64, np.random.default_rng(s), most_blur_px=50)[0].std() for s in range(60)
    ]
    assert 15 < np.sum(np.array(spread) < 20) < 45


@settings(max_examples=25)
@given(seed=SEEDS, scale=st.sampled_from([0.6, 1.4, 2.0]))
def test_a_patch_of_another_scale_shows_larger_or_smaller_objects(seed, scale):
    """What is twice as wide in the patch is drawn twice as wide; a circle's radius too."""
    place = (110, 90)
    hook = HOOK + place
    image = picture([hook], 210, 300)
    rng = np.random.default_rng(seed)
    patch, moved = augment(image, contours(hook), 128, rng, most_blur_px=0, scale=scale)
    assert_agrees(patch, moved)
    circle = np.array([[150.0, 105.0, 12.0]])
    box = np.array([[138.0, 93.0, 162.0, 117.0]])
    marked = Annotations.of(xy=circle[:, :2], box=box, circle=circle)
    window = draw_window(300, 210, 128, np.random.default_rng(seed), scale=scale)
    turned = move(marked, window.inverse(), 128, image_size=(300, 210))
    if len(turned):
        assert_allclose(turned.circle[:, 2], 12 / scale)
        assert_allclose(turned.box[:, 2:] - turned.box[:, :2], 24 / scale)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_beyond_every_edge_the_image_is_mirrored_again_and_again(channels):
    """Also where one side of a window alone lies inside the image, which is then cut before it is turned."""
    image = np.random.default_rng(1).integers(0, 256, (13, 17, channels), dtype=np.uint8).squeeze()
    around = np.pad(image, ((60, 60), (60, 60)) + ((0, 0),) * (image.ndim - 2), mode="symmetric")
    for left, top in ((-40, -33), (-3, 2), (2, -3), (9, 5), (30, 20), (4, 3)):
        corner = Affine(matrix=np.eye(2), shift=np.array([left, top], float))
        for nearest in (False, True):
            shown = cut(image, corner, 10, nearest=nearest)
            assert_array_equal(shown, around[60 + top : 70 + top, 60 + left : 70 + left])


def test_patches_are_cut_from_images_of_more_pixels_a_side_than_opencv_takes():
    image = np.arange(40_000 * 6 * 3, dtype=np.uint32).astype(np.uint8).reshape(6, 40_000, 3)
    corner = Affine(matrix=np.eye(2), shift=np.array([39_000.0, -2.0]))
    assert_array_equal(cut(image, corner, 5)[2:], image[:3, 39_000:39_005])

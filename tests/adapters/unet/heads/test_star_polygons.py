"""Star-convex polygons: shared areas by hand and by counting, and what is suppressed, asked pair by pair."""

import itertools

import numpy as np
import pytest

from bmbench.adapters.unet.heads.settings import StarSettings
from bmbench.adapters.unet.heads.star_polygons import (
    RAYS,
    directions,
    shared_areas,
    star_polygons,
    suppress_polygons,
)
from bmbench.core.geometry import ring_area, rings_mask


def square(rays, half):
    """Distances to a square's sides from its middle."""
    return half / np.abs(directions(rays)).max(axis=1)


def counted(one, other, *, side=40, finer=20):
    """The shared area, counted in pixels a twentieth as wide."""
    masks = [rings_mask((ring * finer,), side * finer, side * finer) > 0 for ring in (one, other)]
    return float((masks[0] & masks[1]).sum()) / finer**2


def test_the_first_corner_lies_to_the_right_and_the_ninth_below():
    corners = star_polygons(np.array([[10.0, 20.0]]), np.arange(1.0, RAYS + 1)[None])[0]
    assert corners[0] == pytest.approx([11, 20])
    assert corners[8] == pytest.approx([10, 29])
    assert corners[16] == pytest.approx([-7, 20])


def test_two_squares_share_a_rectangle():
    # Sides of 8 and 6; the second begins 3 to the right of the first's middle: 1 wide there, and 6 high.
    centre = np.array([[20.0, 20.0], [26.0, 20.0], [20.0, 20.0], [40.0, 20.0]])
    # Of eight rays the corners are a square's own.
    distance = np.stack([square(8, half) for half in (4.0, 3.0, 3.0, 3.0)])
    corners = star_polygons(centre, distance)
    assert shared_areas(corners[0], centre[0], corners[1:]) == pytest.approx([6.0, 36.0, 0.0], abs=1e-9)


def test_shared_areas_are_those_that_one_counts():
    rng = np.random.default_rng(0)
    for _ in range(6):
        centre = np.concatenate([[[20.0, 20.0]], 20 + rng.uniform(-9, 9, (3, 2))])
        corners = star_polygons(centre, rng.uniform(3, 10, (4, RAYS)))
        found = shared_areas(corners[0], centre[0], corners[1:])
        assert found == pytest.approx([counted(corners[0], one) for one in corners[1:]], abs=0.3)


def plainly_suppressed(centre, distance, confidence, overlap):
    """The same, every pair of polygons asked, the areas counted."""
    corners = star_polygons(centre, distance)
    kept = []
    for row in np.argsort(-confidence, kind="stable"):
        rivals = [
            counted(corners[row], corners[other]) / min(ring_area(corners[row]), ring_area(corners[other]))
            for other in kept
        ]
        if max(rivals, default=0.0) <= overlap:
            kept.append(int(row))
    return kept


def test_what_stays_is_what_stays_when_every_pair_is_asked():
    rng = np.random.default_rng(3)
    centre = rng.uniform(8, 32, (24, 2))
    distance = np.maximum(rng.uniform(3, 7, (24, 1)) + rng.normal(0, 1.2, (24, RAYS)), 0.5)
    confidence = rng.uniform(0, 1, 24)
    sizes = set()
    for overlap in (0.1, 0.4, 0.7):
        kept = suppress_polygons(centre, distance, confidence, overlap=overlap)
        assert kept.tolist() == plainly_suppressed(centre, distance, confidence, overlap)
        sizes.add(len(kept))
    assert len(sizes) == 3


def test_polygons_that_only_touch_stay_and_of_equal_ones_the_first():
    centre = np.array([[10.0, 10.0], [18.0, 10.0], [10.0, 10.0]])
    distance = np.repeat(square(8, 4.0)[None], 3, axis=0)
    assert suppress_polygons(centre, distance, np.full(3, 0.5), overlap=0.01).tolist() == [0, 1]
    none = suppress_polygons(np.zeros((0, 2)), np.zeros((0, RAYS)), np.zeros(0), overlap=0.4)
    assert none.tolist() == []


@pytest.mark.parametrize(("diameters", "n"), [(0.2, 1), (0.47, 1), (0.52, 2)])
def test_of_equal_discs_nearer_than_half_a_diameter_one_stays(diameters, n):
    # Points are learned as such. Of a lens of discs d diameters apart and one disc's area the ratio is
    # 2 / pi (acos d - d sqrt(1 - d^2)), which is 0.4 at d = 0.49.
    centre = np.array([[20.0, 20.0], [20.0 + 16 * diameters, 20.0]])
    kept = suppress_polygons(
        centre, np.full((2, RAYS), 8.0), np.array([0.8, 0.9]), overlap=StarSettings().nms_share
    )
    assert kept.tolist() == [1, 0][:n]


def test_the_published_package_keeps_the_same_polygons():
    nms = pytest.importorskip("stardist.nms", reason="the judge is the package stardist, not installed here")
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:64, :64]
    probable, distance = np.zeros((64, 64)), np.ones((64, 64, RAYS))
    for cx, cy, r in [(18, 18, 11.0), (36, 20, 10.0), (24, 42, 12.0), (46, 46, 9.0)]:
        away = np.hypot(x - cx, y - cy)
        own = (away < r) & (1 - away / r > probable)
        probable[own] = (1 - away / r)[own]
        along = (x - cx)[..., None] * directions()[:, 0] + (y - cy)[..., None] * directions()[:, 1]
        whole = np.sqrt(np.maximum(r**2 - away[..., None] ** 2 + along**2, 0)) - along
        distance[own] = whole[own]
    distance = np.maximum(distance + rng.normal(0, 0.7, distance.shape), 0.01)
    rows = np.nonzero(probable.ravel() > 0.2)[0]
    rows = rows[np.argsort(-probable.ravel()[rows], kind="stable")]
    points, scores = np.column_stack(np.divmod(rows, 64)), probable.ravel()[rows]
    far = distance.reshape(-1, RAYS)[rows]
    # The package rounds corners to whole pixels before it measures areas: of a picture 64 times as wide the
    # roundings do not matter.
    theirs = nms.non_maximum_suppression_inds(
        (64 * far).astype(np.float32),
        (64 * points).astype(np.int32),
        scores.astype(np.float32),
        thresh=0.4,
        verbose=False,
    )
    ours = suppress_polygons(points[:, ::-1].astype(float), far, scores, overlap=0.4)
    assert sorted(ours.tolist()) == np.flatnonzero(theirs).tolist()
    assert 4 <= len(ours) < len(rows) / 4


def test_a_star_far_away_shares_nothing_however_it_turns():
    one = star_polygons(np.array([[0.0, 0.0]]), np.full((1, RAYS), 3.0))[0]
    away = [np.array(xy) for xy in itertools.product((-9.0, 0.0, 9.0), repeat=2) if any(xy)]
    others = star_polygons(np.array(away), np.full((8, RAYS), 3.0))
    assert shared_areas(one, np.zeros(2), others) == pytest.approx(np.zeros(8), abs=1e-9)

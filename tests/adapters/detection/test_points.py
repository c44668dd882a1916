"""Sets of points: cells whose centres are near each other are one, however little their boxes overlap."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters import METHODS
from bmbench.adapters.detection.detector import BoxDetector, _merged
from bmbench.adapters.detection.merging.clustering import Votes
from bmbench.adapters.detection.merging.suppression import drop_near
from bmbench.adapters.detection.networks.families import FAMILIES, TrainingFacts
from bmbench.adapters.detection.settings.common import CommonSettings
from bmbench.adapters.detection.targets import are_points
from bmbench.adapters.method import is_installed
from bmbench.core.types import Annotations, Role

from ..conftest import circles
from ..small import tiny


def square(*xyr):
    return np.array([(x - r, y - r, x + r, y + r) for x, y, r in xyr], float)


def naive(shapes, confidence, distance, label):
    """The rule by its words: from the most confident down, what is near one that stays is dropped."""
    middle = (shapes[:, :2] + shapes[:, 2:]) / 2
    stays = []
    for row in sorted(range(len(shapes)), key=lambda row: (-confidence[row], *shapes[row])):
        if all(
            label[row] != label[other] or np.hypot(*(middle[row] - middle[other])) >= distance
            for other in stays
        ):
            stays.append(row)
    return sorted(stays)


@given(st.integers(0, 10_000), st.integers(0, 40), st.sampled_from([3.0, 10.0, 40.0]))
def test_the_most_confident_of_those_near_each_other_stays(seed, n, distance):
    rng = np.random.default_rng(seed)
    shapes = square(*np.column_stack([rng.uniform(0, 60, (n, 2)), rng.uniform(2, 12, n)]))
    shapes = shapes.reshape(-1, 4)
    confidence, label = rng.uniform(0, 1, n), rng.integers(0, 2, n)
    kept = drop_near(shapes, confidence, distance=distance, label=label)
    assert kept.tolist() == naive(shapes, confidence, distance, label)


def test_what_is_as_far_as_the_distance_stays():
    # Two pairs 10 px apart: of the first 10 is not nearer than 10, of the second it is than 10.5.
    shapes = square((20, 20, 4), (30, 20, 4))
    assert drop_near(shapes, np.array([0.9, 0.8]), distance=10.0).tolist() == [0, 1]
    assert drop_near(shapes, np.array([0.8, 0.9]), distance=10.5).tolist() == [1]


FACTS = TrainingFacts(
    factor=0.5, mean=(0, 0, 0), deviation=(1, 1, 1), anchors=(), classes=1, masks=False, points=True
)
# A cell of 24 px at working scale is 48 px wide here; nearer than 0.4 of that, 19.2 px, is near.


def merged(facts, **changes):
    """What is left of two votes of one view, 18 px apart, whose boxes hardly overlap."""
    votes = Votes(
        shapes=square((60, 60, 12), (78, 60, 12)),
        confidence=np.array([0.7, 0.9]),
        label=np.zeros(2, np.int64),
        view=np.zeros(2, np.int64),
        expected=np.ones(2),
        centrality=np.ones(2),
    )
    return _merged(votes, [(), ()], (200, 200), facts, CommonSettings(**changes))


@pytest.mark.parametrize(
    ("points", "changes", "x"),
    [
        (True, {}, [78]),
        (False, {}, [78, 60]),
        (False, {"centre_nms": "on"}, [78]),
        (True, {"centre_nms": "off"}, [78, 60]),
        (True, {"centre_share": 0.0}, [78, 60]),
        # 0.35 of 48 px are 16.8 px.
        (True, {"centre_share": 0.35}, [78, 60]),
    ],
)
def test_near_centres_are_one_cell_where_points_were_learned_or_where_it_is_asked_for(points, changes, x):
    found = merged(dataclasses.replace(FACTS, points=points), **changes)
    assert found.xy[:, 0].tolist() == x


def nearest_px(found, *, side):
    """The least distance between two centres, of what lies whole within the image."""
    inside = ((found.box[:, :2] > 0) & (found.box[:, 2:] < side)).all(axis=1)
    xy = found.xy[inside]
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    return apart[np.triu_indices(len(xy), 1)].min()


@pytest.mark.parametrize("name", FAMILIES)
def test_no_family_says_two_cells_where_one_point_was_meant(name):
    if not is_installed(METHODS.get(name)):
        pytest.skip(f"what {name} needs is not installed here")
    # An untaught network says something at every place, up to 16 px apart, and all of it is kept.
    settings = tiny(
        METHODS.get(name), cell_px=16.0, views=1, least_confidence=0.0, nms_iou=0.95, wbc_iou=0.95
    )
    settings = dataclasses.replace(settings, wbc_floor=0.0, anms_share=1.0, centre_share=1.5)
    family, shapes = FAMILIES[name], square(*((20, 20, r) for r in (6, 7, 8, 9)))
    shapes = np.column_stack([shapes[:, :2] + 8, shapes[:, 2] - 20]) if family.circles else shapes
    facts = dataclasses.replace(FACTS, factor=1.0, anchors=family.anchors(shapes, settings))
    image = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = family.build(settings, facts).eval()
    said = {
        points: BoxDetector(
            family=name,
            settings=settings,
            facts=dataclasses.replace(facts, points=points),
            network=network,
        ).predict(image)
        for points in (False, True)
    }
    near_px = 1.5 * 16
    assert nearest_px(said[False], side=96) < near_px <= nearest_px(said[True], side=96)


def boxes(*xyr):
    return Annotations.of(xy=np.array(xyr, float)[:, :2], box=square(*xyr))


@pytest.mark.parametrize(
    ("annotated", "expected"),
    [
        ([circles((10, 10, 8), (40, 40, 8)), circles((20, 20, 8))], True),
        ([circles((10, 10, 8), (40, 40, 8)), circles()], True),
        ([circles((10, 10, 8), (40, 40, 8)), circles((20, 20, 8.1))], False),
        # One circle is no evidence.
        ([circles((10, 10, 8))], False),
        ([boxes((10, 10, 8), (40, 40, 8))], False),
        # An artefact may be larger.
        ([circles((10, 10, 8), (40, 40, 8)), circles((20, 20, 30), role=Role.ARTEFACT)], True),
    ],
)
def test_points_are_known_by_their_circles_of_one_size(annotated, expected):
    assert are_points(annotated) is expected


def test_cells_with_outlines_are_no_points():
    one = circles((10, 10, 8), (40, 40, 8))
    ring = np.array([[2.0, 2], [18, 2], [18, 18]])
    assert not are_points([dataclasses.replace(one, contour=((ring,), ()))])

"""Sets of points: cells whose centres are near each other are one, however little their boxes overlap."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters.detection.detector import _merged
from bmbench.adapters.detection.merging.clustering import Votes
from bmbench.adapters.detection.merging.suppression import drop_near
from bmbench.adapters.detection.networks.families import TrainingFacts
from bmbench.adapters.detection.settings.common import CommonSettings
from bmbench.adapters.detection.targets import are_points
from bmbench.core.types import Annotations, Role

from ..conftest import circles


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

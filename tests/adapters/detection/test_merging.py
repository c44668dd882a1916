"""Overlaps, suppression and weighted box clustering of boxes and circles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

torch = pytest.importorskip("torch")
import torchvision

from bmbench.adapters.detection.merging.clustering import Clustering, Votes, cluster
from bmbench.adapters.detection.merging.overlaps import are_circles, overlapping
from bmbench.adapters.detection.merging.suppression import drop_nested, suppress
from bmbench.adapters.detection.views import MIRRORS, centrality, mirrored
from bmbench.core.geometry import circle_box, circle_iou, circle_shared_area
from bmbench.core.types import GroundTruth, Predictions, Role
from bmbench.metrics import Protocol, evaluate

from . import naive_merging as naive

KINDS = pytest.mark.parametrize("kind", ["boxes", "circles"])
cases = st.integers(0, 2**32 - 1)


def drawn(kind, n, seed, *, spread=60.0, sizes=(4.0, 30.0)):
    """Random shapes, of all sizes alike on a logarithmic scale."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, spread, (n, 2))
    half = np.exp(rng.uniform(*np.log(sizes), (n, 2))) / 2
    return np.column_stack([xy, half[:, 0]]) if kind == "circles" else np.column_stack([xy - half, xy + half])


def votes_of(shapes, seed, *, views=4, labels=1):
    rng = np.random.default_rng(seed)
    n = len(shapes)
    return Votes(
        shapes=shapes,
        confidence=rng.choice([0.2, 0.5, 0.9], n) if seed % 2 else rng.uniform(0.01, 1, n),
        label=rng.integers(0, labels, n),
        view=rng.integers(0, views, n),
        expected=rng.integers(1, 2 * views, n).astype(float),
        centrality=rng.uniform(0.4, 1, n),
    )


def plain_votes(shapes, confidence, *, expected, view=None):
    n = len(shapes)
    return Votes(
        shapes=np.array(shapes, float),
        confidence=np.array(confidence, float),
        label=np.zeros(n, np.int64),
        view=np.arange(n) if view is None else np.array(view),
        expected=np.full(n, float(expected)),
        centrality=np.ones(n),
    )


@given(
    st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.floats(0.5, 9)),
    st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.floats(0.5, 9)),
)
def test_the_lens_of_two_circles_is_the_integral_of_the_chords_they_share(a, b):
    def chord(x):
        one, other = (np.sqrt(np.maximum(r * r - (x - cx) ** 2, 0)) for cx, _, r in (a, b))
        return np.maximum(np.minimum(a[1] + one, b[1] + other) - np.maximum(a[1] - one, b[1] - other), 0)

    ends = max(a[0] - a[2], b[0] - b[2]), min(a[0] + a[2], b[0] + b[2])
    expected = 0.0
    if ends[0] < ends[1]:
        x = np.linspace(*ends, 20_001)
        expected = integrate.trapezoid(chord(x), x)
    shared = circle_shared_area(np.array([a]), np.array([b]))[0]
    assert shared == pytest.approx(expected, abs=1e-2)
    union = np.pi * (a[2] ** 2 + b[2] ** 2) - expected
    assert circle_iou(np.array([a]), np.array([b]))[0] == pytest.approx(expected / union, abs=1e-3)


def test_circles_that_touch_contain_or_equal_each_other():
    one = np.array([[0.0, 0, 2], [0, 0, 2], [0, 0, 2], [0, 0, 2], [5, 5, 0]])
    other = np.array([[4.0, 0, 2], [1, 0, 1], [0, 0, 2], [0.5, 0, 1], [5, 5, 0]])
    # Outside, one point in common; inside, one point in common; equal; strictly inside; two points.
    assert circle_iou(one, other) == pytest.approx([0, 1 / 4, 1, 1 / 4, 0])


@KINDS
@pytest.mark.parametrize("iou", [0.0, 1e-5, 0.3, 0.5, 0.7])
def test_the_index_finds_every_pair_that_overlaps_enough(kind, iou):
    shapes = drawn(kind, 75, 5, sizes=(0.5, 200.0), spread=150.0)
    # Each once more, nearly: pairs of all sizes overlap much.
    shapes = np.concatenate([shapes, shapes * np.random.default_rng(0).uniform(0.995, 1.005, shapes.shape)])
    pairs = overlapping(shapes, np.arange(150), above_iou=iou)
    expected = {
        (i, j)
        for i in range(150)
        for j in range(150)
        if i != j and naive.iou(tuple(shapes[i]), tuple(shapes[j])) > iou
    }
    assert len(expected) > 40
    assert set(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True)) == expected
    for one, other, value in zip(pairs.one, pairs.other, pairs.iou, strict=True):
        assert value == pytest.approx(naive.iou(tuple(shapes[one]), tuple(shapes[other])))


def test_only_boxes_and_circles_are_shapes():
    with pytest.raises(ValueError, match="boxes or"):
        are_circles(np.zeros((3, 2)))


@given(cases)
def test_suppression_of_boxes_is_that_of_torchvision(seed):
    boxes = drawn("boxes", 60, seed)
    rng = np.random.default_rng(seed)
    confidence, label = rng.permutation(60) / 60, rng.integers(0, 2, 60)
    theirs = torchvision.ops.nms(torch.from_numpy(boxes), torch.from_numpy(confidence), 0.3)
    assert suppress(boxes, confidence, iou=0.3).tolist() == theirs.tolist()
    theirs = torchvision.ops.batched_nms(
        torch.from_numpy(boxes), torch.from_numpy(confidence), torch.from_numpy(label), 0.3
    )
    assert suppress(boxes, confidence, iou=0.3, label=label).tolist() == theirs.tolist()


def test_a_suppressed_circle_suppresses_nothing():
    # Neighbours 6 px apart overlap by more than 0.5 of their union, those 12 px apart do not: the middle
    # one goes, and so the third one stays.
    row = np.array([[0.0, 0, 20], [6, 0, 20], [12, 0, 20]])
    pairs = overlapping(row, np.arange(3), above_iou=0.5)
    assert sorted(zip(pairs.one, pairs.other, strict=True)) == [(0, 1), (1, 0), (1, 2), (2, 1)]
    assert suppress(row, np.array([0.9, 0.8, 0.7]), iou=0.5).tolist() == [0, 2]


def nucleus_and_cell(kind):
    """A cell, its nucleus inside, a neighbour that overlaps a little, a nucleus half outside of any cell."""
    circles = np.array([[50.0, 50, 20], [52, 50, 9], [85, 50, 17], [50, 72, 8]])
    boxes = np.column_stack([circles[:, :2] - circles[:, 2:], circles[:, :2] + circles[:, 2:]])
    return circles if kind == "circles" else boxes


@KINDS
def test_a_nucleus_inside_its_cell_is_dropped_and_neighbours_stay(kind):
    shapes = nucleus_and_cell(kind)
    for confidence in ([0.9, 0.8, 0.7, 0.6], [0.1, 0.8, 0.7, 0.6]):
        assert drop_nested(shapes, np.array(confidence), share=0.7).tolist() == [0, 2, 3]


@KINDS
def test_nuclei_in_their_cells_are_the_false_alarms_that_go(kind):
    # Three cells and a fourth that overlaps the third; the first three with their nuclei.
    cells = np.array([[50.0, 50, 20], [100, 50, 20], [50, 110, 22], [88, 110, 18]])
    nuclei = np.array([[52.0, 50, 9], [100, 46, 8], [50, 112, 10]])
    drawn_, sure = np.concatenate([cells, nuclei]), np.array([0.9, 0.8, 0.7, 0.6, 0.85, 0.75, 0.95])
    shapes = drawn_ if kind == "circles" else circle_box(drawn_)
    kept = drop_nested(shapes, sure, share=0.7, rival=0.5)
    plain, without = (
        evaluate(
            truth_of(circle_box(cells)),
            predictions_of(circle_box(drawn_[rows]), sure[rows]),
            Protocol(name="drawn", radius_px=14.0),
            threshold=0.5,
        )
        for rows in (np.arange(7), kept)
    )
    # By confidence: nucleus, cell, nucleus, cell, nucleus, cell, cell. No nucleus overlaps its cell by half.
    assert (plain.bb.tp, plain.bb.fp, plain.bb.ap) == (4, 3, pytest.approx(4 / 7))
    # By its centre the first nucleus is the hit and its cell, the sixth, comes too late.
    assert (plain.cd.tp, plain.cd.fp) == (4, 3)
    assert plain.cd.ap == pytest.approx((1 + 1 + 3 / 4 + 4 / 7) / 4)
    for scores in (without.bb, without.cd):
        assert (scores.tp, scores.fp, scores.ap) == (4, 0, 1)


def truth_of(box):
    n = len(box)
    return GroundTruth(
        image_ids=(1,),
        groups=("1",),
        image=np.zeros(n, np.int64),
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        label=np.zeros(n, np.int64),
        role=np.full(n, Role.CELL, np.int64),
        region=np.zeros(n, bool),
    )


def predictions_of(box, confidence):
    zeros = np.zeros(len(box), np.int64)
    return Predictions(
        image=zeros, xy=(box[:, :2] + box[:, 2:]) / 2, box=box, confidence=confidence, label=zeros
    )


@KINDS
def test_a_faint_cell_leaves_its_sure_nucleus_where_rivals_must_be_sure(kind):
    shapes, confidence = nucleus_and_cell(kind), np.array([0.2, 0.8, 0.7, 0.6])
    assert drop_nested(shapes, confidence, share=0.7, rival=1.0).tolist() == [0, 1, 2, 3]
    # 0.2 is a quarter of 0.8.
    assert drop_nested(shapes, confidence, share=0.7, rival=0.25).tolist() == [0, 2, 3]
    assert drop_nested(shapes, confidence, share=0.7, rival=0.26).tolist() == [0, 1, 2, 3]


def test_the_share_is_that_of_the_smaller_ones_own_area():
    # 8 × 10 of 10 × 10 lies inside: 0.8 of its own area, 0.08 of the union's thousand.
    boxes = np.array([[0.0, 0, 30, 30], [22, 5, 32, 15]])
    assert drop_nested(boxes, np.ones(2), share=0.79).tolist() == [0]
    assert drop_nested(boxes, np.ones(2), share=0.8).tolist() == [0, 1]


def test_what_is_dropped_itself_drops_nothing():
    # The middle one lies in the large one; the small one in the middle one, but only half in the large one.
    boxes = np.array([[0.0, 0, 40, 40], [20, 10, 42, 20], [38, 12, 42, 16]])
    assert drop_nested(boxes, np.ones(3), share=0.6).tolist() == [0, 2]


def test_equal_ones_are_not_inside_each_other():
    assert drop_nested(np.array([[0.0, 0, 9], [0, 0, 9]]), np.ones(2), share=0.7).tolist() == [0, 1]


def test_labels_keep_nuclei_and_cells_apart_where_they_are_given():
    shapes = nucleus_and_cell("circles")
    assert drop_nested(shapes, np.ones(4), share=0.7, label=np.array([0, 1, 0, 0])).tolist() == [0, 1, 2, 3]


def test_three_of_twenty_views():
    found = cluster(plain_votes([[0, 0, 9, 9]] * 3, [0.9, 0.8, 0.7], expected=20), Clustering())
    # Equal boxes weigh the same: (0.9 + 0.8 + 0.7) / (3 + 17).
    assert found.confidence == pytest.approx([0.12])
    assert found.shapes == pytest.approx(np.array([[0, 0, 9, 9]]))
    assert found.seed.tolist() == [0]


def test_two_boxes_by_hand():
    boxes = [[0, 0, 10, 8], [0, 0, 10, 10]]
    # Seed: the second, weight 1 × 100. The first: IoU 80 / 100, area 80: 0.8 × 80 = 64.
    found = cluster(plain_votes(boxes, [0.4, 0.8], expected=2), Clustering())
    votes_for = 0.8 * 100 + 0.4 * 64
    assert found.confidence == pytest.approx([votes_for / 164])
    assert found.shapes == pytest.approx(np.array([[0, 0, 10, (80 * 10 + 25.6 * 8) / votes_for]]))
    # Two of four views are missing: 2 × the mean weight 82 more.
    found = cluster(plain_votes(boxes, [0.4, 0.8], expected=4), Clustering())
    assert found.confidence == pytest.approx([votes_for / 328])
    found = cluster(plain_votes(boxes, [0.4, 0.8], expected=4), Clustering(missing=0))
    assert found.confidence == pytest.approx([votes_for / 164])
    # Without the area: weights 1 and 0.8.
    found = cluster(plain_votes(boxes, [0.4, 0.8], expected=2), Clustering(by_area=0))
    assert found.confidence == pytest.approx([(0.8 + 0.32) / 1.8])
    # One pixel more on each side: 11 × 11 = 121, 11 × 9 = 99, IoU 99 / 121.
    found = cluster(plain_votes(boxes, [0.4, 0.8], expected=2), Clustering(pixel_offset=1))
    w = 99 / 121 * 99
    assert found.confidence == pytest.approx([(0.8 * 121 + 0.4 * w) / (121 + w)])


def test_two_circles_by_hand():
    # One inside the other: IoU (6 / 10)² = 0.36; weights 100 π and 0.36 × 36 π = 12.96 π.
    votes = plain_votes([[0, 0, 10], [2, 0, 6]], [0.5, 0.5], expected=2)
    found = cluster(votes, Clustering(iou=0.3))
    share = 12.96 / 112.96
    assert found.confidence == pytest.approx([0.5])
    assert found.shapes == pytest.approx(np.array([[2 * share, 0, 10 - 4 * share]]))
    assert len(cluster(votes, Clustering(iou=0.36)).seed) == 2


def test_a_view_that_answers_twice_is_one_view():
    boxes = [[0, 0, 10, 10]] * 2
    found = cluster(plain_votes(boxes, [0.8, 0.6], expected=2, view=[0, 0]), Clustering())
    # One of two views: (0.8 + 0.6) / (2 + 1).
    assert found.confidence == pytest.approx([1.4 / 3])


def test_a_chain_is_not_one_cluster():
    # The seed in the middle takes both ends; seeded at one end, the other end stays alone.
    row = [[0, 0, 10, 10], [3, 0, 13, 10], [6, 0, 16, 10]]
    assert len(cluster(plain_votes(row, [0.5, 0.9, 0.5], expected=1), Clustering()).seed) == 1
    assert len(cluster(plain_votes(row, [0.9, 0.8, 0.5], expected=1), Clustering()).seed) == 2


def test_touching_cells_stay_apart_at_the_default_and_merge_at_the_toolkits_threshold():
    grid = [(x * 20.0, y * 20.0) for x in range(6) for y in range(6)]
    boxes = [[x - 1, y - 1, x + 21, y + 21] for x, y in grid]
    votes = plain_votes(boxes, np.linspace(0.5, 0.9, 36), expected=1)
    assert len(cluster(votes, Clustering()).seed) == 36
    assert len(cluster(votes, Clustering(iou=1e-5)).seed) < 24


def test_the_floor_cuts_off_faint_clusters():
    votes = plain_votes([[0, 0, 9, 9], [50, 0, 59, 9]], [0.9, 0.01], expected=1)
    assert len(cluster(votes, Clustering()).seed) == 2
    assert len(cluster(votes, Clustering(floor=0.01)).seed) == 1


@KINDS
@given(seed=cases)
def test_clusters_are_those_of_the_formula(kind, seed):
    votes = votes_of(drawn(kind, 25, seed, spread=40.0), seed, labels=2)
    rows = list(
        zip(
            map(tuple, votes.shapes),
            votes.confidence,
            votes.label,
            votes.view,
            votes.expected,
            votes.centrality,
            strict=True,
        )
    )
    expected = naive.weighted_box_clustering(rows, threshold=0.2, floor=0.01)
    found = cluster(votes, Clustering(iou=0.2, floor=0.01))
    assert found.confidence == pytest.approx([confidence for _, confidence in expected])
    theirs = np.array(sorted(place for place, _ in expected))
    assert np.array(sorted(found.shapes.tolist())) == pytest.approx(theirs)


@KINDS
@given(seed=cases)
def test_no_result_depends_on_the_order_of_rows(kind, seed):
    shapes = drawn(kind, 40, seed, spread=40.0)
    votes = votes_of(shapes, seed, labels=2)
    order = np.random.default_rng(seed + 1).permutation(40)
    columns = ("shapes", "confidence", "label", "view", "expected", "centrality")
    shuffled = Votes(**{name: getattr(votes, name)[order] for name in columns})
    one, other = cluster(votes, Clustering()), cluster(shuffled, Clustering())
    assert np.array_equal(one.shapes, other.shapes)
    assert np.array_equal(one.confidence, other.confidence)
    assert np.array_equal(one.seed, order[other.seed])
    kept = suppress(shapes, votes.confidence, iou=0.2)
    assert np.array_equal(kept, order[suppress(shapes[order], votes.confidence[order], iou=0.2)])
    kept = drop_nested(shapes, votes.confidence, share=0.5)
    assert set(kept) == set(order[drop_nested(shapes[order], votes.confidence[order], share=0.5)])


@KINDS
def test_many_rows_are_taken_in_parts_as_in_one(kind, monkeypatch):
    votes = votes_of(drawn(kind, 400, 3, spread=200.0), 2)
    in_one = cluster(votes, Clustering(iou=0.3))
    monkeypatch.setattr("bmbench.adapters.detection.merging.suppression._FIRST_ROWS", 7)
    assert np.array_equal(cluster(votes, Clustering(iou=0.3)).seed, in_one.seed)


@KINDS
def test_nothing_gives_nothing(kind):
    shapes = drawn(kind, 0, 0)
    assert len(cluster(votes_of(shapes, 0), Clustering()).seed) == 0
    assert len(suppress(shapes, np.zeros(0), iou=0.5)) == 0
    assert len(drop_nested(shapes, np.zeros(0), share=0.5)) == 0


def test_shapes_without_area_are_no_clusters():
    found = cluster(plain_votes([[5, 5, 5, 9], [0, 0, 9, 9]], [0.9, 0.8], expected=1), Clustering())
    assert found.shapes.tolist() == [[0, 0, 9, 9]]


@KINDS
@pytest.mark.parametrize("flip", MIRRORS)
def test_a_mirrored_shape_lies_on_its_mirror_image(kind, flip):
    shapes = np.array([[3.0, 2, 8, 9]]) if kind == "boxes" else np.array([[6.0, 5, 3]])
    there = mirrored(shapes, width=20, height=12, flip=flip)
    y, x = np.mgrid[:12, :20] + 0.5

    def painted(shape):
        if kind == "circles":
            return np.hypot(x - shape[0], y - shape[1]) < shape[2]
        return (x > shape[0]) & (x < shape[2]) & (y > shape[1]) & (y < shape[3])

    view = np.s_[:: -1 if flip[1] else 1, :: -1 if flip[0] else 1]
    assert np.array_equal(painted(there[0]), painted(shapes[0])[view])
    assert np.array_equal(mirrored(there, width=20, height=12, flip=flip), shapes)


def test_the_middle_of_a_tile_is_most_central():
    corner, size = np.array([[10.0, 20.0]]), np.array([[40.0, 80.0]])
    assert centrality(np.array([[30.0, 60.0]]), corner, size) == pytest.approx([1])
    # On the middle of the left edge: one axis at 1 half side, exp(−1 / (2 × 0.64)) = 0.4578.
    assert centrality(np.array([[10.0, 60.0]]), corner, size) == pytest.approx([(0.4578 + 1) / 2], abs=1e-4)
    assert centrality(np.array([[50.0, 100.0]]), corner, size) == pytest.approx([0.4578], abs=1e-4)

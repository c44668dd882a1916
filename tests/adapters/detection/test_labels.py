"""Several classes of cells: their labels, and one class for each cell that is found."""

import numpy as np
import pytest

from bmbench.adapters.detection.labels import labels_of, one_class_each
from bmbench.adapters.detection.merging.clustering import Clustering, Votes, cluster
from bmbench.core.types import Annotations, Role


def test_an_artefact_comes_after_the_cells_and_one_class_looks_at_no_label():
    objects = Annotations.of(
        xy=np.zeros((4, 2)),
        box=np.zeros((4, 4)),
        label=np.array([2, 0, 1, 5]),
        role=np.array([Role.CELL, Role.CELL, Role.IGNORE, Role.ARTEFACT]),
    )
    assert labels_of(objects, 3).tolist() == [2, 0, 1, 3]
    assert labels_of(objects, 1).tolist() == [0, 0, 0, 1]


def test_two_classes_in_one_place_are_one_cell_and_an_artefact_is_none():
    # Rows 0, 1, 3 lie in one place; of the cells 0 and 1 the surer stays, 3 is an artefact, 2 lies elsewhere.
    box = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10], [0, 0, 10, 10]], float)
    confidence, label = np.array([0.4, 0.6, 0.1, 0.9]), np.array([0, 1, 0, 2])
    assert one_class_each(box, confidence, label, cells=2, iou=0.5).tolist() == [1, 2, 3]
    assert one_class_each(box, confidence, label, cells=1, iou=0.5).tolist() == [0, 1, 2, 3]
    # The two cells share 9 × 10 of 11 × 10 pixels: IoU 0.82.
    assert one_class_each(box, confidence, label, cells=2, iou=0.85).tolist() == [0, 1, 2, 3]


def votes(label, kind, confidence):
    n = len(label)
    return Votes(
        shapes=np.tile([0.0, 0.0, 10.0, 10.0], (n, 1)),
        confidence=np.array(confidence),
        label=np.array(label),
        view=np.arange(n),
        expected=np.full(n, float(n)),
        centrality=np.ones(n),
        kind=None if kind is None else np.array(kind),
    )


def test_views_vote_on_the_class_of_one_cell():
    found = cluster(votes([1, 2, 2], [0, 0, 0], [0.5, 0.4, 0.3]), Clustering())
    # 0.5 for class 1, 0.4 + 0.3 for class 2; all three views saw a cell, 0.4 sure on average.
    assert found.label.tolist() == [2]
    assert found.confidence.tolist() == pytest.approx([0.4])
    apart = cluster(votes([1, 2, 2], None, [0.5, 0.4, 0.3]), Clustering())
    assert sorted(apart.label.tolist()) == [1, 2]


def test_an_artefact_never_votes_on_a_cell():
    found = cluster(votes([0, 1, 2], [0, 0, 1], [0.5, 0.4, 0.9]), Clustering())
    # Each of three views counts: (0.5 + 0.4 + 0) / 3 for the cell, (0.9 + 0 + 0) / 3 for the artefact.
    by_label = dict(zip(found.label.tolist(), found.confidence.tolist(), strict=True))
    assert by_label == pytest.approx({0: 0.3, 2: 0.3})

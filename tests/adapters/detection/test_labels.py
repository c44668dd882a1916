"""Several classes of cells: what is learned, and one class for each cell that is found."""

import dataclasses

import numpy as np
import pytest

from bmbench.adapters import METHODS
from bmbench.adapters.detection.labels import labels_of, one_class_each
from bmbench.adapters.detection.merging.clustering import Clustering, Votes, cluster
from bmbench.adapters.method import is_installed
from bmbench.core.geometry import box_iou
from bmbench.core.types import Annotations, Category, Role, Sample

from ..conftest import scattered, smear
from ..small import LEARNING, request_for, same

CLASSES = (Category(id=1, name="violet"), Category(id=2, name="orange"))
STEPS = {
    "retinanet": 90,
    "circular_retinanet": 240,
    "fcos": 90,
    "mask_rcnn": 60,
    "circular_mask_rcnn": 60,
    "yolov3": 70,
    "detectron2_retinanet": 180,
    "detectron2_mask_rcnn": 90,
    "yolov3u": 90,
    "yolo11": 90,
    "yolo26": 90,
}
"""What a detector needs to tell two colours apart."""
HERE = [name for name in STEPS if is_installed(METHODS.get(name))]


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


def coloured(number, *, side=72):
    """Violet discs of class 0 and orange ones of class 1, half and half."""
    annotations = scattered(np.random.default_rng(number), side, 9, (7.0, 9.0))
    annotations = dataclasses.replace(annotations, label=np.arange(len(annotations)) % 2)
    image = smear(annotations, side, side)
    y, x = np.mgrid[:side, :side] + 0.5
    for cx, cy, r in annotations.circle[annotations.label == 1]:
        inside = np.hypot(x - cx, y - cy) < r
        image[inside] = [250, 150, 20]
    return Sample(
        image_id=number,
        name=f"coloured_{number}",
        width=side,
        height=side,
        group=f"coloured_{number}",
        annotations=annotations,
        load=lambda: image,
    )


@pytest.mark.parametrize("name", HERE)
def test_a_detector_learns_to_tell_colours_apart(name, tmp_path):
    method, samples = METHODS.get(name), [coloured(number) for number in range(4)]
    steps = {"steps": STEPS[name], "validate_every": 90}
    request = request_for(method, samples, samples[:1], **LEARNING.get(method.family, {}) | steps)
    detector = method.fit(dataclasses.replace(request, classes=CLASSES))
    right = found = n = 0
    for one in (samples[0], coloured(9)):
        said = detector.predict(one.load())
        said = said.take(said.confidence > 0.3)
        for xy, label in zip(one.annotations.xy, one.annotations.label, strict=True):
            near = np.hypot(*(said.xy - xy).T) < 4
            n, found, right = n + 1, found + near.any(), right + (near.any() and said.label[near][0] == label)
        one_row, other = np.triu_indices(len(said), 1)
        assert not (box_iou(said.box[one_row], said.box[other]) > 0.6).any()
    assert found >= 0.7 * n
    # Guessing is right half of the time.
    assert right >= 0.9 * found
    detector.save(tmp_path)
    image = samples[1].load()
    assert same(method.load(tmp_path).predict(image), detector.predict(image))

"""Classes of cells that differ in size: the smallest one decides working scale, levels and anchors."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from torchvision.models.detection._utils import Matcher
from torchvision.ops import box_iou

from bmbench.adapters import METHODS
from bmbench.adapters.detection.class_sizes import balanced, differ, mean_by_class, suited, what_changed
from bmbench.adapters.detection.networks.anchors import anchor_sizes
from bmbench.adapters.detection.networks.retinanet import match
from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.core.progress import Silent
from bmbench.core.types import Category, Role

from ..conftest import circles, sample, smear
from ..small import request_for

RETINANET, YOLO = PROFILES["retinanet"]["quick"], PROFILES["yolo11"]["quick"]
WHITE, PLATELET = Category(id=1, name="white"), Category(id=2, name="platelet")
MEANS = {"white": 40.0, "platelet": 10.0}


def labelled(label, *xyr, role=Role.CELL):
    return dataclasses.replace(circles(*xyr, role=role), label=np.full(len(xyr), label))


def test_means_are_those_of_the_cells_of_each_class():
    annotated = [
        labelled(0, (50, 50, 20), (150, 50, 30)),
        labelled(1, (20, 20, 5)),
        labelled(1, (20, 20, 90), role=Role.ARTEFACT),
    ]
    assert mean_by_class(annotated, (WHITE, PLATELET)) == {"white": 50.0, "platelet": 10.0}
    assert mean_by_class(annotated[:1], (WHITE, PLATELET)) == {"white": 50.0}
    assert mean_by_class(annotated, ()) == {}


@pytest.mark.parametrize(
    ("means", "expected"), [({}, False), ({"a": 9.0}, False), ({"a": 9.0, "b": 17.9}, False), (MEANS, True)]
)
def test_classes_differ_from_twice_the_width_on(means, expected):
    assert differ(means) is expected


def test_the_smallest_class_is_brought_to_its_least_width_and_has_a_level_for_it():
    # All cells: 30 px on average, brought to 24 px; platelets are then 8 px wide and need twice as much. At
    # 16 px a quarter is the stride of level 2.
    got = suited(RETINANET, MEANS, mean_px=30.0)
    assert (got.cell_px, got.finest, got.coarsest) == (48.0, 2, 3)
    assert got == dataclasses.replace(RETINANET, cell_px=48.0, finest=2, most_anchors=9)
    assert "platelet 10 px" in what_changed(RETINANET, got, MEANS)
    assert "resized to 48 px instead of 24, the finest level is 2 instead of 3" in what_changed(
        RETINANET, got, MEANS
    )


def test_networks_of_fixed_levels_are_shown_larger_cells_alone():
    # 10 of 30 px at 40 px a mean cell are 13.3 px; times 1.2 is 16 px.
    got = suited(YOLO, MEANS, mean_px=30.0)
    assert got.cell_px == pytest.approx(48.0)
    assert dataclasses.replace(got, cell_px=40.0) == YOLO


@pytest.mark.parametrize(
    ("settings", "means"),
    [
        (RETINANET, {}),
        (RETINANET, {"white": 30.0, "platelet": 16.0}),
        (dataclasses.replace(RETINANET, least_class_px=0.0), MEANS),
    ],
)
def test_otherwise_all_stays_as_it_is(settings, means):
    assert suited(settings, means, mean_px=30.0) == settings
    assert what_changed(settings, settings, means) == ""


def test_a_class_that_is_large_enough_moves_no_scale():
    # 10 of 14 px at 24 px are 17.1 px: four strides of 4 px, but not of 8 px.
    got = suited(RETINANET, MEANS, mean_px=14.0)
    assert (got.cell_px, got.finest) == (24.0, 2)


def test_anchors_fit_a_rare_small_class():
    rng = np.random.default_rng(0)
    side = np.concatenate([rng.uniform(38, 42, 990), rng.uniform(9, 11, 10)])
    shapes = np.column_stack([np.zeros((1000, 2)), side, side])
    label = np.repeat([0, 1], [990, 10])
    settings = dataclasses.replace(RETINANET, finest=2)
    plain = min(anchor_sizes(shapes, settings)[0])
    fair = min(anchor_sizes(balanced(shapes, label), settings)[0])
    assert plain > 30
    assert 9 < fair < 12.5


def test_a_large_cell_is_taught_to_no_more_anchors_than_a_small_one():
    middle = torch.arange(4.0, 128.0, 8.0)
    x, y = (grid.flatten() for grid in torch.meshgrid(middle, middle, indexing="xy"))
    anchors = torch.cat([torch.stack([x - r, y - r, x + r, y + r], dim=1) for r in (8.0, 32.0)])
    target = {
        "boxes": torch.tensor([(8.0, 8, 24, 24), (40.0, 40, 104, 104)]),
        "ignored": torch.zeros(0, 4),
        "regions": torch.zeros(0, 4),
    }
    matcher = Matcher(0.5, 0.4, allow_low_quality_matches=True)
    every, few = (match(matcher, box_iou, anchors, target, most=most) for most in (0, 4))
    n_small, n_large = ((every == row).sum() for row in (0, 1))
    assert n_large > 2 * n_small
    assert [int((few == row).sum()) for row in (0, 1)] == [int(n_small), 4]
    kept = torch.where(few == 1)[0]
    overlaps = box_iou(target["boxes"][1:], anchors)[0]
    assert overlaps[kept].min() >= overlaps[(every == 1) & (few != 1)].max()
    # The others are no background.
    assert set(few[(every == 1) & (few != 1)].tolist()) == {Matcher.BETWEEN_THRESHOLDS}


class Notes(Silent):
    """A progress that keeps what it is told."""

    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


def of_two_sizes(number):
    """Four large and four small discs."""
    one = circles((18, 18, 12), (54, 18, 12), (18, 54, 12), (54, 54, 12))
    two = circles((36, 8, 3), (8, 36, 3), (64, 36, 3), (36, 64, 3))
    cells = circles(*one.circle, *two.circle)
    cells = dataclasses.replace(cells, label=np.repeat([0, 1], 4))
    image = smear(cells, 72, 72)
    return dataclasses.replace(sample(number), annotations=cells, load=lambda: image)


@pytest.mark.parametrize("told_apart", [True, False])
def test_a_detector_keeps_the_settings_that_it_was_suited_to(tmp_path, told_apart):
    method, notes = METHODS.get("retinanet"), Notes()
    request: FitRequest = request_for(method, [of_two_sizes(1)], least_class_px=12.0)
    request = dataclasses.replace(request, progress=notes, classes=(WHITE, PLATELET) if told_apart else ())
    detector = method.fit(request)
    # Circles of 24 and 6 px, 15 px on average, at 12 px a mean cell: 4.8 px, which 12 px is 2.5 times of.
    assert detector.settings.cell_px == pytest.approx(30.0 if told_apart else 12.0)
    assert any("classes differ in size" in text for text in notes.said) is told_apart
    detector.save(tmp_path)
    assert method.load(tmp_path).settings == detector.settings

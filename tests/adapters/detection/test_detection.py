"""Anchors, targets, tiles and weights of the detectors of boxes and circles."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from safetensors.torch import save_file
from scipy.spatial import cKDTree
from torchvision.models.detection._utils import Matcher
from torchvision.ops import box_iou

from bmbench.adapters import METHODS
from bmbench.adapters.detection.networks.anchors import anchor_sizes
from bmbench.adapters.detection.networks.backbone import pyramid
from bmbench.adapters.detection.networks.families import FAMILIES
from bmbench.adapters.detection.networks.mask_rcnn import Sampler
from bmbench.adapters.detection.networks.retinanet import (
    CircleAnchors,
    CircleCoder,
    as_circles,
    circle_overlap,
    match,
)
from bmbench.adapters.detection.networks.retinanet import build as build_retinanet
from bmbench.adapters.detection.networks.weights import take_weights
from bmbench.adapters.detection.networks.yolov3 import YoloV3
from bmbench.adapters.detection.networks.yolov3 import clustered_anchors as yolo_anchors
from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.adapters.detection.settings.pyramid import DetectorSettings
from bmbench.adapters.detection.settings.yolo import YoloSettings
from bmbench.adapters.detection.targets import cut_patch, masks_of, shapes_of, targets_of
from bmbench.adapters.detection.views import outline_of, stretched, tiles_of, where_accepted
from bmbench.adapters.images.working_scale import TrainingImage
from bmbench.adapters.method import is_installed
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import circle_box, circle_iou, ring_area
from bmbench.core.types import Annotations, Role

from ..conftest import circles, sample, smear
from ..small import learned, request_for, same

QUICK, YOLO_QUICK = PROFILES["retinanet"]["quick"], PROFILES["yolov3"]["quick"]

NAMES = [
    pytest.param(name, marks=pytest.mark.skipif(not there, reason=f"what {name} needs is not installed"))
    for name in FAMILIES
    for there in (is_installed(METHODS.get(name)),)
]
ATTENTIVE = {"yolo11", "yolo26", "rt_detr_v2", "deim_v2"}
"""Every place looks at the whole tile, which has to be about as large as a patch."""
WHATEVER_THE_TILE = pytest.mark.parametrize(
    "name",
    [name for name in NAMES if name.values[0] not in ATTENTIVE],
)
DETECTORS = pytest.mark.parametrize("name", NAMES)


def squares(circle):
    return torch.from_numpy(circle_box(np.array(circle, float)))


def random_circles(n, seed):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(-40, 40, (n, 2)), np.exp(rng.uniform(1, 4, n))])


def test_the_coder_gives_back_what_it_was_given():
    circle, anchor = squares(random_circles(50, 0)), squares(random_circles(50, 1))
    coder = CircleCoder()
    assert torch.allclose(coder.decode_single(coder.encode_single(circle, anchor), anchor), circle)


def test_three_numbers_by_hand():
    # Anchor at (10, 20), radius 4; circle at (14, 18), radius 8: 4 / 8, −2 / 8, log 2.
    numbers = CircleCoder().encode_single(squares([[14, 18, 8]]), squares([[10, 20, 4]]))
    assert numbers[0].tolist() == pytest.approx([0.5, -0.25, np.log(2)])


@pytest.mark.parametrize("angle", [0.3, 1.0, np.pi / 2, 2.5])
def test_a_turned_image_has_turned_circles(angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def turned(circle):
        return np.column_stack([circle[:, :2] @ turn.T, circle[:, 2]])

    circle, anchor = random_circles(40, 2), random_circles(40, 3)
    coder = CircleCoder()
    straight = coder.encode_single(squares(circle), squares(anchor)).numpy()
    after = coder.encode_single(squares(turned(circle)), squares(turned(anchor)))
    # The offset turns with the image, the growth stays: what is decoded lies on the turned circle.
    assert after.numpy()[:, :2] == pytest.approx(straight[:, :2] @ turn.T)
    assert after.numpy()[:, 2] == pytest.approx(straight[:, 2])
    decoded = as_circles(coder.decode_single(after, squares(turned(anchor)))).numpy()
    assert np.abs(decoded - turned(circle)).max() < 1e-6
    overlap = circle_overlap(squares(circle), squares(anchor))
    assert torch.allclose(circle_overlap(squares(turned(circle)), squares(turned(anchor))), overlap)


def test_anchor_circles_overlap_as_circles_do():
    one, other = random_circles(30, 4), random_circles(20, 5)
    one[0], one[1] = other[0], (*other[1, :2], other[1, 2] / 2)
    found = circle_overlap(squares(one), squares(other)).numpy()
    for row in range(30):
        assert found[row] == pytest.approx(circle_iou(np.tile(one[row], (20, 1)), other), abs=1e-7)


def test_anchors_spread_over_the_cells_in_equal_ratios():
    boxes = np.array([[0, 0, side, side] for side in np.geomspace(8, 128, 2001)])
    settings = DetectorSettings(finest=3, coarsest=4, scales=2)
    # Four anchors over a range of 16 without its tails, 16 ** 0.96: each a quarter, its middle an eighth.
    low, ratio = 8 * 16**0.02, 16**0.96
    expected = [low * ratio ** (k / 8) for k in (1, 3, 5, 7)]
    found = anchor_sizes(boxes, settings)
    assert np.ravel(found) == pytest.approx(expected, rel=1e-2)
    assert len(found) == 2
    assert anchor_sizes(circles((9.0, 9.0, 5.0)).circle, QUICK) == ((10.0,) * 4,)


def test_circular_anchors_keep_their_radius():
    assert CircleAnchors(((7.5,),), ((1.0,),)).cell_anchors[0].tolist() == [[-3.75, -3.75, 3.75, 3.75]]


def mixed():
    """A contour, a weak circle, a box alone."""
    ring = np.array([[10.0, 10], [30, 10], [30, 20], [10, 20]])
    return Annotations.of(
        xy=np.array([[20.0, 15], [50, 50], [83, 84]]),
        box=np.array([[10.0, 10, 30, 20], [40, 40, 60, 60], [80, 80, 86, 88]]),
        circle=np.array([[0.0, 0, 0], [50, 50, 10], [0, 0, 0]]),
        contour=((ring,), (), ()),
    )


def test_only_weak_circles_are_made_smaller():
    boxes = shapes_of(mixed(), circles=False, weak_shrink=0.1)
    assert boxes.tolist() == [[10, 10, 30, 20], [41, 41, 59, 59], [80, 80, 86, 88]]
    round_ = shapes_of(mixed(), circles=True, weak_shrink=0.1)
    # Mean sides 15 and 7 around the boxes' centres.
    assert round_.tolist() == [[20, 15, 7.5], [50, 50, 9], [83, 84, 3.5]]


def test_a_box_ends_at_the_patch_and_a_circle_goes_on():
    # The first is half outside to the left, of the second a tenth is visible.
    annotations = circles((0.0, 30.0, 10.0), (58.0, 30.0, 10.0))
    boxes = targets_of(annotations, 50, circles=False, weak_shrink=0)
    assert boxes.shapes.tolist() == [[0, 20, 10, 40]]
    assert boxes.ignored.tolist() == [[48, 20, 50, 40]]
    found = targets_of(annotations, 50, circles=True, weak_shrink=0)
    assert found.shapes.tolist() == [[0, 30, 10]]
    assert found.ignored.tolist() == [[58, 30, 10]]


def test_artefacts_are_a_label_and_ignored_objects_none():
    annotations = dataclasses.replace(
        circles((10.0, 10.0, 5.0), (30.0, 10.0, 5.0), (10.0, 30.0, 5.0), (30.0, 30.0, 5.0)),
        role=np.array([Role.CELL, Role.ARTEFACT, Role.IGNORE, Role.IGNORE]),
        region=np.array([False, False, False, True]),
    )
    found = targets_of(annotations, 50, circles=True, weak_shrink=0)
    assert found.label.tolist() == [0, 1]
    assert found.ignored.tolist() == [[10, 30, 5]]
    assert found.regions.tolist() == [[25, 25, 35, 35]]


def target(boxes, ignored=(), regions=()):
    return {
        name: torch.tensor(values, dtype=torch.float32).reshape(-1, 4)
        for name, values in (("boxes", boxes), ("ignored", ignored), ("regions", regions))
    }


def test_anchors_on_ignored_objects_learn_nothing_unless_they_are_on_a_cell():
    matcher = Matcher(0.5, 0.4, allow_low_quality_matches=True)
    anchors = torch.tensor([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]]).float()
    here = target([[0, 0, 10, 10]], ignored=[[1, 0, 11, 10], [20, 0, 30, 11]], regions=[[44, 4, 90, 9]])
    # On the cell; on an ignored object; middle (45, 5) in the region; middle (65, 5) too.
    assert match(matcher, box_iou, anchors, here).tolist() == [0, -2, -2, -2]
    here = target([], ignored=[[20, 0, 30, 11]])
    assert match(matcher, box_iou, anchors, here).tolist() == [-1, -2, -1, -1]


def test_the_sampler_draws_by_its_seed_alone():
    labels = [torch.tensor([1] * 30 + [0] * 60 + [-1] * 10), torch.tensor([0] * 5)]
    sampler = Sampler(40, 0.25)
    positive, negative = sampler(labels)
    assert [mask.sum().item() for mask in positive] == [10, 0]
    assert [mask.sum().item() for mask in negative] == [30, 5]
    assert not positive[0][30:].any()
    assert not negative[0][:30].any()
    assert not negative[0][90:].any()
    before = torch.get_rng_state()
    again = sampler(labels)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(again[0][0], positive[0])
    sampler.seed = 1
    assert not torch.equal(sampler(labels)[0][0], positive[0])


def test_what_lies_beyond_the_image_is_ignored_in_a_patch_that_is_cut():
    source = TrainingImage(image=sample(1).load(), annotations=sample(1).annotations)
    patch = cut_patch(source, 48, 0, 64)
    # 24 rows of 72 are left: below them the mirror.
    assert patch.image.shape == (64, 64, 3)
    assert np.array_equal(patch.image[24:48], patch.image[23::-1])
    assert patch.annotations.box[patch.annotations.region].tolist() == [[0, 24, 64, 64]]
    cells = patch.annotations.take(~patch.annotations.region)
    assert cells.xy == pytest.approx(source.annotations.xy - (0, 48))


def test_masks_cover_what_the_outline_holds():
    ring = np.array([[4.0, 4], [20, 4], [20, 14], [4, 14]])
    hole = np.array([[8.0, 6], [12, 6], [12, 10], [8, 10]])
    beyond = np.array([[-9.0, 20], [5, 20], [5, 90], [-9, 90]])
    masks = masks_of(((ring, hole), (beyond,)), 32)
    assert masks[0].sum() == pytest.approx(ring_area(ring) - ring_area(hole), abs=0)
    assert masks[0][8, 10] == 0
    assert masks[0][5, 6] == 1
    assert masks[1][20:, :5].mean() > 0.9


def test_an_outline_fills_its_box_and_is_mirrored_with_it():
    mask = np.zeros((1, 28, 28), np.float32)
    mask[0, 4:24, 4:14] = 1
    mask[0, 4:9, 4:24] = 1
    straight = stretched(outline_of(mask, (False, False)), np.array([10.0, 20, 50, 60]))
    flipped = stretched(outline_of(mask, (True, False)), np.array([10.0, 20, 50, 60]))
    assert straight[0].min(axis=0) == pytest.approx([10, 20])
    assert straight[0].max(axis=0) == pytest.approx([50, 60])
    mirror = np.column_stack([60 - straight[0][:, 0], straight[0][:, 1]])
    assert flipped[0] == pytest.approx(mirror)
    assert outline_of(mask * 0, (False, False)) == ()


SEAMS = DetectorSettings(tile_px=64, overlap_px=32, deepest=3)


def everywhere(settings, boxes, height, width):
    """(n, tiles) whether each tile may speak of each box, and the counts that it is told."""
    tiles = tiles_of(np.zeros((height, width, 3), np.uint8), settings)
    return np.array([where_accepted(boxes, tile) for tile in tiles]).T


@pytest.mark.parametrize("size", [(64, 64), (96, 200), (130, 131)])
@pytest.mark.parametrize("half", [3.0, 12.0, 40.0])
def test_every_box_has_a_tile_and_all_its_tiles_count_alike(size, half):
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, size[::-1], (400, 2))
    boxes = np.clip(np.column_stack([xy - half, xy + half]), 0, np.tile(size[::-1], 2))
    counts = everywhere(SEAMS, boxes, *size)
    speaking = (counts > 0).sum(axis=1)
    assert (speaking >= 1).all()
    for row in range(len(boxes)):
        assert set(counts[row]) <= {0, speaking[row]}


def test_tiles_by_hand():
    # Tiles at 0, 32, 64 … of 64 px. In the first two whole; cut by the first's edge at 64; too large for any.
    boxes = np.array([[36.0, 5, 60, 20], [50, 5, 80, 20], [5, 5, 120, 20]])
    counts = everywhere(SEAMS, boxes, 64, 128)
    assert counts.tolist() == [[2, 2, 0], [0, 1, 0], [0, 1, 0]]


@DETECTORS
def test_tiles_find_each_cell_once(name):
    detector = learned(name)
    big = sample(3, side=288, n=80)
    tiled = dataclasses.replace(
        detector, settings=dataclasses.replace(detector.settings, tile_px=96, overlap_px=48)
    )
    found = tiled.predict(big.load())
    sure = found.take(found.confidence > 0.4)
    distance = np.linalg.norm(big.annotations.xy[:, None] - sure.xy[None], axis=2)
    assert ((distance < 5).sum(axis=1) == 1).mean() > 0.8
    # Some are found twice in one tile alone.
    assert ((distance < 5).sum(axis=1) <= 1).mean() > 0.97


@WHATEVER_THE_TILE
def test_a_crowd_in_one_tile_is_found_whole(name):
    """As many cells as a tile holds: no cap before or after suppression may cut some off."""
    one, one_tile = learned(name), {"tile_px": 1024, "views": 1}
    detector = dataclasses.replace(one, settings=dataclasses.replace(one.settings, **one_tile))
    cells, image = crowd(1000, 21)
    found = detector.predict(image)
    sure = found.take(found.confidence > 0.3)
    near, _ = cKDTree(sure.xy).query(cells.xy)
    assert len(cells) > 2000
    assert (near < 5).mean() > 0.98


def crowd(side, step):
    """Cells in a square grid: the same 64 of them, drawn once, side by side."""
    rng = np.random.default_rng(0)
    block = [
        (*((np.array(at) + 0.5) * step + rng.uniform(-1, 1, 2)), rng.uniform(7, 9)) for at in np.ndindex(8, 8)
    ]
    cells, n = circles(*block), side // step // 8 + 1
    image = np.tile(smear(cells, 8 * step, 8 * step), (n, n, 1))[:side, :side]
    xy = np.concatenate([cells.xy + 8 * step * np.array(at) for at in np.ndindex(n, n)])
    whole = (xy < side - step / 2).all(axis=1)
    return circles(*np.column_stack([xy, np.full(len(xy), 8.0)])[whole]), image


@DETECTORS
def test_a_mirrored_image_is_answered_in_the_mirror(name):
    image = sample(17).load()
    straight = learned(name).predict(image)
    mirrored = learned(name).predict(image[:, ::-1])
    assert mirrored.confidence == pytest.approx(straight.confidence, abs=1e-4)
    sure = straight.confidence > 0.3
    assert sure.any()
    assert 72 - mirrored.xy[sure, 0] == pytest.approx(straight.xy[sure, 0], abs=1e-2)


@DETECTORS
def test_a_member_that_finds_nothing_votes_against(name):
    method, image = METHODS.get(name), sample(17).load()
    one = learned(name)
    all_clusters = dataclasses.replace(one.settings, wbc_floor=0.0, anms_share=1.0)
    one = dataclasses.replace(one, settings=all_clusters)
    deaf = dataclasses.replace(one, network=_deaf(one.network))
    assert len(deaf.predict(image)) == 0
    alone, both = one.predict(image), method.ensemble([one, deaf]).predict(image)
    alone, both = (found.take(np.lexsort(found.box.T)) for found in (alone, both))
    assert both.box == pytest.approx(alone.box)
    # Of eight views at most four find it. Each that answers twice weighs twice: half the confidence is left,
    # or more.
    left = both.confidence / alone.confidence
    assert left.min() == pytest.approx(0.5)
    assert left.max() < 1
    assert same(method.ensemble([one, deaf]).predict(image), method.ensemble([deaf, one]).predict(image))


def _deaf(network):
    """The network with a floor of confidence that nothing reaches."""
    import copy

    other = copy.deepcopy(network)
    if hasattr(other, "settings"):
        other.settings = dataclasses.replace(other.settings, least_confidence=1.0)
    for module in other.modules():
        for threshold in ("score_thresh", "test_score_thresh"):
            if hasattr(module, threshold):
                setattr(module, threshold, 1.0)
    return other


@DETECTORS
def test_members_of_other_settings_are_no_ensemble(name):
    one = learned(name)
    other = dataclasses.replace(one, settings=dataclasses.replace(one.settings, nms_iou=0.3))
    with pytest.raises(BadInputError, match="not members of one ensemble"):
        METHODS.get(name).ensemble([one, other])


def test_masks_are_learned_where_every_cell_has_an_outline():
    method = METHODS.get("mask_rcnn")
    plain = sample(1)
    ring = [
        np.column_stack([x + r * np.cos(a), y + r * np.sin(a)])
        for (x, y, r) in plain.annotations.circle
        for a in [np.linspace(0, 2 * np.pi, 24, endpoint=False)]
    ]
    outlined = dataclasses.replace(
        plain, annotations=dataclasses.replace(plain.annotations, contour=tuple((r,) for r in ring))
    )
    found = method.fit(request_for(method, [outlined])).predict(smear(plain.annotations, 72, 72))
    assert found.contour
    assert all(found.contour)
    assert not any(method.fit(request_for(method, [plain])).predict(plain.load()).contour)
    with pytest.raises(BadInputError, match="not every training cell has one"):
        method.fit(request_for(method, [plain], mask="on"))


def small_retinanet(seed, **changes):
    torch.manual_seed(seed)
    settings = dataclasses.replace(QUICK, width=8, deepest=3, **changes)
    return build_retinanet(settings, ((10.0,) * 4,), classes=1, circles=False), settings


def test_weights_of_a_file_take_the_place_of_fresh_ones(tmp_path):
    state = torch.get_rng_state()
    donor, settings = small_retinanet(0)
    network, _ = small_retinanet(1)
    torch.set_rng_state(state)
    for name, weights in (
        ("whole.safetensors", donor.state_dict()),
        ("body.safetensors", donor.backbone.body.state_dict()),
    ):
        save_file({key: value.contiguous() for key, value in weights.items()}, tmp_path / name)
    said = take_weights(network, str(tmp_path / "body.safetensors"), family="retinanet", settings=settings)
    body, other = network.backbone.body.state_dict(), donor.backbone.body.state_dict()
    assert all(torch.equal(body[key], other[key]) for key in body)
    assert said.startswith(f"{len(body)} of {len(network.state_dict())} weights")
    take_weights(network, str(tmp_path / "whole.safetensors"), family="retinanet", settings=settings)
    whole = network.state_dict()
    assert all(torch.equal(whole[key], value) for key, value in donor.state_dict().items())


@pytest.mark.parametrize(
    ("weights", "family", "message"),
    [
        ("nowhere.pth", "retinanet", "file not found"),
        ("imagenet", "retinanet", "no ImageNet weights of a resnet10"),
        ("coco", "circular_retinanet", "no COCO weights of a circular_retinanet"),
        ("coco", "retinanet", "no COCO weights of a retinanet on a resnet10"),
    ],
)
def test_weights_that_cannot_be_had_are_one_line(weights, family, message):
    with pytest.raises(BadInputError, match=message) as raised:
        take_weights(torch.nn.Identity(), weights, family=family, settings=QUICK)
    assert "\n" not in str(raised.value)


def test_a_file_of_something_else_is_no_weights(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"nothing")
    with pytest.raises(BadInputError, match="not a file of weights"):
        take_weights(torch.nn.Identity(), str(tmp_path / "a.pth"), family="retinanet", settings=QUICK)
    save_file({"a": torch.zeros(2)}, tmp_path / "b.safetensors")
    state = torch.get_rng_state()
    network, settings = small_retinanet(0)
    torch.set_rng_state(state)
    with pytest.raises(BadInputError, match="no weight fits"):
        take_weights(network, str(tmp_path / "b.safetensors"), family="retinanet", settings=settings)


@pytest.mark.parametrize(("finest", "coarsest", "deepest"), [(2, 2, 2), (2, 3, 4), (3, 3, 5), (3, 5, 5)])
def test_the_pyramid_has_the_levels_that_are_asked_for(finest, coarsest, deepest):
    state = torch.get_rng_state()
    network = pyramid(dataclasses.replace(QUICK, finest=finest, coarsest=coarsest, deepest=deepest, width=8))
    torch.set_rng_state(state)
    maps = network(torch.zeros(1, 3, 64, 96))
    assert {int(level): tuple(value.shape[1:]) for level, value in maps.items()} == {
        level: (8, 64 >> level, 96 >> level) for level in range(finest, coarsest + 1)
    }
    sum(value.sum() for value in maps.values()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize(
    "changes",
    [{"finest": 4}, {"deepest": 6}, {"overlap_px": 1024}, {"steps": 0}, {"normalisation": "frozen"}],
)
def test_settings_that_make_no_sense_are_refused(changes):
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(QUICK, **changes)


YOLO = YoloSettings(finest=2, coarsest=3, width=8)
YOLO_ANCHORS = ((6.0, 6.0, 10.0, 6.0, 6.0, 10.0), (12.0, 12.0, 20.0, 20.0, 40.0, 40.0))


def small_yolo(settings=YOLO, anchors=YOLO_ANCHORS, classes=2):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return YoloV3(settings, anchors, classes=classes)


def test_what_yolo_shall_say_of_a_cell_is_read_as_that_cell():
    network = small_yolo()
    truth = torch.tensor([[3.0, 5, 9, 11], [20, 30, 32, 36], [10, 8, 49, 50], [50, 50, 64, 64]])
    maps = network._maps(torch.zeros(1, 3, 64, 64))
    grids = [tuple(values.shape[2:]) for values in maps]
    assert grids == [(16, 16), (8, 8)]
    rows, offsets = network._chosen(truth, grids)
    # 6 × 6 px is the first anchor; its middle (6, 8) lies in column 1, row 2 of strides of 4 px.
    assert rows[0] == (2 * 16 + 1) * 3
    assert offsets[0].tolist() == pytest.approx([0.5, 0, 0, 0], abs=1e-6)
    raw, _ = network._answers(maps)
    raw = raw.detach().clone()[0]
    raw[rows, :2] = torch.logit(offsets[:, :2].clamp(1e-6, 1 - 1e-6))
    raw[rows, 2:4] = offsets[:, 2:]
    levels = [raw[:768], raw[768:]]
    as_maps = [
        rows_.view(side, side, 3, 7).permute(2, 3, 0, 1).reshape(1, 21, side, side)
        for rows_, side in zip(levels, (16, 8), strict=True)
    ]
    _, boxes = network._answers(as_maps)
    assert boxes[0][rows].numpy() == pytest.approx(truth.numpy(), abs=1e-3)


def test_yolo_learns_nothing_from_ignored_objects():
    network = small_yolo().train()
    image = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))]
    nothing = target([]) | {"labels": torch.zeros(0, dtype=torch.int64)}
    assert network(image, [nothing])["objectness"] > 1
    assert network(image, [nothing | {"regions": torch.tensor([[0.0, 0, 64, 64]])}])["objectness"] == 0
    half = network(image, [nothing | {"regions": torch.tensor([[0.0, 0, 64, 32]])}])["objectness"].item()
    assert half == pytest.approx(network(image, [nothing])["objectness"].item() / 2, rel=0.2)


def test_yolo_anchors_are_the_kinds_of_boxes_there_are():
    kinds = [(6, 6), (12, 6), (6, 12), (20, 20), (30, 20), (40, 40)]
    boxes = np.array([[5, 7, 5 + w, 7 + h] for w, h in kinds for _ in range(10)], float)
    found = np.reshape(yolo_anchors(boxes, YOLO), (6, 2))
    assert sorted(map(tuple, found.tolist())) == sorted(kinds)
    assert (np.diff(found.prod(axis=1)) >= 0).all()


def test_darknet_53_has_52_convolutions_and_as_many_channels_as_in_the_paper():
    paper = dataclasses.replace(YOLO_QUICK, backbone="darknet53", width=32, finest=3, coarsest=5)
    with torch.device("meta"):
        network = YoloV3(paper, ((1.0,) * 6,) * 3, classes=80)
    body = [m for part in (network.stem, network.stages) for m in part.modules()]
    convolutions = [module for module in body if isinstance(module, torch.nn.Conv2d)]
    assert len(convolutions) == 52
    assert convolutions[-1].out_channels == 1024
    assert [head[1].out_channels for head in network.heads] == [255, 255, 255]


@DETECTORS
def test_a_fit_that_was_stopped_ends_with_the_same_bytes(name, tmp_path, monkeypatch):
    class StoppedError(Exception):
        pass

    def stop(step, _, **__):
        if step == 3:
            raise StoppedError

    monkeypatch.setattr("bmbench.adapters.learning.training_state.SHARE", 0)
    method, samples = METHODS.get(name), [sample(number) for number in range(2)]
    request = request_for(method, samples, samples[:1], steps=4)
    kept = dataclasses.replace(request, state=tmp_path / "state")
    with pytest.raises(StoppedError):
        method.fit(dataclasses.replace(kept, report=stop))
    assert any((tmp_path / "state").iterdir())
    written = []
    for number, here in enumerate((request, kept)):
        folder = tmp_path / str(number)
        folder.mkdir()
        method.fit(here).save(folder)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]


@DETECTORS
def test_votes_are_merged_with_any_settings_as_a_prediction_is(name):
    method, image, detector = METHODS.get(name), sample(17).load(), learned(name)
    decode = method.infer(detector, image)
    merging = {"anms_share": 0.5, "wbc_iou": 0.3, "wbc_missing": 0.2, "wbc_area": 0.0}
    for changes in ({}, merging):
        settings = dataclasses.replace(detector.settings, **changes)
        assert same(decode(settings), dataclasses.replace(detector, settings=settings).predict(image))
    assert len(decode(detector.settings)) > 0
    assert len(decode(dataclasses.replace(detector.settings, wbc_floor=1.0))) == 0
    assert not same(decode(detector.settings), decode(dataclasses.replace(detector.settings, wbc_area=0.0)))

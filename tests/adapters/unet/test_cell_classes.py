"""Classes of cells beside a U-Net's map: targets, loss and answers by hand; one class is as ever."""

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters import METHODS
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.unet.detector import UNetDetector, ensemble, infer
from bmbench.adapters.unet.encodings.cell_classes import read_weights, weights_of_classes
from bmbench.adapters.unet.encodings.encoding import ENCODINGS, encode, encoding_of, fitted
from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC
from bmbench.adapters.unet.encodings.losses import class_loss, cross_entropy
from bmbench.adapters.unet.encodings.object_pixels import Regrowth, TargetMap
from bmbench.adapters.unet.found_cells import Growth, find_labelled
from bmbench.adapters.unet.network import build
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.adapters.unet.training import Calibration, UNetPatch, baseline_loss
from bmbench.benchmark.contract.promises import same
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rectangle
from bmbench.core.objects import with_regions
from bmbench.core.types import Category, Role

SETTINGS = UNetSettings(cell_px=20.0, opening=0.0)
TINY = UNetSettings(
    cell_px=10.0, depth=1, width=4, patch_px=32, batch=3, shard=1, steps=3, validate_every=1, tile_px=256
)
KINDS = (Category(id=1, name="a"), Category(id=2, name="b"), Category(id=3, name="c"))


def taught(name="shrink", weights=(1.0, 1.0), **changes):
    encoding = ENCODINGS.get(name)
    curve = SYNTHETIC if encoding.uses_curve else None
    return dataclasses.replace(encoding, curve=curve, cell_weights=weights, **changes)


def labelled(annotations, *labels):
    return dataclasses.replace(annotations, label=np.array(labels))


def request_of(*samples, classes=(), settings=TINY):
    return FitRequest(
        train=samples, validation=samples[:1], settings=settings, seed=0, augment=augment, classes=classes
    )


def untrained(encoding, seed=3, settings=TINY):
    torch.manual_seed(seed)
    network = build(settings, outputs=encoding.outputs, features=encoding.features(settings)).eval()
    facts = Calibration(factor=1.0, smallest_px2=20.0, mean=(200.0,) * 3, deviation=(40.0,) * 3)
    return UNetDetector(encoding=encoding, settings=settings, calibration=facts, network=network)


@pytest.mark.parametrize("name", ENCODINGS.names())
def test_a_class_is_taught_in_the_whole_of_its_cells_and_nowhere_else(name, circles):
    objects = labelled(
        circles((15.0, 15.0, 9.0), (45.0, 15.0, 9.0), (15.0, 45.0, 9.0), (45.0, 45.0, 9.0)), 1, 0, 0, 1
    )
    objects = dataclasses.replace(
        objects, role=np.array([Role.CELL, Role.CELL, Role.ARTEFACT, Role.IGNORE], np.int64)
    )
    encoding = taught(name, artefacts=True)
    plain = dataclasses.replace(encoding, cell_weights=())
    both = encode(objects, (60, 60), encoding=encoding, settings=SETTINGS)
    alone = encode(objects, (60, 60), encoding=plain, settings=SETTINGS)
    # The map and its weights are what they are without classes.
    assert np.array_equal(both.value[: plain.outputs], alone.value)
    assert np.array_equal(both.weight, alone.weight)
    y, x = np.mgrid[:60, :60] + 0.5
    discs = [np.hypot(x - cx, y - 15) < 9 for cx in (45, 15)]
    assert np.array_equal(both.value[plain.outputs :] > 0, discs)


def test_no_class_is_taught_in_ignored_regions(circles):
    cell = labelled(circles((20.0, 20.0, 10.0)), 1)
    regions = with_regions(cell, [rectangle(0, 0, 40, 20)])
    value = encode(regions, (40, 40), encoding=taught(), settings=SETTINGS).value
    assert not value[1:, :20].any()
    assert value[2, 20:].sum() == pytest.approx(np.pi * 100 / 2, rel=0.05)


def test_the_loss_by_hand():
    # Two pixels of four lie in cells: one is taught class 0 and said to be it with 1/2, one class 1 with 1/4.
    logits = torch.log(torch.tensor([[[[0.5, 0.75, 0.1, 0.9]], [[0.5, 0.25, 0.9, 0.1]]]]))
    target = torch.tensor([[[[1.0, 0, 0, 0]], [[0, 1.0, 0, 0]]]])
    found = class_loss(logits, target, (2.0, 3.0))
    assert float(found[0]) == pytest.approx((2 * np.log(2) + 3 * np.log(4)) / 4, rel=1e-6)


def test_cells_and_their_classes_are_learned_as_all_classes_and_the_background_together():
    """The chain rule: −log P(class and cell) = −log P(cell) − log P(class | cell)."""
    generator = torch.Generator().manual_seed(1)
    one, named = (torch.randn(2, k, 5, 7, generator=generator, dtype=torch.float64) for k in (1, 3))
    kind = torch.randint(0, 4, (2, 5, 7), generator=generator)
    planes = torch.stack([kind == c for c in range(3)], dim=1).double()
    target = torch.cat([planes.sum(dim=1, keepdim=True), planes], dim=1)
    encoding = taught(weights=(1.0,) * 3)
    found = encoding.loss(torch.cat([one, named], dim=1), target, torch.ones(2, 5, 7).double(), SETTINGS)
    joint = one + named.log_softmax(dim=1)
    assert torch.allclose(found, cross_entropy(joint, planes).mean(dim=(1, 2)))


@pytest.mark.parametrize("rare", [0.0, 0.5, 1.0])
def test_a_rare_class_weighs_more_by_a_power_of_its_rarity(rare, circles):
    # Areas 4 : 1 : 0: a class without cells has no weight.
    cells = labelled(circles((30.0, 30.0, 16.0), (60.0, 60.0, 8.0)), 0, 1)
    artefact = labelled(circles((90.0, 60.0, 30.0), role=Role.ARTEFACT), 1)
    weight = np.array(weights_of_classes([cells, artefact], 3, rare))
    assert weight[2] == 0
    assert weight[1] / weight[0] == pytest.approx(4**rare)
    assert weight[:2] @ [0.8, 0.2] == pytest.approx(1)


def test_more_classes_than_a_pixel_can_hold_are_refused(circles):
    with pytest.raises(BadInputError, match=r"at most 254 classes.*got 255 classes.*--classes"):
        weights_of_classes([circles((9.0, 9.0, 5.0))], 255, 0.5)


def test_no_other_constant_answer_has_a_smaller_loss(circles):
    cells = labelled(circles((12.0, 12.0, 9.0), (36.0, 12.0, 7.0), (12.0, 36.0, 6.0)), 0, 1, 1)
    encoding = taught(weights=(0.7, 1.6))
    target = encode(cells, (48, 48), encoding=encoding, settings=SETTINGS)
    patch = UNetPatch(image=np.zeros((48, 48, 3), np.uint8), target=target)
    least = baseline_loss([patch], encoding=encoding, settings=SETTINGS)
    value, weight = (torch.from_numpy(one).double()[None] for one in (target.value, target.weight))
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=100, tolerance_grad=1e-12)

    def loss():
        optimiser.zero_grad()
        said = encoding.loss(logits[None, :, None, None].expand(value.shape), value, weight, SETTINGS).sum()
        said.backward()
        return said.detach()

    optimiser.step(loss)
    assert least == pytest.approx(float(loss()), rel=1e-6)


def growth():
    return Growth(regrowth=lambda _: Regrowth(), smallest_px2=20.0)


def test_the_class_of_an_object_is_the_one_of_the_highest_mean():
    """Two squares of 10 × 10: of the left most pixels say class 0, faintly, the others class 1, surely."""
    maps = np.zeros((20, 40, 3), np.float32)
    maps[5:15, 5:15, 0], maps[5:15, 25:35, 0] = 0.9, 0.6
    maps[..., 1], maps[..., 2] = 0.55, 0.45
    maps[5:9, 5:15, 1:] = [0.1, 0.9]
    found = find_labelled(maps, SETTINGS, growth(), cells=2)
    # 0.6 · 0.55 + 0.4 · 0.1 = 0.37 for class 0, 0.6 · 0.45 + 0.4 · 0.9 = 0.63 for class 1.
    assert found.xy.tolist() == [[10.0, 10.0], [30.0, 10.0]]
    assert found.label.tolist() == [1, 0]
    # How sure it is of a cell is another question than of which class.
    assert found.confidence == pytest.approx([0.9, 0.6])


def test_an_artefact_comes_after_all_classes_and_asks_for_none():
    maps = np.zeros((20, 40, 5), np.float32)
    maps[5:15, 5:15, 0] = maps[5:15, 25:35, 1] = 0.8
    maps[..., 4] = 1.0
    found = find_labelled(maps, SETTINGS, growth(), cells=3)
    assert found.label.tolist() == [2, 3]


@pytest.mark.parametrize("artefacts", [False, True])
@pytest.mark.parametrize("name", ENCODINGS.names())
def test_perfect_maps_give_every_cell_back_with_its_class(name, artefacts, circles):
    cells = labelled(circles((15.0, 15.0, 10.0), (45.0, 16.0, 9.0), (28.0, 45.0, 11.0)), 2, 0, 1)
    encoding = taught(name, (1.0,) * 3, artefacts=artefacts)
    value = encode(cells, (60, 60), encoding=encoding, settings=SETTINGS).value
    shown = [row for row, said in enumerate((*encoding.classes, "a", "b", "c")) if said != "contour"]
    found = find_labelled(np.moveaxis(value[shown], 0, 2), SETTINGS, growth(), cells=3)
    assert found.label[np.argsort(found.xy[:, 0])].tolist() == [2, 1, 0]


def test_the_answers_are_the_map_and_a_share_of_each_class():
    encoding = taught("shrink_contour", (1.0,) * 3, artefacts=True)
    logits = torch.randn(1, 6, 4, 4, generator=torch.Generator().manual_seed(2))
    maps = encoding.maps(logits, SETTINGS)
    plain = dataclasses.replace(encoding, cell_weights=())
    assert torch.equal(maps[:, :2], plain.maps(logits[:, :3], SETTINGS))
    assert torch.allclose(maps[:, 2:].sum(dim=1), torch.ones(1, 4, 4))
    assert (maps[:, 2:].argmax(dim=1) == logits[:, 3:].argmax(dim=1)).all()


def test_a_mirrored_image_has_the_mirrored_maps_to_the_last_bit():
    detector = untrained(taught(artefacts=True))
    image = np.random.default_rng(1).integers(0, 256, (37, 61, 3), np.uint8)
    maps = detector.map(image)
    assert maps.shape == (37, 61, 4)
    assert np.array_equal(detector.map(image[:, ::-1]), maps[:, ::-1])


def test_members_of_an_ensemble_vote_by_their_mean_and_have_the_same_classes():
    one, other = untrained(taught(), 1), untrained(taught(), 2)
    image = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
    joined = ensemble([one, other])
    mean = (one.map(image) + other.map(image)) / np.float32(2)
    wanted = find_labelled(
        mean,
        TINY,
        Growth(regrowth=lambda at: one.encoding.regrowth(at, TINY), smallest_px2=TINY.smallest * 20),
        cells=2,
    )
    assert same(joined.predict(image), wanted)
    assert same(infer(joined, image)(TINY), wanted)
    # Three classes are as many outputs as two and artefacts.
    artefacts, three = untrained(taught(artefacts=True)), untrained(taught(weights=(1.0,) * 3))
    assert artefacts.encoding.outputs == three.encoding.outputs
    with pytest.raises(BadInputError, match="not members of one ensemble"):
        ensemble([artefacts, three])


def test_its_card_brings_the_classes_back_and_one_class_leaves_the_card_as_it_was():
    encoding = taught("statistical", (0.25, 1.5))
    card = json.loads(json.dumps(encoding.to_card()))
    assert dataclasses.astuple(encoding_of(card)) == dataclasses.astuple(encoding)
    assert set(dataclasses.replace(encoding, cell_weights=()).to_card()) == {"name", "artefacts", "curve"}


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [1.0, float("nan")], [1.0] * 255, "ab", 7])
def test_a_card_with_other_weights_is_refused(weights):
    with pytest.raises((ValueError, TypeError)):
        read_weights(weights)


def test_without_classes_their_settings_change_no_byte(sample):
    """Nor do the labels of cells: they mean nothing then."""
    one = sample(1)
    named = dataclasses.replace(one, annotations=labelled(one.annotations, *range(len(one.annotations))))
    other = dataclasses.replace(TINY, features=7, class_loss=5.0, rare_classes=1.0)
    method = METHODS.get("unet_shrink")
    plain, changed = (method.fit(request_of(s, settings=t)) for s, t in ((one, TINY), (named, other)))
    assert [w.numpy().tobytes() for w in plain.network.state_dict().values()] == [
        w.numpy().tobytes() for w in changed.network.state_dict().values()
    ]
    assert same(plain.predict(one.load()), changed.predict(one.load()))
    assert fitted("shrink", request_of(named)).outputs == 1


def test_classes_are_learned_from_the_request_and_survive_saving(sample, tmp_path):
    one = sample(1)
    named = dataclasses.replace(
        one, annotations=labelled(one.annotations, *(np.arange(len(one.annotations)) % 3))
    )
    detector = METHODS.get("unet_sigmoid").fit(request_of(named, classes=KINDS))
    assert detector.encoding.cells == 3
    assert np.array_equal(
        detector.encoding.cell_weights, weights_of_classes([named.annotations], 3, TINY.rare_classes)
    )
    detector.save(tmp_path)
    again = METHODS.get("unet_sigmoid").load(tmp_path)
    assert same(again.predict(one.load()), detector.predict(one.load()))
    card = json.loads((tmp_path / "unet.json").read_text())
    card["encoding"]["cell_weights"] = [1.0, 1.0]
    (tmp_path / "unet.json").write_text(json.dumps(card))
    with pytest.raises(BadInputError, match=str(tmp_path)):
        METHODS.get("unet_sigmoid").load(tmp_path)


def test_a_patch_beyond_the_edge_teaches_no_class():
    """What is padded has a class of nothing, and no weight."""
    target = TargetMap(value=np.zeros((3, 8, 8), np.float32), weight=np.zeros((8, 8), np.float32))
    value, weight = torch.from_numpy(target.value)[None], torch.from_numpy(target.weight)[None]
    logits = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert float(taught().loss(logits, value, weight, SETTINGS)) == 0

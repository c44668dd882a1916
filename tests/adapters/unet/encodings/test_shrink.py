"""The target of `unet_shrink` and its loss."""

import numpy as np
import pytest
from scipy import ndimage

torch = pytest.importorskip("torch")

from bmbench.adapters.unet.encodings.encoding import ENCODINGS, encode
from bmbench.adapters.unet.encodings.losses import map_loss
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.types import Annotations, Role

SETTINGS = UNetSettings(cell_px=20.0, shrink=0.2)  # erosion by 4 px


def target_of(annotations: Annotations, height: int, width: int):
    return encode(annotations, (height, width), encoding=ENCODINGS.get("shrink"), settings=SETTINGS)


def loss_of(logits, target, weight, settings):
    return map_loss(logits, target[:, None], weight, settings, class_weight=[settings.foreground_weight])


def joined(*parts: Annotations) -> Annotations:
    columns = {
        name: np.concatenate([getattr(p, name) for p in parts]) for name in ("circle", "role", "region")
    }
    return Annotations.of(
        xy=np.concatenate([p.xy for p in parts]), box=np.concatenate([p.box for p in parts]), **columns
    )


def test_a_circle_shrinks_concentrically(circles):
    target = target_of(circles((20.0, 20.0, 10.0)), 40, 40)
    y, x = np.mgrid[:40, :40] + 0.5
    assert (target.value[0] > 0).tolist() == (np.hypot(x - 20, y - 20) < 6).tolist()
    assert (target.weight == 1).all()


def test_touching_and_overlapping_cells_become_separate_kernels(circles):
    for distance in (20, 16, 12):
        value = target_of(circles((20.0, 20.0, 10.0), (20.0 + distance, 20.0, 10.0)), 40, 60).value[0]
        assert ndimage.label(value, np.ones((3, 3)))[1] == 2


def test_a_cell_smaller_than_the_erosion_keeps_a_kernel(circles):
    # Radius 3.5 < 4: eroded by 0.6 of its depth, a kernel of radius about 0.4 × 3.5 = 1.4 remains.
    value = target_of(circles((10.5, 10.5, 3.5)), 21, 21).value[0]
    assert value[10, 10] == 1
    assert 5 <= value.sum() <= 9


def test_a_patch_without_cells_is_all_background():
    target = target_of(Annotations.empty(), 12, 16)
    assert not target.value.any()
    assert (target.weight == 1).all()


def test_ignored_objects_have_no_weight_and_leave_cells_theirs(circles):
    cell, ignored = circles((12.0, 20.0, 10.0)), circles((28.0, 20.0, 10.0), role=Role.IGNORE)
    target = target_of(joined(cell, ignored), 40, 50)
    assert target.value[0, 20, 12] == 1
    assert target.weight[20, 12] == 1
    assert target.weight[20, 28] == 0
    assert not target.value[0, :, 21:].any()
    assert target.weight[:, :20].all()


def test_an_artefact_is_background(circles):
    target = target_of(circles((20.0, 20.0, 10.0), role=Role.ARTEFACT), 40, 40)
    assert not target.value.any()
    assert (target.weight == 1).all()


def test_an_ignored_region_has_no_weight():
    region = Annotations.of(
        xy=np.array([[5.0, 5.0]]),
        box=np.array([[0.0, 0.0, 10.0, 10.0]]),
        role=np.array([int(Role.IGNORE)]),
        region=np.array([True]),
    )
    target = target_of(region, 20, 20)
    assert not target.weight[:10, :10].any()
    assert target.weight.sum() == 300


def test_pixels_without_weight_have_no_say_in_the_loss():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 1, 8, 8, generator=generator, requires_grad=True)
    target = (torch.rand(2, 8, 8, generator=generator) > 0.7).float()
    weight = torch.ones(2, 8, 8)
    weight[:, 2:5] = 0
    loss = loss_of(logits, target, weight, SETTINGS)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert (gradient[:, 0, 2:5] == 0).all()
    assert (gradient[:, 0, 5:] != 0).all()
    swapped = target.clone()
    swapped[:, 2:5] = 1 - swapped[:, 2:5]
    assert torch.equal(loss_of(logits, swapped, weight, SETTINGS), loss)


def test_the_loss_of_four_pixels_by_hand():
    # Logits 0: every pixel says 1/2. Cross-entropy ln 2 at each; foreground weighs 3, one pixel of four is
    # foreground: (3 + 1 + 1 + 1) ln 2 / 6 = ln 2. Dice, smoothed by 2²/4 = 1:
    # 1 − (2 · 1/2 + 1) / (4 · 1/2 + 1 + 1) = 1/2.
    settings = UNetSettings(cell_px=2.0, dice=0.8, foreground_weight=3.0)
    target = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    loss = loss_of(torch.zeros(1, 1, 2, 2), target, torch.ones(1, 2, 2), settings)
    assert loss.item() == pytest.approx(np.log(2) + 0.8 * 0.5)


def test_foreground_weight_pulls_towards_foreground():
    settings = UNetSettings(dice=0.0, foreground_weight=3.0)
    target = torch.tensor([[[1.0, 0.0]]])
    logits = torch.zeros(1, 1, 1, 2, requires_grad=True)
    loss_of(logits, target, torch.ones(1, 1, 2), settings).sum().backward()
    # d/dlogit of cross-entropy at 0 is ∓1/2; weights 3 and 1 over their sum 4.
    assert logits.grad.flatten().tolist() == pytest.approx([-3 / 8, 1 / 8])


def test_the_loss_of_several_classes_by_hand():
    # Two pixels, logits relative to the background's 0. The first is background and says (1, 0): its loss is
    # −ln(1 / (1 + e + 1)). The second is contour, of weight 2, and says (0, 0): −ln(1/3).
    logits = torch.tensor([[[[1.0, 0.0]], [[0.0, 0.0]]]])
    target = torch.tensor([[[[0.0, 0.0]], [[0.0, 1.0]]]])
    loss = map_loss(logits, target, torch.ones(1, 1, 2), SETTINGS, class_weight=[1.0, 2.0])
    assert loss.item() == pytest.approx((np.log(2 + np.e) + 2 * np.log(3)) / 3)


@pytest.mark.parametrize(("kind", "expected"), [("squared", 1 / 16), ("absolute", 1 / 4), ("none", 0.0)])
def test_regression_of_one_pixel_by_hand(kind, expected):
    # Logit 0 says 1/2 where 1/4 is asked for. Dice, smoothed by 1: 1 − (2 · 1/8 + 1) / (1/2 + 1/4 + 1) = 2/7.
    settings = UNetSettings(cell_px=2.0, loss=kind, dice=1.0)
    loss = loss_of(torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1), 0.25), torch.ones(1, 1, 1), settings)
    assert loss.item() == pytest.approx(expected + 2 / 7)


def test_a_loss_of_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing to learn from"):
        UNetSettings(loss="none", dice=0.0)

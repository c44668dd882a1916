"""Settings that cannot work are refused before any work is done; those that a search draws all work."""

import dataclasses
import itertools

import numpy as np
import pytest

from bmbench.adapters import METHODS
from bmbench.adapters.blob_log import BlobSettings
from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.adapters.images.tiling import Tiling
from bmbench.adapters.search_space import Choice
from bmbench.adapters.unet.settings import QUICK as UNET

BOXES, MASK_QUICK, YOLO_QUICK, YOLO_U_QUICK = (
    PROFILES[family]["quick"] for family in ("retinanet", "mask_rcnn", "yolov3", "yolov3u")
)
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        (UNET, {"tile_px": 128}),
        (UNET, {"tile_px": 1024, "overlap_px": 1010}),
        (UNET, {"overlap_px": -16}),
        (UNET, {"patch_px": 100}),
        (UNET, {"patch_px": 16}),
        (UNET, {"depth": 5, "patch_px": 112}),
        (UNET, {"learning_rate": -1.0}),
        (UNET, {"learning_rate": NAN}),
        (UNET, {"learning_rate": INF}),
        (UNET, {"cell_px": INF}),
        (UNET, {"momentum": 1.5}),
        (UNET, {"stain_jitter": -0.1}),
        (UNET, {"lowest": 1.0, "highest": 1.0}),
        (UNET, {"lowest": 0.0}),
        (UNET, {"highest": 1.2}),
        (UNET, {"faint": 0.0}),
        (UNET, {"marker": NAN}),
        (UNET, {"shrink": 0.6}),
        (BOXES, {"tile_px": 150, "overlap_px": 149}),
        (BOXES, {"nms_iou": 1.5}),
        (BOXES, {"weak_shrink": 1.0}),
        (BOXES, {"weight_decay": -1e-3}),
        (BOXES, {"negative": 0.6}),
        (BOXES, {"coarsest": 6}),
        (MASK_QUICK, {"regions": 0}),
        (YOLO_QUICK, {"patch_px": 100}),
        (YOLO_QUICK, {"width": 0}),
        (YOLO_QUICK, {"ignore_iou": NAN}),
        (YOLO_U_QUICK, {"width_multiple": INF}),
        (BlobSettings(), {"n_blobs": 0}),
        (BlobSettings(), {"n_scales": 0}),
        (BlobSettings(), {"smallest_blob": 0.0}),
        (BlobSettings(), {"spread": NAN}),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, changes):
    with pytest.raises(ValueError, match="expected") as refused:
        dataclasses.replace(settings, **changes)
    assert next(iter(changes)) in str(refused.value)


@pytest.mark.parametrize("stride", [4, 16, 32])
def test_an_overlap_is_refused_where_no_image_could_be_cut(stride):
    depth = stride.bit_length() - 1
    for tile, overlap in itertools.product(range(1, 100, 7), range(0, 100, 7)):
        try:
            Tiling.of(300, 300, tile=tile, overlap=overlap, stride=stride)
        except ValueError:
            with pytest.raises(ValueError, match="overlap_px"):
                dataclasses.replace(UNET, depth=depth, tile_px=tile, overlap_px=overlap)
        else:
            dataclasses.replace(UNET, depth=depth, tile_px=tile, overlap_px=overlap)


def corners(kind):
    return kind.options if isinstance(kind, Choice) else (kind.low, kind.high)


@pytest.mark.parametrize("name", METHODS.names())
def test_whatever_a_search_draws_is_allowed(name):
    method = METHODS.get(name)
    for profile, space in method.space.items():
        ranges = {**space.learned, **space.decoded}
        generator = np.random.default_rng(0)
        for _ in range(300):
            drawn = {
                key: corners(kind)[generator.integers(len(corners(kind)))] for key, kind in ranges.items()
            }
            dataclasses.replace(method.settings[profile], **drawn)


def test_a_yolo_learns_from_every_patch_that_is_allowed_and_from_no_other():
    torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")
    from bmbench.adapters.detection.networks.yolov3 import YoloV3

    base = dataclasses.replace(YOLO_QUICK, width=2)
    sizes = tuple((6.0, 6.0) * 3 for _ in range(3))
    network = YoloV3(base, sizes, classes=1)
    for side in range(40, 73):
        try:
            dataclasses.replace(base, patch_px=side)
        except ValueError:
            with pytest.raises(RuntimeError, match="must match"):
                network([torch.zeros(3, side, side)])
        else:
            network([torch.zeros(3, side, side)])


def test_a_unet_learns_from_every_patch_that_is_allowed():
    torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")
    from bmbench.adapters.unet.network import UNet

    allowed = []
    for kind, side in itertools.product(("group", "batch", "instance", "none"), range(1, 65)):
        try:
            settings = dataclasses.replace(UNET, depth=3, width=2, normalisation=kind, patch_px=side)
        except ValueError:
            continue
        allowed.append(side)
        UNet(settings)(torch.zeros(1, 3, side, side))
    assert sorted(set(allowed)) == [16, 24, 32, 40, 48, 56, 64]


def test_every_family_normalises_in_the_same_groups():
    torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")
    from bmbench.adapters.detection.networks.backbone import normalisation
    from bmbench.adapters.detection.networks.yolov3 import YoloV3
    from bmbench.adapters.unet.network import UNet

    def groups(network):
        layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.GroupNorm)]
        return {layer.num_channels: layer.num_groups for layer in layers}

    # By hand: the largest divisor of the width that is at most one more than an eighth of it.
    by_hand = {6: 1, 8: 2, 12: 2, 16: 2, 24: 4, 32: 4, 48: 6, 64: 8, 96: 12, 128: 16, 192: 24}
    unets = [groups(UNet(dataclasses.replace(UNET, width=width))) for width in (6, 8)]
    yolo = groups(YoloV3(dataclasses.replace(YOLO_QUICK, width=8), ((6.0, 6.0) * 3,) * 3, classes=1))
    for found in (*unets, yolo):
        assert found == {width: by_hand[width] for width in found}
    for width, number in by_hand.items():
        assert normalisation(BOXES)(width).num_groups == number


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        (UNET, {"depth": 10**18}),
        (UNET, {"depth": 10**400}),
        (UNET, {"width": 10**9}),
        (UNET, {"patch_px": 10**18}),
        (UNET, {"tile_px": 2**40}),
        (BlobSettings(), {"n_scales": 10**18}),
        (BOXES, {"scales": 10**18}),
        (YOLO_U_QUICK, {"depth_multiple": 1e18}),
        (YOLO_U_QUICK, {"width_multiple": 1e18}),
        (UNET, {"steps": 10**18}),
    ],
)
def test_no_setting_is_a_loop_without_end(settings, changes):
    """A trained model is a stranger's file: what it says must not keep the machine busy for ever."""
    with pytest.raises(ValueError, match="expected more than 0 and at most"):
        dataclasses.replace(settings, **changes)

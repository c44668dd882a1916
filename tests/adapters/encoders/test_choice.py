"""Which settings of encoders go together, and what is said where timm is not installed; without torch."""

import dataclasses
import importlib.util

import pytest

from bmbench.adapters import METHODS
from bmbench.adapters.detection.settings.pyramid import FcosSettings, MaskRCNNSettings, RetinaNetSettings
from bmbench.adapters.encoders.choice import encoder_colours
from bmbench.adapters.unet.heads.settings import PROFILES
from bmbench.adapters.unet.settings import UNetSettings

UNETS = [UNetSettings, *(type(profiles["quick"]) for profiles in PROFILES.values())]
PYRAMIDS = [RetinaNetSettings, FcosSettings, MaskRCNNSettings]


@pytest.mark.parametrize("record", UNETS + PYRAMIDS)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "hf-hub:timm/resnet18.a1_in1k"}, "expected none or a model of timm"),
        ({"encoder": "local-dir:/etc"}, "expected none or a model of timm"),
        ({"encoder": "../resnet18"}, "expected none or a model of timm"),
        ({"encoder_frozen": True}, "nothing to freeze"),
        ({"encoder": "resnet18", "encoder_frozen": True}, "as chance made it"),
        ({"weights": "hub"}, "expected a model of timm"),
    ],
)
def test_settings_that_mean_nothing_are_refused(record, changes, message):
    with pytest.raises(ValueError, match=message):
        record(**changes)


def test_weights_of_one_network_are_not_taken_for_those_of_another():
    with pytest.raises(ValueError, match="weights is imagenet, and encoder is resnet18"):
        RetinaNetSettings(encoder="resnet18", weights="imagenet")
    with pytest.raises(ValueError, match="expected weights of an encoder"):
        UNetSettings(weights="resnet18.pth")
    assert RetinaNetSettings(weights="imagenet").encoder == "none"


def test_colours_are_those_of_the_images_without_loaded_weights():
    assert encoder_colours(UNetSettings()) is None
    assert encoder_colours(UNetSettings(encoder="resnet18")) is None
    assert encoder_colours(RetinaNetSettings(weights="coco")) is None


@pytest.mark.parametrize("method", ["unet_shrink", "stardist", "retinanet", "mask_rcnn"])
def test_a_run_with_an_encoder_says_at_once_what_installs_timm(bmbench, tmp_path, monkeypatch, method):
    pytest.importorskip("torch")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "timm" else find(name, *more)
    )
    answer = bmbench("run", "--method", method, "--set", "encoder=resnet18", "--out", tmp_path)
    assert answer.code == 2
    assert "timm, which --set encoder=resnet18 needs, is not installed" in " ".join(answer.err.split())
    assert "bmbench[encoders]" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_training_begins_only_with_a_model_of_the_same_encoder():
    for name in ("unet_shrink", "stardist", "heatmap", "hover", "flow"):
        assert "encoder" in METHODS.get(name).architecture
        assert "encoder" in {f.name for f in dataclasses.fields(METHODS.get(name).settings["quick"])}

"""Encoders of timm: their maps, their weights, and detectors with them."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm", reason="encoders need timm, which is not installed here")

from safetensors.torch import save_file

from bmbench.adapters import METHODS
from bmbench.adapters.encoders.layout import layout_of
from bmbench.adapters.encoders.taken import take_encoder_weights
from bmbench.adapters.encoders.timm_encoder import Encoder
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.unet.network import build
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.benchmark.contract.checks import CHECKS, Subject
from bmbench.benchmark.contract.drawn_cells import sample
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent

PAGE = Path(__file__).parents[3] / "docs" / "encoders.md"
SMALL = UNetSettings(
    cell_px=12.0,
    depth=4,
    width=4,
    patch_px=48,
    batch=2,
    shard=1,
    steps=4,
    validate_every=2,
    tile_px=256,
    overlap_px=32,
    views=1,
)
PYRAMID = {
    "patch_px": 64,
    "cell_px": 16.0,
    "finest": 2,
    "coarsest": 2,
    "deepest": 4,
    "scales": 2,
    "width": 16,
    "batch": 2,
    "shard": 1,
    "steps": 2,
    "validate_every": 2,
}


class Notes(Silent):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


class Kill(Silent):
    """Stops a training after some steps, as Ctrl-C does."""

    def __init__(self, step):
        self.step = step

    def track(self, items, *, description, total=None):
        for number, item in enumerate(items):
            if number == self.step:
                raise KeyboardInterrupt
            yield item


def fitted(settings, *, method="unet_shrink", state=None, progress=None):
    request = FitRequest(
        train=[sample(1), sample(2)],
        validation=[sample(3)],
        settings=settings,
        seed=0,
        augment=augment,
        state=state,
        progress=progress or Silent(),
    )
    return METHODS.get(method).fit(request)


def published(name, path, *, wrapped="", seed=1):
    """A file of weights as somebody else's program would write one; returns them by timm's names."""
    torch.manual_seed(seed)
    weights = timm.create_model(name, num_classes=5).state_dict()
    named = {f"{wrapped}{key}": value for key, value in weights.items()}
    if path.suffix == ".safetensors":
        save_file(named, path)
    else:
        torch.save({"teacher": named} if wrapped else {"state_dict": named, "epoch": 3}, path)
    return weights


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_efficientnet", "test_vit"])
def test_each_level_has_a_map_of_its_size(name):
    levels = range(max(2, layout_of(name).finest), 5)
    encoder = Encoder(UNetSettings(encoder=name), {level: 3 + level for level in levels})
    maps = encoder(torch.zeros(2, 3, 64, 96))
    assert [tuple(one.shape) for one in maps] == [(2, 3 + k, 64 // 2**k, 96 // 2**k) for k in levels]


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_efficientnet"])
def test_maps_are_those_of_timms_own_list_of_features(name, tmp_path):
    published(name, tmp_path / "weights.pth")
    settings = UNetSettings(encoder=name, weights=str(tmp_path / "weights.pth"))
    encoder = Encoder(settings, {3: 8, 4: 8})
    take_encoder_weights(encoder, settings)
    theirs = timm.create_model(name, features_only=True, checkpoint_path="")
    plain = timm.create_model(name, num_classes=5)
    plain.load_state_dict(torch.load(tmp_path / "weights.pth")["state_dict"])
    # Its names have underscores where those of the model have dots.
    own = {key.replace(".", "_"): value for key, value in plain.state_dict().items()}
    theirs.load_state_dict({key: own[key.replace(".", "_")] for key in theirs.state_dict()})
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    seen = []
    for lateral in encoder.lateral:
        lateral.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    encoder.eval()(image)
    levels = [int(np.log2(reduction)) for reduction in theirs.feature_info.reduction()]
    every = dict(zip(levels, theirs.eval()(image), strict=True))
    for mine, level in zip(seen, (3, 4), strict=True):
        torch.testing.assert_close(mine, every[level])


def test_a_transformers_last_map_is_its_tokens(tmp_path):
    weights = published("test_vit", tmp_path / "vit.safetensors")
    settings = UNetSettings(encoder="test_vit", weights=str(tmp_path / "vit.safetensors"))
    encoder = Encoder(settings, {2: 4, 4: 8})
    take_encoder_weights(encoder, settings)
    plain = timm.create_model("test_vit", num_classes=5, dynamic_img_size=True)
    plain.load_state_dict(weights)
    image = torch.randn(1, 3, 80, 112, generator=torch.Generator().manual_seed(0))
    tokens = plain.eval().forward_features(image)[:, plain.num_prefix_tokens :]
    seen = []
    encoder.lateral[1].register_forward_hook(lambda _, given, __: seen.append(given[0]))
    encoder.eval()(image)
    torch.testing.assert_close(seen[0].flatten(2).transpose(1, 2), tokens)


def test_patches_of_14_px_lie_on_places_of_16_px():
    """DINOv2: a patch of 14 px of the enlarged image is 16 px of the image, so that maps meet."""
    with torch.device("meta"):
        encoder = Encoder(UNetSettings(encoder="vit_small_patch14_dinov2"), {2: 4, 3: 4, 4: 4})
        assert tuple(encoder._seen(torch.empty(1, 3, 128, 160)).shape[2:]) == (112, 140)
        assert [tuple(one.shape[2:]) for one in encoder(torch.empty(1, 3, 128, 160))] == [
            (32, 40),
            (16, 20),
            (8, 10),
        ]


@pytest.mark.parametrize("wrapped", ["", "backbone.", "module.encoder."])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_all_weights_are_taken_whatever_part_the_model_was(tmp_path, wrapped, suffix):
    path = tmp_path / f"weights{suffix}"
    weights = published("test_resnet", path, wrapped=wrapped)
    settings = UNetSettings(encoder="test_resnet", weights=str(path))
    encoder = Encoder(settings, {1: 4, 2: 4, 3: 4, 4: 4})
    said = take_encoder_weights(encoder, settings)
    own = encoder.model.state_dict()
    assert said.startswith(f"{len(own)} of the encoder's {len(own)} weights")
    assert all(torch.equal(own[key], weights[key]) for key in own)


def test_weights_by_the_names_of_dino_and_for_other_images_are_taken(tmp_path):
    """As DinoBloom's are: a teacher's backbone, a mask token, positions for images of another size."""
    torch.manual_seed(2)
    name = "vit_small_patch14_dinov2"
    theirs = timm.create_model(name, img_size=56, num_classes=0)
    named = {f"backbone.{key}": value for key, value in theirs.state_dict().items()}
    named["backbone.mask_token"], named["dino_head.mlp.0.weight"] = torch.zeros(1, 384), torch.zeros(4, 4)
    torch.save({"teacher": named}, tmp_path / "bloom.pth")
    settings = UNetSettings(encoder=name, weights=str(tmp_path / "bloom.pth"), encoder_frozen=True)
    encoder = Encoder(settings, {2: 4, 3: 4, 4: 4})
    said = take_encoder_weights(encoder, settings)
    own = encoder.model.state_dict()
    assert said.startswith(f"{len(own)} of the encoder's {len(own)} weights")
    assert said.endswith("frozen")
    assert torch.equal(own["blocks.7.mlp.fc1.weight"], theirs.state_dict()["blocks.7.mlp.fc1.weight"])
    assert own["pos_embed"].shape == (1, 1 + 37**2, 384)
    # The corner of the enlarged positions is that of the small ones, blurred by nothing beyond its neighbour.
    small, large = theirs.state_dict()["pos_embed"], own["pos_embed"]
    assert torch.equal(small[:, 0], large[:, 0])
    assert torch.nn.functional.cosine_similarity(small[0, 1], large[0, 1], dim=0) > 0.9


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        ({"conv1.weight": torch.zeros(1)}, {}, "the weights are not those of a test_resnet"),
        ({"other": torch.zeros(1)}, {}, "got 0 that fit"),
        ([1, 2], {}, "not a file of weights"),
        (None, {}, "file not found"),
    ],
)
def test_a_file_of_something_else_is_refused_in_a_sentence(tmp_path, content, changes, message):
    if content is not None:
        torch.save(content, tmp_path / "weights.pth")
    settings = UNetSettings(encoder="test_resnet", weights=str(tmp_path / "weights.pth"), **changes)
    with pytest.raises(BadInputError, match=message):
        take_encoder_weights(Encoder(settings, {2: 4, 3: 4}), settings)


def test_a_frozen_encoder_lacks_nothing(tmp_path):
    weights = published("test_resnet", tmp_path / "weights.pth")
    del weights["layer1.0.conv2.weight"]
    torch.save(weights, tmp_path / "weights.pth")
    tuned = UNetSettings(encoder="test_resnet", weights=str(tmp_path / "weights.pth"))
    assert "tuned" in take_encoder_weights(Encoder(tuned, {2: 4, 3: 4}), tuned)
    frozen = dataclasses.replace(tuned, encoder_frozen=True)
    with pytest.raises(BadInputError, match=r"layer1\.0\.conv2\.weight is missing"):
        take_encoder_weights(Encoder(frozen, {2: 4, 3: 4}), frozen)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet18x", "unknown model of timm 'resnet18x'; did you mean 'resnet18'"),
        ("test_vit_relpos", "cannot be an encoder here"),
    ],
)
def test_what_is_no_encoder_is_refused_in_a_sentence(name, message):
    with pytest.raises(BadInputError, match=message):
        fitted(dataclasses.replace(SMALL, encoder=name))


def test_a_network_too_shallow_for_an_encoder_is_refused():
    with pytest.raises(BadInputError, match=r"level 4 .*is needed.*set depth"):
        build(dataclasses.replace(SMALL, depth=3, encoder="test_vit"), outputs=1)


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
def test_frozen_weights_stay_and_others_are_tuned(tmp_path, name, frozen):
    weights = published(name, tmp_path / "weights.pth")
    settings = dataclasses.replace(
        SMALL, encoder=name, weights=str(tmp_path / "weights.pth"), encoder_frozen=frozen
    )
    detector = fitted(settings)
    own = detector.network.encoder.model.state_dict()
    # Statistics of batches too, which learn without a gradient.
    stayed = [key for key in own if torch.equal(own[key].cpu(), weights[key])]
    assert (len(stayed) == len(own)) is frozen
    assert detector.calibration.mean == pytest.approx([127.5] * 3)
    assert detector.calibration.deviation == pytest.approx([127.5] * 3)
    (tmp_path / "weights.pth").unlink()
    (tmp_path / "saved").mkdir()
    detector.save(tmp_path / "saved")
    image = sample(5).load()
    again = METHODS.get("unet_shrink").load(tmp_path / "saved")
    np.testing.assert_array_equal(again.map(image), detector.map(image))


def test_tiles_are_as_large_as_patches_where_an_encoder_attends():
    notes = Notes()
    detector = fitted(dataclasses.replace(SMALL, encoder="test_vit"), progress=notes)
    assert (detector.settings.tile_px, detector.settings.overlap_px) == (64, 32)
    assert any("looks at a whole tile at once" in text for text in notes.texts)
    assert any("licence of its published weights, as timm says: apache-2.0" in text for text in notes.texts)
    plain = fitted(dataclasses.replace(SMALL, encoder="test_convnext"))
    assert (plain.settings.tile_px, plain.settings.overlap_px) == (256, 32)
    # Without loaded weights colours are those of the images.
    assert plain.calibration.mean != pytest.approx([127.5] * 3)


def test_a_killed_training_ends_as_an_undisturbed_one(tmp_path):
    weights = published("test_resnet", tmp_path / "weights.pth")
    settings = dataclasses.replace(SMALL, encoder="test_resnet", weights=str(tmp_path / "weights.pth"))
    whole = fitted(settings)
    with pytest.raises(KeyboardInterrupt):
        fitted(settings, state=tmp_path / "state", progress=Kill(3))
    resumed = fitted(settings, state=tmp_path / "state")
    mine, other = whole.network.state_dict(), resumed.network.state_dict()
    assert all(torch.equal(mine[key], other[key]) for key in mine)
    assert any(
        not torch.equal(mine[f"encoder.model.{key}"], value)
        for key, value in weights.items()
        if "conv" in key
    )


@pytest.mark.parametrize("method", ["retinanet", "circular_retinanet", "fcos", "mask_rcnn"])
def test_detectors_of_boxes_learn_with_an_encoder(tmp_path, method):
    weights = published("test_convnext", tmp_path / "weights.safetensors")
    settings = METHODS.get(method).settings["quick"]
    names = {field.name for field in dataclasses.fields(settings)}
    changes = {name: value for name, value in PYRAMID.items() if name in names}
    notes = Notes()
    detector = fitted(
        dataclasses.replace(
            settings, **changes, encoder="test_convnext", weights=str(tmp_path / "weights.safetensors")
        ),
        method=method,
        progress=notes,
    )
    own = detector.network.backbone.body.model.state_dict()
    assert any(not torch.equal(own[key], weights[key]) for key in own)
    assert any("weights from" in text for text in notes.texts)
    assert detector.facts.mean == pytest.approx([127.5] * 3)
    detector.save(tmp_path)
    image = sample(5).load()
    again = METHODS.get(method).load(tmp_path)
    np.testing.assert_array_equal(again.predict(image).confidence, detector.predict(image).confidence)


@pytest.fixture(scope="module")
def subject():
    """A U-Net on an encoder, as a method of its own."""
    plain = METHODS.get("unet_shrink")
    profiles = {name: dataclasses.replace(one, encoder="test_resnet") for name, one in plain.settings.items()}
    return Subject(method=dataclasses.replace(plain, settings=profiles))


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_the_promises_of_every_method(subject, check, tmp_path):
    CHECKS[check](subject, tmp_path)


def test_the_page_says_what_timm_says_of_parameters_and_licences():
    table = PAGE.read_text("utf-8").partition("## Licences")[2].partition("\n\n## ")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) == 6
    for names, sizes, licence in rows:
        models, millions = re.findall(r"`([^`]+)`", names), re.findall(r"[0-9.]+", sizes)
        for model, size in zip(models, millions, strict=True):
            with torch.device("meta"):
                network = timm.create_model(model, num_classes=0)
            assert sum(one.numel() for one in network.parameters()) / 1e6 == pytest.approx(
                float(size), abs=0.06
            )
            assert timm.get_pretrained_cfg(model).license == licence.strip()

"""Detection transformers: the loss of the library, but for what is ignored; each tensor saved once."""

import copy
import dataclasses

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")
pytest.importorskip("transformers", reason="detection transformers need transformers, not installed here")

from safetensors.torch import save_file

from bmbench.adapters.detection.networks.transformers_networks import DetectionTransformer, _corners
from bmbench.adapters.detection.networks.weights import take_weights
from bmbench.adapters.detection.settings.detr import DetrSettings
from bmbench.core.errors import BadInputError

SMALL = DetrSettings(width=32, layers=2, patch_px=96, tile_px=96, overlap_px=32)
KINDS = pytest.mark.parametrize("kind", ["rt_detr_v2", "deim_v2"])


def network(kind="rt_detr_v2", classes=2, seed=1, **changes):
    torch.manual_seed(seed)
    return DetectionTransformer(kind, dataclasses.replace(SMALL, **changes), classes=classes)


def noise(side=96, seed=1):
    return torch.rand(3, side, side, generator=torch.Generator().manual_seed(seed))


def target(boxes=(), ignored=(), regions=(), label=0):
    def tensor(values):
        return torch.tensor(values, dtype=torch.float32).reshape(-1, 4)

    labels = torch.full((len(boxes),), label, dtype=torch.int64)
    return {
        "boxes": tensor(boxes),
        "labels": labels,
        "ignored": tensor(ignored),
        "regions": tensor(regions),
    }


@KINDS
def test_the_loss_is_that_of_the_library_where_nothing_is_ignored(kind):
    net, images = network(kind).train(), [noise(seed=1), noise(seed=2)]
    here = net(images, [target([(8, 8, 32, 32), (40, 50, 70, 74)]), target([(20, 30, 44, 50)], label=1)])
    # Centre and sides by the side of the image, 96: (8 + 32) / 2 / 96 and so on.
    rows = [[(20, 20, 24, 24), (55, 62, 30, 24)], [(32, 40, 24, 20)]]
    labels = [
        {"class_labels": torch.full((len(boxes),), label), "boxes": torch.tensor(boxes) / 96}
        for label, boxes in enumerate(rows)
    ]
    net.network.loss_function = net.network.loss_function.args[0]
    theirs = net.network(pixel_values=torch.stack(images), labels=labels).loss
    assert float(here["all"].detach()) == pytest.approx(float(theirs.detach()), rel=1e-4)


@KINDS
def test_answers_are_those_of_the_librarys_own_reading(kind):
    import transformers

    net, image = network(kind, classes=1, least_confidence=0.0, nms_iou=1.0).eval(), noise()
    with torch.inference_mode():
        here = net([image])[0]
        said = net.network(pixel_values=image[None])
    # Of a square, as width and height are given the other way round there.
    (theirs,) = transformers.RTDetrImageProcessor().post_process_object_detection(
        said, threshold=0.0, target_sizes=[(96, 96)]
    )
    assert len(here["scores"]) == SMALL.n_queries
    assert torch.allclose(here["scores"], theirs["scores"], atol=1e-6)
    assert torch.allclose(here["boxes"], theirs["boxes"], atol=1e-3)


@KINDS
def test_nothing_is_learned_in_an_ignored_region_and_of_an_ignored_object(kind):
    net, image = network(kind).eval(), [noise()]
    with torch.no_grad():
        plain, hidden, cell, beside = (
            float(net(image, [one])["all"])
            for one in (
                target(),
                target(regions=[(-9, -9, 200, 200)]),
                target([(8, 8, 32, 32)]),
                target([(8, 8, 32, 32)], ignored=[(40, 40, 90, 90)]),
            )
        )
    assert hidden < 0.05 * plain
    assert beside < cell


@KINDS
def test_a_patch_without_cells_teaches_background(kind):
    net = network(kind).train()
    loss = net([noise()], [target()])["all"]
    slopes = torch.autograd.grad(loss, list(net.network.model.enc_score_head.parameters()))
    assert loss > 0
    assert all(slope.abs().sum() > 0 for slope in slopes)


@KINDS
def test_a_fit_draws_nothing_from_the_generator_of_the_process(kind):
    net, image, wanted = network(kind).train(), [noise()], [target([(8, 8, 32, 32)])]
    before = torch.get_rng_state()
    one = copy.deepcopy(net)(image, wanted)["all"]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(copy.deepcopy(net)(image, wanted)["all"], one)


@KINDS
def test_each_tensor_is_saved_once_and_copies_come_back(kind, tmp_path):
    net, other = network(kind), network(kind, seed=2)
    state = net.state_dict()
    save_file(state, tmp_path / "model.safetensors")
    assert len({value.data_ptr() for value in state.values() if value.numel()}) == sum(
        value.numel() > 0 for value in state.values()
    )
    other.load_state_dict(state)
    every = [dict(one.named_parameters(remove_duplicate=False)) for one in (net, other)]
    assert len(every[0]) > len(dict(net.named_parameters()))
    assert all(torch.equal(value, every[1][name]) for name, value in every[0].items())
    with torch.inference_mode():
        said = [one.eval()([noise()])[0]["scores"] for one in (net, other)]
    assert torch.equal(*said)


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_folder_or_a_file_of_the_library_gives_its_weights(tmp_path, wrapped):
    theirs = network(seed=2, classes=5)
    theirs.network.save_pretrained(tmp_path)
    mine, name = network(), str(tmp_path if wrapped else tmp_path / "model.safetensors")
    said = take_weights(mine, name, family="rt_detr_v2", settings=SMALL)
    state, other = mine.state_dict(), theirs.state_dict()
    other_shape = {name for name in state if state[name].shape != other[name].shape}
    assert all(torch.equal(state[name], other[name]) for name in state.keys() - other_shape)
    # Of another number of classes are the heads of both decoder layers and of the encoder, two tensors each.
    assert len(other_shape) == 6
    assert said.startswith(f"{len(state) - 6} of {len(state)} weights")


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(BadInputError, match=r"file not found.*none or a file"):
        take_weights(network(), str(tmp_path), family="rt_detr_v2", settings=SMALL)


def test_as_many_cells_are_looked_for_as_fit_and_never_more_than_there_are_places():
    # Twice (96 / 24)².
    assert SMALL.n_queries == 32
    assert dataclasses.replace(SMALL, tile_px=192).n_queries == 128
    # 12² + 6² + 3² places.
    assert dataclasses.replace(SMALL, queries=1000.0).n_queries == 189
    crowded = network(queries=1000.0, least_confidence=0.0, nms_iou=1.0, tile_px=960).eval()
    with torch.inference_mode():
        assert len(crowded([noise()])[0]["boxes"]) == 189
        # A smaller image is padded to a patch.
        assert len(crowded([noise(40)])[0]["boxes"]) == 189


def test_corners_by_hand():
    assert _corners(torch.tensor([0.5, 0.5, 0.2, 0.4])).tolist() == pytest.approx([0.4, 0.3, 0.6, 0.7])


@pytest.mark.parametrize("width", [12, 100])
def test_a_width_that_cannot_work_is_refused(width):
    with pytest.raises(ValueError, match="multiple of 8"):
        DetrSettings(width=width)


@pytest.mark.parametrize(("width", "heads"), [(8, 1), (32, 1), (64, 2), (128, 4), (256, 8), (40, 1)])
def test_a_head_of_attention_has_about_32_channels(width, heads):
    assert DetrSettings(width=width).n_heads == heads

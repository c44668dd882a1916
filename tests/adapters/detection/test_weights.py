"""Weights of files: what is taken of them, and that no code of theirs is run."""

import os

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from torch import nn

from bmbench.adapters.detection.networks.weights import take_weights
from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.core.errors import BadInputError

YOLO = PROFILES["yolo11"]["quick"]


class Network(nn.Module):
    """As the adapter of Ultralytics holds one."""

    def __init__(self, classes=3):
        super().__init__()
        self.network = nn.Module()
        self.network.model = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.Conv2d(4, classes, 1))
        )


class Mischief(nn.Module):
    """A network that writes a file when it is unpickled, as a stranger's may."""

    def __init__(self, place, layers):
        super().__init__()
        self.place, self.layers = place, layers

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


def given(path, network=None):
    network = network or Network()
    said = take_weights(network, str(path), family="yolo11", settings=YOLO)
    return network, said


def kept(network, other):
    mine, theirs = network.state_dict(), other.state_dict()
    return [name for name in mine if torch.equal(mine[name].float(), theirs[name].float())]


@pytest.mark.parametrize("key", ["model", "ema"])
def test_a_network_that_was_saved_whole_gives_its_weights(tmp_path, key):
    theirs = Network()
    theirs.network.model[1].running_mean.fill_(0.5)
    other = {"model": Network().network, "ema": None, "epoch": 3, "date": "2026"}
    torch.save({**other, key: theirs.network}, tmp_path / "best.pt")
    mine, said = given(tmp_path / "best.pt")
    assert kept(mine, theirs) == list(theirs.state_dict())
    assert said.startswith("9 of 9 weights")


def test_weights_in_half_precision_are_taken_in_single(tmp_path):
    theirs = Network()
    torch.save({"model": theirs.network.half()}, tmp_path / "half.pt")
    mine, _ = given(tmp_path / "half.pt")
    assert kept(mine, theirs) == list(theirs.state_dict())
    assert mine.network.model[0].weight.dtype == torch.float32


@pytest.mark.parametrize("key", [None, "model", "state_dict"])
def test_names_and_tensors_are_taken_wherever_a_training_puts_them(tmp_path, key):
    theirs = Network()
    weights = theirs.network.state_dict()
    torch.save({key: weights, "epoch": 3} if key else weights, tmp_path / "last.pt")
    mine, _ = given(tmp_path / "last.pt")
    assert kept(mine, theirs) == list(theirs.state_dict())


def test_what_does_not_fit_stays_fresh(tmp_path):
    torch.save({"model": Network(classes=80).network}, tmp_path / "coco.pt")
    mine, said = given(tmp_path / "coco.pt", Network(classes=2))
    # The last layer has two tensors.
    assert said.startswith("7 of 9 weights")
    assert mine.network.model[2][0].weight.shape == (2, 4, 1, 1)


@pytest.mark.parametrize("wrapped", [True, False])
def test_no_code_of_a_file_is_run(tmp_path, wrapped):
    bad = Mischief(tmp_path / "made", Network().network)
    torch.save({"model": bad} if wrapped else bad, tmp_path / "evil.pt")
    with pytest.raises(BadInputError, match=r"evil\.pt: not a file of weights"):
        given(tmp_path / "evil.pt")
    assert not (tmp_path / "made").exists()
    torch.load(tmp_path / "evil.pt", weights_only=False)
    assert (tmp_path / "made").exists()


def test_no_class_of_a_file_is_made(tmp_path):
    theirs = Network()
    torch.save({"model": theirs.network, "train_args": {"model": "yolo11n.pt"}}, tmp_path / "best.pt")
    made = []
    nn.Conv2d.__setstate__ = lambda self, state: made.append(self)
    try:
        given(tmp_path / "best.pt")
    finally:
        del nn.Conv2d.__setstate__
    assert not made


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no file of torch", "not a file of weights"),
        (b"", "not a file of weights"),
        ({"model": {"layers": 3}}, "expected names and tensors"),
        ([1, 2], "expected names and tensors"),
        ({"model.0.weight": torch.zeros(2)}, "no weight fits the network.*expected weights of a yolo11n"),
    ],
)
def test_a_file_of_something_else_is_refused_in_a_sentence(tmp_path, content, message):
    path = tmp_path / "a.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(BadInputError, match=message):
        given(path)


def test_a_name_that_is_no_file_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(BadInputError, match=r"file not found.*expected none or a file"):
        given("imagenet")


def test_ultralytics_own_checkpoints_are_read(tmp_path):
    pytest.importorskip("ultralytics", reason="a checkpoint of Ultralytics needs it, not installed here")
    from bmbench.adapters.detection.networks.ultralytics_networks import UltralyticsNetwork

    torch.manual_seed(1)
    theirs = UltralyticsNetwork(YOLO, classes=4)
    torch.save({"model": theirs.network.half(), "ema": None, "train_args": {}}, tmp_path / "yolo.pt")
    torch.manual_seed(2)
    mine, said = given(tmp_path / "yolo.pt", UltralyticsNetwork(YOLO, classes=4))
    names = list(theirs.state_dict())
    assert kept(mine, theirs) == names
    assert said.startswith(f"{len(names)} of {len(names)} weights")

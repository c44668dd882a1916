"""The stated numbers of parameters are those of the networks."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from bmbench.adapters import METHODS
from bmbench.adapters.detection.networks.families import FAMILIES, TrainingFacts
from bmbench.adapters.method import is_installed
from bmbench.adapters.network_sizes import PARAMETERS
from bmbench.adapters.unet.encodings.encoding import ENCODINGS
from bmbench.adapters.unet.heads.head import HEADS
from bmbench.adapters.unet.network import build

BOXES = np.array([[0.0, 0, 18, 22], [0, 0, 24, 24], [0, 0, 31, 29], [0, 0, 40, 44]])


def network(name, profile):
    """As a fit builds it for one class of cells with outlines."""
    settings = METHODS.get(name).settings[profile]
    if name in FAMILIES:
        family = FAMILIES[name]
        shapes = (
            np.array([[12.0, 12, 9], [16, 16, 12], [15, 15, 15], [20, 20, 20]]) if family.circles else BOXES
        )
        facts = TrainingFacts(
            factor=1.0,
            mean=(0.0,) * 3,
            deviation=(1.0,) * 3,
            anchors=family.anchors(shapes, settings),
            classes=1,
            masks=family.masks,
        )
        return family.build(settings, facts)
    kind = HEADS.get(name) if name in HEADS.names() else ENCODINGS.get(name.removeprefix("unet_"))
    return build(settings, outputs=kind.outputs, features=kind.features(settings))


@pytest.mark.parametrize(
    ("name", "profile"), [(name, one) for name, some in PARAMETERS.items() for one in some]
)
def test_a_stated_number_of_parameters_is_that_of_the_network(name, profile):
    method = METHODS.get(name)
    if not is_installed(method):
        pytest.skip(f"{name} needs what is not installed here")
    with torch.random.fork_rng():
        counted = sum(one.numel() for one in network(name, profile).parameters())
    assert method.parameters[profile] == counted


def test_every_network_of_this_package_is_counted_but_those_that_no_index_has():
    own = {name for name in METHODS.own_names() if METHODS.get(name).extra is not None}
    assert own - set(PARAMETERS) == {"detectron2_retinanet", "detectron2_mask_rcnn"}
    assert METHODS.get("blob_log").parameters == {}

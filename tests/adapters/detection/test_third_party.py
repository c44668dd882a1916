"""The networks of Ultralytics and detectron2 inside the training and merging of this package."""

import copy
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters import METHODS
from bmbench.adapters.detection.networks.families import FAMILIES, TrainingFacts
from bmbench.adapters.detection.targets import targets_of
from bmbench.adapters.detection.training import DetectionPatch, _losses
from bmbench.adapters.method import Beside, is_installed, require_installed
from bmbench.benchmark.contract.list_methods import methods_table
from bmbench.core.errors import BadInputError, MissingExtraError

from ..conftest import circles, smear
from ..small import learned, tiny


def needed(name):
    missing = not is_installed(METHODS.get(name))
    return pytest.mark.skipif(missing, reason=f"what {name} needs is not installed")


ULTRALYTICS = ("yolov3u", "yolo11", "yolo26")
OF_ULTRALYTICS = [pytest.param(name, marks=needed(name)) for name in ULTRALYTICS]
THIRD_PARTY = [
    pytest.param(name, marks=needed(name))
    for name in (*ULTRALYTICS, "detectron2_retinanet", "detectron2_mask_rcnn")
]


FACTS = TrainingFacts(factor=1.0, mean=(0,) * 3, deviation=(1,) * 3, anchors=(), classes=1, masks=False)


def fresh(name, facts=None, **changes):
    """A network that has learned nothing, for the facts of one that has."""
    facts = facts or learned(name).facts
    torch.manual_seed(3)
    return FAMILIES[name].build(tiny(METHODS.get(name), **changes), facts)


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


def noise(side=64, seed=1):
    return torch.rand(3, side, side, generator=torch.Generator().manual_seed(seed))


TRANSFORMERS = [pytest.param(name, marks=needed(name)) for name in ("rt_detr_v2", "deim_v2")]
CLASS_LOSS = {
    **dict.fromkeys(ULTRALYTICS, "class"),
    "detectron2_retinanet": "loss_cls",
    "detectron2_mask_rcnn": "loss_rpn_cls",
}


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_nothing_is_learned_in_an_ignored_region(name):
    network, image = fresh(name).train(), [noise()]
    loss = CLASS_LOSS[name]
    assert network(image, [target()])[loss] > 0
    assert network(image, [target(regions=[(-9, -9, 99, 99)])])[loss] == 0
    # Not even where the region hides the patch, if a cell is drawn in it.
    hidden = network(image, [target([(20, 20, 44, 44)], regions=[(-9, -9, 99, 99)])])
    assert 0 < hidden[loss] < network(image, [target([(20, 20, 44, 44)])])[loss]


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_an_ignored_object_is_neither_a_cell_nor_background(name):
    network, image = fresh(name).train(), [noise()]
    plain, ignored = (
        network(image, [t])[CLASS_LOSS[name]]
        for t in (target([(4, 4, 20, 20)]), target([(4, 4, 20, 20)], ignored=[(36, 36, 52, 52)]))
    )
    assert 0 < ignored < plain


@pytest.mark.parametrize("name", OF_ULTRALYTICS)
def test_the_loss_is_that_of_ultralytics_own_model(name):
    network = fresh(name).train()
    boxes = [[(4.0, 6.0, 30.0, 28.0), (30.0, 32.0, 60.0, 62.0)], [(10.0, 10.0, 40.0, 36.0)]]
    images = [noise(seed=1), noise(seed=2)]
    here = copy.deepcopy(network)(images, [target(b) for b in boxes])
    # Centre and sides divided by the side of the image, 64: (4 + 30) / 2 / 64 and so on.
    rows = [(17, 17, 26, 22), (45, 47, 30, 30), (25, 23, 30, 26)]
    model = network.network
    criterion = model.init_criterion()
    if name == "yolo26":
        # Of two heads; what they begin with is 0.8 and 0.2.
        criterion.o2m = criterion.o2o = 0.5
    theirs, _ = criterion(
        model(torch.stack(images)),
        {
            "batch_idx": torch.tensor([0.0, 0, 1]),
            "cls": torch.zeros(3),
            "bboxes": torch.tensor(rows, dtype=torch.float32) / 64,
        },
    )
    # Theirs is a sum over the batch of two.
    assert torch.stack(list(here.values())).tolist() == pytest.approx((theirs / 2).tolist(), rel=1e-5)


@pytest.mark.parametrize("name", OF_ULTRALYTICS)
def test_answers_are_those_of_ultralytics_own_head(name):
    network = fresh(name, FACTS, least_confidence=0.0, nms_iou=1.0, tile_px=2048).eval()
    with torch.no_grad():
        for value in network.network.model[-1].parameters():
            value.add_(torch.randn(value.shape) / 10 * value.requires_grad)
    theirs, image = copy.deepcopy(network.network).eval(), noise(128)
    theirs.end2end, theirs.model[-1].max_det = name == "yolo26", 10_000
    with torch.inference_mode():
        here, (said, *_) = network([image])[0], theirs(image[None])
    # Of yolo26 corners, of the others middles and sides.
    boxes, scores = (said[0, :, :4], said[0, :, 4]) if name == "yolo26" else (said[0, :4].T, said[0, 4])
    if name != "yolo26":
        boxes = torch.cat([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], dim=1)
    # Places that are equally sure stand in any order.
    away, same = torch.cdist(here["boxes"], boxes, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1)
    assert sorted(same.tolist()) == list(range(len(boxes)))
    assert away.max() < 1e-3
    assert torch.allclose(here["scores"], scores[same], atol=1e-6)


@pytest.mark.parametrize("name", OF_ULTRALYTICS)
def test_a_network_that_finds_nothing_looks_worse_than_one_that_has_learned(name):
    detector, cell = learned(name), [(40, 40, 72, 72)]
    image = torch.zeros(3, 128, 128)
    image[:, 40:72, 40:72] = -2.0
    with torch.inference_mode():
        untaught, taught = (
            sum(network.eval()([image], [target(cell)]).values())
            for network in (fresh(name, detector.facts), detector.network)
        )
    assert taught < untaught


@pytest.mark.parametrize(
    ("name", "n_places"),
    [
        # Strides of 16 and 32 px in a square of 128 px, or of 8 px beside.
        pytest.param("yolov3u", 8**2 + 4**2, marks=needed("yolov3u")),
        pytest.param("yolo11", 16**2 + 8**2 + 4**2, marks=needed("yolo11")),
        pytest.param("yolo26", 16**2 + 8**2 + 4**2, marks=needed("yolo26")),
    ],
)
def test_an_untaught_network_says_boxes_of_the_size_of_a_cell(name, n_places):
    # Cells of 64 px: 4 strides of 8 px, 2 of 16 px or 1 of 32 px to each side.
    network = fresh(name, cell_px=64.0, least_confidence=0.0, nms_iou=1.0, tile_px=2048).eval()
    with torch.inference_mode():
        box = network([noise(128)])[0]["boxes"]
    sides = (box[:, 2:] - box[:, :2]).flatten()
    assert len(sides) == 2 * n_places
    assert sides.min() > 48
    assert sides.max() < 85


@pytest.mark.parametrize("name", OF_ULTRALYTICS)
def test_a_validation_changes_no_batch_statistics(name):
    network = fresh(name)
    facts, family = learned(name).facts, FAMILIES[name]
    patch = _a_patch()
    before = copy.deepcopy(network.state_dict())
    with torch.inference_mode():
        _losses(network, [patch], family=family, facts=facts)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    _losses(network, [patch], family=family, facts=facts)
    changed = [name for name, value in network.state_dict().items() if not torch.equal(before[name], value)]
    assert changed
    assert all("bn." in name for name in changed)


@needed("yolo26")
def test_the_second_head_answers_and_is_taught_without_changing_what_both_see():
    network, image = fresh("yolo26").train(), [noise()]
    head = network.network.model[-1]
    many, one = (sum(p.abs().sum() for p in part.parameters()) for part in (head.cv3, head.one2one_cv3))
    assert torch.equal(many, one)
    losses = [
        network._losses(said, [target([(20, 20, 44, 44)])], (1, 3, 64, 64), **how)
        for said, how in network._heads(network.network(torch.stack(image)))
    ]
    body = next(network.network.parameters())
    of_one = torch.autograd.grad(sum(losses[0].values()), body, retain_graph=True, allow_unused=True)[0]
    of_many = torch.autograd.grad(sum(losses[1].values()), body)[0]
    assert of_one is None
    assert of_many.abs().sum() > 0
    with torch.no_grad():
        for branch in head.one2one_cv3:
            branch[-1].bias.fill_(-40.0)
    with torch.inference_mode():
        assert not len(network.eval()(image)[0]["boxes"])


@needed("yolo11")
@pytest.mark.parametrize(
    ("network", "n_levels", "coarsest"),
    [("yolov8s-p2", 4, 32), ("yolov10n", 3, 32), ("yolov9t", 3, 32), ("yolov5n-p6", 4, 64)],
)
def test_any_packaged_network_of_boxes_is_built_by_its_name(network, n_levels, coarsest):
    built = fresh("yolo11", network=network, width_multiple=0.25).train()
    assert len(built.network.stride) == n_levels
    assert built.network.stride.max() == coarsest
    assert sum(built([noise(100)], [target([(20, 20, 44, 44)])]).values()) > 0
    with torch.inference_mode():
        assert set(built.eval()([noise(100)])[0]) == {"boxes", "scores", "labels"}


@needed("yolo11")
@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("yolo11", "expected one of n, s, m, l, x after the number"),
        ("yolo11n-seg", "one of yolo11, "),
        ("yolov8-rtdetr", "one of yolo11, "),
        ("yolov10q", "one of yolo11, "),
        ("yolov3-tinyn", "one of yolo11, "),
        ("yolo11-seg", "one of yolo11, "),
    ],
)
def test_a_name_of_no_network_of_boxes_is_refused(network, message):
    with pytest.raises(BadInputError, match=message):
        fresh("yolo11", network=network)


def test_a_name_leads_out_of_no_folder():
    with pytest.raises(ValueError, match="expected the name of a packaged network"):
        tiny(METHODS.get("yolo11"), network="../../secrets")


def _a_patch():
    cells = circles((20.0, 20.0, 12.0), (44.0, 40.0, 10.0))
    image = smear(cells, 64, 64)
    return DetectionPatch(image=image, targets=targets_of(cells, 64, circles=False, weak_shrink=0.0))


WATCHED = """
import contextlib, json, os, sys, tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import adapters.small
from adapters.conftest import sample
import torch, torchvision, cv2, skimage, safetensors.torch, torch._dynamo
# What asks the web in `transformers` loads it where it is installed; it looks for the system's threads.
with contextlib.suppress(ImportError):
    import trio

seen = []


def watch(event, details):
    if event.startswith(("socket.", "subprocess.", "urllib.", "os.system", "os.exec", "os.posix_spawn")):
        seen.append([event, repr(details)])
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    if event == "open" and isinstance(details[2], int) and details[2] & writing:
        seen.append([event, str(details[0])])


method = adapters.small.METHODS.get(sys.argv[2])
samples = [sample(number) for number in range(2)]
request = adapters.small.request_for(method, samples, samples[:1])
sys.dont_write_bytecode = True
sys.addaudithook(watch)
method.fit(request).predict(samples[0].load())
print(json.dumps([seen, tempfile.gettempdir(), sorted(os.listdir(tempfile.gettempdir()))]))
"""


@pytest.mark.parametrize("name", [*THIRD_PARTY, *TRANSFORMERS])
def test_a_fit_asks_no_network_starts_no_program_and_leaves_no_file(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    here = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(here), name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    seen, temporary, left = json.loads(done.stdout)
    outside = [what for what in seen if what[0] != "open" or not what[1].startswith(temporary)]
    assert not outside
    assert not left


def test_what_is_missing_is_named_with_the_command_that_installs_it():
    away = Beside(module="no_such_module", command="pip install this")
    method = dataclasses.replace(METHODS.get("retinanet"), name="away", beside=away)
    assert not is_installed(method)
    with pytest.raises(MissingExtraError) as refused:
        require_installed(method)
    assert str(refused.value) == "no_such_module, which away needs, is not installed: pip install this"


def test_the_table_of_methods_says_how_to_install_those_that_are_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ultralytics" else object())
    table = methods_table()
    more = [line for line in table.caption.splitlines() if line.startswith("for more")]
    assert more == ["for more: pip install 'bmbench\\[yolo]'"]
    assert list(table.columns[-1].cells).count("no") == len(ULTRALYTICS)

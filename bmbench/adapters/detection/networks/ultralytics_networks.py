"""Networks of boxes of Ultralytics (AGPL-3.0), YOLO v3 to YOLO26, called as torchvision's networks are.

Network, assignment and loss are Ultralytics'; patches, steps, checkpoints and merging are those of all
detectors here. Their heads have no anchors: every place says how far it is to the four sides of its cell,
each as a distribution over 16 distances in strides, or as one number (YOLO26).

Some (v10, YOLO26) have a second head, which is taught one place for each cell and needs no suppression. It
learns from the features of the first and does not change them.
"""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from bmbench.adapters.detection.networks.anchors import TensorDict, where_hidden
from bmbench.adapters.detection.networks.yolov3 import kept
from bmbench.adapters.detection.settings.yolo import UltralyticsSettings
from bmbench.adapters.images.working_scale import Colour
from bmbench.adapters.learning.third_party import without_side_effects
from bmbench.core.errors import BadInputError

NOTICE = "Ultralytics, which {} trains with, is under the AGPL-3.0: https://ultralytics.com/license"
_PARTS = ("box", "class", "distribution")
_HEADS = ("Detect", "v10Detect")
"""Layers that find boxes of the classes of a data set, and nothing else."""
_ONE_PLACE = {"tal_topk": 7, "tal_topk2": 1}
"""Of the second head: of the seven best places for a cell, one."""
_LEAST = 0.05
_PEAK = 2.0
"""By how much the logarithm of a probability falls from one distance to the next at first."""
_MOMENTUM = 0.1
"""Of the batch statistics; Ultralytics' 0.03 lags behind a training of a few hundred steps."""


class UltralyticsNetwork(nn.Module):
    """Losses if there are targets, else boxes, scores and labels of each image."""

    def __init__(self, settings: UltralyticsSettings, *, classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.network = _network(settings, classes)
        self.train()

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002
        """Batch statistics of the batch at hand, or those learned.

        The head stays in training, where it gives raw numbers: its own decoding keeps the grid of the image
        before, which tiles that are answered at the same time would share.
        """
        head = self.network.model[-1]
        for module in self.modules():
            module.training = mode or module is head
        return self

    def forward(self, images: list[torch.Tensor], targets: list[TensorDict] | None = None) -> Any:
        """Losses by name, or one dict of boxes, scores and labels an image."""
        batch = _padded(torch.stack(images), int(self.network.stride.max()))
        heads = self._heads(self.network(batch))
        if targets is not None:
            parts = [self._losses(said, targets, batch.shape, **how) for said, how in heads]
            return {name: sum(part[name] for part in parts) / len(parts) for name in _PARTS}
        said = heads[0][0]
        criterion = self._criterion()
        points, strides = _places(said, criterion.stride)
        boxes = criterion.bbox_decode(points, said["boxes"].permute(0, 2, 1)) * strides
        probability = torch.sigmoid(said["scores"].permute(0, 2, 1))
        return [kept(*image, settings=self.settings) for image in zip(boxes, probability, strict=True)]

    def _heads(self, said: Any) -> list[tuple[Any, Mapping[str, int]]]:
        """What each head says, and how many places it is taught; the first one answers.

        Ultralytics shifts the weight of two heads from the first to the second in the course of a training.
        Here both count alike at every step, since no checkpoint would hold the count of steps.
        """
        many = {"tal_topk": self.settings.places}
        if "feats" in said:
            return [(said, many)]
        return [(said["one2one"], _ONE_PLACE), (said["one2many"], many)]

    def _criterion(self, **how: int) -> Any:
        from ultralytics.utils.loss import v8DetectionLoss

        return v8DetectionLoss(self.network, **how)

    def _losses(
        self, said: Any, targets: list[TensorDict], shape: torch.Size, **how: int
    ) -> dict[str, torch.Tensor]:
        """The losses of one head, a mean over the (n, 3, h, w) batch."""
        criterion = self._criterion(**how)
        points, strides = _places(said, criterion.stride)
        criterion.class_weights = torch.stack([_weight(points * strides, target) for target in targets])
        assigned = _noted(criterion)
        losses, _ = criterion.loss(said, _as_batch(targets, shape))
        share = 1.0 if torch.is_grad_enabled() else _share(assigned, targets)
        return dict(zip(_PARTS, losses / len(targets) / share, strict=True))


def colours(settings: UltralyticsSettings) -> tuple[Colour, Colour] | None:
    """Mean and deviation that bring colours to 0 … 1, as Ultralytics' weights know them; None without any."""
    return None if settings.weights == "none" else ((0.0,) * 3, (255.0,) * 3)


def _places(said: Any, stride: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(places, 2) their middles in strides, and (places, 1) those strides in pixels."""
    from ultralytics.utils.tal import make_anchors

    places: tuple[torch.Tensor, torch.Tensor] = make_anchors(said["feats"], stride, 0.5)
    return places


def _network(settings: UltralyticsSettings, classes: int) -> Any:
    """The packaged network with fresh weights from torch's generator.

    Ultralytics keeps a file of settings, here in a folder that is gone at once. Without these variables it
    looks for a connection and for missing packages, and sends notes of its use.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        without_side_effects(
            YOLO_CONFIG_DIR=folder, YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0", YOLO_VERBOSE="0"
        ),
    ):
        from ultralytics.nn.tasks import DetectionModel
        from ultralytics.utils import DEFAULT_CFG

        network = DetectionModel(_description(settings) | {"nc": classes}, verbose=False)
        # The loss takes its gains from here.
        network.args = DEFAULT_CFG
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = _MOMENTUM
    _begin_with(network.model[-1], settings.cell_px / 2)
    return network


def _description(settings: UltralyticsSettings) -> dict[str, Any]:
    """The layers of a packaged network, with the settings' multiples of its depth and width."""
    import ultralytics
    from ultralytics.utils import YAML

    folder = Path(ultralytics.__file__).parent / "cfg" / "models"
    packaged = {path.stem: path for path in folder.rglob("*.yaml")}
    layers: dict[str, Any] | None = None
    size = ""
    # A size stands in the middle of a name: yolov8s-p2 is yolov8-p2 of size s.
    parts = re.fullmatch(r"(yolov?\d+)([nsmlx])(-.*)?", settings.network)
    if settings.network in packaged:
        layers = YAML.load(packaged[settings.network])
    elif parts and (plain := parts[1] + (parts[3] or "")) in packaged:
        layers, size = YAML.load(packaged[plain]), parts[2]
    if layers is None or layers["head"][-1][2] not in _HEADS:
        known = (name for name in sorted(packaged) if YAML.load(packaged[name])["head"][-1][2] in _HEADS)
        raise BadInputError(
            "Ultralytics has no such network of boxes",
            where=f"--set network={settings.network}",
            expected=f"one of {', '.join(known)}",
        )
    sizes = layers.get("scales") or {"": ()}
    size = next(iter(sizes)) if len(sizes) == 1 else size
    if size not in sizes:
        raise BadInputError(
            "no such size of this network",
            where=f"--set network={settings.network}",
            expected=f"one of {', '.join(sizes)} after the number, as in yolo11n",
        )
    depth, width = settings.depth_multiple, settings.width_multiple
    if not size:
        return layers | {"depth_multiple": depth, "width_multiple": width}
    deep, wide, most = sizes[size]
    return layers | {"scale": size, "scales": {size: [deep * depth, wide * width, most]}}


def _begin_with(head: Any, distance: float) -> None:
    """Let every place say that each side of its cell is that many pixels away, before anything is learned.

    Ultralytics begins with 7.5 strides, or 2. Such boxes overlap cells hardly at all, and what does not
    overlap is hardly taught: a kind of cell that is not found soon might never be.
    """
    for branches in (head.cv2, getattr(head, "one2one_cv2", ())):
        for branch, stride in zip(branches, head.stride, strict=False):
            away = torch.arange(head.reg_max) - distance / stride
            said = (-_PEAK * away.abs()).repeat(4) if head.reg_max > 1 else distance / stride
            with torch.no_grad():
                branch[-1].bias.copy_(said)


def _noted(criterion: Any) -> list[torch.Tensor]:
    """Where the criterion will put how much of a cell all places are taught to be, together."""
    assign, total = criterion.assigner, []

    def noting(*given: torch.Tensor) -> Any:
        answer = assign(*given)
        total.append(answer[2].sum())
        return answer

    criterion.assigner = noting
    return total


def _share(assigned: list[torch.Tensor], targets: list[TensorDict]) -> float:
    """What a loss has to be divided by so that one network can be compared with another.

    A place is taught to be as much of a cell as its box fits one, and the loss is divided by the sum of that,
    but by 1 at least. So a network all of whose boxes are wrong is taught next to nothing, has next to no
    loss, and would be taken for the best.
    """
    if not any(len(target["boxes"]) for target in targets):
        return 1.0
    return float(torch.stack(assigned).sum().clamp(_LEAST, 1))


def _padded(batch: torch.Tensor, stride: int) -> torch.Tensor:
    """(n, 3, h, w) filled up at the lower right to whole strides."""
    down, right = (-side % stride for side in batch.shape[2:])
    return nn.functional.pad(batch, (0, right, 0, down))


def _as_batch(targets: list[TensorDict], shape: torch.Size) -> dict[str, torch.Tensor]:
    """The image, class, and centre and sides as shares of w, h, of each object of a (n, 3, h, w) batch."""
    box = torch.cat([target["boxes"] for target in targets])
    size = box.new_tensor(shape[:1:-1])
    first, last = box[:, :2] / size, box[:, 2:] / size
    number = [torch.full((len(target["boxes"]),), float(n)) for n, target in enumerate(targets)]
    return {
        "batch_idx": torch.cat(number).to(box.device),
        "cls": torch.cat([target["labels"] for target in targets]).to(box.dtype),
        "bboxes": torch.cat([(first + last) / 2, last - first], dim=1),
    }


def _weight(points: torch.Tensor, target: TensorDict) -> torch.Tensor:
    """(n, 1) 0 for places where nothing is learned, else 1."""
    return (~where_hidden(points, target)).to(points.dtype)[:, None]

"""YOLO v3 with the head of later versions, Ultralytics' (AGPL-3.0), called as torchvision's networks are.

Network, assignment and loss are Ultralytics'; patches, steps, checkpoints and merging are those of all
detectors here. Its head has no anchors: every place says how far it is to the four sides of its cell, each as
a distribution over 16 distances in strides.
"""

import tempfile
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from bmbench.adapters.detection.networks.anchors import TensorDict
from bmbench.adapters.detection.networks.third_party import without_side_effects
from bmbench.adapters.detection.networks.yolov3 import kept
from bmbench.adapters.detection.settings import YoloUSettings

NOTICE = "Ultralytics, which yolov3u trains with, is under the AGPL-3.0: https://ultralytics.com/license"
_PARTS = ("box", "class", "distribution")
_LEAST = 0.05
_PEAK = 2.0
"""By how much the logarithm of a probability falls from one distance to the next at first."""
_MOMENTUM = 0.1
"""Of the batch statistics; Ultralytics' 0.03 lags behind a training of a few hundred steps."""


class YoloV3U(nn.Module):
    """Losses if there are targets, else boxes, scores and labels of each image."""

    def __init__(self, settings: YoloUSettings, *, classes: int) -> None:
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
        from ultralytics.utils.loss import v8DetectionLoss
        from ultralytics.utils.tal import make_anchors

        batch = _padded(torch.stack(images), self.settings.stride)
        said = self.network(batch)
        criterion = v8DetectionLoss(self.network, tal_topk=self.settings.places)
        points, strides = make_anchors(said["feats"], criterion.stride, 0.5)
        if targets is not None:
            criterion.class_weights = torch.stack([_weight(points * strides, target) for target in targets])
            assigned = _noted(criterion)
            losses, _ = criterion.loss(said, _as_batch(targets, batch.shape))
            share = 1.0 if torch.is_grad_enabled() else _share(assigned, targets)
            return dict(zip(_PARTS, losses / len(images) / share, strict=True))
        boxes = criterion.bbox_decode(points, said["boxes"].permute(0, 2, 1)) * strides
        probability = torch.sigmoid(said["scores"].permute(0, 2, 1))
        return [kept(*image, settings=self.settings) for image in zip(boxes, probability, strict=True)]


def _network(settings: YoloUSettings, classes: int) -> Any:
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
        import ultralytics
        from ultralytics.nn.tasks import DetectionModel
        from ultralytics.utils import DEFAULT_CFG, YAML

        packaged = Path(ultralytics.__file__).parent / "cfg" / "models" / "v3" / f"{settings.network}.yaml"
        layers = YAML.load(packaged) | {
            "nc": classes,
            "depth_multiple": settings.depth_multiple,
            "width_multiple": settings.width_multiple,
        }
        network = DetectionModel(layers, verbose=False)
        # The loss takes its gains from here.
        network.args = DEFAULT_CFG
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = _MOMENTUM
    _begin_with(network.model[-1], settings.cell_px / 2)
    return network


def _begin_with(head: Any, distance: float) -> None:
    """Let every place say that each side of its cell is that many pixels away, before anything is learned.

    Ultralytics begins with 7.5 strides. Such boxes overlap cells hardly at all, and what does not overlap is
    hardly taught: a kind of cell that is not found soon might never be.
    """
    for branch, stride in zip(head.cv2, head.stride, strict=True):
        bins = torch.arange(head.reg_max) - distance / stride
        with torch.no_grad():
            branch[-1].bias.copy_((-_PEAK * bins.abs()).repeat(4))


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
    """(n, 1) 0 for places on an ignored object or region and on no cell, else 1."""
    hidden = _on(points, target["ignored"]) | _on(points, target["regions"])
    return (~hidden | _on(points, target["boxes"])).to(points.dtype)[:, None]


def _on(points: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """(n,) whether each place lies in one of the boxes."""
    inside = (points[:, None] > boxes[None, :, :2]) & (points[:, None] < boxes[None, :, 2:])
    return inside.all(dim=2).any(dim=1)

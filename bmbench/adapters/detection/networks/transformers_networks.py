"""Detection transformers of `transformers` (Apache-2.0), called as torchvision's networks are.

RT-DETRv2 (Lv et al., arXiv 2407.17140): an encoder of three levels chooses the places that look most like
cells, and a decoder refines each into one box. Each cell is taught to one of them, so that no suppression is
needed once that is learned. DEIMv2 (Huang et al., arXiv 2509.20787) says of each side of a box how probable
each distance is, teaches boxes to all queries that any layer matched, and weighs confidence by overlap.

Network, assignment and loss are the library's. Left out is its denoising: more queries, from noisy boxes,
whose draws come from the generator of the whole process and would not be the same when a fit is resumed.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from bmbench.adapters.detection.networks.anchors import TensorDict, where_hidden
from bmbench.adapters.detection.networks.yolov3 import kept
from bmbench.adapters.detection.settings.detr import DetrSettings
from bmbench.adapters.images.working_scale import Colour
from bmbench.adapters.learning.third_party import without_side_effects

_KINDS = {
    "rt_detr_v2": ("RTDetrV2Config", "RTDetrV2ForObjectDetection"),
    "deim_v2": ("Deimv2Config", "Deimv2ForObjectDetection"),
}
_RESNETS: dict[str, dict[str, Any]] = {
    "small": {"hidden_sizes": [32, 64, 128, 256], "depths": [1, 1, 1, 1], "layer_type": "basic"},
    "resnet18": {"hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2], "layer_type": "basic"},
    "resnet50": {
        "hidden_sizes": [256, 512, 1024, 2048],
        "depths": [3, 4, 6, 3],
        "layer_type": "bottleneck",
    },
}
_QUIET = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
_SURELY_NONE = -10.0
"""A logit that teaches nothing as background."""
_FIRST_CONFIDENCE = 0.01


class DetectionTransformer(nn.Module):
    """Losses if there are targets, else boxes, scores and labels of each image."""

    def __init__(self, kind: str, settings: DetrSettings, *, classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.network = _network(kind, settings, classes)
        self.register_state_dict_post_hook(_without_copies)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_with_copies)  # type: ignore[no-untyped-call]

    def forward(self, images: list[torch.Tensor], targets: list[TensorDict] | None = None) -> Any:
        """Losses by name, or one dict of boxes, scores and labels an image."""
        batch = self._padded(torch.stack(images))
        size = batch.new_tensor([batch.shape[3], batch.shape[2]] * 2)
        if targets is not None:
            labels = [_as_labels(target, size) for target in targets]
            return {"all": self.network(pixel_values=batch, labels=labels).loss}
        said = self.network(pixel_values=batch)
        boxes = _corners(said.pred_boxes) * size
        probability = torch.sigmoid(said.logits)
        return [kept(*image, settings=self.settings) for image in zip(boxes, probability, strict=True)]

    def renamed(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The weights of a published file that fit, by the names of this network.

        `transformers` renames the parts of its networks from time to time, and keeps the list of old names.
        """
        with torch.random.fork_rng(), without_side_effects(**_QUIET):
            theirs, found = type(self.network).from_pretrained(
                None,
                config=self.network.config,
                state_dict=dict(weights),
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        other = {name for name, *_ in found["mismatched_keys"]} | set(found["missing_keys"])
        every = theirs.state_dict()
        # What is not from the file is fresh, under each of its names.
        fresh = {every[name].data_ptr() for name in other if name in every}
        return {f"network.{name}": one for name, one in every.items() if one.data_ptr() not in fresh}

    def _padded(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) filled up at the lower right to whole strides, and to a patch at least."""
        least, stride = self.settings.side_px, self.settings.stride
        down, right = (max(least - side, -side % stride) for side in batch.shape[2:])
        return nn.functional.pad(batch, (0, right, 0, down))


def colours(settings: DetrSettings) -> tuple[Colour, Colour] | None:
    """Mean and deviation that bring colours to 0 … 1, as published weights know them; None without any."""
    return None if settings.weights == "none" else ((0.0,) * 3, (255.0,) * 3)


def _network(kind: str, settings: DetrSettings, classes: int) -> Any:
    """The network from its configuration, with fresh weights from torch's generator."""
    with without_side_effects(**_QUIET):
        import transformers

        config, network = (getattr(transformers, name) for name in _KINDS[kind])
        backbone = _backbone(transformers, settings)
        width, heads = settings.width, settings.n_heads
        described = config(
            backbone_config=backbone,
            encoder_in_channels=backbone.hidden_sizes[1:],
            num_labels=classes,
            num_queries=settings.n_queries,
            d_model=width,
            encoder_hidden_dim=width,
            decoder_in_channels=[width] * 3,
            encoder_ffn_dim=4 * width,
            decoder_ffn_dim=4 * width,
            encoder_attention_heads=heads,
            decoder_attention_heads=heads,
            decoder_layers=settings.layers,
            num_denoising=0,
            # Frozen statistics of a network that learned nothing would stay those of nothing.
            freeze_backbone_batch_norms=False,
            initializer_bias_prior_prob=_FIRST_CONFIDENCE,
        )
        built = network(described)
    built.loss_function = partial(_loss, built.loss_function)
    return built


def _backbone(transformers: Any, settings: DetrSettings) -> Any:
    facts = _RESNETS[settings.backbone]
    first = 64 if facts["layer_type"] == "bottleneck" else facts["hidden_sizes"][0]
    return transformers.RTDetrResNetConfig(**facts, embedding_size=first, out_indices=[2, 3, 4])


def _loss(theirs: Any, _logits: Any, labels: list[TensorDict], *said: Any, **named: Any) -> Any:
    """Their loss, in which nothing is taught of what lies on ignored objects and regions, and on no cell."""
    device, boxes, config, logits, places = said
    layers = zip(logits.unbind(dim=1), places.unbind(dim=1), strict=True)
    logits = torch.stack([_masked(*layer, labels) for layer in layers], dim=1)
    chosen = _masked(named.pop("enc_topk_logits"), named["enc_topk_bboxes"], labels)
    return theirs(
        logits[:, -1], labels, device, boxes, config, logits, places, enc_topk_logits=chosen, **named
    )


def _masked(logits: torch.Tensor, boxes: torch.Tensor, labels: list[TensorDict]) -> torch.Tensor:
    """(n, queries, classes) logits, surely none for boxes in whose middle nothing is to be learned."""
    hidden = [
        where_hidden(here[:, :2], label | {"boxes": _corners(label["boxes"])})
        for here, label in zip(boxes.detach(), labels, strict=True)
    ]
    return logits.masked_fill(torch.stack(hidden)[..., None], _SURELY_NONE)


def _as_labels(target: TensorDict, size: torch.Tensor) -> TensorDict:
    """Centres and sides of the cells as shares of (w, h, w, h), and the corners of what is ignored."""
    box = target["boxes"] / size
    return {
        "class_labels": target["labels"],
        "boxes": torch.cat([(box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]], dim=1),
        "ignored": target["ignored"] / size,
        "regions": target["regions"] / size,
    }


def _corners(box: torch.Tensor) -> torch.Tensor:
    """(…, 4) first and last corners of boxes that are centres and sides."""
    middle, half = box[..., :2], box[..., 2:] / 2
    return torch.cat([middle - half, middle + half], dim=-1)


def _copies(module: nn.Module) -> dict[str, str]:
    """Name of a tensor that has another name before → that name; the heads are those of the decoder."""
    first: dict[int, str] = {}
    every = module.named_parameters(remove_duplicate=False)
    found = {name: first.setdefault(id(value), name) for name, value in every}
    return {name: other for name, other in found.items() if name != other}


def _without_copies(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    """Drop second names: a file of safetensors holds each tensor once."""
    for name in _copies(module):
        del state[prefix + name]


def _with_copies(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name, other in _copies(module).items():
        if prefix + other in state:
            state[prefix + name] = state[prefix + other]

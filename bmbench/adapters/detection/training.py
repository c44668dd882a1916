"""From patches to weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from bmbench.adapters.detection.class_sizes import balanced, differ, mean_by_class, suited, what_changed
from bmbench.adapters.detection.labels import cell_labels
from bmbench.adapters.detection.merging.overlaps import bounding_box
from bmbench.adapters.detection.networks.families import FAMILIES, Family, TrainingFacts
from bmbench.adapters.detection.networks.mask_rcnn import reseed
from bmbench.adapters.detection.networks.weights import Taking, take_weights
from bmbench.adapters.detection.settings.common import CommonSettings
from bmbench.adapters.detection.targets import Targets, are_points, cut_patch, masks_of, shapes_of, targets_of
from bmbench.adapters.encoders.request import suited_to_encoder
from bmbench.adapters.images.working_scale import (
    TrainingImage,
    ViewSettings,
    at_working_scale,
    colour_statistics,
    mean_diameter,
    random_view,
)
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.networks import on_device, standardised
from bmbench.adapters.learning.reproducible import best_device, one_thread_each, seeded, steps_ahead
from bmbench.adapters.learning.trainer import Trainer
from bmbench.core.types import Floats, Pixels, Role


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectionPatch:
    """What the network sees at once, and what it shall find; `seed` is that of its random samples."""

    image: Pixels
    targets: Targets
    seed: int = 0


def fit(request: FitRequest, family_name: str) -> tuple[nn.Module, TrainingFacts, CommonSettings]:
    """A trained network, and what prediction needs to know: facts of the data, and settings suited to them.

    Raises
    ------
    BadInputError
        If no cell is annotated in the training images, the cells have no size, or the weights do not fit.
    RunFailedError
        If the loss is no longer a number.
    """
    family = FAMILIES[family_name]
    request, different, mean_px = _with_class_sizes(suited_to_encoder(request))
    settings: CommonSettings = request.settings
    factor = settings.cell_px / mean_px
    train = [at_working_scale(sample, factor) for sample in request.train]
    facts = _facts(
        train,
        factor,
        family,
        settings,
        cells=cell_labels(request.classes),
        points=are_points([sample.annotations for sample in request.train]),
        different=different,
    )
    validation = [at_working_scale(sample, factor) for sample in request.validation]
    wanted = _view_settings(request, settings)

    def draw(generator: np.random.Generator) -> DetectionPatch:
        view = random_view(train, wanted, generator)
        return _patch(view, settings, family, cells=facts.cells, seed=int(generator.integers(2**31)))

    with one_thread_each(exact_on_card=family.exact_with(settings)) as pool, seeded(request.seed):
        network = family.build(settings, facts).to(best_device())
        for notice in notices(family, settings, best_device()):
            request.progress.note(notice)
        if isinstance(settings, Taking) and settings.weights != "none":
            taken = take_weights(network, settings.weights, family=family_name, settings=settings)
            request.progress.note(taken)
        trainer = Trainer(
            request=request,
            draw=draw,
            losses=partial(_losses, family=family, facts=facts),
            validation=_fixed_patches(validation, settings, family, cells=facts.cells),
            pool=pool,
            ahead=steps_ahead(),
            kind=family_name,
        )
        return trainer.run(network), facts, settings


def notices(family: Family, settings: CommonSettings, device: torch.device) -> list[str]:
    """What is said whenever one is fitted there."""
    rounding = device.type == "cuda" and not family.exact_with(settings)
    return [*([family.notice] if family.notice else []), *([_TO_ROUNDING] if rounding else [])]


_TO_ROUNDING = (
    "on a graphics card this network adds up in any order: the same seed gives the same to rounding"
)


def tensor_of(image: Pixels, facts: TrainingFacts, device: torch.device) -> torch.Tensor:
    """(3, h, w) tensor of a (h, w, 3) image, as the network expects it."""
    return standardised(np.stack([image]), facts.mean, facts.deviation, device)[0]


def _view_settings(request: FitRequest, settings: CommonSettings) -> ViewSettings:
    return ViewSettings(
        augment=request.augment,
        side_px=settings.patch_px,
        stain_jitter=settings.stain_jitter,
        stain_shift=settings.stain_shift,
        scale_jitter=settings.scale_jitter,
    )


def _losses(
    network: nn.Module, patches: Sequence[DetectionPatch], *, family: Family, facts: TrainingFacts
) -> torch.Tensor:
    """(1,) sum of the losses of the patches."""
    device = next(network.parameters()).device
    # Torchvision's networks give losses in this mode alone; of their layers only batch statistics mind.
    network.train(torch.is_grad_enabled() or not family.batch_statistics)
    if not torch.is_grad_enabled():
        _use_statistics(network)
    reseed(network, patches[0].seed)
    images = [tensor_of(patch.image, facts, device) for patch in patches]
    answer = network(images, [_as_tensors(patch, family, facts, device) for patch in patches])
    total: torch.Tensor = torch.stack(list(answer.values())).sum() * len(patches)
    return total[None]


def _use_statistics(network: nn.Module) -> None:
    """Let a network that stays in training for its losses normalise by what it learned of batches."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


def _as_tensors(
    patch: DetectionPatch, family: Family, facts: TrainingFacts, device: torch.device
) -> dict[str, torch.Tensor]:
    targets = patch.targets

    def boxes(shapes: Floats) -> torch.Tensor:
        return on_device(bounding_box(shapes).astype(np.float32), device)

    tensors = {
        "boxes": boxes(targets.shapes),
        "labels": on_device(targets.label + family.first_label, device),
        "ignored": boxes(targets.ignored),
        "regions": boxes(targets.regions),
    }
    if facts.masks:
        tensors["masks"] = on_device(masks_of(targets.outlines, len(patch.image)), device)
    return tensors


def _patch(
    view: TrainingImage, settings: CommonSettings, family: Family, *, cells: int, seed: int = 0
) -> DetectionPatch:
    targets = targets_of(
        view.annotations,
        len(view.image),
        circles=family.circles,
        weak_shrink=settings.weak_shrink,
        cells=cells,
    )
    return DetectionPatch(image=view.image, targets=targets, seed=seed)


def _fixed_patches(
    images: Sequence[TrainingImage], settings: CommonSettings, family: Family, *, cells: int
) -> list[DetectionPatch]:
    """Patches that cover the images, at most `validation_patches` of them, spread evenly."""
    side = settings.patch_px
    patches = [
        _patch(cut_patch(one, row, column, side), settings, family, cells=cells)
        for one in images
        for row in range(0, max(one.image.shape[0] - side // 2, 1), side)
        for column in range(0, max(one.image.shape[1] - side // 2, 1), side)
    ]
    most = min(settings.validation_patches, len(patches))
    return [patches[i * len(patches) // most] for i in range(most)]


def _with_class_sizes(request: FitRequest) -> tuple[FitRequest, bool, float]:
    """The request with settings suited to its classes, whether those differ in size, the mean diameter."""
    annotated = [sample.annotations for sample in request.train]
    mean_px = mean_diameter(annotated)
    means = mean_by_class(annotated, request.classes)
    settings = suited(request.settings, means, mean_px=mean_px)
    if text := what_changed(request.settings, settings, means):
        request.progress.note(text)
    different = differ(means) and request.settings.least_class_px > 0
    return dataclasses.replace(request, settings=settings), different, mean_px


def _facts(
    train: Sequence[TrainingImage],
    factor: float,
    family: Family,
    settings: Any,
    *,
    cells: int,
    points: bool,
    different: bool,
) -> TrainingFacts:
    mean, deviation = family.colours(settings) or colour_statistics(train)
    roles = np.concatenate([one.annotations.role for one in train])
    taught = [one.annotations.take(one.annotations.role == Role.CELL) for one in train]
    shapes = np.concatenate(
        [shapes_of(a, circles=family.circles, weak_shrink=settings.weak_shrink) for a in taught]
    )
    if different:
        shapes = balanced(shapes, np.concatenate([a.label for a in taught]))
    outlined = all(rings for a in taught for rings in a.contour)
    return TrainingFacts(
        factor=factor,
        mean=mean,
        deviation=deviation,
        anchors=family.anchors(shapes, settings),
        classes=cells + int((roles == Role.ARTEFACT).any()),
        masks=family.learns_masks(settings, outlined=outlined),
        cells=cells,
        points=points,
    )

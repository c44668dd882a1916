"""From images at working scale to patches, augmented, with their targets, and from patches to weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from bmbench.adapters.encoders.choice import NONE, encoder_colours
from bmbench.adapters.encoders.taken import take_encoder_weights
from bmbench.adapters.images.augment import (
    blurred,
    cut,
    draw_blur,
    draw_window,
    jitter_stain,
    shift_stain,
)
from bmbench.adapters.images.working_scale import (
    TrainingImage,
    ViewSettings,
    at_working_scale,
    colour_statistics,
    mean_diameter,
    random_image,
    random_scale,
    random_view,
)
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.networks import begin_with, on_device, short_numbers, standardised
from bmbench.adapters.learning.reproducible import best_device, one_thread_each, seeded, steps_ahead
from bmbench.adapters.learning.trainer import Trainer
from bmbench.adapters.unet.encodings.encoding import Encoding
from bmbench.adapters.unet.encodings.level_maps import LevelledImage, LookUp, levelled
from bmbench.adapters.unet.encodings.object_pixels import TargetMap
from bmbench.adapters.unet.network import UNet, build
from bmbench.adapters.unet.settings import NetworkSettings, UNetSettings
from bmbench.adapters.unet.teaching import Teaching
from bmbench.core.objects import object_circles
from bmbench.core.types import Pixels, Role


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UNetPatch:
    """What the network sees at once, and what it shall say."""

    image: Pixels
    target: TargetMap


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchSource:
    """What random patches are drawn from: images with the levels of their pixels, and what levels mean."""

    images: Sequence[LevelledImage]
    look_up: LookUp
    settings: UNetSettings

    @classmethod
    def of(
        cls, images: Iterable[TrainingImage], *, encoding: Encoding, settings: UNetSettings
    ) -> PatchSource:
        """The source of these images at working scale."""
        look_up = LookUp.of(encoding, settings)
        levels = [levelled(one, encoding=encoding, settings=settings, look_up=look_up) for one in images]
        return cls(images=levels, look_up=look_up, settings=settings)


def draw_patch(source: PatchSource, generator: np.random.Generator) -> UNetPatch:
    """A random patch; every pixel of the training images is equally likely to be in it."""
    settings = source.settings
    chosen = source.images[random_image([one.image for one in source.images], generator)]
    height, width = chosen.image.shape[:2]
    size = settings.patch_px
    scale = random_scale(settings.scale_jitter, generator)
    window = draw_window(width, height, size, generator, scale=scale)
    blur = draw_blur(generator)
    shown = cut(chosen.image, window, size)
    artefact = None if chosen.artefact is None else cut(chosen.artefact, window, size)
    ignored, named = (
        None if plane is None else cut(plane, window, size, nearest=True)
        for plane in (chosen.ignored, chosen.named)
    )
    image = blurred(np.asarray(cv2.cvtColor(shown, cv2.COLOR_RGBA2RGB), np.uint8), blur)
    image = jitter_stain(image, settings.stain_jitter, generator)
    return UNetPatch(
        image=shift_stain(image, settings.stain_shift, generator),
        target=source.look_up.target(
            np.asarray(cv2.extractChannel(shown, 3), np.uint8), artefact, ignored, named
        ),
    )


def encode_view(
    images: Sequence[TrainingImage],
    request: FitRequest,
    encoding: Teaching,
    generator: np.random.Generator,
) -> UNetPatch:
    """A random patch, whose target is computed of the annotations that were moved into it."""
    settings: NetworkSettings = request.settings
    wanted = ViewSettings(
        augment=request.augment,
        side_px=settings.patch_px,
        stain_jitter=settings.stain_jitter,
        stain_shift=settings.stain_shift,
        scale_jitter=settings.scale_jitter,
    )
    view = random_view(images, wanted, generator)
    target = encoding.encode(view.annotations, view.image.shape[:2], settings)
    return UNetPatch(image=view.image, target=target)


def _drawing(
    images: Sequence[TrainingImage], request: FitRequest, encoding: Teaching
) -> Callable[[np.random.Generator], UNetPatch]:
    """What draws patches: an encoding's targets turn with the picture, others are computed for each patch."""
    if isinstance(encoding, Encoding):
        return partial(draw_patch, PatchSource.of(images, encoding=encoding, settings=request.settings))
    return partial(encode_view, images, request, encoding)


def fixed_patches(
    images: Sequence[TrainingImage], *, encoding: Teaching, settings: NetworkSettings
) -> list[UNetPatch]:
    """Patches that cover the images, at most `validation_patches` of them, spread evenly."""
    patches = []
    side = settings.patch_px
    for one in images:
        height, width = one.image.shape[:2]
        target = encoding.encode(one.annotations, (height, width), settings)
        patches += [
            _cut(one.image, target, y, x, side)
            for y in range(0, max(height - side // 2, 1), side)
            for x in range(0, max(width - side // 2, 1), side)
        ]
    most = min(settings.validation_patches, len(patches))
    return [patches[i * len(patches) // most] for i in range(most)]


def _cut(image: Pixels, target: TargetMap, y: int, x: int, side: int) -> UNetPatch:
    """The (side, side) patch at (y, x); beyond the image's edge it is mirrored and has no weight."""
    height, width = image.shape[:2]
    part = np.s_[y : y + side, x : x + side]
    missing = ((0, max(0, y + side - height)), (0, max(0, x + side - width)))

    def padded(values: NDArray[np.float32]) -> NDArray[np.float32]:
        before = ((0, 0),) * (values.ndim - 2)
        return np.pad(values[..., *part], (*before, *missing))

    return UNetPatch(
        image=np.pad(image[part], (*missing, (0, 0)), mode="symmetric"),
        target=TargetMap(value=padded(target.value), weight=padded(target.weight)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What prediction needs to know about the training data.

    Attributes
    ----------
    factor : float
        From original to working scale.
    smallest_px2 : float
        Area of the smallest training cell, pixels at working scale.
    mean, deviation : (red, green, blue) in 0 … 255
        Of the training images, or those that an encoder's weights were taught with.
    """

    factor: float
    smallest_px2: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


def fit(request: FitRequest, encoding: Teaching) -> tuple[UNet, Calibration]:
    """A trained network and the calibration of its input.

    Raises
    ------
    BadInputError
        If no cell is annotated in the training images, or the cells have no size.
    TrainingFailedError
        If the loss is no longer a number, or a graphics card has too little memory.
    """
    settings: NetworkSettings = request.settings
    factor = settings.cell_px / mean_diameter(sample.annotations for sample in request.train)
    train = [at_working_scale(sample, factor) for sample in request.train]
    validation = fixed_patches(
        [at_working_scale(sample, factor) for sample in request.validation],
        encoding=encoding,
        settings=settings,
    )
    calibration = _calibrate(train, factor, settings)
    draw = _drawing(train, request, encoding)
    del train
    told = request.report is not None and bool(validation)
    baseline = baseline_loss(validation, encoding=encoding, settings=settings) if told else math.nan
    with one_thread_each(exact_on_card=settings.encoder == NONE) as pool, seeded(request.seed):
        network = build(
            settings,
            outputs=encoding.outputs,
            features=encoding.features(settings),
            device=best_device(),
        )
        if network.encoder is not None and settings.weights != NONE:
            request.progress.note(take_encoder_weights(network.encoder, settings))
        if request.start is not None:
            begin_with(network, request.start)

        trainer = Trainer(
            request=request,
            draw=draw,
            losses=partial(_losses, calibration=calibration, encoding=encoding, settings=settings),
            validation=validation,
            baseline_loss=baseline,
            pool=pool,
            ahead=steps_ahead(),
            kind=encoding.to_card(),
        )
        return trainer.run(network), calibration


def normalised(images: Sequence[np.ndarray], calibration: Calibration, device: torch.device) -> torch.Tensor:
    """(n, 3, h, w) tensor of (h, w, 3) images, as the network expects them."""
    return standardised(np.stack(images), calibration.mean, calibration.deviation, device)


def baseline_loss(patches: Sequence[UNetPatch], *, encoding: Teaching, settings: NetworkSettings) -> float:
    """Mean loss over the patches of a map that says everywhere how frequent each class is in them.

    It makes validation losses of different settings comparable.
    Frequencies are weighted as the loss weighs pixels: then no other constant map has a smaller
    cross-entropy, or squared error.
    """
    value = np.stack([patch.target.value for patch in patches]).astype(np.float64)
    weight = np.stack([patch.target.weight for patch in patches]).astype(np.float64)
    classes = enumerate(encoding.class_weight(settings))
    pixel = weight * (1 + sum((w - 1) * np.maximum(value[:, c], 0) for c, w in classes))
    mean = (value * pixel[:, None]).sum(axis=(0, 2, 3)) / max(pixel.sum(), 1.0)
    logit = encoding.constant(mean, settings)
    losses = []
    for patch in patches:
        target = torch.from_numpy(patch.target.value)[None]
        constant = logit[None, :, None, None].expand(target.shape).to(target.dtype)
        losses.append(encoding.loss(constant, target, torch.from_numpy(patch.target.weight)[None], settings))
    return float(torch.cat(losses).mean())


def _losses(
    network: UNet,
    patches: Sequence[UNetPatch],
    *,
    calibration: Calibration,
    encoding: Teaching,
    settings: NetworkSettings,
) -> torch.Tensor:
    """(n,) loss of each patch."""
    device = next(network.parameters()).device
    image = normalised([patch.image for patch in patches], calibration, device)
    value, weight = (
        on_device(np.stack([getattr(patch.target, name) for patch in patches]), device)
        for name in ("value", "weight")
    )
    with short_numbers(settings.precision, device):
        logits = network(image)
    return encoding.loss(logits.float(), value, weight, settings)


def _calibrate(images: Sequence[TrainingImage], factor: float, settings: NetworkSettings) -> Calibration:
    """Cell sizes of the training images, and their colour statistics, or those of an encoder's weights."""
    mean, deviation = encoder_colours(settings) or colour_statistics(images)
    return Calibration(
        factor=factor,
        smallest_px2=min(_areas(images)),
        mean=mean,
        deviation=deviation,
    )


def _areas(images: Sequence[TrainingImage]) -> Iterator[float]:
    """Areas of all training cells, from their circles, outlines or boxes."""
    for one in images:
        cells = one.annotations.role == Role.CELL
        yield from (np.pi * object_circles(one.annotations)[cells, 2] ** 2).tolist()

"""The network that says the class of a cell from its picture: what it is, its training, its files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import torch
from msgspec import Meta
from torch import nn

from bmbench.adapters.classifier.crops import crop_side, cut_crops, training_crops, varied
from bmbench.adapters.images.working_scale import Colour
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.networks import group_normalisation, read_checkpoint, write_checkpoint
from bmbench.adapters.learning.reproducible import best_device, one_thread_each, seeded
from bmbench.core.types import Floats, Pixels

STEPS, BATCH = 400, 32
"""Most steps of a training, and pictures in each; a detector that learns in fewer steps has as few here."""
RATE, DECAY = 2e-3, 1e-2
WIDTHS = (24, 48, 96, 128)
"""Channels after each halving of the picture."""
AT_ONCE = 128
"""Pictures that are classified together."""
_CARD = "classifier.json"
_SCHEMA = "bmbench.classifier/1"


class CropNetwork(nn.Module):
    """Four halvings by convolutions, then the mean and the maximum of each channel, and one linear layer."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)]
            layers += [group_normalisation(after), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(2 * WIDTHS[-1], outputs)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(n, outputs) logits of (n, 3, side, side) normalised pictures."""
        features = self.features(pictures)
        logits: torch.Tensor = self.head(torch.cat([features.mean((2, 3)), features.amax((2, 3))], dim=1))
        return logits


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a saved classifier is beside its weights."""

    outputs: Annotated[int, Meta(ge=2, le=10_000)]
    side_px: Annotated[float, Meta(gt=0, le=100_000)]
    mean: Colour
    deviation: Colour


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CropClassifier:
    """A trained network; `side_px` is the side of a crop in the images that it is used on."""

    network: CropNetwork
    outputs: int
    side_px: float
    mean: Colour
    deviation: Colour

    def probabilities(self, image: Pixels, xy: Floats) -> Floats:
        """(n, outputs) how sure it is of each class, of the cells at (n, 2) centres."""
        found = [np.zeros((0, self.outputs))]
        with one_thread_each(), torch.inference_mode():
            for first in range(0, len(xy), AT_ONCE):
                pictures = cut_crops(image, xy[first : first + AT_ONCE], self.side_px)
                logits = self.network(self._normalised(pictures))
                found.append(logits.softmax(dim=1).double().cpu().numpy())
        return np.concatenate(found)

    def save(self, folder: Path) -> None:
        """Write the weights (safetensors) and everything else (JSON) into an existing folder."""
        card = {"schema": _SCHEMA, **{one: getattr(self, one) for one in _Facts.__struct_fields__}}
        write_checkpoint(folder, _CARD, card, self.network)

    def _normalised(self, pictures: Pixels) -> torch.Tensor:
        device = next(self.network.parameters()).device
        values = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float()
        mean, deviation = (
            torch.tensor(part, device=device)[:, None, None] for part in (self.mean, self.deviation)
        )
        return (values - mean) / deviation


def load(folder: Path) -> CropClassifier:
    """The classifier that `CropClassifier.save` wrote.

    Raises
    ------
    BadInputError
        If a file is missing, damaged, or not of this kind.
    """
    facts, network = read_checkpoint(
        folder,
        _CARD,
        what="classifier of cells",
        read_card=_read_card,
        build=lambda facts: CropNetwork(facts.outputs),
    )
    return CropClassifier(network=network, **msgspec.structs.asdict(facts))


def fit(request: FitRequest) -> CropClassifier:
    """A classifier of the request's classes, taught by pictures of the annotated cells.

    Rare classes are drawn more often than they are, by the root of their number.

    Raises
    ------
    BadInputError
        If there is no cell, or the cells are points without a size.
    """
    generator = np.random.default_rng([request.seed, 0xC1A55])
    side = crop_side(request.train)
    pictures, labels = training_crops(request.train, side, generator)
    values = pictures.reshape(-1, 3)[:: max(1, pictures.size // 3_000_000)]
    with seeded(request.seed):
        network = CropNetwork(len(request.classes)).to(best_device())
    classifier = CropClassifier(
        network=network,
        outputs=len(request.classes),
        side_px=side,
        mean=_colour(values.mean(axis=0)),
        deviation=_colour(np.maximum(values.std(axis=0), 1)),
    )
    number = np.bincount(labels, minlength=len(request.classes))
    chance = 1 / np.sqrt(number[labels])
    steps = min(STEPS, getattr(request.settings, "steps", STEPS))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / steps))
    with one_thread_each():
        for _ in request.progress.track(range(steps), description="Training the classifier", total=steps):
            rows = generator.choice(len(labels), BATCH, p=chance / chance.sum())
            batch = np.stack([varied(pictures[row], generator) for row in rows])
            logits = network(classifier._normalised(batch))
            target = torch.from_numpy(labels[rows]).to(logits.device)
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(logits, target)
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
    network.eval()
    return classifier


def _rate(done: float) -> float:
    """The share of the learning rate when that share of the steps is done: up a tenth, then a cosine."""
    return min(1.0, (done + 0.01) / 0.11) * 0.5 * (1 + math.cos(math.pi * done))


def _read_card(card: Any) -> _Facts:
    if not isinstance(card, dict) or card.get("schema") != _SCHEMA:
        raise ValueError("no card of a classifier")
    return msgspec.convert({name: card[name] for name in card if name != "schema"}, _Facts)


def _colour(values: Floats) -> Colour:
    red, green, blue = (round(float(value), 4) for value in values)
    return red, green, blue

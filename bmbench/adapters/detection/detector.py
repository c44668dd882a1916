"""A trained network as a detector: image → views and tiles → votes → cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bmbench.adapters.detection.labels import kinds_of, one_class_each
from bmbench.adapters.detection.merging.clustering import Clustering, Votes, cluster
from bmbench.adapters.detection.merging.overlaps import bounding_box
from bmbench.adapters.detection.merging.suppression import drop_near, drop_nested
from bmbench.adapters.detection.networks.families import FAMILIES, TrainingFacts
from bmbench.adapters.detection.settings.common import CommonSettings
from bmbench.adapters.detection.training import tensor_of
from bmbench.adapters.detection.views import (
    MIRRORS,
    PlacedTile,
    centrality,
    mirrored,
    outline_of,
    stretched,
    tiles_of,
    where_accepted,
)
from bmbench.adapters.ensemble import save_members
from bmbench.adapters.images.working_scale import resized, working_size
from bmbench.adapters.learning.networks import read_checkpoint, write_checkpoint
from bmbench.adapters.learning.reproducible import one_thread_each
from bmbench.adapters.method import Decode
from bmbench.core.errors import BadInputError
from bmbench.core.types import Bools, Detections, Floats, Ints, Pixels, Rings

if TYPE_CHECKING:
    from torch import nn

_CARD, _SCHEMA = "detector.json", "bmbench.detector/1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxDetector:
    """A fitted detector of boxes or circles."""

    family: str
    settings: CommonSettings
    facts: TrainingFacts
    network: nn.Module

    @property
    def best_tile_px(self) -> int:
        """Side of a square image that fills one tile of the network, before it is resized."""
        return int(self.settings.tile_px / self.facts.factor)

    def predict(self, image: Pixels) -> Detections:
        """Every cell (and artefact, if they are a class) of one (height, width, 3) RGB image."""
        return _predict((self,), image)

    def save(self, folder: Path) -> None:
        """Write the weights (safetensors) and everything else (JSON) into an existing folder."""
        facts = dataclasses.asdict(self.facts)
        # What a card means that does not say it.
        for name, meant in (("cells", 1), ("points", False)):
            if facts[name] == meant:
                del facts[name]
        card = {
            "schema": _SCHEMA,
            "family": self.family,
            "settings": dataclasses.asdict(self.settings),
            "facts": facts,
        }
        write_checkpoint(folder, _CARD, card, self.network)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxEnsemble:
    """Several fitted detectors as one: their answers are clustered."""

    members: tuple[BoxDetector, ...]

    @property
    def best_tile_px(self) -> int:
        """That of the first member; all have the same settings."""
        return self.members[0].best_tile_px

    def predict(self, image: Pixels) -> Detections:
        """Every cell; a member that does not find it votes against it."""
        return _predict(self.members, image)

    def save(self, folder: Path) -> None:
        """Write every member into a folder of its own."""
        save_members(folder, self.members)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TileDetections:
    """What one network says of one tile of one view, in pixels of the image at working scale."""

    shapes: Floats
    confidence: Floats
    label: Ints
    expected: Floats
    centrality: Floats
    outlines: tuple[Rings, ...]


def ensemble(members: Sequence[BoxDetector]) -> BoxEnsemble:
    """The members as one detector; BadInputError if they are not of one method and settings."""
    first = members[0]
    for member in members:
        if (member.family, member.settings) != (first.family, first.settings):
            raise BadInputError(
                "these detectors are not members of one ensemble",
                expected="one method and one set of settings",
                got=f"{first.family} and {member.family}",
                remedy="fit them anew",
            )
    return BoxEnsemble(members=tuple(members))


def load(folder: Path) -> BoxDetector:
    """The detector that `BoxDetector.save` wrote.

    Raises
    ------
    BadInputError
        If a file is missing, damaged, or not of this kind.
    """
    (family, settings, facts), network = read_checkpoint(
        folder,
        _CARD,
        what="detector",
        read_card=_read_card,
        build=lambda facts: FAMILIES[facts[0]].build(*facts[1:]),
        measured=lambda facts: not FAMILIES[facts[0]].other_package,
    )
    return BoxDetector(family=family, settings=settings, facts=facts, network=network)


def _read_card(card: Any) -> tuple[str, CommonSettings, TrainingFacts]:
    if card["schema"] != _SCHEMA:
        raise ValueError(f"the schema {card['schema']!r}")
    settings = FAMILIES[card["family"]].settings(**card["settings"])
    facts = card["facts"]
    facts = facts | {name: tuple(facts[name]) for name in ("mean", "deviation")}
    facts["anchors"] = tuple(tuple(level) for level in facts["anchors"])
    return card["family"], settings, TrainingFacts(**facts)


def infer(detector: BoxDetector | BoxEnsemble, image: Pixels) -> Decode:
    """What the networks find in an image, to be merged with any settings."""
    members = detector.members if isinstance(detector, BoxEnsemble) else (detector,)
    votes, outlines = _votes(members, image)
    return partial(_merged, votes, outlines, image.shape[:2], members[0].facts)


def _predict(members: Sequence[BoxDetector], image: Pixels) -> Detections:
    votes, outlines = _votes(members, image)
    return _merged(votes, outlines, image.shape[:2], members[0].facts, members[0].settings)


def _votes(members: Sequence[BoxDetector], image: Pixels) -> tuple[Votes, list[Rings]]:
    """The answers of all members, views and tiles, and their outlines."""
    answers = [answer for member in members for answer in _tile_detections(member, image)]
    n_views = len(members) * members[0].settings.views
    cells, label = members[0].facts.cells, np.concatenate([a.label for a in answers])
    votes = Votes(
        shapes=np.concatenate([a.shapes for a in answers]),
        confidence=np.concatenate([a.confidence for a in answers]),
        label=label,
        view=np.concatenate([np.full(len(a.label), number) for number, a in enumerate(answers)]),
        expected=n_views * np.concatenate([a.expected for a in answers]),
        centrality=np.concatenate([a.centrality for a in answers]),
        kind=kinds_of(label, cells),
    )
    return votes, [rings for a in answers for rings in a.outlines]


def _merged(
    votes: Votes,
    outlines: Sequence[Rings],
    size: tuple[int, int],
    facts: TrainingFacts,
    settings: CommonSettings,
) -> Detections:
    """Clusters of votes on an image of (height, width), without what lies inside or on another one."""
    clustering = Clustering(
        iou=settings.wbc_iou,
        missing=settings.wbc_missing,
        floor=settings.wbc_floor,
        by_area=settings.wbc_area,
    )
    found = cluster(votes, clustering)
    rows = drop_nested(found.shapes, found.confidence, share=settings.anms_share, rival=settings.anms_rival)
    rows = rows[_apart(found.shapes[rows], found.confidence[rows], found.label[rows], facts, settings)]
    box = np.clip(bounding_box(found.shapes[rows]), 0, np.tile(size[::-1], 2))
    whole = Detections.of(
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        confidence=np.clip(found.confidence[rows], 0, 1),
        label=found.label[rows],
        contour=tuple(stretched(outlines[seed], to) for seed, to in zip(found.seed[rows], box, strict=True)),
    )
    seen: Bools = np.all(box[:, 2:] > box[:, :2], axis=1)
    kept = whole.take(seen)
    return kept.take(np.argsort(-kept.confidence, kind="stable"))


def _apart(
    shapes: Floats, confidence: Floats, label: Ints, facts: TrainingFacts, settings: CommonSettings
) -> Ints:
    """Rows that stay: of cells whose centres are near each other, the most confident; see `centre_nms`."""
    wanted = facts.points if settings.centre_nms == "auto" else settings.centre_nms == "on"
    near_px = settings.centre_share * settings.cell_px / facts.factor
    if not wanted or not near_px:
        return np.arange(len(label))
    return drop_near(shapes, confidence, distance=near_px, label=kinds_of(label, facts.cells))


def _tile_detections(member: BoxDetector, image: Pixels) -> list[TileDetections]:
    """One answer a view and tile, in a fixed order; all shapes in original pixels."""
    settings = member.settings
    height, width = image.shape[:2]
    size = working_size(width, height, member.facts.factor)
    small = resized(image, size)
    ratio = np.array([width, height]) / size
    work = [
        (flip, tile)
        for flip in MIRRORS[: settings.views]
        for tile in tiles_of(small[:: -1 if flip[1] else 1, :: -1 if flip[0] else 1], settings)
    ]
    with one_thread_each(exact_on_card=FAMILIES[member.family].exact_with(settings)) as pool:
        return list(pool.map(lambda job: _of_tile(member, *job, size=size, ratio=ratio), work))


def _of_tile(
    member: BoxDetector, flip: tuple[bool, bool], tile: PlacedTile, *, size: tuple[int, int], ratio: Floats
) -> TileDetections:
    """What the network says of a tile, without what another tile sees better."""
    family = FAMILIES[member.family]
    device = next(member.network.parameters()).device
    with torch.inference_mode():
        said = member.network([tensor_of(tile.image, member.facts, device)])[0]
    box = said["boxes"].double().cpu().numpy() + np.tile(tile.corner, 2)
    if not family.circles:
        box = np.clip(box, 0, np.tile(size, 2))
    whole = np.clip(box, 0, np.tile(size, 2))
    count = where_accepted(whole, tile)
    kept = (count > 0) & (whole[:, 2:] - whole[:, :2] > 0).all(axis=1)
    box = box[kept]
    shapes = np.column_stack([(box[:, :2] + box[:, 2:]) / 2, (box[:, 2] - box[:, 0]) / 2])
    shapes = shapes if family.circles else box
    confidence = said["scores"].double().cpu().numpy()[kept]
    label = said["labels"].cpu().numpy()[kept] - family.first_label
    rows = one_class_each(shapes, confidence, label, cells=member.facts.cells, iou=member.settings.nms_iou)
    masks = said["masks"].cpu().numpy()[kept][rows] if member.facts.masks else [None] * len(rows)
    shapes = mirrored(shapes[rows], width=size[0], height=size[1], flip=flip)
    return TileDetections(
        shapes=_at_original_scale(shapes, ratio),
        confidence=confidence[rows],
        label=label[rows],
        expected=count[kept][rows].astype(np.float64),
        centrality=_centrality(box[rows], tile),
        outlines=tuple(outline_of(mask, flip) for mask in masks),
    )


def _centrality(box: Floats, tile: PlacedTile) -> Floats:
    """(n,) 1 everywhere in an image of one tile."""
    if tile.alone:
        return np.ones(len(box))
    shape = (len(box), 2)
    corner, size = np.broadcast_to(tile.corner, shape), np.broadcast_to(tile.size, shape)
    return centrality((box[:, :2] + box[:, 2:]) / 2, corner, size)


def _at_original_scale(shapes: Floats, ratio: Floats) -> Floats:
    """Boxes or circles times `ratio` (x, y); a radius grows by its geometric mean."""
    boxes = shapes.shape[1] == 4
    growth = np.tile(ratio, 2) if boxes else np.append(ratio, np.sqrt(ratio.prod()))
    grown: Floats = shapes * growth
    return grown

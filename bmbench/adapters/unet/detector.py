"""A trained U-Net as a detector: image → map → cells."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bmbench.adapters.ensemble import save_members
from bmbench.adapters.images.tiling import Tiling, mirror
from bmbench.adapters.images.working_scale import resized, working_size
from bmbench.adapters.learning.networks import in_batches, read_checkpoint, short_numbers, write_checkpoint
from bmbench.adapters.learning.reproducible import one_thread_each
from bmbench.adapters.method import Decode
from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.encodings.encoding import ENCODINGS, Encoding, encoding_of
from bmbench.adapters.unet.found_cells import Growth, find_labelled
from bmbench.adapters.unet.heads.head import Head, head_of
from bmbench.adapters.unet.heads.settings import settings_of
from bmbench.adapters.unet.network import UNet, build
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.adapters.unet.training import Calibration, normalised
from bmbench.core.errors import BadInputError
from bmbench.core.types import Detections, Pixels

_VIEWS = ((False, False), (True, False), (False, True), (True, True))
"""As it is, mirrored in x, in y, in both: an order in which any mirroring swaps neighbours, or pairs."""
TILES_AT_ONCE = 16
"""On a graphics card, at most; a processor computes one a core."""
_CARD = "unet.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UNetDetector:
    """A fitted U-Net method."""

    encoding: Encoding | Head
    settings: Any
    calibration: Calibration
    network: UNet

    @property
    def best_tile_px(self) -> int:
        """Side of a square image that fills one tile of the network, before it is resized."""
        return int(self.settings.tile_px / self.calibration.factor)

    def predict(self, image: Pixels) -> Detections:
        """Every cell (and artefact, if they are a class) of one (height, width, 3) RGB image, outlined."""
        return _predict((self,), image)

    def map(self, image: Pixels) -> Reals:
        """(h, w, k) maps of an image at working scale, the mean of all views: as the encoding orders them.

        A mirrored image has the mirrored map to the last bit: the views of one are those of the other, and
        they are added in pairs, so that their order does not matter.
        """
        tiling = Tiling.of(
            *image.shape[:2],
            tile=self.settings.tile_px,
            overlap=self.settings.overlap_px,
            stride=self.network.stride,
        )
        views = _VIEWS[: self.settings.views]
        tiles = [tiling.cut(image[mirror(view)]) for view in views]
        every = [tile for view in tiles for tile in view]
        with one_thread_each(exact_on_card=self.network.encoder is None) as pool:
            if next(self.network.parameters()).is_cuda:
                answers = in_batches(self._forward, every, most=TILES_AT_ONCE)
            else:
                answers = [answer for (answer,) in pool.map(lambda tile: self._forward([tile]), every)]
        n = len(tiles[0])
        maps = [
            self.encoding.upright(tiling.join(answers[i * n : (i + 1) * n]), view)
            for i, view in enumerate(views)
        ]
        while len(maps) > 1:
            maps = [one + other for one, other in zip(maps[::2], maps[1::2], strict=True)]
        return np.divide(maps[0], len(views), dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the weights (safetensors) and everything else (JSON) into an existing folder."""
        card = {
            "schema": "bmbench.unet/1",
            "encoding": self.encoding.to_card(),
            "settings": dataclasses.asdict(self.settings),
            "calibration": dataclasses.asdict(self.calibration),
        }
        write_checkpoint(folder, _CARD, card, self.network)

    def _forward(self, tiles: Sequence[NDArray[np.uint8]]) -> list[Reals]:
        """(h, w, k) maps of each of these tiles, which are of one size."""
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            with short_numbers(self.settings.precision, device):
                logits = self.network(normalised(tiles, self.calibration, device))
            maps = self.encoding.maps(logits.float(), self.settings).permute(0, 2, 3, 1)
            return list(maps.cpu().numpy())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UNetEnsemble:
    """Several networks of one method: their maps are averaged, then segmented once.

    All members work at one scale; each sees colours through its own calibration.
    """

    members: tuple[UNetDetector, ...]

    @property
    def best_tile_px(self) -> int:
        """As for one network: they see a tile one after the other."""
        return self.members[0].best_tile_px

    def predict(self, image: Pixels) -> Detections:
        """Every cell; its confidence is the mean over all members and views inside it."""
        return _predict(self.members, image)

    def save(self, folder: Path) -> None:
        """Write each member into a folder of its own."""
        save_members(folder, self.members)


def ensemble(members: Sequence[UNetDetector]) -> UNetEnsemble:
    """The members as one detector; BadInputError if they cannot share a map."""
    first = members[0]
    for member in members:
        one, other = (
            (each.encoding.name, each.encoding.cells, each.encoding.artefacts, each.calibration.factor)
            for each in (member, first)
        )
        if one != other or dataclasses.asdict(member.settings) != dataclasses.asdict(first.settings):
            raise BadInputError(
                "these U-Nets are not members of one ensemble",
                expected="the same encoding, settings and training cells",
                remedy="fit them in one run",
            )
    return UNetEnsemble(members=tuple(members))


def load(folder: Path) -> UNetDetector:
    """The detector that `UNetDetector.save` wrote.

    Raises
    ------
    BadInputError
        If a file is missing, damaged, or not of this kind.
    """
    (encoding, settings, calibration), network = read_checkpoint(
        folder,
        _CARD,
        what="U-Net",
        read_card=_read_card,
        build=lambda facts: build(facts[1], outputs=facts[0].outputs, features=facts[0].features(facts[1])),
    )
    return UNetDetector(encoding=encoding, settings=settings, calibration=calibration, network=network)


def infer(detector: UNetDetector | UNetEnsemble, image: Pixels) -> Decode:
    """What finds the cells of an image with any settings of the segmentation, from the same maps."""
    members = detector.members if isinstance(detector, UNetEnsemble) else (detector,)
    return partial(_cut, members[0], _maps(members, image), image.shape[:2])


def _predict(members: Sequence[UNetDetector], image: Pixels) -> Detections:
    return _cut(members[0], _maps(members, image), image.shape[:2], members[0].settings)


def _maps(members: Sequence[UNetDetector], image: Pixels) -> Reals:
    """(h, w, k) mean maps of all members, at working scale."""
    height, width = image.shape[:2]
    small = resized(image, working_size(width, height, members[0].calibration.factor))
    total = members[0].map(small)
    # One member after the other: a sum needs the memory of one map, however many members there are.
    for member in members[1:]:
        total += member.map(small)
    total /= np.float32(len(members))
    return total


def _cut(detector: UNetDetector, maps: Reals, size: tuple[int, ...], settings: Any) -> Detections:
    """The objects of these maps, for an image of (height, width)."""
    encoding, smallest_px2 = detector.encoding, _smallest(detector.calibration, settings)
    if isinstance(encoding, Encoding):
        growth = Growth(
            regrowth=lambda threshold: encoding.regrowth(threshold, settings), smallest_px2=smallest_px2
        )
        found = find_labelled(maps, settings, growth, cells=encoding.cells)
    else:
        found = encoding.find(maps, settings, smallest_px2)
    return _at_original_scale(found, np.array(size[::-1]) / maps.shape[1::-1])


def _smallest(calibration: Calibration, settings: Any) -> float:
    """The area at working scale below which an object is none."""
    if isinstance(settings, UNetSettings) and settings.smallest_px > 0:
        return float(np.pi / 4 * (settings.smallest_px * calibration.factor) ** 2)
    return float(settings.smallest * calibration.smallest_px2)


def _read_card(card: Any) -> tuple[Encoding | Head, Any, Calibration]:
    values = card["calibration"]
    values = values | {name: tuple(values[name]) for name in ("mean", "deviation")}
    calibration, name = Calibration(**values), card["encoding"]["name"]
    if name in ENCODINGS.names():
        return encoding_of(card["encoding"]), UNetSettings(**card["settings"]), calibration
    return head_of(card["encoding"]), settings_of(name)(**card["settings"]), calibration


def _at_original_scale(found: Detections, ratio: NDArray[np.float64]) -> Detections:
    return dataclasses.replace(
        found,
        xy=found.xy * ratio,
        box=found.box * np.tile(ratio, 2),
        contour=tuple(tuple(ring * ratio for ring in rings) for rings in found.contour),
    )

"""A trained U-Net as a detector: image → map → cells."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bmbench.adapters.reproducible import best_device, one_thread_each
from bmbench.adapters.rescaling import resized, working_size
from bmbench.adapters.tiling import Tiling
from bmbench.adapters.unet.encoding import Encoding, encoding_of
from bmbench.adapters.unet.network import UNet, build
from bmbench.adapters.unet.segmentation import Growth, find_labelled
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.adapters.unet.training import Calibration, normalised
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, read_json, write_bytes, write_json
from bmbench.core.types import Detections

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bmbench.adapters.unet.depth import Reals
    from bmbench.core.types import Pixels

_WEIGHTS, _CARD = "weights.safetensors", "unet.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UNetDetector:
    """A fitted U-Net method.

    `artefact_label` is the category of the objects that the network takes for artefacts; with None they are
    not given.
    """

    encoding: Encoding
    settings: UNetSettings
    calibration: Calibration
    network: UNet
    artefact_label: int | None = None

    @property
    def best_tile_px(self) -> int:
        """Side of a square image that fills one tile of the network, before it is resized."""
        return int(self.settings.tile_px / self.calibration.factor)

    def predict(self, image: Pixels) -> Detections:
        """Every cell (and artefact, if they are a class) of one (height, width, 3) RGB image, outlined."""
        height, width = image.shape[:2]
        size = working_size(width, height, self.calibration.factor)
        growth = Growth(
            regrowth=lambda threshold: self.encoding.regrowth(threshold, self.settings),
            smallest_px2=self.settings.smallest * self.calibration.smallest_px2,
        )
        maps = self.map(resized(image, size))
        found = find_labelled(maps, self.settings, growth, artefact_label=self.artefact_label)
        return _at_original_scale(found, np.array([width, height]) / size)

    def map(self, image: Pixels) -> Reals:
        """(h, w, 1 or 2) maps of cells and artefacts of an image at working scale: the mean of all views."""
        tiling = Tiling.of(
            *image.shape[:2],
            tile=self.settings.tile_px,
            overlap=self.settings.overlap_px,
            stride=self.network.stride,
        )
        views = [np.s_[:, :], np.s_[:, ::-1], np.s_[::-1, :], np.s_[::-1, ::-1]][: self.settings.views]
        tiles = [tiling.cut(image[view]) for view in views]
        with one_thread_each() as pool:
            answers = list(pool.map(self._forward, (tile for view in tiles for tile in view)))
        n = len(tiles[0])
        maps = [tiling.join(answers[i * n : (i + 1) * n])[view] for i, view in enumerate(views)]
        mean: Reals = np.mean(maps, axis=0)
        return mean

    def save(self, folder: Path) -> None:
        """Write the weights (safetensors) and everything else (JSON) into an existing folder."""
        from safetensors.torch import save

        weights = {name: tensor.contiguous().cpu() for name, tensor in self.network.state_dict().items()}
        write_bytes(folder / _WEIGHTS, save(weights))
        card = {
            "schema": "bmbench.unet/1",
            "encoding": self.encoding.to_card(),
            "artefact_label": self.artefact_label,
            "settings": dataclasses.asdict(self.settings),
            "calibration": dataclasses.asdict(self.calibration),
        }
        write_json(folder / _CARD, card)

    def _forward(self, tile: NDArray[np.uint8]) -> Reals:
        """(h, w, 1 or 2) maps of one tile."""
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            logits = self.network(normalised([tile], self.calibration, device))
            answer: Reals = self.encoding.maps(logits)[0].permute(1, 2, 0).cpu().numpy()
        return answer


def load(folder: Path) -> UNetDetector:
    """The detector that `UNetDetector.save` wrote.

    Raises
    ------
    BadInputError
        If a file is missing, damaged, or not of this kind.
    """
    import safetensors
    from safetensors.torch import load as load_weights

    card = read_json(folder / _CARD)
    data = read_bytes(folder / _WEIGHTS)
    try:
        settings, calibration = _read_card(card)
        encoding = encoding_of(card["encoding"])
        network = build(settings, outputs=encoding.outputs, device=best_device())
        network.load_state_dict(load_weights(data))
    except (KeyError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise BadInputError(
            "not a saved U-Net", where=str(folder), got=str(error).splitlines()[0], remedy="fit it again"
        ) from error
    return UNetDetector(
        encoding=encoding,
        settings=settings,
        calibration=calibration,
        network=network.eval(),
        artefact_label=card.get("artefact_label"),
    )


def _read_card(card: Any) -> tuple[UNetSettings, Calibration]:
    values = card["calibration"]
    values = values | {name: tuple(values[name]) for name in ("mean", "deviation")}
    return UNetSettings(**card["settings"]), Calibration(**values)


def _at_original_scale(found: Detections, ratio: NDArray[np.float64]) -> Detections:
    return dataclasses.replace(
        found,
        xy=found.xy * ratio,
        box=found.box * np.tile(ratio, 2),
        contour=tuple(tuple(ring * ratio for ring in rings) for rings in found.contour),
    )

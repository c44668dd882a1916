"""How many cells of each class an image has, at every confidence that a reader may choose."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bmbench.benchmark.prediction.outputs import measurements
from bmbench.core.types import Detections, Floats, Ints

STOPS_BELOW, STOPS_ABOVE = 4, 12
"""Confidences that can be chosen below and above the count's own one."""
LOWEST = 0.25
"""The lowest of them, as a share of the count's own."""
HIGHEST = 0.99
SIZE_BINS = 400
"""Bins of sizes; a quarter of a µm each, or a pixel where the pixel size of an image is not known."""
UM_IN_BIN, PX_IN_BIN = 0.25, 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stops:
    """The confidences at which is counted.

    Attributes
    ----------
    thresholds : (stops,) float64
        Ascending.
    chosen : int
        The row of the count's own threshold.
    """

    thresholds: Floats
    chosen: int

    @classmethod
    def around(cls, threshold: float) -> "Stops":
        """Some below the threshold, itself, and some above."""
        below = np.linspace(LOWEST * threshold, threshold, STOPS_BELOW, endpoint=False)
        above = np.linspace(threshold, max(HIGHEST, threshold), STOPS_ABOVE + 1)
        thresholds = np.unique(np.concatenate([np.round(below, 3), np.round(above[1:], 3), [threshold]]))
        return cls(thresholds=thresholds, chosen=int(np.searchsorted(thresholds, threshold)))

    @classmethod
    def alone(cls) -> "Stops":
        """One that every cell reaches, of cells that have no confidence."""
        return cls(thresholds=np.zeros(1), chosen=0)

    def __len__(self) -> int:
        return len(self.thresholds)

    def counted(self, found: Detections, n_classes: int) -> Ints:
        """(stops, classes) how many of the detections lie at or above each threshold."""
        return self._at_or_above(found.confidence, found.label, n_classes)

    def by_size(self, found: Detections, bins: Ints, n_classes: int) -> Ints:
        """(stops, classes, SIZE_BINS) likewise, by their (n,) bins of size."""
        cell = found.label * SIZE_BINS + bins
        return self._at_or_above(found.confidence, cell, n_classes * SIZE_BINS).reshape(
            len(self), n_classes, SIZE_BINS
        )

    def _at_or_above(self, confidence: Floats, column: Ints, n_columns: int) -> Ints:
        stop = np.searchsorted(self.thresholds, confidence, side="right") - 1
        known = stop >= 0
        place = stop[known] * n_columns + column[known]
        exactly = np.bincount(place, minlength=len(self) * n_columns).reshape(len(self), n_columns)
        return np.asarray(exactly[::-1].cumsum(axis=0)[::-1], np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedImage:
    """One image: (stops, classes) cells, and whose it is."""

    name: str
    patient: str
    um_per_px: float | None
    counts: Ints


@dataclass(slots=True, kw_only=True, eq=False)
class Sizes:
    """Diameters of all cells as a histogram, (stops, classes, bins); grows image by image."""

    stops: Stops
    n_classes: int
    in_um: bool
    counts: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros((len(self.stops), self.n_classes, SIZE_BINS), np.int64)

    def add(self, found: Detections, um_per_px: float | None) -> None:
        """The sizes of some detections of one image."""
        sizes = measurements(found, um_per_px)
        bins = sizes["Diameter µm"] / UM_IN_BIN if self.in_um else sizes["Diameter px"] / PX_IN_BIN
        whole = np.clip(bins, 0, SIZE_BINS - 1).astype(np.int64)
        self.counts += self.stops.by_size(found, whole, self.n_classes)

    def coarse(self, most: int = 40) -> tuple[Ints, float]:
        """(stops, classes, at most `most`) the histogram up to its largest sizes, and the width of a bin."""
        filled = np.flatnonzero(self.counts.sum(axis=(0, 1)))
        last = int(filled[-1]) + 1 if len(filled) else 1
        together = -(-last // most)
        n_bins = -(-last // together)
        padded = np.zeros((*self.counts.shape[:2], n_bins * together), np.int64)
        width = min(SIZE_BINS, padded.shape[2])
        padded[:, :, :width] = self.counts[:, :, :width]
        merged = padded.reshape(*self.counts.shape[:2], n_bins, together).sum(axis=3)
        return merged, together * (UM_IN_BIN if self.in_um else PX_IN_BIN)


def patients_of(images: Sequence[CountedImage]) -> list[str]:
    """The patients in order of their names."""
    return sorted({image.patient for image in images})

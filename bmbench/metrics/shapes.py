"""How well outlines agree, pixel by pixel: panoptic quality, aggregated Jaccard index, Dice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats, GroundTruth, Ints, Predictions, Role
from bmbench.metrics.matching_input import ObjectColumns
from bmbench.metrics.outline_pairs import pixels_of, rings_of, shared_pixels
from bmbench.metrics.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShapeScores:
    """Sums of each image, (images,) float64, whose ratios over all images are the scores.

    Attributes
    ----------
    iou, objects : panoptic quality
        IoU of the hits, and hits + half the false alarms + half the misses.
    shared, either : aggregated Jaccard index
        Pixels that each cell shares with the prediction that fits it best, and those of either; the pixels of
        cells and predictions without a partner count as those of either.
    both, areas : Dice
        Twice the pixels of cells and predictions both, and the pixels of cells plus those of predictions;
        each pixel once a kind, however many objects hold it.
    hits : (images,) int64
        Hits of the matching.
    """

    iou: Floats
    objects: Floats
    shared: Floats
    either: Floats
    both: Floats
    areas: Floats
    hits: Ints

    @property
    def panoptic_quality(self) -> float | None:
        """``Σ IoU / (tp + fp / 2 + fn / 2)`` (Kirillov et al., CVPR 2019)."""
        return _ratio(self.iou, self.objects)

    @property
    def segmentation_quality(self) -> float | None:
        """Mean IoU of the hits."""
        return _ratio(self.iou, self.hits.astype(np.float64))

    @property
    def aggregated_jaccard(self) -> float | None:
        """As Kumar et al., IEEE Trans Med Imaging 2017, over all images together."""
        return _ratio(self.shared, self.either)

    @property
    def dice(self) -> float | None:
        """Of pixels, cells against everything else."""
        return _ratio(self.both, self.areas)


def shape_scores(truth: GroundTruth, predictions: Predictions, scores: Scores) -> ShapeScores | None:
    """How the outlines of cells and of predictions at the threshold agree; None where none were read.

    `scores` are those of a matching by mask IoU. Ignored objects, and what they absorb, are left out.
    """
    if truth.outline is None or predictions.outline is None:
        return None
    n = len(truth.image_ids)
    kept = predictions.confidence >= (np.inf if scores.threshold is None else scores.threshold)
    kept &= scores.matching.is_hit | scores.matching.is_false_alarm
    cells = ObjectColumns.of(truth, truth.role == Role.CELL)
    shown = ObjectColumns.of(predictions, kept)
    hit = kept & scores.matching.is_hit
    counts = scores.images
    shared, either = _best_partners(cells, shown, n)
    both, areas = _pixels(cells, shown, n)
    return ShapeScores(
        iou=_by_image(predictions.image[hit], scores.matching.similarity[hit], n),
        objects=(counts.tp + counts.fp + counts.cells) / 2,
        shared=shared,
        either=either,
        both=both,
        areas=areas,
        hits=counts.tp,
    )


def _best_partners(cells: ObjectColumns, shown: ObjectColumns, n: int) -> tuple[Floats, Floats]:
    """Pixels shared with the best partner of each cell, and of either, by image."""
    p, c, shared, either = shared_pixels(shown, cells)
    order = np.lexsort((p, -shared / either, c))
    first = order[np.unique(c[order], return_index=True)[1]]
    alone_c, alone_p = np.ones(len(cells), bool), np.ones(len(shown), bool)
    alone_c[c[first]], alone_p[p[first]] = False, False
    image = cells.image[c[first]]
    total = _by_image(image, either[first], n)
    for objects, alone in ((cells, alone_c), (shown, alone_p)):
        rows = np.flatnonzero(alone)
        area = [int(pixels_of(rings_of(objects, row))[0].sum()) for row in rows.tolist()]
        total += _by_image(objects.image[rows], np.array(area, np.int64), n)
    return _by_image(image, shared[first], n), total


def _pixels(cells: ObjectColumns, shown: ObjectColumns, n: int) -> tuple[Floats, Floats]:
    """Twice the pixels of both kinds, and the sum of each kind's, by image."""
    both, areas = np.zeros(n), np.zeros(n)
    for image in np.union1d(cells.image, shown.image).tolist():
        one, other = (_keys(objects, np.flatnonzero(objects.image == image)) for objects in (cells, shown))
        both[image] = 2 * len(np.intersect1d(one, other, assume_unique=True))
        areas[image] = len(one) + len(other)
    return both, areas


def _by_image(image: Ints, values: Floats | Ints, n: int) -> Floats:
    # Of nothing NumPy makes whole numbers.
    sums: Floats = np.bincount(image, weights=values, minlength=n).astype(np.float64)
    return sums


def _keys(objects: ObjectColumns, rows: Ints) -> Ints:
    """One number for every pixel that any of these objects holds, each once."""
    found = [np.zeros(0, np.int64)]
    for row in rows.tolist():
        mask, left, top = pixels_of(rings_of(objects, row))
        y, x = np.nonzero(mask)
        found.append((y + top) * (1 << 31) + (x + left))
    return np.unique(np.concatenate(found))


def _ratio(part: Floats, whole: Floats) -> float | None:
    total = float(whole.sum())
    return float(part.sum()) / total if total else None

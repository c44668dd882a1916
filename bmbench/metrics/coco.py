"""What pycocotools computes, to the last bit.

Lin et al., ECCV 2014, and the evaluation code published with it. Detections are taken by descending score,
ties in the order of the file; each takes the free object of the highest IoU, of equal ones the last in the
file; objects outside an area range and crowds are ignored, and looked at after all others. `ignore` is not
read: only `iscrowd` is. Left out on purpose: its cap of 100 detections an image unless it is asked for, and
its faults (an object with id 0 can not be found; objects with the same id; -1 for undefined).
"""

from collections.abc import Sequence

import numpy as np

from bmbench.core.types import Bools, Floats, GroundTruth, Ints, Predictions, Role
from bmbench.metrics.assignment import NONE, first_come, uncontested
from bmbench.metrics.curve import interpolated_precision
from bmbench.metrics.matching import Pairing
from bmbench.metrics.matching_input import MatchingInput, ObjectColumns, artefact_mask, scored_labels
from bmbench.metrics.pairs import AdmissiblePairs, box_pairs, intersection, region_candidates
from bmbench.metrics.protocol import Protocol
from bmbench.metrics.tally import by_descending_score

_IOUS = np.linspace(0.5, 0.95, 10)
_N_RECALLS = 101
_SMALL, _LARGE, _ALL = 32.0**2, 96.0**2, 1e5**2
_AREAS = {"all": (0.0, _ALL), "small": (0.0, _SMALL), "medium": (_SMALL, _LARGE), "large": (_LARGE, _ALL)}
_TINY = float(np.spacing(1))


def coco_input(truth: GroundTruth, predictions: Predictions, *, label: int | None) -> MatchingInput:
    """What takes part in matching one category (None: all cell categories as one) as pycocotools sees it.

    Every annotation that is no crowd must be found, ignored ones too; crowds are regions.
    """
    artefact = artefact_mask(truth)
    scored = ~artefact if label is None else np.arange(len(artefact)) == label
    ours = scored[truth.label]
    cells = ObjectColumns.of(truth, ours & ~truth.region)
    asked = scored[predictions.label]
    none = ObjectColumns.of(truth, np.zeros(len(truth.image), bool))
    subjects, score = ObjectColumns.of(predictions, asked), predictions.confidence[asked]
    return MatchingInput(
        predictions=subjects,
        score=score,
        order=_in_order(truth, subjects, score),
        cells=cells,
        all_cells=cells,
        ignored=none,
        regions=ObjectColumns.of(truth, ours & truth.region),
        artefacts=ObjectColumns.of(truth, (truth.role == Role.ARTEFACT) & ~truth.region),
        as_artefacts=ObjectColumns.of(predictions, artefact[predictions.label]),
        artefact_score=predictions.confidence[artefact[predictions.label]],
    )


class CocoMatcher:
    """The detections and objects of one category, ready to be matched at any IoU from the lowest up.

    Parameters
    ----------
    iou : float
        The lowest IoU that will be asked for.
    most : int or None
        Detections of one image that take part at all.
    """

    def __init__(self, truth: GroundTruth, objects: MatchingInput, *, iou: float, most: int | None) -> None:
        detections, cells, crowds = objects.predictions, objects.cells, objects.regions
        n = len(detections)
        self._image = detections.image
        self.order = objects.order
        self._place = np.empty(n, np.int64)
        self._place[self.order] = np.arange(n)
        self.used = self.within(most)
        self._crowd = np.arange(len(cells) + len(crowds)) >= len(cells)
        self._row = np.concatenate([cells.row, crowds.row])
        self._area = (
            np.concatenate([_area(cells), _area(crowds)]) if truth.area is None else truth.area[self._row]
        )
        self._detection_area = _area(detections)
        pairs = _with_crowds(detections, cells, crowds, iou=iou)
        if not self.used.all():
            pairs = pairs.take(self.used[pairs.prediction])
        sole, contested = uncontested(pairs, n, len(self._row))
        self._sole = np.flatnonzero(sole != NONE)
        self._sole_object = sole[self._sole]
        self._sole_iou = np.zeros(n)
        self._sole_iou[pairs.prediction] = pairs.value
        self._sole_iou = self._sole_iou[self._sole]
        self.pairs, self._contested = pairs, pairs.take(contested)

    def within(self, most: int | None) -> Bools:
        """(n,) whether each detection is among the `most` best of its image; None: all are."""
        if most is None:
            return np.ones(len(self.order), bool)
        return _place_on_image(self._image, self.order) < most

    def match(self, iou: float, *, area: str = "all") -> tuple[Ints, Bools, Bools]:
        """Three (n,) columns: the object that each detection takes or -1, whether a hit, whether ignored."""
        low, high = _AREAS[area]
        ignored = self._crowd | (self._area < low) | (self._area > high)
        limit = min(iou, 1 - 1e-10)
        taken = np.full(len(self.order), NONE)
        enough = self._sole_iou >= limit
        taken[self._sole[enough]] = self._sole_object[enough]
        pairs = self._contested.take(self._contested.value >= limit)
        first = np.lexsort(
            (-self._row[pairs.cell], -pairs.value, ignored[pairs.cell], self._place[pairs.prediction])
        )
        first_come(taken, pairs.prediction[first], pairs.cell[first], len(ignored), shared=self._crowd)
        free = taken == NONE
        outside = (self._detection_area < low) | (self._detection_area > high)
        absorbed = np.where(free, outside, ignored[taken]) if len(ignored) else outside
        return taken, ~free & ~absorbed, absorbed & self.used

    def n_positive(self, *, area: str = "all") -> int:
        """Objects that must be found."""
        low, high = _AREAS[area]
        return int(np.sum(~self._crowd & (self._area >= low) & (self._area <= high)))


def pair_as_coco(truth: GroundTruth, objects: MatchingInput, protocol: Protocol) -> Pairing:
    """The pairing of a `coco_input` at the protocol's IoU and cap."""
    assert protocol.iou is not None
    matcher = CocoMatcher(truth, objects, iou=protocol.iou, most=protocol.max_detections)
    taken, hit, absorbed = matcher.match(protocol.iou)
    pairs = matcher.pairs
    return Pairing(
        pairs=pairs.take(pairs.cell < len(objects.cells)) if len(objects.regions) else pairs,
        taken=np.where(hit, taken, NONE),
        hit=hit,
        absorbed=absorbed,
        used=matcher.used,
    )


def coco_average_precision(hit: Bools, n_cells: int) -> float | None:
    """AP over 101 recall points of detections in their order, ignored ones left out; None without cells."""
    if not n_cells:
        return None
    return float(np.mean(_interpolated(hit, n_cells)))


def coco_summary(
    truth: GroundTruth,
    predictions: Predictions,
    *,
    max_detections: tuple[int | None, int | None, int | None] = (1, 10, 100),
    per_class: bool = True,
) -> dict[str, float | None]:
    """The twelve numbers that pycocotools prints; None where it prints -1.

    Parameters
    ----------
    max_detections : three of int or None
        Detections that count on one image for the three average recalls; the last one holds for everything
        else. None: all of them.
    """
    tables = [
        _table(truth, coco_input(truth, predictions, label=label), max_detections)
        for label in scored_labels(truth, per_class=per_class)
    ]
    precision = {area: np.stack([t[0][area] for t in tables], axis=-1) for area in _AREAS}
    recall = {key: np.stack([t[1][key] for t in tables], axis=-1) for key in tables[0][1]}
    caps = ["all" if cap is None else str(cap) for cap in max_detections]
    return {
        "AP": _mean(precision["all"]),
        "AP50": _mean(precision["all"][0]),
        "AP75": _mean(precision["all"][5]),
        **{f"AP{area[0]}": _mean(precision[area]) for area in ("small", "medium", "large")},
        **{f"AR{caps[place]}": _mean(recall["all", place]) for place in range(3)},
        **{f"AR{area[0]}": _mean(recall[area, 2]) for area in ("small", "medium", "large")},
    }


def _table(
    truth: GroundTruth, objects: MatchingInput, caps: Sequence[int | None]
) -> tuple[dict[str, Floats], dict[tuple[str, int], Floats]]:
    """Precision (10, 101) by area, and recall (10,) by area and cap; -1 where there is nothing to find."""
    matcher = CocoMatcher(truth, objects, iou=float(_IOUS[0]), most=caps[-1])
    kept = [matcher.within(cap) for cap in caps]
    precision = {area: np.full((len(_IOUS), _N_RECALLS), -1.0) for area in _AREAS}
    recall = {(area, cap): np.full(len(_IOUS), -1.0) for area in _AREAS for cap in range(len(caps))}
    for area in _AREAS:
        n_cells = matcher.n_positive(area=area)
        for place, iou in enumerate(_IOUS if n_cells else ()):
            _, hit, absorbed = matcher.match(float(iou), area=area)
            counted = (matcher.used & ~absorbed)[matcher.order]
            precision[area][place] = _interpolated(hit[matcher.order][counted], n_cells)
            for number, within in enumerate(kept):
                recall[area, number][place] = (hit & within).sum() / n_cells
    return precision, recall


def _interpolated(hit: Bools, n_cells: int) -> Floats:
    tp = np.cumsum(hit, dtype=np.float64)
    fp = np.cumsum(~hit, dtype=np.float64)
    precision = tp / (fp + tp + _TINY)
    return interpolated_precision(precision, tp / n_cells, "101")


def _mean(values: Floats) -> float | None:
    defined = values[values > -1]
    return float(np.mean(defined)) if len(defined) else None


def _with_crowds(
    detections: ObjectColumns, cells: ObjectColumns, crowds: ObjectColumns, *, iou: float
) -> AdmissiblePairs:
    pairs = box_pairs(detections, cells, iou=iou, inclusive=True)
    least = min(iou, 1 - 1e-10)
    if not len(crowds):
        enough = pairs.value >= least
        return pairs if enough.all() else pairs.take(enough)
    area = _area(detections)
    columns = [(pairs.prediction, pairs.cell, pairs.value)]
    for p, c in region_candidates(detections, crowds, "bb", share=iou):
        shared = intersection(detections, p, crowds, c)
        share = np.divide(shared, area[p], out=np.zeros_like(shared), where=area[p] > 0)
        columns.append((p, c + len(cells), share))
    prediction, cell, value = (np.concatenate(column) for column in zip(*columns, strict=True))
    return AdmissiblePairs(prediction=prediction, cell=cell, value=value, merit=value).take(value >= least)


def _area(objects: ObjectColumns) -> Floats:
    return objects.size[0] * objects.size[1]


def _in_order(truth: GroundTruth, detections: ObjectColumns, score: Floats) -> Ints:
    """Rows by descending score, then image id, then place in the file."""
    ids = np.asarray(truth.image_ids)
    if ids.dtype.kind == "i":
        rows = np.argsort(ids)
    else:
        keys = [(isinstance(key, str), key) for key in truth.image_ids]
        rows = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
    place = np.empty(len(rows), np.int64)
    place[rows] = np.arange(len(rows))
    image = place[detections.image]
    if (image[1:] >= image[:-1]).all():
        return by_descending_score(score)
    by_image = np.argsort(image, kind="stable")
    return by_image[by_descending_score(score[by_image])]


def _place_on_image(image: Ints, order: Ints) -> Ints:
    """(n,) place of each row among those of its image, in an order of all rows."""
    by_image = order[np.argsort(image[order], kind="stable")]
    place = np.empty(len(order), np.int64)
    place[by_image] = np.arange(len(order)) - np.searchsorted(image[by_image], image[by_image])
    return place

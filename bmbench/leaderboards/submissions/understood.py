"""What was understood of an answer: counts beside the truth's, its score where that is public, doubts.

An answer can be in order and still not be what its author meant. These are the ways in which that happens
most, and each is looked for: few images answered, ids one too far, boxes as shares of the image, corners
given as sizes, x and y exchanged, everything twice, nothing at all.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bmbench.core.files import write_bytes
from bmbench.core.types import Bools, Floats, GroundTruth, Ints, Predictions, Role
from bmbench.leaderboards.submissions.validate import Verdict
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.metrics import Protocol
from bmbench.present.words import UNDEFINED

_CLEARLY = 0.2
"""By so much F1 has to rise for another reading of the same answer to be named."""
_FEW = 0.5
"""Share of the images with cells below which an answer is in doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """What one predictions file holds, or the truth.

    `sizes` is the median of the boxes' longer sides in pixels, None without boxes; `counted` are the
    detections at or above the threshold; `f1` and `ap` are those of the track's first geometry, None where
    the truth is hidden.
    """

    images: int
    with_any: int
    rows: int
    counted: int
    classes: Mapping[str, int]
    size: float | None
    f1: float | None = None
    ap: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """The answers of a submission by seed, the truth beside them where it is public, and what is doubtful."""

    answers: Mapping[int, AnswerFacts]
    truth: AnswerFacts | None
    geometry: str
    doubts: tuple[str, ...]


def understand(board: Leaderboard, verdict: Verdict) -> Understood | None:
    """What was understood of a valid answer; None of one that is not valid, and of a withdrawal."""
    if verdict.card is None or verdict.manifest is None or not (verdict.valid and verdict.card.runs):
        return None
    manifest = verdict.manifest
    truth = _public_truth(board, manifest)
    reader = _Reader(manifest, truth)
    answers, doubts = {}, []
    for run in verdict.card.runs:
        predictions = _predictions(verdict.files[run.predictions].read(), reader.images)
        answers[run.seed] = reader.facts(predictions, run.threshold)
        doubts += [doubt for doubt in reader.doubts(predictions, run.threshold) if doubt not in doubts]
    return Understood(
        answers=answers,
        truth=None if truth is None else reader.truth_facts(),
        geometry=reader.geometry,
        doubts=tuple(doubts),
    )


def _public_truth(board: Leaderboard, manifest: Manifest) -> GroundTruth | None:
    """The truth, where it is public and lies here."""
    from bmbench.datasets.formats.coco.columns import read_ground_truth

    path = board.path / "tracks" / manifest.name / manifest.truth.file
    return read_ground_truth(path) if manifest.truth.visibility == "public" and path.is_file() else None


def _without_truth(manifest: Manifest) -> GroundTruth:
    """The images and categories of a track, without any cell."""
    from bmbench.core.types import Category

    nothing = np.zeros(0, np.int64)
    return GroundTruth(
        image_ids=tuple(image.id for image in manifest.images),
        groups=tuple(image.group for image in manifest.images),
        names=tuple(image.name for image in manifest.images),
        categories=tuple(Category(id=id_, name=f"category {id_}") for id_ in manifest.categories),
        image=nothing,
        xy=np.zeros((0, 2)),
        box=np.zeros((0, 4)),
        label=nothing,
        role=nothing,
        region=np.zeros(0, bool),
    )


def _predictions(text: bytes, images: GroundTruth) -> Predictions:
    from bmbench.datasets.formats.predictions import read_predictions

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.json"
        write_bytes(path, text)
        return read_predictions(path, images)


class _Reader:
    """Counts and other readings of answers to one track."""

    def __init__(self, manifest: Manifest, truth: GroundTruth | None) -> None:
        from bmbench.metrics.protocol import resolve_protocol

        rules = manifest.rules
        self._truth = truth
        self._sides = np.array([(image.width, image.height) for image in manifest.images], np.float64)
        self._protocol: Protocol = resolve_protocol(
            rules.protocol, iou=rules.iou, radius_px=rules.radius_px, assignment=rules.assignment
        )
        self.images = _without_truth(manifest) if truth is None else truth
        self.geometry = manifest.metrics[0].partition(".")[0]

    def facts(self, answer: Predictions, threshold: float) -> AnswerFacts:
        f1, ap = self._scores(answer, threshold)
        counted = int((answer.confidence >= threshold).sum())
        return replace(self._counts(answer.image, answer.box, answer.label), counted=counted, f1=f1, ap=ap)

    def truth_facts(self) -> AnswerFacts:
        cells = self.images.role == Role.CELL
        return self._counts(self.images.image[cells], self.images.box[cells], self.images.label[cells])

    def _counts(self, image: Ints, box: Floats, label: Ints) -> AnswerFacts:
        names = [category.name for category in self.images.categories]
        return AnswerFacts(
            images=len(self.images.image_ids),
            with_any=len(np.unique(image)),
            rows=len(image),
            counted=len(image),
            classes=dict(Counter(names[row] for row in label.tolist())),
            size=_median_side(box),
        )

    def _scores(self, answer: Predictions, threshold: float) -> tuple[float | None, float | None]:
        from bmbench.metrics import evaluate

        if self._truth is None:
            return None, None
        both = evaluate(self._truth, answer, self._protocol, threshold=threshold)
        scores = both.bb if self.geometry == "bb" else both.cd
        return (None, None) if scores is None else (scores.f1, scores.ap)

    def doubts(self, answer: Predictions, threshold: float) -> tuple[str, ...]:
        """What its author may not have meant, the most telling first."""
        if not len(answer.image):
            return ("It holds no detection at all: is it the right file?",)
        found = [*self._readings(answer, threshold), *_repeated(answer)]
        if answer.confidence.max() < threshold:
            found.append(
                f"No detection reaches the threshold {threshold:g}: the highest score is "
                f"{answer.confidence.max():g}."
            )
        expected = self.images.image[self.images.role == Role.CELL] if self._truth is not None else None
        n = len(self._sides) if expected is None else len(np.unique(expected))
        answered = len(np.unique(answer.image))
        if answered < _FEW * n:
            found.append(f"Only {answered} of {n} images have a detection: was every image predicted?")
        return tuple(found)

    def _readings(self, answer: Predictions, threshold: float) -> tuple[str, ...]:
        """The reading of the same numbers that clearly fits better; without truth, what they look like."""
        shares = bool(answer.box.size and answer.box.max() <= 2 and self._sides.min(initial=9) > 8)
        if self._truth is None:
            return (f"All boxes lie within 0 and 2 px: {_SHARES}",) if shares else ()
        base = self._scores(answer, threshold)[0] or 0.0
        best = max(
            ((self._scores(other, threshold)[0] or 0.0, words) for words, other in self._others(answer)),
            key=lambda one: one[0],
        )
        if best[0] > base + _CLEARLY:
            return (f"F1 would be {best[0]:.3f} instead of {base:.3f} if this is so: {best[1]}",)
        return (f"All boxes lie within 0 and 2 px: {_SHARES}",) if shares else ()

    def _others(self, answer: Predictions) -> list[tuple[str, Predictions]]:
        box, size = answer.box, answer.box[:, 2:] - answer.box[:, :2]
        sides = self._sides[answer.image]
        others = [
            (_SHARES, _moved(answer, box * np.tile(sides, 2))),
            (_CORNERS, _moved(answer, np.concatenate([box[:, :2], size], axis=1))),
            (_CENTRES, _moved(answer, box - np.tile(size / 2, 2))),
            (_TURNED, _moved(answer, box[:, [1, 0, 3, 2]])),
        ]
        for step, words in ((1, "one too small"), (-1, "one too large")):
            image = answer.image + step
            inside = (image >= 0) & (image < len(self._sides))
            moved = _some(replace(answer, image=np.where(inside, image, 0)), inside)
            others.append((f"the image ids are {words} (counted from 0 or from 1?).", moved))
        return others + self._rescaled(answer)

    def _rescaled(self, answer: Predictions) -> list[tuple[str, Predictions]]:
        mine, theirs = _median_side(answer.box), self.truth_facts().size
        if not (mine and theirs) or 0.67 < theirs / mine < 1.5:
            return []
        factor = theirs / mine
        words = f"the images were {1 / factor:.2g} times as large when predicted; give their own pixels."
        return [(words, _moved(answer, answer.box * factor))]


_SHARES = "boxes are shares of the image; give pixels."
_CORNERS = "boxes are x1 y1 x2 y2; give x, y, width, height."
_CENTRES = "x and y are those of the middle; give the upper left corner."
_TURNED = "x and y are exchanged."


def _repeated(answer: Predictions) -> tuple[str, ...]:
    """Whether a large part of the detections stands more than once."""
    columns = [answer.image[:, None], answer.label[:, None], answer.box, answer.xy]
    once = len(np.unique(np.round(np.concatenate(columns, axis=1), 2), axis=0))
    again = len(answer.image) - once
    if again < 0.3 * len(answer.image):
        return ()
    return (f"{again} of {len(answer.image)} detections stand there a second time: each is a false alarm.",)


def _moved(answer: Predictions, box: Floats) -> Predictions:
    """The same with other boxes; rows that are none then are left out."""
    there = np.asarray((box[:, :2] <= box[:, 2:]).all(axis=1), bool)
    whole = np.where(there[:, None], box, 0.0)
    return _some(replace(answer, box=whole, xy=(whole[:, :2] + whole[:, 2:]) / 2, size=None), there)


def _some(answer: Predictions, rows: Bools) -> Predictions:
    names = ("image", "xy", "box", "confidence", "label")
    return replace(answer, size=None, **{name: getattr(answer, name)[rows] for name in names})


def _median_side(box: Floats) -> float | None:
    """The median of the longer sides; None without boxes, or where they are points."""
    sides = (box[:, 2:] - box[:, :2]).max(axis=1, initial=0.0)
    return float(np.median(sides)) if len(sides) and np.median(sides) > 0 else None


def table(found: Understood) -> tuple[tuple[str, ...], Sequence[tuple[str, ...]]]:
    """Header and rows: a column an answer, the truth's last."""
    columns = [*found.answers.values()] + ([found.truth] if found.truth is not None else [])
    header = ("", *(f"seed {seed}" for seed in found.answers), *(("truth",) if found.truth else ()))
    rule = "centres" if found.geometry == "cd" else "boxes"
    rows: list[tuple[str, Callable[[AnswerFacts], str]]] = [
        ("images", lambda one: f"{one.images:,}"),
        ("  without any", lambda one: f"{one.images - one.with_any:,}"),
        ("detections", lambda one: f"{one.rows:,}"),
        ("  at the threshold", lambda one: "" if one is found.truth else f"{one.counted:,}"),
        *(
            (f"  {name}", _class_of(name, found))
            for name in dict.fromkeys(n for one in columns for n in one.classes)
        ),
        ("median box, px", lambda one: "–" if one.size is None else f"{one.size:.1f}"),
    ]
    if found.truth is not None:
        rows.append((f"F1 ({rule})", lambda one: _number(one.f1)))
        rows.append((f"AP ({rule})", lambda one: _number(one.ap)))
    return header, [(name, *(say(one) for one in columns)) for name, say in rows]


def _class_of(name: str, found: Understood) -> Callable[[AnswerFacts], str]:
    """How many of a class; nothing of an answer that calls all cells the same where the truth does not."""
    several = found.truth is not None and len(found.truth.classes) > 1

    def said(one: AnswerFacts) -> str:
        silent = several and one is not found.truth and len(one.classes) < 2
        return UNDEFINED if silent else f"{one.classes.get(name, 0):,}"

    return said


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

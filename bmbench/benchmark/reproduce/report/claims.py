"""What the study says of its methods, each sentence a question to the data at hand, all tested together.

An order of several is shown if every difference in it is: its p is the largest of theirs, and the difference
that is printed the smallest (Berger, Technometrics 1982).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bmbench.benchmark.reproduce.report.published import MARGIN
from bmbench.benchmark.reproduce.report.questions import (
    DONT_CARE,
    SHOWN,
    errors_of,
    verdicts,
    within_margin,
)
from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key
from bmbench.benchmark.reproduce.report.seed_means import Table, ratio_by_seed
from bmbench.benchmark.reproduce.report.tables import is_unet, ordered
from bmbench.core.types import Bools, Ints, Role
from bmbench.metrics.matching import Cause
from bmbench.metrics.protocol import GEOMETRIES, Geometry
from bmbench.metrics.scores import Scores
from bmbench.present.markdown import bullets, paragraph
from bmbench.present.words import RULES, gap
from bmbench.statistics.not_worse import not_worse
from bmbench.statistics.seeds import (
    ScoreName,
    SeedMean,
    SeedScores,
    difference,
    same_networks,
    seed_variance,
)

LENIENT_IOU = 0.3
"""From which boxes match where the study says that *don't care* is as good as the others."""
FAMILIES = ("unet_shrink_contour", "mask_rcnn", "retinanet", "circular_retinanet")
"""What stands ahead of YOLO by F1 in its Tables 1 and 3."""
CONTINUOUS = ("unet_distance", "unet_sigmoid", "unet_statistical_scaled")
"""The continuous encodings but the statistical one, which is behind them all in its Table 2."""
_SMALL = 1 / 3
"""The share of cells that count as small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence of the study, with what is found here.

    Attributes
    ----------
    text : str
        The sentence.
    measure : str
        What it is measured by.
    found : SeedMean or None
        Positive where the study is right; None where a method that it needs was not run.
    doubt : function without arguments
        What is said beside where it is not shown.
    after : str
        What is said in any case.
    """

    text: str
    measure: str
    found: SeedMean | None
    doubt: Callable[[], str] = lambda: ""
    after: str = ""


def claims_section(scores: Table, *, artefacts: str) -> str:
    """Every sentence with its difference, interval and verdict, corrected for all of them (Holm)."""
    asked = claims(scores, artefacts=artefacts)
    words = iter(verdicts([one.found for one in asked if one.found is not None]))
    texts = []
    for one in asked:
        if one.found is None:
            continue
        word = next(words)
        said = f"{one.text}, {one.measure}: {gap(one.found.value, one.found.interval)}: {word}."
        texts.append(" ".join(filter(None, (said, one.after, "" if word == SHOWN else one.doubt()))))
    left = dict.fromkeys(one.text for one in asked if one.found is None)
    if left:
        texts.append(f"Not asked, since not all of it was run here: {'; '.join(left)}.")
    about = paragraph(
        "Its sentences, one by one, in points; above 0 they point the way that the study found. They are "
        "tested together. Of an order of several the smallest difference is shown. Whether circles are as "
        "good as contours is asked above; what kinds of errors there are: *False alarms and misses*, below."
    )
    return f"## What the study found, asked here\n\n{about}\n\n{bullets(texts)}"


def claims(scores: Table, *, artefacts: str) -> list[Claim]:
    """All sentences, in the order of the study's tables."""
    weak = partial(Key, "weak", artefacts)
    asked: list[Claim] = []
    for track in ("precise", "weak"):
        asked += _of_families(scores, partial(Key, track, artefacts), track)
    for worse in ("unet_shrink", "unet_statistical"):
        asked += _orders(scores, [weak("unet_shrink_contour")], [weak(worse)])
    asked += _orders(scores, [weak("unet_shrink")], [weak("unet_statistical")])
    asked += _orders(scores, [weak("unet_shrink")], [weak(name) for name in CONTINUOUS])
    asked += _orders(scores, [weak(name) for name in CONTINUOUS], [weak("unet_statistical")])
    return [*asked, _centres(scores), *_lenient(scores, weak), *_small(scores, artefacts), *_taught(scores)]


def _of_families(scores: Table, key: Callable[[str], Key], track: str) -> list[Claim]:
    unet, mask = key("unet_shrink_contour"), key("mask_rcnn")
    asked = _orders(scores, [key("circular_retinanet")], [key("retinanet")])
    asked += _orders(scores, [key(name) for name in FAMILIES], [key("yolov3")], beside="the last")
    if track == "weak":
        asked += _orders(scores, [unet], [mask])
    return [*asked, *_orders(scores, [mask], [unet], score="ap")]


def _orders(
    scores: Table,
    better: Sequence[Key],
    worse: Sequence[Key],
    *,
    score: ScoreName = "f1",
    beside: str = "",
) -> list[Claim]:
    """Whether every one of the first is ahead of every one of the second, by each rule."""
    rules = {rule: RULES[rule] for rule in GEOMETRIES if _is_scored(scores, rule)}
    sides = [_names([key.method for key in side]) for side in (better, worse)]
    track = "circles" if better[0].track == "weak" else "contours"
    also = f" ({beside})" if beside else ""
    asked = []
    for rule, title in rules.items():
        text, measure = f"{sides[0]} ahead of {sides[1]}{also} on {track}", f"{score.upper()} ({title})"
        pairs = [(first, second) for first in better for second in worse]
        if not {key for pair in pairs for key in pair} <= scores.collection.rows.keys():
            asked.append(Claim(text=text, measure=measure, found=None))
            continue
        each = [scores.difference(score, rule, *pair) for pair in pairs]
        least = _least(each)
        asked.append(
            Claim(
                text=text,
                measure=measure,
                found=least[0],
                doubt=partial(errors_of, scores, *pairs[least[1]], rule) if score == "f1" else lambda: "",
            )
        )
    return asked


def _least(each: Sequence[SeedMean]) -> tuple[SeedMean, int]:
    """The smallest of several differences, with the p of all of them, and its place."""
    values = [np.inf if one.value is None else one.value for one in each]
    place = int(np.argmin(values))
    found = each[place]
    known = [one.p for one in each if one.p is not None]
    if found.value is None or found.value <= 0 or found.p is None:
        return found, place
    return replace(found, p=max(known)), place


def _centres(scores: Table) -> Claim:
    """F1 by centres above F1 by boxes, the mean over all trainings."""
    text, measure = "Centres above boxes", "F1, mean of all methods"
    if not _is_scored(scores, "bb") or not _is_scored(scores, "cd"):
        return Claim(text=text, measure=measure, found=None)
    rows = {key: scores.gaps(key) for key in scores.collection.rows}
    every = SeedScores(
        seeds=tuple((key, seed) for key, row in rows.items() for seed in row.seeds),
        scores=tuple(one for row in rows.values() for one in row.scores),
        n_units=scores.n_units,
    )
    return Claim(text=text, measure=measure, found=every.mean(scores.gap_variance()))


def _lenient(scores: Table, weak: Callable[[str], Key]) -> list[Claim]:
    """Whether *don't care* gains where boxes match from an IoU of 0.3, and what is left to the others."""
    mine, other = weak(DONT_CARE), weak("unet_shrink_contour")
    text = f"`{DONT_CARE}` repaired by an IoU of {LENIENT_IOU} in place of the protocol's"
    measure = "F1 (boxes)"
    rows = scores.collection.rows
    if mine not in rows or not _is_scored(scores, "bb"):
        return [Claim(text=text, measure=measure, found=None)]
    lenient = Table(_at_iou(scores.collection, LENIENT_IOU))
    gain = same_networks(lenient.seeds(mine, "bb", "f1"), scores.seeds(mine, "bb", "f1"))
    after = ""
    if other in rows:
        known, methods = lenient.methods([mine, other], "bb", "f1")
        if methods is not None and len(known) == 2:
            rest = not_worse(methods, 0, 1, margin=MARGIN)
            left = gap(rest.difference, rest.interval)
            after = f"There it is {left} from `{other.method}`; within 2 points: {within_margin(rest)}."
    found = gain.mean(seed_variance([gain]))
    return [Claim(text=text, measure=measure, found=found, after=after)]


def _at_iou(collection: Collection, iou: float) -> Collection:
    rows = {
        key: tuple(replace(run, protocol=replace(run.protocol, iou=iou)) for run in runs)
        for key, runs in collection.rows.items()
    }
    return replace(collection, rows=rows)


def _small(scores: Table, artefacts: str) -> list[Claim]:
    """Recall of small cells, learned from circles minus learned from contours, by method."""
    asked = []
    for key in ordered(list(scores.collection.of("weak", artefacts=artefacts))):
        twin = Key("precise", artefacts, key.method)
        if twin in scores.collection.rows and _is_scored(scores, "cd"):
            text = f"`{key.method}` finds more of the smallest third of cells from circles than from contours"
            one, two = (ratio_by_seed(scores, row, _small_cells) for row in (key, twin))
            found = difference(one, two, seed_variance([one, two]))
            asked.append(Claim(text=text, measure="recall (centres)", found=found))
    return asked


def _taught(scores: Table) -> list[Claim]:
    """Whether artefacts learned as cells lower the errors on cells, and raise those on artefacts."""
    asked = []
    for key in ordered([key for key in scores.collection.rows if key.artefacts == "foreground"]):
        other = key._replace(artefacts="background")
        if other not in scores.collection.rows or not is_unet(key.method):
            continue
        for what, count, plus, minus in (
            ("fewer false alarms beside artefacts", _beside_artefacts, other, key),
            ("fewer cells missed", _missed, other, key),
            ("more false alarms on artefacts", _on_artefacts, key, other),
        ):
            one, two = (ratio_by_seed(scores, row, count) for row in (plus, minus))
            found = difference(one, two, seed_variance([one, two]))
            text = f"`{key.method}` taught artefacts as cells ({key.track}): {what}"
            asked.append(Claim(text=text, measure="of 100 cells", found=found))
    return asked


def _on_artefacts(run: FinishedRun, scores: Scores) -> tuple[Ints, Ints]:
    truth, predictions = run.files
    least = np.inf if scores.threshold is None else scores.threshold
    mine = (scores.matching.cause == Cause.ARTEFACT) & (predictions.confidence >= least)
    return np.bincount(predictions.image[mine], minlength=len(truth.image_ids)), scores.images.cells


def _beside_artefacts(run: FinishedRun, scores: Scores) -> tuple[Ints, Ints]:
    on, cells = _on_artefacts(run, scores)
    return scores.images.fp - on, cells


def _missed(_: FinishedRun, scores: Scores) -> tuple[Ints, Ints]:
    return scores.images.cells - scores.images.tp, scores.images.cells


def _small_cells(run: FinishedRun, scores: Scores) -> tuple[Ints, Ints]:
    """Small cells that were found, and all of them, by image."""
    truth, predictions = run.files
    size = np.prod(truth.box[:, 2:] - truth.box[:, :2], axis=1)
    cell = truth.role == Role.CELL
    small: Bools = cell & (size <= np.quantile(size[cell], _SMALL)) if cell.any() else cell
    least = np.inf if scores.threshold is None else scores.threshold
    hits = scores.matching.is_hit & (predictions.confidence >= least)
    rows = scores.matching.annotation[hits]
    n = len(truth.image_ids)
    found = np.bincount(truth.image[rows[small[rows]]], minlength=n)
    return found, np.bincount(truth.image[small], minlength=n)


def _is_scored(scores: Table, rule: Geometry) -> bool:
    first = scores.collection.first
    return first is not None and first.scores(rule) is not None


def _names(methods: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in methods)

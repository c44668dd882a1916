"""What the study concluded, asked of the data at hand: each answer is a number, an interval and a word."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from bmbench.benchmark.reproduce.report.published import MARGIN
from bmbench.benchmark.reproduce.report.runs import FinishedRun, Key
from bmbench.benchmark.reproduce.report.seed_means import Table
from bmbench.benchmark.reproduce.report.tables import is_unet, ordered
from bmbench.metrics.details import size_ratios
from bmbench.metrics.protocol import Geometry
from bmbench.present.markdown import bullets, paragraph, table
from bmbench.present.words import UNDEFINED, decimal, gap, listed, many, percent, points
from bmbench.statistics.seeds import SeedMean
from bmbench.statistics.units import FEWEST_UNITS

REFERENCE = "unet_shrink_contour"
"""The method on contours that weak circles are held against where a method has no twin there."""
DONT_CARE = "unet_dont_care"
CLAIMED = (("unet_shrink", "unet_statistical"), ("unet_shrink_contour", "unet_statistical"))
"""Orders of encodings that the study found."""
_WHERE = "What kinds of errors: *False alarms and misses*, below. How they look: *Examples*."


def weak_against_precise(scores: Table, *, artefacts: str = "background") -> str:
    """For every method on weak circles: how far it lies from contours, and whether within the margin."""
    weak = ordered(list(scores.collection.of("weak", artefacts=artefacts)))
    precise = {key.method: key for key in scores.collection.of("precise", artefacts=artefacts)}
    if not weak or not precise:
        return paragraph("This needs finished runs of both tracks.")
    rows = []
    for key in weak:
        for twin in _rivals(key, precise):
            found = scores.contrast("f1", plus=[(key, "cd")], minus=[(twin, "cd")])
            rows.append(
                [
                    f"`{key.method}`",
                    f"`{twin.method}`",
                    _gap(found),
                    within_margin(found),
                ]
            )
    header = ["on weak circles", "on contours", "F1 centres, points", "within 2 points?"]
    return table(header, rows, left=2)


def _rivals(key: Key, precise: dict[str, Key]) -> list[Key]:
    """The same method on contours, and the reference method there."""
    names = dict.fromkeys((key.method, REFERENCE))
    return [precise[name] for name in names if name in precise]


def within_margin(found: SeedMean) -> str:
    """Whether a difference is above −2 points: by its interval where units are enough, else unproven."""
    if found.value is None:
        return UNDEFINED
    if found.interval is None or found.n_units < FEWEST_UNITS:
        return f"{'yes' if found.value >= -MARGIN else 'no'}, unproven"
    if found.interval[0] > -MARGIN:
        return "yes"
    return "no" if found.interval[1] < -MARGIN else "open"


def differences(scores: Table, keys: Sequence[Key], geometry: Geometry) -> str:
    """All paired differences of F1, row minus column in points; bold where the interval excludes 0."""
    keys = ordered(keys)
    header = ["row − column, points", *(str(number + 1) for number in range(len(keys)))]
    rows = []
    for number, key in enumerate(keys):
        cells = [
            ""
            if key == other
            else _bold(scores.contrast("f1", plus=[(key, geometry)], minus=[(other, geometry)]))
            for other in keys
        ]
        rows.append([f"{number + 1} {key.method.removeprefix('unet_')}", *cells])
    return table(header, rows)


def _bold(found: SeedMean) -> str:
    text = points(found.value)
    return f"**{text}**" if found.sign else text


def orders(scores: Table, keys: Sequence[Key], rules: Mapping[Geometry, str]) -> str:
    """Which orders of the methods the data support, by matching rule, and which they leave open."""
    texts = []
    for geometry, title in rules.items():
        pairs = list(itertools.combinations(ordered(keys), 2))
        apart = []
        for first, second in pairs:
            found = scores.contrast("f1", plus=[(first, geometry)], minus=[(second, geometry)])
            better, worse = (first, second) if found.sign > 0 else (second, first)
            if found.sign:
                apart.append((better.method, worse.method))
        texts.append(_order_text(apart, len(pairs), title))
    return bullets(texts)


def _order_text(apart: Sequence[tuple[str, str]], n_pairs: int, rule: str) -> str:
    if not apart:
        return f"F1 ({rule}): none of {many(n_pairs, 'pair')} is told apart."
    losers: dict[str, list[str]] = {}
    for better, worse in apart:
        losers.setdefault(better, []).append(f"`{worse}`")
    ahead = "; ".join(f"`{better}` is ahead of {listed(worse)}" for better, worse in losers.items())
    return f"F1 ({rule}): {len(apart)} of {many(n_pairs, 'pair')} are told apart. {ahead}."


def claims(scores: Table, rules: Mapping[Geometry, str], *, artefacts: str = "background") -> str:
    """The study's orders of encodings on weak circles, one by one, with the errors where one is not shown."""
    texts, doubts = [], False
    for better, worse in CLAIMED:
        first, second = Key("weak", artefacts, better), Key("weak", artefacts, worse)
        if not {first, second} <= scores.collection.rows.keys():
            texts.append(f"`{better}` ahead of `{worse}`: not run here.")
            continue
        for geometry, title in rules.items():
            found = scores.contrast("f1", plus=[(first, geometry)], minus=[(second, geometry)])
            text = f"`{better}` ahead of `{worse}`, F1 ({title}): {_gap(found)}: {verdict(found)}."
            shown = found.sign > 0 and found.n_units >= FEWEST_UNITS
            texts.append(text if shown else f"{text} {_errors(scores, first, second, geometry)}")
            doubts = doubts or not shown
    if not doubts:
        return bullets(texts)
    return f"{bullets(texts)}\n\n{paragraph(_WHERE)}"


def _errors(scores: Table, first: Key, second: Key, geometry: Geometry) -> str:
    """Where a difference that is not shown comes from: what both rows miss and make up."""
    texts = []
    for key in (first, second):
        found = [run.scores(geometry) for run in scores.collection.rows[key]]
        missed, false = np.mean([(one.fn, one.fp) for one in found if one is not None], axis=0)
        texts.append(f"`{key.method}` misses {missed:.1f} cells a run and makes up {false:.1f}")
    return f"{texts[0]}, {texts[1]}."


def _gap(found: SeedMean) -> str:
    return gap(found.value, found.interval)


def verdict(found: SeedMean) -> str:
    """What a difference shows, in a few words."""
    if found.value is None:
        return "undefined"
    if found.n_units < FEWEST_UNITS:
        return "cannot be told from so few test images"
    return {1: "shown", 0: "not shown, the interval holds 0", -1: "the opposite is shown"}[found.sign]


def signature(scores: Table, keys: Sequence[Key]) -> str:
    """By encoding: how much better centres are found than boxes, and how large the objects come out."""
    rows = []
    for key in ordered(keys):
        found = scores.contrast("f1", plus=[(key, "cd")], minus=[(key, "bb")])
        means = [percent(scores.mean(key, geometry, "f1").value) for geometry in ("bb", "cd")]
        rows.append(
            [
                f"`{key.method}`",
                *means,
                _gap(found),
                size_text(scores.collection.rows[key]),
            ]
        )
    header = ["method", "F1 boxes", "F1 centres", "centres − boxes, points", "size"]
    return table(header, rows)


def signature_verdict(scores: Table, keys: Sequence[Key]) -> str:
    """Whether `unet_dont_care` is much better by centres than by boxes, beside the other encodings."""
    mine = next((key for key in keys if key.method == DONT_CARE), None)
    others = [key for key in keys if key.method != DONT_CARE]
    if mine is None:
        return paragraph(f"`{DONT_CARE}` was not run here.")
    own = scores.contrast("f1", plus=[(mine, "cd")], minus=[(mine, "bb")])
    texts = [f"`{DONT_CARE}` by itself, centres − boxes: {_gap(own)} points: {verdict(own)}."]
    for key in others:
        found = scores.contrast("f1", plus=[(mine, "cd"), (key, "bb")], minus=[(mine, "bb"), (key, "cd")])
        texts.append(f"Its gap is {_gap(found)} points wider than that of `{key.method}`: {verdict(found)}.")
    return bullets(texts)


def size_text(runs: Sequence[FinishedRun]) -> str:
    """How wide the objects found are beside their cells, "1.24"; a dash without boxes or hits."""
    return decimal(relative_size(runs), 2)


def relative_size(runs: Sequence[FinishedRun]) -> float | None:
    """The median of √(area of the predicted box / area of the cell's box) over hits by centres."""
    found = [(run, run.scores("cd")) for run in runs]
    ratios = [size_ratios(*run.files, scores) for run, scores in found if scores is not None]
    every = np.concatenate(ratios) if ratios else np.zeros(0)
    return float(np.median(every)) if len(every) else None


def encodings(scores: Table, *, track: str = "weak", artefacts: str = "background") -> list[Key]:
    """The U-Nets of a track."""
    return [
        key for key in ordered(list(scores.collection.of(track, artefacts=artefacts))) if is_unet(key.method)
    ]

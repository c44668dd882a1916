"""What the study concluded, asked of the data at hand: each answer is a number, an interval and a word."""

from collections.abc import Mapping, Sequence

import numpy as np

from bmbench.benchmark.reproduce.report.published import MARGIN
from bmbench.benchmark.reproduce.report.runs import FinishedRun, Key
from bmbench.benchmark.reproduce.report.seed_means import Table
from bmbench.benchmark.reproduce.report.tables import is_unet, ordered
from bmbench.metrics.details import size_ratios
from bmbench.metrics.protocol import Geometry
from bmbench.present.markdown import bullets, paragraph, table
from bmbench.present.words import decimal, gap, listed, many, percent, points
from bmbench.statistics.many_methods import ERROR_RATE, AllPairs, all_pairs, best_set, holm
from bmbench.statistics.methods import Methods
from bmbench.statistics.not_worse import NotWorse, not_worse
from bmbench.statistics.pairs import method_pairs
from bmbench.statistics.planning import findable_differences
from bmbench.statistics.seeds import SeedMean
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, FEWEST_UNITS

REFERENCE = "unet_shrink_contour"
"""The method on contours that weak circles are held against where a method has no twin there."""
DONT_CARE = "unet_dont_care"
SHOWN = "shown"


def weak_against_precise(scores: Table, *, artefacts: str = "background") -> str:
    """For every method on weak circles: how far it lies from contours, and whether within the margin."""
    weak = ordered(list(scores.collection.of("weak", artefacts=artefacts)))
    precise = {key.method: key for key in scores.collection.of("precise", artefacts=artefacts)}
    if not weak or not precise:
        return paragraph("This needs finished runs of both tracks.")
    rows = []
    for key in weak:
        for twin in _rivals(key, precise):
            _, methods = scores.methods([key, twin], "cd", "f1")
            if methods is None or len(methods.value) < 2:
                continue
            found = not_worse(methods, 0, 1, margin=MARGIN)
            rows.append(
                [
                    f"`{key.method}`",
                    f"`{twin.method}`",
                    gap(found.difference, found.interval),
                    within_margin(found),
                ]
            )
    header = ["on weak circles", "on contours", "F1 centres, points", "within 2 points?"]
    return table(header, rows, left=2)


def _rivals(key: Key, precise: dict[str, Key]) -> list[Key]:
    """The same method on contours, and the reference method there."""
    names = dict.fromkeys((key.method, REFERENCE))
    return [precise[name] for name in names if name in precise]


def within_margin(found: NotWorse) -> str:
    """Whether a method is at most 2 points worse than another one, and what it would take to know."""
    if found.verdict != "open":
        return {"not worse": "yes", "worse": "no"}.get(found.verdict, found.verdict)
    if found.units_needed is None:
        return "open: more seeds needed"
    return f"open: about {many(found.units_needed, 'group')} needed"


def differences(scores: Table, keys: Sequence[Key], geometry: Geometry) -> str:
    """All paired differences of F1, row minus column in points; bold where the two are told apart."""
    keys = ordered(keys)
    known, tested = _tested(scores, keys, geometry)
    header = ["row − column, points", *(str(number + 1) for number in range(len(keys)))]
    rows = []
    for number, key in enumerate(keys):
        cells = []
        for other in keys:
            text = points(scores.difference("f1", geometry, key, other).value)
            apart = (
                tested is not None
                and {key, other} <= set(known)
                and tested.apart[known.index(key), known.index(other)]
            )
            cells.append("" if key == other else f"**{text}**" if apart else text)
        rows.append([f"{number + 1} {key.method.removeprefix('unet_')}", *cells])
    return table(header, rows)


def _tested(scores: Table, keys: Sequence[Key], geometry: Geometry) -> tuple[list[Key], AllPairs | None]:
    """All pairs of the rows, tested together; None with fewer than six groups."""
    known, methods = scores.methods(keys, geometry, "f1")
    if methods is None or methods.n_units < FEWEST_UNITS or len(known) < 2:
        return known, None
    return known, all_pairs(methods)


def orders(scores: Table, keys: Sequence[Key], rules: Mapping[Geometry, str]) -> str:
    """Which methods may be the best, and which pairs are told apart, by matching rule."""
    texts = []
    for geometry, title in rules.items():
        known, methods = scores.methods(ordered(keys), geometry, "f1")
        if methods is None or len(known) < 2:
            continue
        if methods.n_units < FEWEST_FOR_INTERVAL:
            units = many(methods.n_units, "test group")
            texts.append(f"F1 ({title}): {units} cannot show how groups differ: nothing is told apart.")
            continue
        texts.append(f"F1 ({title}): {_best_text(known, methods)}")
        texts.append(f"F1 ({title}): {_order_text(known, methods)}")
    return bullets(texts)


def _best_text(known: Sequence[Key], methods: Methods) -> str:
    pairs = method_pairs(methods)
    able = [f"`{key.method}`" for key, best in zip(known, best_set(pairs).tolist(), strict=True) if best]
    plan = findable_differences(methods, pairs)
    seen = (
        ""
        if plan is None
        else f" By chance two equal methods may differ by about {100 * plan.not_seen_below:.1f} points here."
    )
    if len(able) == len(known):
        return f"any of these {len(known)} may be the best.{seen}"
    if len(able) == 1:
        return f"{able[0]} is the best of these {len(known)} (95 %).{seen}"
    return f"the best one is among {listed(able)} (95 %).{seen}"


def _order_text(known: Sequence[Key], methods: Methods) -> str:
    if methods.n_units < FEWEST_UNITS:
        return f"pairs are not tested with {many(methods.n_units, 'test group')}, fewer than {FEWEST_UNITS}."
    tested = all_pairs(methods)
    losers: dict[str, list[str]] = {}
    for first, second in np.argwhere(tested.ahead).tolist():
        losers.setdefault(f"`{known[first].method}`", []).append(f"`{known[second].method}`")
    n_pairs, n_apart = len(known) * (len(known) - 1) // 2, int(tested.ahead.sum())
    are = "is" if n_apart == 1 else "are"
    if not losers:
        return f"none of {many(n_pairs, 'pair')} is told apart, which does not make them equal."
    ahead = "; ".join(f"{better} is ahead of {listed(worse)}" for better, worse in losers.items())
    return f"{n_apart} of {many(n_pairs, 'pair')} {are} told apart. {ahead}."


def errors_of(scores: Table, first: Key, second: Key, geometry: Geometry) -> str:
    """Where a difference that is not shown comes from: what both rows miss and make up."""
    texts = []
    for key in (first, second):
        found = [run.scores(geometry) for run in scores.collection.rows[key]]
        missed, false = np.mean([(one.fn, one.fp) for one in found if one is not None], axis=0)
        texts.append(f"`{key.method}` misses {missed:.1f} cells a run and makes up {false:.1f}")
    return f"{texts[0]}, {texts[1]}."


def _gap(found: SeedMean) -> str:
    return gap(found.value, found.interval)


def verdicts(found: Sequence[SeedMean]) -> list[str]:
    """What planned differences show, in a few words each; corrected for all of them (Holm)."""
    corrected = iter(holm(np.array([one.p for one in found if one.p is not None])).tolist())
    return [_verdict(one, None if one.p is None else next(corrected)) for one in found]


def _verdict(found: SeedMean, p: float | None) -> str:
    if found.value is None:
        return "undefined"
    if found.n_units < FEWEST_FOR_INTERVAL:
        return f"cannot be told from {many(found.n_units, 'test group')}"
    if p is None:
        return "cannot be told, every group shows the same"
    if p > ERROR_RATE:
        return "open"
    return SHOWN if found.value > 0 else "the opposite is shown"


def signature(scores: Table, keys: Sequence[Key]) -> str:
    """By encoding: how much better centres are found than boxes, and how large the objects come out."""
    rows = []
    for key in ordered(keys):
        found = scores.gap(key)
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
    found = [scores.gap(mine), *(scores.gap_difference(mine, key) for key in others)]
    words = verdicts(found)
    texts = [f"`{DONT_CARE}` by itself, centres − boxes: {_gap(found[0])} points: {words[0]}."]
    for key, one, word in zip(others, found[1:], words[1:], strict=True):
        texts.append(f"Its gap is {_gap(one)} points wider than that of `{key.method}`: {word}.")
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

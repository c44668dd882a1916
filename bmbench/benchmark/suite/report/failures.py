"""Where methods fail: what is missed and taken for a cell, by class and by crowding, and by cause."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from bmbench.benchmark.reproduce.report.examples import draw_examples
from bmbench.benchmark.reproduce.report.runs import FinishedRun, Key
from bmbench.benchmark.suite.report.blocks import Block, Heading, ReportPicture, TextGrid
from bmbench.benchmark.suite.report.scored_sets import ScoredSet
from bmbench.core.types import Bools, Floats, GroundTruth, Role
from bmbench.metrics.matching import Cause
from bmbench.present.words import FALSE_ALARMS, UNDEFINED, decimal, many, percent

TOUCHING, OVERLAPPING = 1.05, 0.85
"""Distance of two centres relative to the sum of their radii (half the mean side of their boxes)."""
CROWDING = ("alone", "touching", "overlapping")
_FEWEST_CELLS = 10
_MOST_SHOWN = 6


def failure_section(sets: Sequence[ScoredSet], out: Path) -> list[Block]:
    """For each set: causes of errors, how much of each tier is found or taken for a cell, and a picture."""
    blocks: list[Block] = [Heading(level=2, text="Where methods fail")]
    for one in sets:
        heading = Heading(level=3, text=f"On `{one.name}`")
        blocks += [heading, *_causes(one), *_tiers(one), *_pictures(one, out)]
    return blocks


def _pictures(one: ScoredSet, out: Path) -> list[Block]:
    """The same part of one test image under the baselines and under methods from the best to the worst."""
    path = out / f"examples_{one.name}.jpg"
    first = one.collection.rows[one.keys[0]][0].cell
    keys = [key for key in _spread(one) if one.collection.rows[key][0].cell.fold == first.fold]
    why_not = draw_examples(path, one.collection, keys)
    if why_not:
        return [f"No picture: {why_not}."]
    about = (
        "One part of one test image, first seed: the image on which the numbers of errors of these methods "
        "differ most, the part with most cells."
    )
    return [
        about,
        ReportPicture(path=path, what=f"Hits and errors of {many(len(keys), 'method')} on {one.name}"),
    ]


def _spread(one: ScoredSet) -> list[Key]:
    """The baselines, and methods at equal steps from the highest F1 to the lowest; six at most."""
    values = {key: one.scores.mean(key, "cd", "f1").value or 0.0 for key in one.keys}
    bases = [key for key in one.keys if key.method in one.baselines]
    learned = sorted((key for key in one.keys if key not in bases), key=lambda key: -values[key])
    n = min(max(_MOST_SHOWN - len(bases), 0), len(learned))
    steps = np.unique(np.linspace(0, len(learned) - 1, n).round().astype(int)) if n else ()
    return [*(learned[step] for step in steps), *bases[:_MOST_SHOWN]]


def _causes(one: ScoredSet) -> list[Block]:
    """Errors of 100 cells, the mean over runs."""
    header = ("method, of 100 cells", "missed", *FALSE_ALARMS.values())
    rows = []
    for key in one.keys:
        scores = [s for run in one.collection.rows[key] if (s := run.scores("cd")) is not None]
        cells = sum(int(s.images.cells.sum()) for s in scores)
        counts = [sum(s.fn for s in scores)]
        counts += [sum(getattr(s, name) for s in scores) for name in FALSE_ALARMS]
        rows.append((f"`{key.method}`", *(decimal(100 * n / cells if cells else None, 1) for n in counts)))
    return [TextGrid(header=header, rows=tuple(rows))]


def _tiers(one: ScoredSet) -> list[Block]:
    """Recall of cells by class and crowding, and the share of artefacts that is taken for cells.

    A column a baseline; of the methods that learn, the one with the least, their median, and the most.
    """
    found = {key: _counts(one, key) for key in one.keys}
    names = list(dict.fromkeys(name for counts in found.values() for name in counts))
    kept = [name for name in names if max(c.get(name, (0, 0))[1] for c in found.values()) >= _FEWEST_CELLS]
    if not kept:
        return []
    bases = [key for key in found if key.method in one.baselines]
    rows = []
    for what, name in sorted(kept):
        shares = {key: _share(counts.get((what, name))) for key, counts in found.items()}
        learned = sorted(
            (share, key.method) for key, share in shares.items() if key not in bases and share is not None
        )
        ends = [f"{percent(share)} `{method}`" for share, method in (learned[:1] + learned[-1:])] or [
            UNDEFINED
        ] * 2
        middle = percent(median(share for share, _ in learned) if learned else None)
        rows.append((f"{what}: {name}", *(percent(shares[key]) for key in bases), ends[0], middle, ends[1]))
    header = ("per cent of", *(f"`{key.method}`" for key in bases), "least", "median", "most")
    about = (
        "Cells found, by class and by how near the next cell is, and artefacts taken for cells, in per cent: "
        "of methods that learn, which reaches the least, the median of all, which the most. "
        "Classes of fewer than 10 are left out."
    )
    return [about, TextGrid(header=header, rows=tuple(rows))]


def _share(counts: tuple[int, int] | None) -> float | None:
    return None if counts is None or not counts[1] else counts[0] / counts[1]


def _counts(one: ScoredSet, key: Key) -> dict[tuple[str, str], tuple[int, int]]:
    """(what, tier) → how many were found or taken, of how many; sums over the runs of a row."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for run in one.collection.rows[key]:
        for name, (part, whole) in _of_run(run).items():
            before = sums.get(name, (0, 0))
            sums[name] = (before[0] + part, before[1] + whole)
    return sums


def _of_run(run: FinishedRun) -> dict[tuple[str, str], tuple[int, int]]:
    scores, (truth, predictions) = run.scores("cd"), run.files
    if scores is None:
        return {}
    least = np.inf if scores.threshold is None else scores.threshold
    kept = predictions.confidence >= least
    hits = scores.matching.annotation[scores.matching.is_hit & kept]
    reached = np.zeros(len(truth.label), bool)
    reached[hits] = True
    on_artefact = (scores.matching.cause == Cause.ARTEFACT) & kept
    for row in np.flatnonzero(on_artefact).tolist():
        nearest = nearest_artefact(truth, int(predictions.image[row]), predictions.xy[row])
        if nearest is not None:
            reached[nearest] = True
    return tier_counts(truth, reached)


def nearest_artefact(truth: GroundTruth, image: int, xy: Floats) -> int | None:
    """Row of the artefact on an image whose centre lies nearest to a point; None where there is none."""
    rows = np.flatnonzero((truth.image == image) & (truth.role == Role.ARTEFACT))
    if not len(rows):
        return None
    return int(rows[np.argmin(np.hypot(*(truth.xy[rows] - xy).T))])


def tier_counts(truth: GroundTruth, reached: Bools) -> dict[tuple[str, str], tuple[int, int]]:
    """(what, tier) → how many objects of the tier were reached, of how many."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    names = np.array([category.name for category in truth.categories])
    for role, what in ((Role.CELL, "cells"), (Role.ARTEFACT, "artefacts")):
        for label in np.unique(truth.label[truth.role == role]).tolist():
            mine = (truth.role == role) & (truth.label == label)
            found[what, str(names[label])] = (int(reached[mine].sum()), int(mine.sum()))
    cell, near = truth.role == Role.CELL, crowding(truth)
    for place, name in enumerate(CROWDING):
        mine = cell & (near == place)
        found["cells", f"({name})"] = (int(reached[mine].sum()), int(mine.sum()))
    return found


def crowding(truth: GroundTruth) -> Floats:
    """(n,) row of `CROWDING` for every object by its nearest neighbour; 0 where objects have no size."""
    radius = (truth.box[:, 2:] - truth.box[:, :2]).mean(axis=1) / 2
    state = np.zeros(len(radius))
    for image in np.unique(truth.image).tolist():
        rows = np.flatnonzero((truth.image == image) & ~truth.region)
        if len(rows) < 2:
            continue
        apart = np.hypot(*(truth.xy[rows, None] - truth.xy[None, rows]).transpose(2, 0, 1))
        reach = np.maximum(radius[rows, None] + radius[None, rows], np.finfo(float).tiny)
        relative = apart / reach
        np.fill_diagonal(relative, np.inf)
        nearest = relative.min(axis=1)
        state[rows] = (nearest < TOUCHING).astype(float) + (nearest < OVERLAPPING)
    return state

"""The seeds of a method as one detector, from the answers that they left: nothing is trained again.

Answers of different seeds that lie within the matching radius of each other are one cell: the surest one
takes the nearest of every other seed. Its confidence is the sum of theirs over the number of seeds, so that
what one seed alone sees is believed less. The threshold is chosen on the optimisation images, of the
answers put together there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.reproduce.report.runs import FinishedRun, Key, unit_rows
from bmbench.benchmark.reproduce.report.seed_means import by_seed
from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.benchmark.suite.report.blocks import Block, Heading, TextGrid
from bmbench.benchmark.suite.report.scored_sets import ScoredSet
from bmbench.core.types import Floats, Ints, Predictions
from bmbench.metrics.evaluation import choose_threshold, evaluate
from bmbench.metrics.scores import Scores
from bmbench.present.words import gap, percent
from bmbench.statistics.seeds import JoinedSets, SeedScores, difference


def ensemble_section(one: ScoredSet) -> list[Block]:
    """A row a method of several seeds: F1 of one, of all together, and the gain, paired by unit."""
    rows = []
    for key in one.keys:
        runs = [some[0] for some in by_seed(one.collection.rows[key]).values()]
        if one.collection.n_folds > 1 or len(runs) < 2 or key.method in one.baselines:
            continue
        together = _together(one, runs)
        if together is not None:
            rows.append(_row(one, key, together))
    if not rows:
        return []
    about = (
        "The seeds of each method put together: answers within the matching radius are one cell, its "
        "confidence the mean over the seeds, the threshold again from the optimisation images. The "
        "interval of the gain is over test groups: it speaks of these trainings."
    )
    header = ("method", "together", "F1 of one", "F1 together", "gain, points [95 %]")
    heading = Heading(level=3, text=f"Several trainings together, on `{one.name}`")
    return [heading, about, TextGrid(header=header, rows=tuple(rows))]


def _row(one: ScoredSet, key: Key, together: SeedScores) -> tuple[str, ...]:
    alone = one.scores.seeds(key, "cd", "f1")
    found = difference(together, alone, None)
    value = together.mean(None).value
    one_f1 = alone.mean(None).value
    texts = (percent(one_f1), percent(value), gap(found.value, found.interval))
    return (f"`{key.method}`", str(len(alone.seeds)), *texts)


def _together(one: ScoredSet, runs: Sequence[FinishedRun]) -> SeedScores | None:
    """The scores of the answers of all runs as one; None where a run has no optimisation images."""
    folders = [RunDir(one.folder.run(run.cell)) for run in runs]
    pairs = [(folder.predictions("optimisation"), folder.truth("optimisation")) for folder in folders]
    first = runs[0]
    if first.protocol.radius_px is None or not all(path.is_file() for pair in pairs for path in pair):
        return None
    radius = first.protocol.radius_px
    chosen = [read_pair(*pair) for pair in pairs]
    by_centres = evaluate(chosen[0][0], put_together([p for _, p in chosen], radius), first.protocol).cd
    assert by_centres is not None
    answers = put_together([run.files[1] for run in runs], radius)
    threshold = choose_threshold(by_centres)
    scores: Scores | None = evaluate(first.files[0], answers, first.protocol, threshold=threshold).cd
    assert scores is not None
    joined = JoinedSets.of([scores], unit_rows(first, one.collection.groups))
    found = joined.jackknife("f1", first.protocol.ap, one.n_units)
    return SeedScores(seeds=((0, ""),), scores=(found,), n_units=one.n_units)


def put_together(several: Sequence[Predictions], radius: float) -> Predictions:
    """The answers of several detectors to the same images as those of one."""
    seed = np.repeat(np.arange(len(several)), [len(one.confidence) for one in several])
    image, label = (np.concatenate([getattr(one, name) for one in several]) for name in ("image", "label"))
    xy, box = (np.concatenate([getattr(one, name) for one in several]) for name in ("xy", "box"))
    confidence = np.concatenate([one.confidence for one in several])
    groups: list[Ints] = []
    for place in np.unique(image).tolist():
        rows = np.flatnonzero(image == place)
        groups += [rows[some] for some in _clusters(xy[rows], confidence[rows], seed[rows], radius)]
    weights = [np.maximum(confidence[rows], np.finfo(float).tiny) for rows in groups]
    first = np.array([rows[0] for rows in groups], np.int64)

    def mean(values: Floats) -> Floats:
        pairs = zip(groups, weights, strict=True)
        found = [np.average(values[rows], axis=0, weights=weight) for rows, weight in pairs]
        return np.array(found).reshape(-1, values.shape[1])

    return Predictions(
        image=image[first],
        xy=mean(xy),
        box=mean(box),
        confidence=np.array([confidence[rows].sum() / len(several) for rows in groups], float),
        label=label[first],
    )


def _clusters(xy: Floats, confidence: Floats, seed: Ints, radius: float) -> list[Ints]:
    """Rows that are one cell, the surest first; each with the nearest free one of every other seed."""
    free = np.ones(len(xy), bool)
    found = []
    for row in np.argsort(-confidence, kind="stable").tolist():
        if not free[row]:
            continue
        free[row] = False
        distance = np.hypot(*(xy - xy[row]).T)
        near = np.flatnonzero(free & (seed != seed[row]) & (distance <= radius))
        near = near[np.argsort(distance[near], kind="stable")]
        _, kept = np.unique(seed[near], return_index=True)
        others = near[kept]
        free[others] = False
        found.append(np.array([row, *others.tolist()], np.int64))
    return found

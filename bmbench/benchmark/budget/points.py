"""Finished runs of a budget → a score for each share, with the annotations and the minutes behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.benchmark.budget.options import BudgetOptions
from bmbench.benchmark.budget.plan import ShareStudy
from bmbench.benchmark.reproduce.report.runs import FinishedRun, Key, collect
from bmbench.benchmark.reproduce.report.seed_means import Table
from bmbench.benchmark.reproduce.report.tables import ordered
from bmbench.statistics.seeds import SeedMean, difference, seed_variance

OUTLINES = "outlines"
"""The shape whose drawing takes the time of an outline; all others take that of a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPoint:
    """One row at one share.

    Attributes
    ----------
    key : Key
        Track, artefact mode and method.
    images, annotations, minutes : float
        Of the training images that were learned from, the mean over the seeds: how many images, objects, and
        minutes of work.
    f1, ap : SeedMean
        Between centres.
    behind : SeedMean or None
        F1 with all annotations minus this F1, on the same test images; None of all annotations themselves,
        and where these are not finished.
    """

    share: float
    key: Key
    images: float
    annotations: float
    minutes: float
    f1: SeedMean
    ap: SeedMean
    behind: SeedMean | None = None


def budget_points(studies: Sequence[ShareStudy], options: BudgetOptions) -> list[BudgetPoint]:
    """Every row and share of which a run is finished, rows together, the smallest share first."""
    tables = {
        one.share: Table(collect(one.folder)) for one in studies if (one.folder.path / "study.json").is_file()
    }
    full = tables.get(1.0)
    rows = [table.seeds(key, "cd", "f1") for table in tables.values() for key in table.collection.rows]
    variance = seed_variance(rows)
    found = []
    for share, table in tables.items():
        for key, runs in table.collection.rows.items():
            images, annotations, minutes = (
                np.array([_work(run, options) for run in runs]).mean(axis=0).tolist()
            )
            behind = None
            if full is not None and full is not table and key in full.collection.rows:
                behind = difference(full.seeds(key, "cd", "f1"), table.seeds(key, "cd", "f1"), variance)
            found.append(
                BudgetPoint(
                    share=share,
                    key=key,
                    images=images,
                    annotations=annotations,
                    minutes=minutes,
                    f1=table.mean(key, "cd", "f1"),
                    ap=table.mean(key, "cd", "ap"),
                    behind=behind,
                )
            )
    order = {key: place for place, key in enumerate(ordered(list({point.key for point in found})))}
    return sorted(found, key=lambda point: (order[point.key], point.share))


def _work(run: FinishedRun, options: BudgetOptions) -> tuple[float, float, float]:
    """Images, annotations and minutes of one run.

    What is learned as circles is taken to be drawn as circles, whatever the file holds: circles of the weak
    track are simulated from it.
    """
    shapes = run.config.learned.shapes
    objects = sum(shapes.values())
    outlines = 0 if run.cell.track == "weak" else shapes.get(OUTLINES, 0)
    seconds = options.contour_s * outlines + options.circle_s * (objects - outlines)
    return float(run.config.images["train"]), float(objects), seconds / 60

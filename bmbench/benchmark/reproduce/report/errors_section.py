"""What the methods get wrong, by what they were taught about artefacts."""

from collections import Counter
from pathlib import Path

from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.report.cell_and_artefact_counts import (
    artefact_shares,
    draw_four_counts,
    four_counts,
    four_counts_table,
)
from bmbench.benchmark.reproduce.report.error_counts import Errors, draw_errors, error_counts
from bmbench.benchmark.reproduce.report.runs import Collection
from bmbench.benchmark.reproduce.report.seed_means import Table
from bmbench.benchmark.reproduce.report.tables import ordered
from bmbench.core.errors import BadInputError
from bmbench.present.markdown import bullets, paragraph, table
from bmbench.present.words import many

PICTURE, FOUR = "artefacts.png", "cells_and_artefacts.png"
_COLUMNS = (
    ("fp_artefact", "on art."),
    ("fp_duplicate", "second"),
    ("fp_near", "near"),
    ("fp_background", "backgr."),
    ("fn_missed", "missed"),
    ("fn_artefact", "taken"),
)


def mistakes(out: Path, folder: StudyFolder, collection: Collection) -> str:
    """The counts of all rows, and a picture: of the methods that were taught in several ways, if any were."""
    keys = ordered(list(collection.rows))
    paths = [folder.run(run.cell) for key in keys for run in collection.rows[key]]
    title = "## False alarms and misses, by artefact mode"
    try:
        rows = error_counts(paths)
    except BadInputError as error:
        return f"{title}\n\n{paragraph(f'Not shown: {error}.')}"
    telling = _telling(rows)
    draw_errors(out / PICTURE, telling)
    about = (
        "Absolute counts on the test images, by centres, means over seeds. On art.: on an artefact; second: "
        "on a cell that was found already; near: near a cell; backgr.: on background; taken: cells taken for "
        "artefacts."
    )
    parts = [title, paragraph(about), _counts(rows), f"![False alarms and misses]({PICTURE})"]
    answers = _answers(telling)
    if answers:
        parts.append(bullets(answers))
    return "\n\n".join([*parts, *_cells_and_artefacts(out, collection)])


def _cells_and_artefacts(out: Path, collection: Collection) -> list[str]:
    """The study's Figure 8: errors on cells and errors on artefacts."""
    rows = four_counts(collection)
    if not rows:
        return []
    taught = Counter((row.key.track, row.key.method) for row in rows)
    telling = [row for row in rows if taught[row.key.track, row.key.method] > 1] or rows
    draw_four_counts(out / FOUR, telling)
    about = (
        "The study's Figure 8. Cells: false positives are on no cell and on no artefact. Artefacts: false "
        "positives are artefacts taken for cells, and what was taken for an artefact and is none; missed are "
        "those of which nothing was said, as a cell or as an artefact. Where artefacts are background, no "
        "one is to find them."
    )
    return [
        "### Cells and artefacts",
        paragraph(about),
        four_counts_table(rows),
        f"![False positives and negatives of cells and artefacts]({FOUR})",
        *_quality(collection),
    ]


def _quality(collection: Collection) -> list[str]:
    """What the detectors say of the samples themselves."""
    shares = artefact_shares(Table(collection))
    if not shares:
        return []
    about = (
        "The share of artefacts among what was found, which the study calls indicative of a sample's quality:"
    )
    return [paragraph(about), bullets(shares)]


def _telling(rows: tuple[Errors, ...]) -> tuple[Errors, ...]:
    """The rows of methods with several artefact modes; all rows if no method has."""
    taught = Counter((row.track, row.method) for row in rows)
    return tuple(row for row in rows if taught[row.track, row.method] > 1) or rows


def _counts(rows: tuple[Errors, ...]) -> str:
    header = ["track, method: artefacts as", *(title for _, title in _COLUMNS)]
    lines = [
        [
            f"{row.track} `{row.method}`: {row.mode}",
            *(f"{row.counts[name]:.1f}" for name, _ in _COLUMNS),
        ]
        for row in rows
    ]
    return table(header, lines)


def _answers(rows: tuple[Errors, ...]) -> list[str]:
    """For every method with several modes, which has fewest false alarms and which fewest misses."""
    texts = []
    for track, method in dict.fromkeys((row.track, row.method) for row in rows):
        mine = [row for row in rows if (row.track, row.method) == (track, method)]
        if len(mine) > 1:
            alarms = min(mine, key=lambda row: row.counts["fp"])
            misses = min(mine, key=lambda row: row.counts["fn"])
            texts.append(
                f"`{method}` ({track}): fewest false alarms as *{alarms.mode}* "
                f"({alarms.counts['fp']:.1f}), fewest misses as *{misses.mode}* ({misses.counts['fn']:.1f}), "
                f"of {many(mine[0].n_runs, 'run')} each."
            )
    return texts

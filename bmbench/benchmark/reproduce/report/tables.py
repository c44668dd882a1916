"""The study's Tables 1 to 3 for the data at hand, and every run by itself."""

import io
import itertools
from collections.abc import Sequence

from bmbench.benchmark.reproduce.report.published import places, published
from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key
from bmbench.benchmark.reproduce.report.seed_means import Table
from bmbench.core.csv_cells import CsvRows
from bmbench.metrics.protocol import Geometry
from bmbench.present.markdown import paragraph, table
from bmbench.present.words import decimal, many, percent, span
from bmbench.statistics.seeds import ScoreName, SeedMean

COLUMNS: tuple[tuple[str, Geometry, ScoreName], ...] = (
    ("F1 boxes", "bb", "f1"),
    ("F1 centres", "cd", "f1"),
    ("AP boxes", "bb", "ap"),
    ("AP centres", "cd", "ap"),
)
"""The study's four columns, in its order."""


def ordered(keys: Sequence[Key]) -> list[Key]:
    """Rows in the order of the table of methods, by track and artefact mode."""
    from bmbench.adapters import METHODS

    place = {name: number for number, name in enumerate(METHODS)}
    return sorted(keys, key=lambda key: (key.track, key.artefacts, place.get(key.method, len(place)), key))


def is_unet(method: str) -> bool:
    """Whether a method is one of the study's U-Net encodings."""
    return method.startswith("unet_")


def score_table(scores: Table, keys: Sequence[Key], *, with_mode: bool = False, word: str = "seed") -> str:
    """A method in two lines: the means over its seeds (or what `word` calls them), and their intervals."""
    rows = []
    for key in ordered(keys):
        found = [scores.mean(key, geometry, name) for _, geometry, name in COLUMNS]
        mode = f", {key.artefacts}" if with_mode else ""
        n = max(estimate.n_seeds for estimate in found)
        rows.append([f"`{key.method}`{mode}", *(percent(estimate.value) for estimate in found)])
        rows.append([f"· 95 %, {many(n, word)}", *(span(estimate.interval) for estimate in found)])
    return table(["method", *(title for title, _, _ in COLUMNS)], rows)


def published_table(scores: Table, number: int, *, track: str, artefacts: str) -> str:
    """The rows of one of the study's tables, on its own data, each with its place and with ours below it."""
    theirs, rows = published(number), []
    for row, place in zip(theirs, places(theirs), strict=True):
        key = Key(track, artefacts, row.method)
        marked = zip(row.scores, place, strict=True)
        rows.append([f"{row.name}, the study", *(f"{value:.1f} ({at})" for value, at in marked)])
        here = [scores.mean(key, geometry, name).value for _, geometry, name in COLUMNS]
        run = "" if key in scores.collection.rows else ", not run"
        rows.append([f"· `{row.method}` here{run}", *map(percent, here)])
    about = f"The study's Table {number}, on another data set (its places), and the same here:"
    return f"{about}\n\n{table(['', *(title for title, _, _ in COLUMNS)], rows)}"


def runs_table(collection: Collection) -> str:
    """Every finished run, with the threshold it chose."""
    rows = []
    for key in ordered(list(collection.rows)):
        for run in collection.rows[key]:
            fold = f" {run.cell.fold.partition('=')[2]}" if run.cell.fold else ""
            scores = [_single(run, geometry, name) for _, geometry, name in COLUMNS]
            mode = "" if key.artefacts == "background" else f", {key.artefacts}"
            rows.append(
                [
                    f"`{key.method}` {key.track}{mode}",
                    f"{run.cell.seed}{fold}",
                    *scores,
                    decimal(run.threshold, 2),
                ]
            )
    header = ["run", "seed", "F1 BB", "F1 CD", "AP BB", "AP CD", "conf."]
    return table(header, rows, left=2) if rows else paragraph("None.")


def _single(run: FinishedRun, geometry: Geometry, name: ScoreName) -> str:
    scores = run.metrics.rules.get(geometry)
    return percent(None if scores is None else getattr(scores, name))


def results_csv(scores: Table) -> str:
    """Every number of the report for other programs: one row a mean or a paired difference.

    `units` says how many groups there are, `p` is that of a difference alone, uncorrected.
    """
    text = io.StringIO()
    rows = CsvRows(text)
    rows.write(["kind", "score", "first", "second", "value", "low", "high", "seeds", "units", "p"])
    keys = ordered(list(scores.collection.rows))
    for title, geometry, name in COLUMNS:
        for key in keys:
            rows.write(["mean", title, "/".join(key), "", *_numbers(scores.mean(key, geometry, name))])
        for key, other in itertools.permutations(keys, 2):
            found = scores.difference(name, geometry, key, other)
            rows.write(["difference", title, "/".join(key), "/".join(other), *_numbers(found)])
    return text.getvalue()


def _numbers(found: SeedMean) -> list[str]:
    numbers = (found.value, *(found.interval or (None, None)))
    return [
        *("" if number is None else f"{number:.6f}" for number in numbers),
        str(found.n_seeds),
        str(found.n_units),
        "" if found.p is None else f"{found.p:.4g}",
    ]

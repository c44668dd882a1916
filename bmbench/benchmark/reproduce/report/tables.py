"""The study's Tables 1 to 3 for the data at hand, and every run by itself."""

import io
import itertools
from collections.abc import Sequence

from bmbench.benchmark.reproduce.report.published import PLACES, PUBLISHED
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
        rows.append([f"· {many(n, word)}", *(span(estimate.interval) for estimate in found)])
    return table(["method", *(title for title, _, _ in COLUMNS)], rows)


def published_table(track: str, *, only_unets: bool = False) -> str:
    """The study's own rows of a track, on its own data; empty where none are known."""
    known = [row for row in PUBLISHED.get(track, ()) if not only_unets or row.method.startswith("U-Net")]
    if not known:
        return ""
    rows = [
        [row.method, *(f"{value:.1f}" for value in (row.f1_bb, row.f1_cd, row.ap_bb, row.ap_cd))]
        for row in known
    ]
    about = f"The study, on another data set, its own ({known[0].table}):"
    return f"{about}\n\n{table(['the study', *(title for title, _, _ in COLUMNS)], rows)}"


def places_table() -> str:
    """The places of the five families in the study's Table 1."""
    rows = [[name, *map(str, places)] for name, places in PLACES.items()]
    return f"Places there:\n\n{table(['the study', *(title for title, _, _ in COLUMNS)], rows)}"


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

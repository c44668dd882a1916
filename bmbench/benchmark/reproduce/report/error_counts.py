"""What runs get wrong, and why, by what they were taught about artefacts, from run directories.

Counts are absolute, at each run's own threshold, on its test images. Runs that differ in nothing but the seed
are averaged; folds with test images of their own are added up.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from bmbench.benchmark.drawing.figures import save_figure
from bmbench.benchmark.protocol.supervision import ARTEFACT_MODES
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.records.seal import warn_unsealed
from bmbench.benchmark.scoring.recorded import RecordedRun
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.metrics.protocol import Geometry
from bmbench.present import markdown
from bmbench.present.palette import BLUE, ORANGE, VERMILLION
from bmbench.present.words import FALSE_ALARMS, MISSES, decimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOOKS = {
    "fp_artefact": (VERMILLION, ""),
    "fp_duplicate": (BLUE, "////"),
    "fp_near": (ORANGE, ".."),
    "fp_background": ("0.75", ""),
    "fn_missed": ("0.35", ""),
    "fn_artefact": (VERMILLION, "\\\\\\\\"),
}
_LEARNED_AS = {"background": "background", "foreground": "cells", "class": "a class"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """The errors of one method under one artefact mode.

    Attributes
    ----------
    n_runs : int
        Runs behind the numbers.
    counts : name → mean number
        ``tp``, ``fp``, ``fn`` and the causes of `FALSE_ALARMS` and `MISSES`, as in `bmbench.metrics.Counts`.
    """

    track: str
    method: str
    mode: str
    n_runs: int
    counts: Mapping[str, float]

    @property
    def f1(self) -> float | None:
        """F1 of the counts; None without cells."""
        from bmbench.metrics.curve import f_score

        cells = self.counts["tp"] + self.counts["fn"]
        return float(f_score(self.counts["tp"], self.counts["fp"], cells)) if cells else None


def error_counts(runs: Iterable[Path], *, geometry: Geometry = "cd") -> tuple[Errors, ...]:
    """The errors of finished runs, by track, method and artefact mode, in the order of the runs and modes.

    Raises
    ------
    BadInputError
        If a folder is no finished run, the runs are not of one data set and protocol, have no such matching
        rule, or one row has test images that another one lacks.
    """
    rows: dict[tuple[str, str, str], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    first: dict[str, Any] = {}
    for path in runs:
        folder = RunDir.open(path)
        config = folder.config()
        warn_unsealed(folder.check_seal("config.json", "metrics.json"))
        scores = read_record(path / "metrics.json", RecordedRun).rules.get(geometry)
        if scores is None:
            raise BadInputError(
                f"was not scored by {geometry}", where=str(path), remedy="choose the other rule"
            )
        shared = {"dataset": config.dataset, "protocol": config.protocol}
        if first and shared != first:
            raise BadInputError(
                "runs of several data sets or protocols cannot be counted together",
                where=str(path),
                remedy="name runs of one data set and protocol",
            )
        first = shared
        test_images = json.dumps([config.data_hash, config.dataset_options], sort_keys=True)
        if config.artefacts not in ARTEFACT_MODES:
            raise UnknownNameError("artefact mode", config.artefacts, ARTEFACT_MODES)
        key = (config.track.name, config.method, config.artefacts)
        rows[key][test_images].append(asdict(scores))
    if not rows:
        raise BadInputError("no run is named", remedy="give folders that `bmbench run` printed")
    _refuse_gaps({key: set(folds) for key, folds in rows.items()})
    places = {key: place for place, key in enumerate(rows)}
    first_of = {key[:2]: min(places[k] for k in rows if k[:2] == key[:2]) for key in rows}
    ordered = sorted(rows, key=lambda key: (first_of[key[:2]], ARTEFACT_MODES.index(key[2])))
    return tuple(_errors(key, list(rows[key].values())) for key in ordered)


def errors_table(rows: Sequence[Errors]) -> str:
    """The errors as a Markdown table, one row a method and artefact mode."""
    columns = {**FALSE_ALARMS, "fp": "**false alarms**", **MISSES, "fn": "**cells missed**"}
    head = ["track", "method", "artefacts learned as", "runs", *columns.values(), "F1"]
    lines = [markdown.row(head), "|---|---|---|" + "--:|" * (len(head) - 3)]
    for row in rows:
        numbers = [_number(row.counts[name]) for name in columns]
        cells = [row.track, row.method, _LEARNED_AS[row.mode], str(row.n_runs), *numbers, decimal(row.f1)]
        lines.append(markdown.row(cells))
    return "\n".join(lines) + "\n"


def draw_errors(path: Path, rows: Sequence[Errors]) -> None:
    """Write the errors as two panels of stacked bars (PNG), false alarms and missed cells."""
    from matplotlib.figure import Figure

    methods = list(dict.fromkeys((row.track, row.method) for row in rows))
    # Half a bar of room between methods.
    places = [number + 0.5 * methods.index((row.track, row.method)) for number, row in enumerate(rows)]
    figure = Figure(figsize=(9.0, 1.6 + 0.32 * (places[-1] + 1)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_bars(left, rows, places, FALSE_ALARMS, title="false alarms")
    _draw_bars(right, rows, places, MISSES, title="cells missed")
    several = len({row.track for row in rows}) > 1
    left.set_yticks(places, [_label(row, with_track=several) for row in rows], fontsize=8)
    left.set_title("method: what artefacts were learned as", loc="left", fontsize=8)
    left.set_ylim(places[-1] + 0.7, -0.7)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    save_figure(path, figure)


def _errors(key: tuple[str, str, str], folds: Sequence[Sequence[Mapping[str, Any]]]) -> Errors:
    names = ("tp", "fp", "fn", *FALSE_ALARMS, *MISSES)
    counts = {
        name: sum(sum(scores[name] for scores in seeds) / len(seeds) for seeds in folds) for name in names
    }
    return Errors(
        track=key[0], method=key[1], mode=key[2], n_runs=sum(len(seeds) for seeds in folds), counts=counts
    )


def _refuse_gaps(folds: Mapping[tuple[str, str, str], set[str]]) -> None:
    everything = set().union(*folds.values())
    for key, mine in folds.items():
        if mine != everything:
            raise BadInputError(
                f"{' '.join(key)} was not run on all test images of the others",
                got=f"{len(mine)} of {len(everything)} sets of them",
                remedy="count runs of the same data and the same folds",
            )


def _draw_bars(
    axes: Axes,
    rows: Sequence[Errors],
    places: Sequence[float],
    parts: Mapping[str, str],
    *,
    title: str,
) -> None:
    start = [0.0] * len(rows)
    for name, label in parts.items():
        width = [row.counts[name] for row in rows]
        colour, hatch = _LOOKS[name]
        axes.barh(
            places,
            width,
            left=start,
            height=0.8,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            lw=0.6,
            label=label,
        )
        start = [before + more for before, more in zip(start, width, strict=True)]
    for place, total in zip(places, start, strict=True):
        axes.annotate(
            _number(total), (total, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set(xlabel=f"{title}, number on the test images", xlim=(0, max(*start, 1.0) * 1.15))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _label(row: Errors, *, with_track: bool) -> str:
    track = f"{row.track}, " if with_track else ""
    return f"{track}{row.method}: {_LEARNED_AS[row.mode]}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"

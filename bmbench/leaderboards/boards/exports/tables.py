"""Every number of a track as JSON, and one row a submission as CSV."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from bmbench.core.csv_cells import Cell, CsvRows
from bmbench.leaderboards.boards.answers import answers
from bmbench.leaderboards.boards.counts import count_agreement_of
from bmbench.leaderboards.boards.exports.addresses import address
from bmbench.leaderboards.boards.overview import MethodRow, rises
from bmbench.leaderboards.boards.page import Entry, Page
from bmbench.leaderboards.results.record import AgreementRow, Outcomes, Result
from bmbench.leaderboards.results.standings_record import Place
from bmbench.leaderboards.tracks.about import About

_CARD = ("method", "team", "family", "annotations", "artefacts", "external_data", "n_seeds",
         "threshold_chosen_on", "train_hours", "ms_per_image", "parameters_millions", "peak_memory_gb",
         "hardware", "code_url", "commit", "paper")  # fmt: skip
_PLACE = ("track", "id", "state", "control", "place_first", "place_last", "may_be_best", "behind",
          "behind_low", "behind_high", "p")  # fmt: skip
_AGREEMENT = ("bias", "bias_low", "bias_high", "limit_low", "limit_high", "off_by", "off_by_percent",
              "concordance", "concordance_low", "concordance_high")  # fmt: skip
_COUNTS = tuple(Outcomes.__struct_fields__)


def track_json(page: Page) -> str:
    """Standings and results of a track in one file: the answers, every number, every state."""
    return as_json(
        {
            "schema": "bmbench.board/1",
            "track": page.manifest.name,
            "version": page.manifest.version,
            "title": page.manifest.title,
            "data": msgspec.to_builtins(page.manifest.data),
            "answers": {one.about: one.text for one in answers(page)},
            "names": dict(page.names),
            "standings": msgspec.to_builtins(page.table),
            "highest": [asdict(rise) for rise in rises(page)],
            "submissions": [_plain(entry.result) for entry in (*page.ranked, *page.controls, *page.others)],
        }
    )


def _plain(result: Result) -> dict[str, Any]:
    """A result without its curves and tallies of images, which are in `results/`."""
    value: dict[str, Any] = msgspec.to_builtins(result)
    value["rules"] = {
        rule: {name: part for name, part in found.items() if name not in {"curve", "images"}}
        for rule, found in value["rules"].items()
    }
    value["metrics"] = {
        name: {part: kept for part, kept in one.items() if part != "without"}
        for name, one in value["metrics"].items()
    }
    value.get("counts", {}).pop("found", None)
    return value


def columns(page: Page) -> tuple[str, ...]:
    """The head of a track's CSV file; the same for every track that has these metrics."""
    metrics = (
        f"{name}{part}" for name in page.manifest.metrics for part in ("", "_low", "_high", "_may_be_best")
    )
    rules = sorted({name.partition(".")[0] for name in page.manifest.metrics})
    counts = (f"{rule}.{name}" for rule in rules for name in _COUNTS)
    agreement = (f"count.{name}" for name in _AGREEMENT)
    return (*_PLACE, *metrics, *_CARD, "attempt", "arrived", *counts, *agreement)


def track_csv(page: Page) -> str:
    """One row a submission, controls and those not ranked included; an empty cell where undefined."""
    head, file = columns(page), io.StringIO()
    rows = CsvRows(file)
    rows.write(head)
    for entry in (*page.ranked, *page.controls, *page.others):
        found = _row(page, entry)
        rows.write([found.get(name, "") for name in head])
    return file.getvalue()


def _row(page: Page, entry: Entry) -> dict[str, Cell]:
    result = entry.result
    row: dict[str, Any] = {"track": page.manifest.name}
    row |= {name: getattr(result, name) for name in ("id", "state", "control", "attempt", "arrived")}
    if result.card is not None:
        row |= {name: getattr(result.card, name) for name in _CARD}
    for name, one in result.metrics.items():
        shown = entry.places.get(name, one)
        row |= {name: shown.value, **_ends(name, shown.interval)}
        if isinstance(shown, Place) and page.primary and page.primary.tested:
            row[f"{name}_may_be_best"] = shown.best
    place = entry.places.get(page.manifest.metrics[0])
    if place is not None and page.primary is not None and page.primary.tested:
        row |= {"place_first": place.ranks[0], "place_last": place.ranks[1], "may_be_best": place.best}
    if place is not None and place.to_leader is not None:
        gap = place.to_leader
        row |= {"behind": gap.value, "p": gap.p, **_ends("behind", gap.interval)}
    for rule, counted in result.rules.items():
        row |= {f"{rule}.{name}": getattr(counted.outcomes, name) for name in _COUNTS}
    agreement = count_agreement_of(page, entry)
    if agreement is not None:
        row |= {f"count.{name}": value for name, value in _agreement(agreement).items()}
    return {name: _cell(value) for name, value in row.items()}


def _agreement(one: AgreementRow) -> dict[str, float | None]:
    return {
        "bias": one.bias,
        **_ends("bias", one.bias_interval),
        "limit_low": one.low,
        "limit_high": one.high,
        "off_by": one.off_by,
        "off_by_percent": one.off_by_percent,
        "concordance": one.concordance,
        **_ends("concordance", one.concordance_interval),
    }


def _ends(name: str, interval: Sequence[float] | None) -> dict[str, float]:
    return {} if interval is None else {f"{name}_low": interval[0], f"{name}_high": interval[1]}


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, msgspec.UnsetType):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return float(f"{value:.9g}") if isinstance(value, float) else value


def index_json(pages: Sequence[Page], rows: Sequence[MethodRow], about: About) -> str:
    """What is where: the tracks with their files, and every method with its submissions."""
    return as_json(
        {
            "schema": "bmbench.boards/1",
            "about": msgspec.to_builtins(about),
            "tracks": {
                page.manifest.name: {
                    "title": page.manifest.title,
                    "version": page.manifest.version,
                    "data": page.manifest.data.name,
                    "metrics": list(page.manifest.metrics),
                    "page": address(about, f"{page.manifest.name}.html"),
                    "json": address(about, f"data/{page.manifest.name}.json"),
                    "csv": address(about, f"data/{page.manifest.name}.csv"),
                }
                for page in pages
            },
            "methods": [
                {
                    "name": row.name,
                    "team": row.team,
                    "page": address(about, f"methods/{row.file}"),
                    "may_be_best_on": row.n_best,
                    "submissions": {
                        track: [entry.result.id for entry in entries]
                        for track, entries in row.entries.items()
                    },
                }
                for row in rows
            ],
        }
    )


def as_json(value: Any) -> str:
    """JSON of one shape, with names of every script as they are."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

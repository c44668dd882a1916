"""The site: pages that need no server and load nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from bmbench.leaderboards.boards import plots, statements, words
from bmbench.leaderboards.boards.environment import html_page, script_json
from bmbench.leaderboards.boards.links import links
from bmbench.leaderboards.boards.overview import MethodRow, method_files, methods, rises
from bmbench.leaderboards.boards.page import Entry, Page
from bmbench.leaderboards.results.patches import plain_patches
from bmbench.leaderboards.results.standings import MOST_SHOWN
from bmbench.leaderboards.tracks.about import About
from bmbench.present.words import FALSE_ALARMS, MISSES, RULES

_CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "tp": "found",
        **{name: f"missed: {words}" if words != "missed" else words for name, words in MISSES.items()},
        **{name: f"false: {words}" for name, words in FALSE_ALARMS.items()},
    }
)
"""What the compare page counts, by its name in `Outcomes`."""


def site(pages: Sequence[Page], about: About, archive: Sequence[str] = ()) -> dict[str, str]:
    """The pages of the site, by path below ``boards/site/``."""
    rows = methods(pages)
    shared: dict[str, Any] = {
        "about": about,
        "links": links(about, pages),
        "tracks": [page.manifest.name for page in pages],
    }
    texts = {
        "index.html": html_page(
            "index.html.j2",
            ("early.js", "board.js"),
            heading=about.title,
            pages=pages,
            rows=rows,
            archive=archive,
            **shared,
        ),
        "compare.html": html_page(
            "compare.html.j2",
            ("early.js", "compare.js"),
            heading="Compare two submissions",
            pages=pages,
            data=script_json({page.manifest.name: _comparison(page) for page in pages}),
            causes=script_json(list(_CAUSES.items())),
            **shared,
        ),
    }
    files = method_files(rows)
    for page in pages:
        texts[f"{page.manifest.name}.html"] = _track(page, shared)
        for entry in page.ranked:
            texts[f"{page.manifest.name}/{entry.result.id}.html"] = html_page(
                "submission.html.j2",
                (),
                root="../",
                heading=entry.name,
                page=page,
                entry=entry,
                method=files[page.manifest.name, entry.result.id],
                drawings=_own_drawings(page, entry),
                hub=page.manifest.data.name in about.hub_datasets,
                **shared,
            )
    return texts | {f"methods/{row.file}": _method(row, pages, shared) for row in rows}


def _track(page: Page, shared: Mapping[str, Any]) -> str:
    cards = [entry.result.card for entry in page.ranked if entry.result.card]
    return html_page(
        "track.html.j2",
        ("early.js", "board.js"),
        heading=page.manifest.title,
        page=page,
        rises=rises(page),
        annotations=sorted({card.annotations for card in cards}),
        families=sorted({card.family for card in cards}),
        costly=any(words.costs(card) for card in cards),
        # The drawings escape every name that they hold.
        drawings=[
            (statements.image_title(name, tested=page.tested), Markup(text))
            for name, text in page.images().items()
        ],
        **shared,
    )


def _method(row: MethodRow, pages: Sequence[Page], shared: Mapping[str, Any]) -> str:
    by_name = {page.manifest.name: page for page in pages}
    stands = [(by_name[track], entry) for track, entries in row.entries.items() for entry in entries]
    return html_page("method.html.j2", (), root="../", heading=row.name, row=row, stands=stands, **shared)


def _own_drawings(page: Page, entry: Entry) -> list[tuple[str, Markup]]:
    drawings = []
    for rule in sorted(entry.result.rules, reverse=True):
        title = statements.image_title(f"-curves-{rule}.", tested=page.tested)
        drawings.append((title, Markup(plots.pr_curves([entry.result], rule, page.names))))
    return drawings


def _patches(page: Page, ids: Mapping[str, object]) -> dict[str, Any] | None:
    """The patches with their pixels as data URLs: a page that loads nothing has to hold them."""
    if page.patches is None:
        return None
    pictures = [f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" for data in page.pictures]
    return plain_patches(page.patches, ids) | {"pictures": pictures}


def _comparison(page: Page) -> dict[str, Any]:
    """What the compare page needs of a track: the best submissions, the controls, all gaps between them."""
    entries = (*page.ranked[:MOST_SHOWN], *page.controls)
    return {
        "patches": _patches(page, {entry.result.id: entry for entry in entries}),
        "entries": [
            {
                "id": entry.result.id,
                "name": entry.name + (" (control)" if entry.result.control else ""),
                "outcomes": {
                    RULES[rule]: {name: getattr(found.outcomes, name) for name in _CAUSES}
                    for rule, found in entry.result.rules.items()
                },
                "cost": words.cost(entry.result.card),
                "values": {name: one.value for name, one in entry.result.metrics.items()},
                "curves": {
                    RULES[rule]: {
                        name: [round(value, 3) for value in getattr(found.curve, name)]
                        for name in ("precision", "low", "high")
                    }
                    for rule, found in entry.result.rules.items()
                },
            }
            for entry in entries
        ],
        "metrics": [
            {
                "name": metric.name,
                "title": words.metric_title(metric.name),
                "order": [place.id for place in metric.places],
                "pairs": [
                    [pair.first, pair.second, pair.value, pair.low, pair.high, pair.p, pair.apart]
                    for pair in metric.pairs or ()
                ],
            }
            for metric in page.table.metrics
        ],
    }

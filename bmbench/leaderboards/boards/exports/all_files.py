"""Everything that machines read of a board, by path below the site."""

from collections.abc import Sequence

from bmbench.leaderboards.boards.exports.badge import submission_badge, track_badge
from bmbench.leaderboards.boards.exports.citation import citation
from bmbench.leaderboards.boards.exports.croissant import croissant
from bmbench.leaderboards.boards.exports.every_eval_ever import every_eval_ever
from bmbench.leaderboards.boards.exports.feed import feed
from bmbench.leaderboards.boards.exports.hub_results import hub_results
from bmbench.leaderboards.boards.exports.tables import index_json, track_csv, track_json
from bmbench.leaderboards.boards.overview import methods
from bmbench.leaderboards.boards.page import Page
from bmbench.leaderboards.tracks.about import About


def exports(pages: Sequence[Page], about: About) -> dict[str, str]:
    """The tables, the feed, the badges and the records in formats of others."""
    tables = {page.manifest.name: track_csv(page) for page in pages}
    files = {
        "data/index.json": index_json(pages, methods(pages), about),
        "feed.xml": feed(pages, about),
        "CITATION.cff": citation(pages, about),
        "croissant.json": croissant(pages, tables, about),
    }
    for page in pages:
        track = page.manifest.name
        files |= {
            f"data/{track}.csv": tables[track],
            f"data/{track}.json": track_json(page),
            f"{track}.svg": track_badge(page),
        }
        for entry in page.ranked:
            place = f"{track}/{entry.result.id}"
            files[f"{place}.svg"] = submission_badge(page, entry)
            files[f"{place}.eval.json"] = every_eval_ever(page, entry, about)
            hub = hub_results(page, entry, about)
            files |= {} if hub is None else {f"{place}.eval_results.yaml": hub}
    return files

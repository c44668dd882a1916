"""The boards as Markdown, as wide as a git host shows them, and their plots."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bmbench.leaderboards.boards import statements
from bmbench.leaderboards.boards.answers import Answer, answers, answers_in_short
from bmbench.leaderboards.boards.environment import rendered
from bmbench.leaderboards.boards.links import links
from bmbench.leaderboards.boards.overview import methods, rises
from bmbench.leaderboards.boards.page import MOST_ROWS, Page
from bmbench.leaderboards.tracks.about import About
from bmbench.present.markdown import escaped

MOST_TRACKS = 4
"""Tracks that get a column of the overview."""


def markdown(pages: Sequence[Page], about: About, archive: Sequence[str] = ()) -> dict[str, str]:
    """The Markdown boards and their plots, by path below ``boards/``."""
    rows = methods(pages)
    texts = {
        "README.md": rendered(
            "index.md.j2",
            about=about,
            pages=pages,
            answers={page.manifest.name: _safe(answers_in_short(page, escaped)) for page in pages},
            rows=rows[:MOST_ROWS],
            n_methods=len(rows),
            columns=pages if len(pages) <= MOST_TRACKS else (),
            links=links(about, pages),
            archive=archive,
        )
    }
    for page in pages:
        images = page.images()
        texts[f"{page.manifest.name}.md"] = rendered(
            "track.md.j2",
            page=page,
            primary=page.manifest.metrics[0],
            answers=_safe(answers(page, escaped)),
            rows=page.first_rows,
            n_hidden=page.n_further,
            rises=rises(page),
            images=[(name, statements.image_title(name, tested=page.tested)) for name in images],
        )
        texts |= {f"img/{name}": drawing for name, drawing in images.items()}
    return texts


def _safe(said: Sequence[Answer]) -> list[tuple[str, Markup]]:
    # The names in these sentences are escaped one by one; the rest is ours and may have its signs.
    return [(one.about, Markup(one.text)) for one in said]

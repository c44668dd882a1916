"""The feed of a board, RSS 2.0: one item a ranked submission, the newest first."""

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from bmbench.leaderboards.boards.answers import in_short
from bmbench.leaderboards.boards.exports.addresses import address
from bmbench.leaderboards.boards.page import Entry, Page
from bmbench.leaderboards.boards.words import estimate, metric_title, ranks
from bmbench.leaderboards.tracks.about import About
from bmbench.present.svg import plain

MOST_ITEMS = 100


def feed(pages: Sequence[Page], about: About) -> str:
    """The newest hundred submissions; those of tracks that keep no dates come last, by track and name."""
    entries = [(page, entry) for page in pages for entry in page.ranked]
    entries.sort(key=lambda one: (one[0].manifest.name, one[1].result.id))
    entries.sort(key=lambda one: _arrived(one[1]), reverse=True)
    items = "".join(_item(page, entry, about) for page, entry in entries[:MOST_ITEMS])
    said = "; ".join(f"{page.manifest.name}: best is {in_short(page)}" for page in pages)
    here = ""
    if about.address is not None:
        link = plain(address(about, "feed.xml"))
        here = f'<atom:link href="{link}" rel="self" type="application/rss+xml"/>\n'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">\n<channel>\n'
        f"<title>{plain(about.title)}</title>\n<link>{plain(address(about, 'index.html'))}</link>\n"
        f"<description>{plain(said)}</description>\n<language>en</language>\n{here}"
        f"{items}</channel>\n</rss>\n"
    )


def _item(page: Page, entry: Entry, about: About) -> str:
    metric, result = page.manifest.metrics[0], entry.result
    place = entry.places[metric]
    text = f"{metric_title(metric)} {estimate(place)}"
    if page.primary is not None and page.primary.tested:
        text += f"; place {ranks(place.ranks)} of {len(page.ranked)}"
    team = f" ({result.card.team})" if result.card else ""
    date = ""
    if isinstance(result.arrived, str):
        date = f"<pubDate>{format_datetime(datetime.fromisoformat(result.arrived))}</pubDate>\n"
    link = address(about, f"{page.manifest.name}/{result.id}.html")
    card = result.digests.card[:16] if result.digests else ""
    return (
        f"<item>\n<title>{plain(entry.name)}{plain(team)} on {plain(page.manifest.name)}</title>\n"
        f"<link>{plain(link)}</link>\n<description>{plain(text)}</description>\n"
        f'{date}<guid isPermaLink="false">{plain(page.manifest.name)}/{plain(result.id)}/{card}</guid>\n'
        "</item>\n"
    )


def _arrived(entry: Entry) -> str:
    return entry.result.arrived if isinstance(entry.result.arrived, str) else ""

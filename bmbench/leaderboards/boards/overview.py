"""All tracks together: one row a method, and how the highest value of a track rose in time."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bmbench.leaderboards.boards.page import Entry, Page
from bmbench.leaderboards.boards.words import since
from bmbench.leaderboards.results.record import Result
from bmbench.present.words import UNDEFINED, many

_SIGN = re.compile("[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """One method of one team, and where it stands.

    `file` is its page, which keeps its address whatever others hand in. `entries` are its submissions, by
    track: more than one where it was handed in twice. `n_best` of its `n_tested` tracks it may be best on.
    """

    name: str
    team: str
    file: str
    entries: dict[str, tuple[Entry, ...]]
    n_best: int
    n_tested: int

    @property
    def best_on(self) -> str:
        """On how many tracks it may be the best, of those whose units suffice for a test."""
        return f"{self.n_best} of {many(self.n_tested, 'track')}" if self.n_tested else UNDEFINED


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """A day on which the highest value of a track rose or was reached again, and by whom."""

    day: str
    value: float
    ids: tuple[str, ...]


def methods(pages: Sequence[Page]) -> tuple[MethodRow, ...]:
    """Every ranked method over all tracks: first those that may be best on most of them, then by name."""
    found: dict[tuple[str, str], dict[str, list[Entry]]] = {}
    for page in pages:
        for entry in page.ranked:
            found.setdefault(_key(entry.result), {}).setdefault(page.manifest.name, []).append(entry)
    tested = {page.manifest.name: page.primary for page in pages if page.primary and page.primary.tested}
    rows = []
    for key, tracks in found.items():
        one = next(iter(tracks.values()))[0]
        n_best = sum(
            any(entry.places[tested[track].name].best for entry in entries)
            for track, entries in tracks.items()
            if track in tested
        )
        card = one.result.card
        rows.append(
            MethodRow(
                name=card.method if card else one.name,
                team=card.team if card else "",
                file=_file(key),
                entries={track: tuple(entries) for track, entries in tracks.items()},
                n_best=n_best,
                n_tested=sum(track in tested for track in tracks),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.n_best, row.name.casefold(), row.team.casefold())))


def method_files(rows: Sequence[MethodRow]) -> dict[tuple[str, str], str]:
    """The page of each submission's method, by track and id."""
    return {
        (track, entry.result.id): row.file
        for row in rows
        for track, entries in row.entries.items()
        for entry in entries
    }


def rises(page: Page) -> tuple[Rise, ...]:
    """How the highest value of the first metric rose, by day; nothing where the track keeps no dates.

    Submissions that were replaced since then count: they stood there. Withdrawn and disputed ones do not.
    """
    metric = page.manifest.metrics[0]
    dated = []
    for entry in (*page.ranked, *page.others):
        result, one = entry.result, entry.result.metrics.get(metric)
        stood = result.state in {"published", "superseded"} and isinstance(result.arrived, str)
        if stood and one is not None and one.value is not None:
            dated.append((since(result), one.value, result.id))
    found: list[Rise] = []
    for day in sorted({day for day, _, _ in dated}):
        today = [(value, id_) for when, value, id_ in dated if when == day]
        top = max(value for value, _ in today)
        if not found or top >= found[-1].value:
            ids = tuple(sorted(id_ for value, id_ in today if value == top))
            found.append(Rise(day=day, value=top, ids=ids))
    return tuple(found)


def _key(result: Result) -> tuple[str, str]:
    card = result.card
    return ("", result.id) if card is None else (card.team.casefold(), card.method.casefold())


def _file(key: tuple[str, str]) -> str:
    """A name of letters, digits and hyphens; the digest keeps apart what they cannot."""
    plain = _SIGN.sub("-", key[1].lower()).strip("-")[:40].strip("-") or "method"
    return f"{plain}-{hashlib.sha256(chr(0).join(key).encode()).hexdigest()[:8]}.html"

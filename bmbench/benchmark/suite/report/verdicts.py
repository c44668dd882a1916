"""The study's questions on each set: verdict, effect, interval, units, and what would decide what is open."""

from __future__ import annotations

from functools import lru_cache

from bmbench.benchmark.reproduce.report.claims import claims
from bmbench.benchmark.reproduce.report.published import MARGIN
from bmbench.benchmark.reproduce.report.questions import SHOWN, verdicts
from bmbench.benchmark.reproduce.report.runs import Key
from bmbench.benchmark.suite.report.blocks import Block, Heading, TextGrid
from bmbench.benchmark.suite.report.scored_sets import ScoredSet
from bmbench.present.words import gap
from bmbench.statistics.not_worse import not_worse
from bmbench.statistics.planning import units_to_show
from bmbench.statistics.seeds import SeedMean
from bmbench.statistics.units import FEWEST_FOR_INTERVAL

_DECIDED = (SHOWN, "the opposite is shown", "yes", "no")

HEADER = ("question", "measured by", "verdict", "effect [95 %]", "units", "needed")
_ABOUT = """Effects in points; above 0 they point the way that the study found. Those of one set are tested
together (Holm). *Units*: test groups there; *needed*: groups of the same kind, with as many seeds, that
would show an effect of the size seen here in 4 of 5 cases."""

_NETWORKS = """Each method is one network here: a verdict is on these networks, and another training of the
same methods may turn it."""


def verdict_section(sets: list[ScoredSet]) -> list[Block]:
    """One table a set; questions whose methods were not all run are left out."""
    blocks: list[Block] = [Heading(level=2, text="The study's questions"), _ABOUT]
    for one in sets:
        rows = question_rows(one)
        if rows:
            mine = n_decided(one)
            blocks += [
                Heading(level=3, text=f"On `{one.name}`: {mine} of {len(rows)} decided"),
                *([_NETWORKS] if one.one_training else []),
                TextGrid(
                    header=HEADER,
                    rows=rows,
                    left=3,
                ),
            ]
    return blocks if len(blocks) > 2 else []


@lru_cache(maxsize=64)
def question_rows(one: ScoredSet) -> tuple[tuple[str, ...], ...]:
    """The questions that the runs of a set can answer, with their verdicts; none where there are none."""
    return (*_claim_rows(one), *_circle_rows(one))


def n_decided(one: ScoredSet) -> int:
    """How many of them are decided, either way."""
    return sum(row[2] in _DECIDED for row in question_rows(one))


def _claim_rows(one: ScoredSet) -> list[tuple[str, ...]]:
    asked = [claim for claim in claims(one.scores, artefacts=one.set.artefacts[0]) if claim.found is not None]
    found = [claim.found for claim in asked if claim.found is not None]
    rows = list[tuple[str, ...]]()
    for claim, mean, word in zip(asked, found, verdicts(found), strict=True):
        effect = gap(mean.value, mean.interval)
        needed = "" if word in _DECIDED else _needed(mean)
        rows.append((claim.text, claim.measure, word, effect, str(mean.n_units), needed))
    return rows


def _needed(mean: SeedMean) -> str:
    wanted = units_to_show(mean.value, mean.interval, mean.n_units)
    return "–" if wanted is None else f"{wanted:,}"


def _circle_rows(one: ScoredSet) -> list[tuple[str, ...]]:
    """Whether each method is as good on circles as on contours, within two points."""
    rows = list[tuple[str, ...]]()
    if one.n_units < FEWEST_FOR_INTERVAL:
        return []
    mode = one.set.artefacts[0]
    there = {*one.keys, *one.other_keys}
    for key in [key for key in there if key.track == "weak" and key.artefacts == mode]:
        twin = Key("precise", mode, key.method)
        if twin not in there:
            continue
        methods = one.methods([key, twin])
        if methods is None:
            continue
        found = not_worse(methods, 0, 1, margin=MARGIN)
        word = {"not worse": "yes", "worse": "no"}.get(found.verdict, found.verdict)
        needed = "" if word in _DECIDED else "more seeds"
        if word == "open" and found.units_needed is not None:
            needed = f"{found.units_needed:,}"
        name = f"`{key.method}` as good from circles as from contours"
        effect = gap(found.difference, found.interval)
        rows.append((name, "F1 (centres), 2 points", word, effect, str(one.n_units), needed))
    return sorted(rows)

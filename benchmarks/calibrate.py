"""How often intervals and verdicts of bmbench are wrong, by simulation: ``make calibrate``.

``python benchmarks/calibrate.py [--quick] [--out FILE]`` draws test sets from the model of
`calibration_model.py`, puts them through the functions of `bmbench.statistics` that commands and boards use,
and writes one Markdown file of tables. The full run takes a quarter of an hour of one core, ``--quick`` a
minute, for a look.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from calibration_boards import HIGH, MID, ONE, false_claims, junk, margins, plans, power
from calibration_intervals import DESIGNS, SEED_DESIGNS, intervals, seed_intervals

from bmbench.core.files import write_text
from bmbench.present.markdown import paragraph, table

if TYPE_CHECKING:
    from calibration_boards import FalseClaims, Rate
    from calibration_intervals import Held

OUT = Path(__file__).resolve().parents[1] / "docs" / "results" / "calibration.md"
SEED = 76
UNITS = (8, 12, 22, 60)
SEEDS = {"networks": 0, "1 beside 3": ONE, "2 seeds": 2, "3 seeds": 3}
POWERS = (
    (MID, 7, 3, 0.2, 0), (MID, 7, 5, 0.2, 0), (MID, 7, 8, 0.2, 0), (MID, 7, 8, 0.1, 0), (MID, 7, 22, 0.1, 0),
    (MID, 7, 22, 0.1, 3), (HIGH, 7, 8, 0.1, 0), (HIGH, 7, 22, 0.1, 3), (MID, 30, 22, 0.1, 0),
    (MID, 300, 22, 0.1, 0), (MID, 300, 22, 0.2, 0),
)  # fmt: skip
"""(F1, methods, units, how far the last is behind, seeds)."""
_LEVELS = {MID: "mid", HIGH: "high"}
_METRICS = (
    "F1", "precision", "recall", "AP", "FROC", "macro-F1", "F1 of a rare class", "error of counts",
)  # fmt: skip

_HEAD = """Made by `make calibrate`: test sets are drawn from a model whose true values are known, and put
through the functions that commands and boards use. {sets:,} sets a cell (a quarter of that for AP and
FROC), {boards:,} boards of seven methods. The model: 40 cells on an image on average, their number
gamma-Poisson; the logit of recall and the logarithm of false alarms vary normally over images and patients,
in part alike for all methods, and over trainings. F1 is 0.84 (*mid*), 0.96 (*high*) or 0.99 (*near 1*). `8
× 2` is 8 units of 2 images. All numbers are per cent; ± is one standard error. *Before* is what bmbench did
until it had these tables: percentiles of resampled units, swaps of units with Holm's correction, trainings
of a method added up as if they were one network."""
_COVERAGE = """Share of sets whose 95 % interval holds the truth: before, then Student's t on the delta
method and logit scale with n − 1 degrees (where there is one), then **now**. One standard error of 95 % is
{error:.1f} (AP, FROC {twice:.1f}). A point stands where fewer than one set in ten has an interval, because
too few units hold an error."""
_ON_AVERAGE = """Where at least half of the sets have an interval, it holds the truth in {mean:.1f} % on
average over these settings (without “near 1”: {without:.1f} %), and in 92 to 97.5 % of sets in {inside} of
{n} settings."""
_MISSES = """Where the truth lies otherwise: below / above the interval; in brackets the sets that have none
(“few errors”, “few hits”)."""
_SEEDS = """Intervals of the mean of a method over its trainings, on boards of seven methods: with units
alone → with the variance over trainings, pooled over the board. “1 of 3” is a method of one training that
borrows that of three others."""
_CLAIMS = """Boards of methods that are all equally good: how often any pair is called different.
“Networks”: one network each, and of these it is said. “1 beside 3”: every second method has one training,
the others three."""
_ALIKE = """Methods that vary alike; in brackets before, with the trainings of a method added up:"""
_UNLIKE = """Methods at other operating points, one in seven of which varies wildly over images:"""
_BEST = """On the same boards: how often one fixed method, as good as any, stays in the best set; and how
often a row's rank set leaves no rank out:"""
_JUNK = """Sixty methods from F1 0.45 to 0.85 on 22 units, among junk (0.1 to 0.4, a third of it wild): how
many of their pairs that are 20 to 40 points apart are told apart."""
_MARGIN = """The first method is exactly 2 points worse: how often it is called not worse, before (90 %
percentiles) → now. Then how often of an equal one (of the same numbers of units), and how many units the
sentence asks for; a dash where trainings vary too much for any number."""
_PLAN = """Differences (points of F1) that a plan says would be found in four of five cases, and how often
they are when they are the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How many test sets and boards are drawn; `boards` by the number of methods."""

    sets: int
    boards: Mapping[int, int]
    margins: int
    junk: int


FULL = Effort(sets=2_000, boards={2: 1_000, 7: 600, 30: 200, 300: 40}, margins=2_000, junk=40)
QUICK = Effort(sets=100, boards={2: 60, 7: 40, 30: 10}, margins=60, junk=2)


def report(effort: Effort, seed: int = SEED, *, cores: int = 1) -> str:
    """The whole file; its parts, which know nothing of each other, on so many cores."""
    head = paragraph(_HEAD.format(sets=effort.sets, boards=effort.boards[7]))
    texts = [f"# How often intervals and verdicts are wrong\n\n{head}"]
    with ProcessPoolExecutor(cores) as pool:
        parts = [pool.submit(_timed, make, effort, seed) for make in PARTS.values()]
        for title, part in zip(PARTS, parts, strict=True):
            text, seconds = part.result()
            print(f"{title}: {seconds:.0f} s", flush=True)
            texts.append(f"## {title}\n\n{text}")
    return "\n\n".join(texts) + "\n"


def _timed(make: Callable[[Effort, int], str], effort: Effort, seed: int) -> tuple[str, float]:
    started = time.process_time()
    return make(effort, seed), time.process_time() - started


def interval_tables(effort: Effort, seed: int) -> str:
    """Coverage, and where the truth lies otherwise."""
    n_sets = effort.sets
    found = intervals(n_sets, seed)
    names = [str(design) for design in DESIGNS]
    levels = list(dict.fromkeys(level for _, level in found))
    order = sorted(found, key=lambda key: (_METRICS.index(key[0]), levels.index(key[1])))
    rows = [[", ".join(key), *(_coverage(found[key][name]) for name in names)] for key in order]
    misses = [[", ".join(key), *(_misses(found[key][name]) for name in names)] for key in order]
    shares = {
        (*key, name): one.share
        for key, row in found.items()
        for name, one in row.items()
        if one.given >= one.sets / 2
    }
    error = 100 * float(np.sqrt(0.95 * 0.05 / n_sets))
    average = _ON_AVERAGE.format(
        mean=100 * np.mean(list(shares.values())),
        without=100 * np.mean([share for key, share in shares.items() if key[1] != "near 1"]),
        inside=sum(0.92 <= share <= 0.975 for share in shares.values()),
        n=len(shares),
    )
    return _joined(
        paragraph(_COVERAGE.format(error=error, twice=2 * error)),
        table(["units", *names], rows),
        paragraph(average),
        paragraph(_MISSES),
        table(["units", *names], misses),
    )


def _coverage(held: Held) -> str:
    old = [f"{100 * np.mean(one):.0f}" for one in (held.before, held.delta) if one]
    now = f"**{100 * held.share:.1f}**" if held.given >= held.sets / 10 else "·"
    return " / ".join([*old, now])


def _misses(held: Held) -> str:
    none, given = f"({100 * held.none / held.sets:.0f})", held.given
    if given < held.sets / 10:
        return f"· {none}"
    text = f"{100 * held.below / given:.1f} / {100 * held.above / given:.1f}"
    return f"{text} {none}" if held.none else text


def seed_table(effort: Effort, seed: int) -> str:
    """Coverage of a method's mean."""
    rows = []
    for (level, seeds), cells in seed_intervals(max(effort.boards[7] // 2, 10), seed).items():
        texts = [f"{100 * alone.share:.0f} → **{100 * both.share:.1f}**" for alone, both in cells.values()]
        rows.append([f"{level}, {seeds} seeds", *texts])
    return _joined(paragraph(_SEEDS), table(["units", *map(str, SEED_DESIGNS)], rows))


def false_claim_tables(effort: Effort, seed: int) -> str:
    """Alike and unlike methods."""
    texts, best = [paragraph(_CLAIMS)], []
    heads = ["units", *map(str, UNITS)]
    for kind, said in (("alike", _ALIKE), ("unlike", _UNLIKE)):
        rows = []
        for level, k in ((level, k) for level in (MID, HIGH) for k in effort.boards):
            if k == 300 and (kind, level) != ("alike", MID):
                continue
            for name, seeds in SEEDS.items():
                label = f"{_LEVELS[level]}, {k} methods, {name}"
                cells = [
                    false_claims(kind, level, k, units, seeds=seeds, n_boards=effort.boards[k], seed=seed)
                    for units in UNITS
                ]
                rows.append([label, *map(_claims, cells)])
                if name in {"networks", "3 seeds"}:
                    kept = [f"{_rate(one.kept)}; {100 * one.rows.share:.0f}" for one in cells]
                    best.append([f"{kind}, {label}", *kept])
        texts += [paragraph(said), table(heads, rows)]
    return _joined(*texts, paragraph(_BEST), table(heads, best))


def _claims(found: FalseClaims) -> str:
    before = f" ({100 * found.before.share:.0f})" if found.before.tries else ""
    return f"{_rate(found.now)}{before}"


def _rate(rate: Rate) -> str:
    return f"**{100 * rate.share:.1f}** ± {100 * rate.error:.1f}"


def power_table(effort: Effort, seed: int) -> str:
    """One method behind the others."""
    rows = []
    for level, k, units, behind, seeds in POWERS:
        if k not in effort.boards:
            continue
        found = power(level, k, units, behind, seeds=seeds, n_boards=effort.boards[k], seed=seed)
        before = f"{100 * found.pairs_before.share:.0f}" if found.pairs_before.tries else "0"
        label = (
            f"{_LEVELS[level]}, {k} methods, {units} units, {_trainings(seeds)}, {100 * behind:.0f} points"
        )
        rows.append([label, before, *(_rate(one) for one in (found.pairs, found.dropped, found.kept))])
    heads = [
        "the last is behind all others",
        "pairs, before",
        "pairs",
        "out of the best set",
        "best one kept",
    ]
    return table(heads, rows)


def _trainings(seeds: int) -> str:
    return f"{seeds} seeds" if seeds else "networks"


def junk_table(effort: Effort, seed: int) -> str:
    """Junk beside a declared family."""
    rows = []
    for n in (0, 60, 240):
        found = junk(n, n_boards=effort.junk, seed=seed)
        inside = float(np.mean(found.size))
        best = [f"{inside:.1f}", f"{60 - inside:.1f}"]
        rows.append([str(n), _rate(found.everybody), _rate(found.family), *best])
    heads = [
        "junk",
        "pairs, all as one family",
        "pairs, declared family",
        "of the 60 in the best set",
        "out of it",
    ]
    return _joined(paragraph(_JUNK), table(heads, rows))


def margin_table(effort: Effort, seed: int) -> str:
    """Non-inferiority at the margin."""
    rows = []
    for level, seeds in ((MID, 0), (MID, 3), (HIGH, 0), (HIGH, 3)):
        for kind in ("like", "more recall", "varies more"):
            cells, equal, needed = [], [], "–"
            for units in (6, 8, 12, 22, 60):
                found = margins(kind, level, units, seeds=seeds, n_boards=effort.margins, seed=seed)
                cells.append(f"{100 * found.before.share:.0f} → {_rate(found.false)}")
                equal.append(f"{100 * found.equal.share:.0f}")
                needed = f"{np.median(found.needed):.0f}" if len(found.needed) > effort.margins / 2 else "–"
            rows.append([f"{_LEVELS[level]}, {_trainings(seeds)}, {kind}", *cells, ", ".join(equal), needed])
    heads = ["the weaker one", "6 units", "8", "12", "22", "60", "equal, shown", "units needed"]
    return _joined(paragraph(_MARGIN), table(heads, rows))


def plan_table(effort: Effort, seed: int) -> str:
    """Planned differences, and how often they are found."""
    rows = []
    for k, units in ((2, 8), (2, 22), (7, 8), (7, 12), (7, 22)):
        for name, (gap, rate) in plans(k, units, n_boards=effort.boards[7], seed=seed).items():
            if k == 2 and name != "alone":
                continue
            shown = _rate(rate) if rate.tries else "beyond this model"
            rows.append([f"{k} methods, {units} units, {name.replace('_', ' ')}", f"{100 * gap:.1f}", shown])
    return _joined(paragraph(_PLAN), table(["plan", "points", "found"], rows))


def _joined(*texts: str) -> str:
    return "\n\n".join(texts)


PARTS: Mapping[str, Callable[[Effort, int], str]] = {
    "Intervals of one network": interval_tables,
    "Intervals of methods": seed_table,
    "False claims about any pair": false_claim_tables,
    "What is found": power_table,
    "Junk": junk_table,
    "Not worse by more than 2 points": margin_table,
    "Plans": plan_table,
}


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few sets a cell: a look, not a measurement")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--cores", type=int, default=1, help="processes that share the parts")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_text(options.out, report(QUICK if options.quick else FULL, cores=options.cores))
    print(options.out)


if __name__ == "__main__":
    main()

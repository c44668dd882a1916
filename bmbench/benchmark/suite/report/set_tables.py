"""One table a set: every method with its score, its drop, what it costs, and whether it may be the best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bmbench.benchmark.reproduce.report.runs import FinishedRun, Key
from bmbench.benchmark.suite.report.blocks import Block, Bullets, Heading, TextGrid
from bmbench.benchmark.suite.report.class_tables import class_section
from bmbench.benchmark.suite.report.scored_sets import ScoredSet, read_sets
from bmbench.benchmark.suite.suite_file import Suite
from bmbench.present.words import UNDEFINED, decimal, gap, listed, many, percent, points, span
from bmbench.statistics.many_methods import all_pairs, best_set
from bmbench.statistics.pairs import method_pairs
from bmbench.statistics.planning import findable_differences
from bmbench.statistics.seeds import difference
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, FEWEST_UNITS


def set_section(one: ScoredSet, suite: Suite, picture: Sequence[Block] = ()) -> list[Block]:
    """What a set is, its table and picture, who may be the best and is told apart, other supervision."""
    blocks: list[Block] = [Heading(level=2, text=one.set.title or one.name), _about(one)]
    blocks += [score_grid(one, one.keys), *picture]
    blocks += [*_told_apart(one), "What it costs:", cost_grid(one, suite), *class_section(one)]
    if one.other_keys:
        blocks.append("The same set, learned from other annotations or with artefacts trained otherwise:")
        blocks.append(score_grid(one, one.other_keys, named=True))
    return blocks


def score_grid(one: ScoredSet, keys: Sequence[Key], *, named: bool = False) -> TextGrid:
    """Rows in the order of F1, baselines among them, the human line above."""
    best = best_keys(one, keys)
    header = ["method", "seeds", "F1", "95 %", "AP", "best?"]
    header += ["drop, points"] if one.set.familiar else []
    header += ["sd of units"]
    rows = []
    values = {key: one.scores.mean(key, "cd", "f1") for key in keys}
    for key in sorted(keys, key=lambda key: -(values[key].value or 0.0)):
        mark = _mark(one, key)
        what = f", {key.track}, {key.artefacts}" if named else ""
        rows.append(
            (
                f"`{key.method}`{what}{mark}",
                str(values[key].n_seeds),
                percent(values[key].value),
                span(values[key].interval),
                percent(one.scores.mean(key, "cd", "ap").value),
                UNDEFINED if best is None else ("yes" if key in best else "no"),
                *([_drop(one, key)] if one.set.familiar else []),
                points(one.spread(key)).lstrip("+"),
            )
        )
    if one.set.human is not None:
        gaps = [""] * (len(header) - 3)
        rows.insert(0, ("people", "", percent(one.set.human.f1), *gaps))
    return TextGrid(header=tuple(header), rows=tuple(rows))


def cost_grid(one: ScoredSet, suite: Suite) -> TextGrid:
    """What each method costs beside what it reaches, in the order of F1."""
    header = ("method", "F1", "95 %", "size, M", "fit, s", "predict, s", "memory, GB", "s a point")
    means = {key: one.scores.mean(key, "cd", "f1") for key in one.keys}
    base = _baseline(one, suite)
    rows = [
        (
            f"`{key.method}`",
            percent(means[key].value),
            span(means[key].interval),
            *_costs(one, key),
            _seconds_a_point(one, key, base),
        )
        for key in sorted(one.keys, key=lambda key: -(means[key].value or 0.0))
    ]
    return TextGrid(header=header, rows=tuple(rows))


def suite_rows(suite: Suite, out: Path) -> list[dict[str, object]]:
    """The finished rows of all sets, as numbers, in the order of the suite."""
    rows: list[dict[str, object]] = []
    for one in read_sets(suite, out):
        best = best_keys(one, one.keys)
        for key in (*one.keys, *one.other_keys):
            row: dict[str, object] = {"set": one.name, "method": key.method, "track": key.track}
            row |= {"artefacts": key.artefacts}
            for metric in ("f1", "ap"):
                mean = one.scores.mean(key, "cd", metric)
                low, high = mean.interval or (None, None)
                row |= {
                    "seeds": mean.n_seeds,
                    metric: mean.value,
                    f"{metric}_low": low,
                    f"{metric}_high": high,
                }
            row["best"] = None if best is None or key not in one.keys else key in best
            row |= {"seconds": one.seconds(key), "fit_seconds": one.seconds(key, "fit")}
            row |= {"predict_seconds": one.seconds(key, "predict"), "memory_mb": one.memory_mb(key)}
            rows.append(row | {"parameters": one.parameters(key)})
    return rows


def _about(one: ScoredSet) -> str:
    first = one.collection.first
    assert first is not None
    images = len({name for run in one.collection.runs for name in _images(run)})
    cells = sum({run.fold: run.evaluation.n_cells for run in one.collection.runs}.values())
    text = (
        f"{many(images, 'test image')} with {cells:,} cells in {many(one.n_units, 'group')} (patients, "
        f"slides, fields; images where none is known); centres match within {first.protocol.radius_px:g} px."
    )
    if one.set.folds:
        text += (
            f" Every image is tested once, in {many(one.collection.n_folds, 'fold')} by `{one.set.fold_by}`."
        )
    if one.set.human is not None:
        text += f" People: {one.set.human.what}."
    if one.n_units < FEWEST_FOR_INTERVAL:
        text += f" **{many(one.n_units, 'group')}: no intervals and no tests.**"
    elif one.n_units < FEWEST_UNITS:
        text += f" **Everything rests on {many(one.n_units, 'group')}.**"
    return text


def _images(run: FinishedRun) -> list[str]:
    return [f"{run.fold} {image}" for image in run.files[0].image_ids]


def best_keys(one: ScoredSet, keys: Sequence[Key]) -> set[Key] | None:
    """Which of the rows may be the best one (95 %); None where too few groups can say."""
    methods = one.methods(keys)
    if methods is None or len(keys) < 2 or methods.n_units < FEWEST_FOR_INTERVAL:
        return None
    kept = best_set(method_pairs(methods)).tolist()
    return {key for key, able in zip(keys, kept, strict=True) if able}


def best_of(one: ScoredSet) -> str:
    """Which methods may be the best of a set, in a sentence; empty where nothing can be said."""
    best = best_keys(one, one.keys)
    return best_words([f"`{key.method}`" for key in one.keys if key in best]) if best else ""


def _told_apart(one: ScoredSet) -> list[Block]:
    methods = one.methods(one.keys)
    if methods is None or len(one.keys) < 2 or methods.n_units < FEWEST_FOR_INTERVAL:
        return []
    best = best_keys(one, one.keys) or set()
    names = [f"`{key.method}`" for key in one.keys if key in best]
    text = best_words(names)
    plan = findable_differences(methods, method_pairs(methods))
    if plan is not None:
        text += f" A pair alone is seen from about {100 * plan.not_seen_below:.1f} points on."
    if one.one_training:
        text += " One seed a row: this speaks of these networks, not of the methods."
    if methods.n_units >= FEWEST_UNITS:
        tested = all_pairs(methods)
        k = len(one.keys)
        text += (
            f" {int(tested.ahead.sum())} of {many(k * (k - 1) // 2, 'pair')} are told apart, tested together."
        )
    return [text]


def best_words(names: Sequence[str]) -> str:
    """Which methods may be the best, in a sentence."""
    if len(names) == 1:
        return f"{names[0]} is the best one (95 %)."
    return f"The best one is among {listed(names)} (95 %)."


def beside(one: ScoredSet, before: ScoredSet | None) -> list[Block]:
    """What methods gain over an earlier set of the same test images, by another profile, labels or settings.

    Differences of F1, paired by unit; each alone, not corrected for their number.
    """
    if before is None or one.set.classes or one.collection.groups != before.collection.groups:
        return []
    texts = []
    for key in one.keys:
        other = before.main_key(key.method)
        if other not in before.keys or key.method in one.set.models:
            continue
        sides = [some.scores.seeds(row, "cd", "f1") for some, row in ((one, key), (before, other))]
        found = difference(sides[0], sides[1], None)
        texts.append(f"`{key.method}`: {gap(found.value, found.interval)} points of F1.")
    changed = [f"`{text}`" for text in (*one.set.settings_files, *one.set.settings)]
    settings = f", settings {listed(changed)}" if changed else ""
    about = (
        f"The same test images are in `{before.name}` (profile `{before.collection.facts.profile}`; here "
        f"`{one.collection.facts.profile}`, data set `{one.collection.facts.dataset}`{settings}). Here minus "
        "there, paired, each difference by itself:"
    )
    return [about, Bullets(texts=tuple(texts))] if texts else []


def _mark(one: ScoredSet, key: Key) -> str:
    if key.method in one.set.models:
        return " (baseline, not trained here)"
    return " (baseline)" if key.method in one.baselines else ""


def _drop(one: ScoredSet, key: Key) -> str:
    found = one.drop(key)
    return UNDEFINED if found is None else gap(*found)


def _baseline(one: ScoredSet, suite: Suite) -> Key | None:
    return next((key for key in one.keys if key.method in suite.baselines), None)


def _costs(one: ScoredSet, key: Key) -> tuple[str, ...]:
    """Parameters in millions, seconds of training and of prediction, gigabytes."""
    parameters, memory = one.parameters(key), one.memory_mb(key)
    times = (one.seconds(key, stage) for stage in ("fit", "predict"))
    return (
        decimal(None if parameters is None else parameters / 1e6, 1),
        *(UNDEFINED if value is None else f"{value:,.0f}" for value in times),
        decimal(None if memory is None else memory / 1e3, 1),
    )


def _seconds_a_point(one: ScoredSet, key: Key, baseline: Key | None) -> str:
    """Seconds more than the baseline for each point of F1 more; a dash where there is none."""
    if baseline is None or key == baseline:
        return UNDEFINED
    mine, theirs = one.seconds(key), one.seconds(baseline)
    high, low = (one.scores.mean(row, "cd", "f1").value for row in (key, baseline))
    if mine is None or theirs is None or high is None or low is None or high <= low:
        return UNDEFINED
    return f"{max(mine - theirs, 0.0) / (100 * (high - low)):,.1f}"

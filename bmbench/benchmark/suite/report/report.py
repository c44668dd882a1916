"""`bmbench suite report`: a function of finished runs and the suite's file, and of nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from bmbench.benchmark.suite.report.blocks import Block, Bullets, Heading, to_html, to_markdown
from bmbench.benchmark.suite.report.ensembles import ensemble_section
from bmbench.benchmark.suite.report.failures import failure_section
from bmbench.benchmark.suite.report.pooled import pooled_section
from bmbench.benchmark.suite.report.scored_sets import ScoredSet, read_sets, same_images
from bmbench.benchmark.suite.report.set_figure import set_picture
from bmbench.benchmark.suite.report.set_tables import beside, best_of, set_section
from bmbench.benchmark.suite.report.verdicts import n_decided, question_rows, verdict_section
from bmbench.benchmark.suite.suite_file import Suite
from bmbench.core.errors import BadInputError
from bmbench.core.files import write_text
from bmbench.present.words import listed, many, percent


def write_suite_report(suite: Suite, out: Path, say: Callable[[str], None]) -> Path:
    """Write ``report.md`` and ``report.html`` into the folder of a suite; the same runs give the same bytes.

    Raises
    ------
    BadInputError
        If no set of the suite has a finished run there.
    """
    sets = read_sets(suite, out)
    if not sets:
        raise BadInputError(
            "no finished run of this suite",
            where=str(out),
            remedy="run it: bmbench suite run SUITE, or name its folder with --out",
        )
    for one in suite.sets:
        if one.name not in {there.name for there in sets}:
            say(f"note: {one.name} has no method that is finished in every fold: not in the report")
    blocks = report_blocks(suite, sets, out)
    title = suite.title or suite.name
    write_text(out / "report.md", to_markdown(blocks))
    write_text(out / "report.html", to_html(title, blocks))
    return out / "report.md"


def report_blocks(suite: Suite, sets: Sequence[ScoredSet], out: Path) -> list[Block]:
    """All sections, in the order in which they are read."""
    blocks: list[Block] = [
        Heading(level=1, text=suite.title or suite.name),
        _about(suite, sets),
        *_short(sets),
    ]
    blocks += [Heading(level=2, text="How to read the tables"), _reading()]
    for one in sets:
        blocks += [
            *set_section(one, suite, set_picture(one, out)),
            *beside(one, same_images(one, sets)),
            *ensemble_section(one),
        ]
    blocks += pooled_section(sets, suite)
    blocks += verdict_section(list(sets))
    blocks += failure_section(sets, out)
    return [*blocks, *_left(suite, sets)]


def _about(suite: Suite, sets: Sequence[ScoredSet]) -> str:
    runs = sum(run.cell in one.collection.cells for one in sets for run in one.collection.runs)
    asked = sum(len(one.collection.cells) for one in sets)
    seconds = sum(
        (one.seconds(key) or 0.0) * len({run.repeat for run in one.collection.rows[key]})
        for one in sets
        for key in one.collection.rows
    )
    missing = "" if runs == asked else " What is missing is listed at the end."
    return (
        f"{many(len(sets), 'set')} of {len(suite.sets)}, {runs} of {many(asked, 'run')} finished in "
        f"{seconds / 3600:.1f} hours, profile `{suite.profile}`. Made by `bmbench suite report`.{missing}"
    )


def _short(sets: Sequence[ScoredSet]) -> list[Block]:
    """What each set says, in a line."""
    texts = []
    for one in sets:
        nobody = "Nobody can be called the best." if len(one.keys) > 1 else "One method alone is finished."
        parts = [best_of(one) or nobody]
        reached = [
            f"`{key.method}` {percent(one.scores.mean(key, 'cd', 'f1').value)}"
            for key in one.keys
            if key.method in one.baselines
        ]
        if reached:
            parts.append(f"Baselines: {listed(reached)}.")
        if one.set.human is not None:
            parts.append(f"People: {percent(one.set.human.f1)}.")
        if asked := len(question_rows(one)):
            networks = ", for these networks (one seed)" if one.one_training else ""
            verb = "is" if asked == 1 else "are"
            parts.append(f"Of the study's questions {n_decided(one)} of {asked} {verb} decided{networks}.")
        texts.append(f"`{one.name}`: {' '.join(parts)}")
    return [Heading(level=2, text="In short"), Bullets(texts=tuple(texts))]


_SCORES = """F1 and AP by centres, in per cent, means over seeds; thresholds are those that each run chose
on its optimisation images. The 95 % interval holds what other test groups would change, and other trainings
where a set has several seeds."""
_BEST = """*best?*: whether the method may be the best one of the table; the best is among those with 95 %.
Not told apart is not equal."""
_DROP = """*drop*: F1 on test slides that look like training slides, minus F1 on the others. *sd of units*:
how much F1 differs between slides or patients, as a standard deviation in points."""
_COST = """*size*: parameters in millions. *fit*, *predict*: seconds of training, and of answering
optimisation and test images, of all folds together; *memory*: the most that the process of a run held.
*s a point*: seconds more than the baseline for each point of F1 more. Other work of the machine beside it
makes times longer."""


def _reading() -> Bullets:
    return Bullets(texts=(_SCORES, _BEST, _DROP, _COST))


def _lacking(one: ScoredSet) -> str:
    """The methods of the runs that nobody has finished, with their number."""
    counts = Counter(cell.method for cell in one.collection.missing)
    return ", ".join(f"`{method}` {n}" for method, n in counts.items())


def _left(suite: Suite, sets: Sequence[ScoredSet]) -> list[Block]:
    """What failed, what takes no part, and what nobody has run yet."""
    texts = []
    for one in sets:
        there = one.collection
        texts += [f"`{one.name}` `{cell.name}` failed: {why}" for cell, why in there.failures.items()]
        texts += [f"`{one.name}` `{cell.name}` takes no part: {why}" for cell, why in there.odd.items()]
        texts += [f"`{one.name}` `{test}` {why}" for test, why in one.absent_models]
        if there.missing:
            texts.append(f"`{one.name}`: {many(len(there.missing), 'run')} not finished: {_lacking(one)}")
    texts += [
        f"`{one.name}`: not run" for one in suite.sets if one.name not in {there.name for there in sets}
    ]
    return [Heading(level=2, text="Not in these tables"), Bullets(texts=tuple(texts))] if texts else []

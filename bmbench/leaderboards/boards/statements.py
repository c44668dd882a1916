"""The sentences of a board: what was counted, what cannot be said, what the test set can show."""

import msgspec

from bmbench.leaderboards.boards.page import Page
from bmbench.leaderboards.boards.words import metric_title
from bmbench.leaderboards.results.standings_record import Crossing
from bmbench.leaderboards.tracks.manifest import DataFacts, Manifest, TruthFacts
from bmbench.present.words import UNDEFINED, many
from bmbench.statistics.units import FEWEST_UNITS

_FEW = 10
"""Units below which a percentile bootstrap is plainly too narrow, even of normally distributed values."""
_ASKED = {"weaker": "not worse with weak annotations?", "artefacts": "does artefact handling matter?"}


def facts(page: Page) -> str:
    """What was counted, in one line."""
    manifest, table = page.manifest, page.table
    units = "" if manifest.unit == "image" else f", {many(table.n_units, manifest.unit)}"
    cells = f", {many(table.n_cells, 'cell')}" if table.n_cells else ""
    truth = "public" if manifest.truth.visibility == "public" else _hidden(manifest.truth)
    if manifest.retired:
        truth += ", the track is retired and takes no submissions"
    learn = "anything" if manifest.supervision == "artefacts" else f"{manifest.supervision} annotations"
    if not isinstance(manifest.data.options, msgspec.UnsetType):
        truth += ", made from the published files by bmbench leaderboard truth"
    return (
        f"Data: {_data(manifest.data)}, {many(table.n_images, 'image')}{cells}{units}. "
        f"May learn from: {learn}. Ground truth: {truth}. "
        f"Protocol: {_rules(manifest)}. Unit of resampling: {table.unit}."
    )


def _hidden(truth: TruthFacts) -> str:
    """How the scores of a hidden truth are published; ranks come from these scores."""
    noise = "" if isinstance(truth.noise, msgspec.UnsetType) else f", noise of {100 * truth.noise:.2g} points"
    return f"hidden (scores in steps of {100 * truth.step:g} points{noise}; ranks from these scores alone)"


def _rules(manifest: Manifest) -> str:
    """The protocol with the limits that its metrics match by."""
    from bmbench.metrics.protocol import resolve_protocol

    rules = manifest.rules
    protocol = resolve_protocol(rules.protocol, iou=rules.iou, radius_px=rules.radius_px)
    limits = {
        "cd": f"centres at most {protocol.radius_px:g} px apart" if protocol.radius_px else "",
        "bb": f"boxes with an IoU {'of at least' if protocol.inclusive else 'above'} {protocol.iou:g}"
        if protocol.iou
        else "",
    }
    used = dict.fromkeys(name.partition(".")[0] for name in manifest.metrics)
    return f"{rules.protocol} ({', '.join(limits[rule] for rule in used)})"


def _data(facts: DataFacts) -> str:
    options = {} if isinstance(facts.options, msgspec.UnsetType) else facts.options
    chosen = " ".join(f"{name}={value}" for name, value in sorted(options.items()))
    return f"{facts.name} ({chosen})" if chosen else facts.name


def statements(page: Page) -> tuple[str, ...]:
    """What this board cannot say."""
    table, found = page.table, []
    units = many(table.n_units, page.manifest.unit)
    stand = "stands" if table.n_units == 1 else "stand"
    if table.few_units:
        found.append(
            f"The test set has only {units}. No test is possible with fewer "
            "than six, so there are no p-values and no submissions are told apart. Intervals draw images and "
            f"speak about {units} only."
        )
    elif table.n_units < FEWEST_UNITS:
        found.append(
            f"Only {units} {stand} behind every number here. No test is possible with fewer than six, so "
            "there are no p-values and no submissions are told apart. An interval drawn from so few is "
            "little more than the range between them: it does not say what other images would give."
        )
    elif table.n_units < _FEW:
        found.append(
            f"Only {units} {stand} behind every number here: intervals drawn from so few are too narrow as a "
            "rule."
        )
    primary = page.primary
    if primary is not None and primary.tests is not None and not primary.tests.possible:
        found.append(
            f"With {primary.tests.n_pairs:,} pairs and {many(table.n_units, table.unit)} the smallest "
            "p-value that a test can give does not survive Holm's correction: nobody can be told apart on "
            "this board."
        )
    if primary is not None and primary.tests is not None and primary.tests.n_pairs:
        tests = primary.tests
        found.append(
            f"By {metric_title(primary.name)} {tests.n_apart} of {tests.n_pairs:,} pairs are told apart "
            "(paired permutation tests, Holm, 5 %)."
        )
    return tuple(found)


def planning(page: Page) -> tuple[str, ...]:
    """How large a difference the test set can show, by metric."""
    if page.table.n_units < FEWEST_UNITS:
        units = many(page.table.n_units, page.manifest.unit)
        are = "is" if page.table.n_units == 1 else "are"
        return (f"None: {units} {are} too few for any test, whatever the difference.",)
    lines = []
    for metric in page.table.metrics:
        if metric.plan is None:
            continue
        plan = metric.plan
        company = ""
        if metric.tests is not None and metric.tests.n_pairs > 1:
            company = f", {100 * plan.in_company:.1f} points among all pairs of this board"
        lines.append(
            f"{metric_title(metric.name)}: a true difference of {100 * plan.alone:.1f} points is found "
            f"4 times in 5 by one planned test{company}; one of 1.0 points would need about "
            f"{many(plan.units_for_a_point, page.table.unit)}."
        )
    return tuple(lines) or ("Too few submissions to say.",)


def question(row: Crossing) -> str:
    """What a row of the crossings asks."""
    return f"{_ASKED[row.question]} ({metric_title(row.metric)})"


def first(page: Page) -> str:
    """Who is first: all who may be."""
    primary = page.primary
    if primary is None:
        return UNDEFINED
    able = [page.names[place.id] for place in primary.places if place.ranks[0] == 1]
    return able[0] if len(able) == 1 else f"{len(able)} not told apart"


def image_title(name: str) -> str:
    """The caption of a plot, by its file name."""
    for part, title in _TITLES.items():
        if part in name:
            return title
    raise ValueError(name)


_TITLES = {
    "-ranks.": "Ranks: the area of a blob is how often a submission has that rank when units are drawn "
    "again; cross: median; line: 95 % of the ranks; outline: the rank set that the tests leave open",
    "-apart.": "Who is told apart from whom by paired permutation tests after Holm's correction",
    "-curves-cd.": "Precision against recall by centres, with 95 % bands",
    "-curves-bb.": "Precision against recall by boxes, with 95 % bands",
    "-limits-cd.": "F1 by centres at other distances",
    "-limits-bb.": "F1 by boxes at other overlaps",
    "-faults-cd.": "False positives and negatives by centres, with how artefacts were trained",
    "-faults-bb.": "False positives and negatives by boxes, with how artefacts were trained",
}

"""The sentences of a board: what was counted, what cannot be said, what the test set can show."""

import msgspec

from bmbench.leaderboards.boards.page import Page
from bmbench.leaderboards.boards.words import metric_title
from bmbench.leaderboards.results.standings_record import Crossing, MetricStandings
from bmbench.leaderboards.tracks.manifest import DataFacts, Manifest, TruthFacts
from bmbench.present.words import many
from bmbench.statistics.planning import FindableDifferences
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, FEWEST_UNITS

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
        f"Protocol: {_rules(manifest)}. Unit: {table.unit}."
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
    if not isinstance(facts.folds, msgspec.UnsetType):
        chosen = "; ".join(filter(None, (chosen, f"the test images of {', '.join(facts.folds)}")))
    return f"{facts.name} ({chosen})" if chosen else facts.name


def statements(page: Page) -> tuple[str, ...]:
    """What the answers of this board rest on, and what they cannot say."""
    primary = page.primary
    if primary is None:
        return ()
    return tuple(filter(None, (_units(page), _seeds(page, primary), _pairs(page, primary), _dates(page))))


def _units(page: Page) -> str:
    n, units = page.table.n_units, many(page.table.n_units, page.manifest.unit)
    if n < FEWEST_FOR_INTERVAL:
        return (
            f"{units[0].upper()}{units[1:]} cannot show how {page.manifest.unit}s differ: there are values, "
            "but no intervals, no ranks and no tests."
        )
    if n < FEWEST_UNITS:
        plan = page.primary.plan if page.primary else None
        seen = (
            ""
            if plan is None
            else f" By chance two equal methods may differ by about {_points(plan.not_seen_below)} here."
        )
        return (
            f"Everything rests on {units}: with fewer than {FEWEST_UNITS} not all pairs are tested, but "
            f"planned comparisons alone.{seen}"
        )
    return ""


def _seeds(page: Page, primary: MetricStandings) -> str:
    if page.table.n_units < FEWEST_FOR_INTERVAL:
        return ""
    if primary.seeds is None:
        return "No method has a second training here: this speaks of these networks, not of the methods."
    return (
        f"Intervals and tests hold what other {page.table.unit}s and other trainings would change; one "
        f"training of a method varies by {_points(primary.seeds.sd)} (standard deviation over seeds, pooled, "
        f"{many(primary.seeds.df, 'degree')} of freedom)."
    )


def _pairs(page: Page, primary: MetricStandings) -> str:
    family = primary.family
    if family is None:
        return ""
    whose = "of all submissions" if page.manifest.family == "all" else "of the declared family"
    return (
        f"By {metric_title(primary.name)} {family.n_apart:,} of {many(family.n_pairs, 'pair')} {whose} "
        f"{'is' if family.n_apart == 1 else 'are'} told apart ({family.rule}, 5 % for all together). "
        "Not told apart is not equal. The interval of a gap is of that pair alone, so it may leave out 0 "
        "where no verdict is given."
    )


def untested(page: Page) -> str:
    """Why a board with a ranked submission has no places."""
    if page.table.n_units < FEWEST_FOR_INTERVAL:
        units = many(page.table.n_units, page.manifest.unit)
        return f"No intervals, places or tests: {units} cannot show how {page.manifest.unit}s differ."
    return "No places or tests: one submission alone is compared with nothing."


def _dates(page: Page) -> str:
    if page.dated:
        return ""
    if isinstance(page.manifest.limits.days, msgspec.UnsetType):
        return "No dates: a track knows when submissions came if it counts attempts in time (limits.days)."
    return "No dates: no submission was committed to git when it was scored."


def planning(page: Page) -> tuple[str, ...]:
    """How large a difference the test set can show, by metric."""
    if page.table.n_units < FEWEST_FOR_INTERVAL:
        units = many(page.table.n_units, page.manifest.unit)
        are = "is" if page.table.n_units == 1 else "are"
        return (f"Nothing: {units} {are} too few for any test, whatever the difference.",)
    lines = [
        f"{metric_title(metric.name)}: {_found(metric.plan)}; {_needed(metric.plan, page.table.unit)}."
        for metric in page.table.metrics
        if metric.plan is not None
    ]
    return tuple(lines) or ("Too few submissions to say.",)


def _found(plan: FindableDifferences) -> str:
    wanted = {
        "between two methods whose comparison was planned": plan.alone,
        "behind the best, to be left out of the best set": plan.best_set,
        "between any pair of this board": plan.all_pairs,
    }
    found = [f"{_points(value)} {where}" for where, value in wanted.items() if value is not None]
    if not found:
        return "no difference is found in 4 of 5 cases"
    return "in 4 of 5 cases a true difference is found of " + "; of ".join(found)


def _needed(plan: FindableDifferences, unit: str) -> str:
    if plan.units_for_a_point is None:
        return f"with so few trainings of each method no number of {unit}s would show 1.0 points"
    return f"1.0 points would take about {many(plan.units_for_a_point, unit)}"


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def question(row: Crossing) -> str:
    """What a row of the crossings asks."""
    return f"{_ASKED[row.question]} ({metric_title(row.metric)})"


def verdict(row: Crossing) -> str:
    """The answer of a row of the crossings, with its margin and what it would take to know."""
    text = row.verdict if row.margin is None else f"{row.verdict} (margin {_points(row.margin)})"
    if row.verdict != "open" or row.margin is None:
        return text
    if row.units_needed is None:
        return f"{text}; with so few trainings no number of units would show it"
    return f"{text}; two equal methods would need about {many(row.units_needed, 'unit')}"


def image_title(name: str, *, tested: bool) -> str:
    """The caption of a plot, by its file name; a board without tests has no intervals and no places."""
    for part, title in (_TITLES if tested else {**_TITLES, **_UNTESTED}).items():
        if part in name:
            return title
    raise ValueError(name)


_TITLES = {
    "-cost-": "What it costs, as declared, and what it reaches, with 95 % intervals",
    "-ranks.": "Values with 95 % intervals; filled: may be the best; the ranks that the tests leave open "
    "stand at the right; dashed: the controls",
    "-apart.": "Which pairs of the family are told apart, the chance of any false claim being 5 %",
    "-curves-cd.": "Precision against recall by centres, with 95 % bands",
    "-curves-bb.": "Precision against recall by boxes, with 95 % bands",
    "-limits-cd.": "F1 by centres at other distances",
    "-limits-bb.": "F1 by boxes at other overlaps",
    "-faults-cd.": "False positives and negatives by centres, with how artefacts were trained",
    "-faults-bb.": "False positives and negatives by boxes, with how artefacts were trained",
}
_UNTESTED = {
    "-cost-": "What it costs, as declared, and what it reaches",
    "-ranks.": "Values; dashed: the controls",
    "-curves-cd.": "Precision against recall by centres; bands that draw so few again are too narrow",
    "-curves-bb.": "Precision against recall by boxes; bands that draw so few again are too narrow",
}

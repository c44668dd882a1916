"""The first lines of a board: who is best, who is worse, what it costs, what nobody knows yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bmbench.leaderboards.boards.page import Page
from bmbench.leaderboards.boards.words import COSTS, costs, metric_title, rounded
from bmbench.leaderboards.results.controls import HUMAN_LINE
from bmbench.leaderboards.results.standings_record import MetricStandings, Place
from bmbench.present.words import count, decimal, listed, many, with_interval
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, FEWEST_UNITS

_MOST_NAMED = 8
"""Methods that a sentence names; of more it says how many."""
_MOST_WORSE = 3
_CLEARLY = 1.5
"""How many times the least cost the next one is, at least, where somebody is called the cheapest."""
Naming = Callable[[str], str]
"""Makes a stranger's name safe where the sentences are not escaped as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question of a reader, in a word, and its answer, in a sentence or two."""

    about: str
    text: str


def answers(page: Page, name: Naming = str) -> tuple[Answer, ...]:
    """The first lines of a board, in the order in which a reader asks."""
    primary = page.primary
    if primary is None:
        return (Answer(about="Best", text="No submission is ranked yet."),)
    found = {
        "Best": _best(page, primary, name),
        "Worse": _worse(page, primary, name),
        "For scale": _controls(page, name),
        "Cost": _cost(page),
        "Not known": " ".join(filter(None, (_unknown(page, primary), _beyond_raters(page, primary)))),
    }
    return tuple(Answer(about=about, text=text) for about, text in found.items() if text)


def answers_in_short(page: Page, name: Naming = str) -> tuple[Answer, ...]:
    """Who is best and who is worse: what an overview of many tracks says of each."""
    return tuple(one for one in answers(page, name) if one.about in {"Best", "Worse"})


def in_short(page: Page) -> str:
    """The answer to who is best, as short as a badge: a name, or how many may be."""
    primary = page.primary
    if primary is None or not primary.tested:
        return "not known"
    able = [page.names[place.id] for place in primary.places if place.best]
    return able[0] if len(able) == 1 else f"one of {len(able)} of {len(primary.places)}"


def _best(page: Page, primary: MetricStandings, name: Naming) -> str:
    metric, places = metric_title(primary.name), primary.places
    n = len(places)
    if n == 1:
        value = with_interval(places[0].value, places[0].interval)
        return f"{name(page.names[places[0].id])} is the only one here: {metric} {value}."
    if not primary.tested:
        values = [place.value for place in places if place.value is not None]
        span = f" Values lie between {min(values):.3f} and {max(values):.3f}." if values else ""
        units = many(page.table.n_units, page.manifest.unit)
        return f"{units} cannot show which of these {n} is best by {metric}.{span}"
    able = [place for place in places if place.best]
    if len(able) == 1:
        value = with_interval(able[0].value, able[0].interval)
        return f"{name(page.names[able[0].id])} is the best of these {n} (95 %): {metric} {value}."
    named = _named([name(page.names[place.id]) for place in able])
    cheap = _cheapest(page, primary, name)
    if len(able) == n:
        return f"Any of the {n} submitted may be the best by {metric}, none can be left out: {named}.{cheap}"
    return (
        f"Of the {n} submitted one of these {len(able)}, which cannot be told apart for the first place "
        f"(95 %): {named}.{cheap}"
    )


def _worse(page: Page, primary: MetricStandings, name: Naming) -> str:
    """Who is shown not to be the best, by how much less than the highest value."""
    if not primary.tested:
        return ""
    out = [place for place in primary.places if not place.best]
    if not out:
        return ""
    said = [f"{name(page.names[place.id])} ({_less(place)})" for place in out[:_MOST_WORSE]]
    rest = out[_MOST_WORSE:]
    less = [-place.to_leader.value for place in rest if place.to_leader and place.to_leader.value is not None]
    if less:
        said.append(f"{len(rest)} more ({100 * min(less):.1f} to {100 * max(less):.1f} points)")
    top = name(page.names[primary.places[0].id])
    return f"{listed(said)}: shown not to be the best. Points are below {top}, which has the highest value."


def _less(place: Place) -> str:
    gap = place.to_leader
    if gap is None or gap.value is None:
        return "no value"
    if gap.interval is None:
        return f"{-100 * gap.value:.1f} points"
    low, high = sorted(-100 * end for end in gap.interval)
    return f"{-100 * gap.value:.1f} points [{decimal(low, 1)}, {decimal(high, 1)}]"


def _controls(page: Page, name: Naming) -> str:
    metric = page.manifest.metrics[0]
    said = []
    for entry in page.controls:
        one = entry.result.metrics.get(metric)
        if one is not None and one.value is not None:
            said.append(f"{name(entry.name)} {decimal(one.value)}")
    return f"Controls reach, by {metric_title(metric)}: {', '.join(said)}." if said else ""


def _cost(page: Page) -> str:
    """The span of every cost that anybody declares."""
    n, spans, silent = len(page.ranked), [], []
    for key, (title, _, _) in COSTS.items():
        said = [costs(entry.result.card)[key] for entry in page.ranked if key in costs(entry.result.card)]
        if not said:
            silent.append(title)
            continue
        low, high = rounded(min(said)), rounded(max(said))
        span = low if low == high else f"{low} to {high}"
        spans.append(f"{title} {span}" + ("" if len(said) == n else f" ({len(said)} of {n} say so)"))
    text = f"As declared: {'; '.join(spans)}." if spans else ""
    if silent:
        text += f" Nobody declares {' or '.join(silent)}."
    return text.strip()


def _cheapest(page: Page, primary: MetricStandings, name: Naming) -> str:
    """Who of those that may be the best costs clearly least, by the first cost that all of them declare.

    Times of single trainings on unlike machines differ by themselves: others have to cost half as much again.
    """
    able = {place.id for place in primary.places if place.best}
    rivals = [entry for entry in page.ranked if entry.result.id in able]
    if not primary.tested or len(rivals) < 2:
        return ""
    for key, (_, short, _) in COSTS.items():
        said = [(costs(entry.result.card)[key], entry) for entry in rivals if key in costs(entry.result.card)]
        if len(said) == len(rivals):
            least = min(value for value, _ in said)
            cheap = [name(entry.name) for value, entry in said if value < _CLEARLY * least]
            if len(cheap) > 1:
                return ""
            return f" The cheapest of them, as declared: {_named(cheap)}, {rounded(least)} {short}."
    return ""


def _unknown(page: Page, primary: MetricStandings) -> str:
    """What the test set leaves open, and how many images it would take."""
    unit, n = page.table.unit, page.table.n_units
    able = sum(place.best for place in primary.places)
    if n < FEWEST_FOR_INTERVAL:
        return (
            f"Whether any difference is more than chance, and how many {unit}s would decide it: intervals "
            f"and a best set are made from {FEWEST_FOR_INTERVAL} {unit}s on, and all pairs tested from "
            f"{FEWEST_UNITS} on."
        )
    text = f"Which of the {able} is best. " if able > 1 else ""
    plan = primary.plan
    if plan is None:
        return text.strip()
    if plan.best_set is not None:
        text += (
            f"A method that is truly {100 * plan.best_set:.1f} points behind the best is found out here in "
            "4 of 5 cases. "
        )
    if plan.units_for_a_point is None:
        return f"{text}No number of {unit}s would show 1.0 points with so few trainings a method."
    images = round(plan.units_for_a_point * page.table.n_images / n)
    as_images = "" if unit == "image" else f" ({count(images)} images as they are here)"
    needed = many(plan.units_for_a_point, unit)
    return f"{text}To show 1.0 points between two methods it would take about {needed}{as_images}."


def _beyond_raters(page: Page, primary: MetricStandings) -> str:
    """How many methods agree with the ground truth as well as another rater does."""
    raters = [one.result for one in page.controls if one.result.card and one.result.card.method == HUMAN_LINE]
    lines = [one.metrics[primary.name].value for one in raters if primary.name in one.metrics]
    line = max((value for value in lines if value is not None), default=None)
    if line is None:
        return ""
    reached = sum(place.value is not None and place.value >= line for place in primary.places)
    if not reached:
        return ""
    return (
        f"Another rater agrees with this ground truth at {metric_title(primary.name)} {decimal(line)}; "
        f"{reached} of {len(primary.places)} methods reach that, and which of those is better one rater "
        "cannot say."
    )


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return listed(names) if more <= 0 else f"{', '.join(names[:_MOST_NAMED])} and {more} more"

"""The plots of a track, as SVG."""

import math
import re
from collections.abc import Mapping, Sequence

from bmbench.leaderboards.boards.words import COSTS, costs, metric_title, ranks
from bmbench.leaderboards.results.record import Outcomes, Result
from bmbench.leaderboards.results.standings_record import MetricStandings
from bmbench.present.palette import BLUE, ORANGE, PURPLE, SKY, VERMILLION, YELLOW
from bmbench.present.svg import DASHES, GRID, LINES, SOFT, Axes, SvgDrawing, cut
from bmbench.present.words import FALSE_ALARMS, MINUS, MISSES, RULES, UNDEFINED

MOST_CURVES, MOST_ROWS = 6, 20
_LABEL_PX = 90
"""The names of controls nearer to each other than this stand on two lines."""
_TENTHS = (0, 0.2, 0.4, 0.6, 0.8, 1.0)
_FAULTS = {
    "fp_background": VERMILLION,
    "fp_near": ORANGE,
    "fp_duplicate": YELLOW,
    "fp_artefact": PURPLE,
    "fn_missed": BLUE,
    "fn_artefact": SKY,
}
"""From the middle outwards on either side."""


def pr_curves(results: Sequence[Result], rule: str, names: Mapping[str, str]) -> str:
    """Precision against recall with 95 % bands, of the best few."""
    shown = [result for result in results if rule in result.rules][:MOST_CURVES]
    drawing = SvgDrawing(720, 440, f"Precision and recall by {RULES[rule]}")
    axes = Axes(drawing, (56, 36, 456, 390), _TENTHS, _TENTHS)
    axes.label("recall", "precision")
    for row, result in enumerate(shown):
        curve, colour = result.rules[rule].curve, LINES[row % len(LINES)]
        n = len(curve.precision) - 1
        low = [axes.at(place / n, value) for place, value in enumerate(curve.low)]
        high = [axes.at(place / n, value) for place, value in enumerate(curve.high)]
        drawing.area([*low, *high[::-1]], fill=colour, fill_opacity=0.13)
    for row, result in enumerate(shown):
        curve = result.rules[rule].curve
        n = len(curve.precision) - 1
        points = [axes.at(place / n, value) for place, value in enumerate(curve.precision)]
        drawing.path(points, **_stroke(row))
    _legend(drawing, [names[result.id] for result in shown], x=476, y=48)
    return str(drawing)


def sweeps(results: Sequence[Result], rule: str, names: Mapping[str, str]) -> str:
    """F1 against the matching limit, at fixed thresholds."""
    shown = [result for result in results if rule in result.rules][:MOST_CURVES]
    limits = [limit for limit, _ in shown[0].rules[rule].sweep] if shown else [0.0, 1.0]
    drawing = SvgDrawing(720, 380, f"F1 by {RULES[rule]} at other matching limits")
    axes = Axes(drawing, (56, 36, 456, 330), [float(f"{limit:.3g}") for limit in limits], _TENTHS)
    axes.label("IoU must exceed" if rule == "bb" else "distance at most, px", "F1")
    for row, result in enumerate(shown):
        points = [axes.at(limit, value) for limit, value in result.rules[rule].sweep if value is not None]
        drawing.path(points, **_stroke(row))
        for x, y in points:
            drawing.circle(x, y, 3, fill=LINES[row % len(LINES)])
    _legend(drawing, [names[result.id] for result in shown], x=476, y=48)
    return str(drawing)


def intervals(metric: MetricStandings, names: Mapping[str, str], controls: Sequence[Result] = ()) -> str:
    """Each value with its interval, whether it may be the best, and the ranks that are left to it.

    Controls are dashed lines where they lie between the values and not far from them.
    """
    places = [place for place in metric.places if place.value is not None][:MOST_ROWS]
    step, left, right = 34, 250.0, 600.0
    drawing = SvgDrawing(720, 100 + step * len(places), _named(metric))
    ends = [end for place in places for end in (place.interval or (place.value or 0.0,))]
    ends += _near([one.metrics[metric.name].value for one in controls if metric.name in one.metrics], ends)
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    ticks = _ticks(low, high)
    bottom = 50 + step * len(places)

    def at(value: float) -> float:
        return left + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (right - left)

    for tick in ticks:
        drawing.line((at(tick), 40), (at(tick), bottom))
        drawing.text(at(tick), bottom + 18, f"{tick:g}", anchor="middle", fill=SOFT, font_size=11)
    drawing.text((left + right) / 2, bottom + 38, metric_title(metric.name), anchor="middle", fill=SOFT)
    drawing.text(right + 48, 30, "ranks", fill=SOFT)
    taken = [-math.inf, -math.inf]
    for value, id_ in sorted(_values(controls, metric.name, ticks)):
        x = at(value)
        line = 0 if x - taken[0] > _LABEL_PX else 1
        taken[line] = x
        drawing.line((x, 40), (x, bottom), stroke=SOFT, stroke_dasharray="4 3")
        name = cut(re.split(" \\(|: ", names[id_])[0], 16)  # without what explains it
        drawing.text(x, 34 - 13 * line, name, anchor="middle", fill=SOFT, font_size=10)
    for row, place in enumerate(places):
        y, value = 60 + step * row, place.value or 0.0
        drawing.text(left - 18, y + 4, cut(names[place.id]), anchor="end")
        if place.interval is not None:
            drawing.line((at(place.interval[0]), y), (at(place.interval[1]), y), stroke=BLUE, stroke_width=2)
        fill = BLUE if place.best and metric.tested else "#ffffff"
        drawing.circle(at(value), y, 6, fill=fill, stroke=BLUE, stroke_width=2)
        drawing.text(right + 48, y + 4, ranks(place.ranks) if metric.tested else UNDEFINED)
    return str(drawing)


def _named(metric: MetricStandings) -> str:
    return metric_title(metric.name) + (" with 95 % intervals" if metric.tested else "")


def _values(controls: Sequence[Result], metric: str, ticks: Sequence[float]) -> list[tuple[float, str]]:
    """The value and id of every control that lies on the axis."""
    found = [(one.metrics[metric].value, one.id) for one in controls if metric in one.metrics]
    return [(value, id_) for value, id_ in found if value is not None and ticks[0] <= value <= ticks[-1]]


def _near(values: Sequence[float | None], ends: Sequence[float]) -> list[float]:
    """The values for which the axis is made longer: by no more than it is long, or by 0.1."""
    reach = max(max(ends, default=1.0) - min(ends, default=0.0), 0.1)
    return [value for value in values if value is not None and min(ends, default=0.0) - reach <= value <= 1.0]


def score_against_cost(
    metric: MetricStandings, results: Sequence[Result], cost: str, names: Mapping[str, str]
) -> str:
    """Values with intervals over a declared cost, on a logarithmic axis; filled: may be the best."""
    declared = {result.id: costs(result.card).get(cost, 0.0) for result in results}
    places = [place for place in metric.places if place.value is not None and declared.get(place.id, 0.0) > 0]
    shown = places[:MOST_ROWS]
    drawing = SvgDrawing(720, 440, f"{metric_title(metric.name)} against {COSTS[cost][0]}")
    powers = [math.log10(declared[place.id]) for place in shown] or [0.0]
    first, last = math.floor(min(powers)), max(math.ceil(max(powers)), math.floor(min(powers)) + 1)
    ends = [end for place in shown for end in (place.interval or (place.value or 0.0,))] or [0.0, 1.0]
    axes = Axes(drawing, (56, 36, 456, 390), [10.0**power for power in range(first, last + 1)],
                _ticks(min(ends), max(ends)), log_x=True)  # fmt: skip
    axes.label(f"{COSTS[cost][0]}, as declared", metric_title(metric.name))
    for row, place in enumerate(shown):
        colour, x = LINES[row % len(LINES)], declared[place.id]
        if place.interval is not None:
            low, high = (axes.at(x, end) for end in place.interval)
            drawing.line(low, high, stroke=colour, stroke_width=2)
        fill = colour if place.best and metric.tested else "#ffffff"
        drawing.circle(*axes.at(x, place.value or 0.0), 5, fill=fill, stroke=colour, stroke_width=2)
        drawing.circle(482, 48 + 18 * row, 5, fill=fill, stroke=colour, stroke_width=2)
        drawing.text(494, 52 + 18 * row, cut(names[place.id]), font_size=11)
    return str(drawing)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers of 0.01, 0.02, 0.05, 0.1 or 0.2 that hold both, at most eight."""
    for step in (1, 2, 5, 10, 20):
        first, last = math.floor(low * 100 / step), max(math.ceil(high * 100 / step), 1)
        first = min(first, last - 1)
        if last - first <= 7:
            break
    return [round(tick * step / 100, 2) for tick in range(first, last + 1)]


def pairs_apart(metric: MetricStandings, names: Mapping[str, str]) -> str:
    """Which pairs of the family are told apart: row over column."""
    n = min(len(metric.places), MOST_ROWS)
    size, left, top = 24, 240, 64
    drawing = SvgDrawing(
        left + size * n + 210, top + size * max(n, 4) + 24, f"Told apart by {metric_title(metric.name)}"
    )
    told = {(pair.first, pair.second): pair.apart for pair in metric.pairs or ()}
    for row in range(n):
        y = top + size * row
        drawing.text(left - 10, y + 16, f"{cut(names[metric.places[row].id])}  {row + 1}", anchor="end")
        drawing.text(left + size * (row + 0.5), top - 8, row + 1, anchor="middle", fill=SOFT, font_size=11)
        for column in range(n):
            apart = told.get((min(row, column), max(row, column)))
            fill, sign = "#ffffff", ""
            if row == column or apart is None:
                fill = "#eaeef2"
            elif apart:
                fill, sign = (BLUE, "+") if column > row else (ORANGE, MINUS)
            x = left + size * column
            drawing.rect(x, y, size, size, fill=fill, stroke=GRID)
            if sign:
                drawing.text(x + size / 2, y + 16, sign, anchor="middle", fill="#ffffff")
    x = left + size * n + 16
    legend = (
        (BLUE, "+ row is better"),
        (ORANGE, f"{MINUS} row is worse"),
        ("#ffffff", "not told apart"),
        ("#eaeef2", "not tested"),
    )
    for row, (fill, words) in enumerate(legend):
        drawing.rect(x, top + 24 * row, 14, 14, fill=fill, stroke=SOFT)
        drawing.text(x + 22, top + 12 + 24 * row, words)
    return str(drawing)


def faults(results: Sequence[Result], rule: str, names: Mapping[str, str]) -> str:
    """False positives and false negatives by what they are, with the artefact mode of each submission."""
    shown = [result for result in results if rule in result.rules][:MOST_ROWS]
    step = 36
    drawing = SvgDrawing(
        800, 104 + step * max(len(shown), 1), f"False positives and negatives by {RULES[rule]}"
    )
    totals = [_sides(result.rules[rule].outcomes) for result in shown]
    most = max([1.0, *(max(sides) for sides in totals)])
    middle, width = 530.0, 240.0
    drawing.text(middle - 8, 64, "false positives", anchor="end", fill=SOFT)
    drawing.text(middle + 8, 64, "false negatives", fill=SOFT)
    for row, result in enumerate(shown):
        y, outcomes = 76 + step * row, result.rules[rule].outcomes
        mode = result.card.artefacts if result.card else "none"
        drawing.text(10, y + 12, cut(names[result.id], 36))
        drawing.text(
            10, y + 25, f"artefacts as {mode}" if mode != "none" else "no training", fill=SOFT, font_size=10
        )
        left = right = middle
        for name, colour in _FAULTS.items():
            length = getattr(outcomes, name) / most * width
            if name.startswith("fp"):
                left -= length
                drawing.rect(left, y, length, 18, fill=colour)
            else:
                drawing.rect(right, y, length, 18, fill=colour)
                right += length
        drawing.text(left - 4, y + 13, f"{outcomes.fp:.0f}", anchor="end", font_size=11)
        drawing.text(right + 4, y + 13, f"{outcomes.fn:.0f}", font_size=11)
    drawing.line((middle, 70), (middle, 80 + step * len(shown)), stroke=SOFT)
    words = {**FALSE_ALARMS, **MISSES}
    for row, (name, colour) in enumerate(_FAULTS.items()):
        x, y = 10 + 260 * (row % 3), 12 + 20 * (row // 3)
        drawing.rect(x, y, 12, 12, fill=colour)
        drawing.text(x + 18, y + 11, words[name], font_size=11)
    return str(drawing)


def _sides(outcomes: Outcomes) -> tuple[float, float]:
    return outcomes.fp, outcomes.fn


def _stroke(row: int) -> dict[str, object]:
    return {
        "stroke": LINES[row % len(LINES)],
        "stroke_width": 2,
        "stroke_dasharray": DASHES[row % len(DASHES)],
        "stroke_linejoin": "round",
    }


def _legend(drawing: SvgDrawing, names: Sequence[str], *, x: float, y: float) -> None:
    for row, name in enumerate(names):
        line = y + 22 * row
        drawing.path([(x, line), (x + 30, line)], **_stroke(row))
        drawing.text(x + 38, line + 4, cut(name))

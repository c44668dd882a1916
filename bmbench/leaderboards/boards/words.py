"""Numbers and strangers' texts as boards show them."""

from markupsafe import Markup

from bmbench.leaderboards.results.record import Maybe, MetricResult
from bmbench.leaderboards.results.standings_record import Gap, Place
from bmbench.present import words
from bmbench.present.markdown import escaped
from bmbench.present.words import RULES, UNDEFINED, with_interval

STATE_WORDS = {
    "failed": "not valid",
    "withdrawn": "taken back by its team",
    "superseded": "replaced by its team",
    "disputed": "in doubt, under review",
}


def md_cell(text: object) -> Markup:
    """A text that is only text in any Markdown cell; html.escape would come back through the backslashes."""
    return Markup(escaped(text))


def estimate(one: MetricResult | Place | None) -> str:
    """A score with its interval, "0.912 [0.880, 0.934]"."""
    return UNDEFINED if one is None else with_interval(one.value, one.interval)


def gap(one: Gap | None) -> str:
    """A difference in points with its interval and its test, "−1.2 [−2.0, −0.4], p 0.03"."""
    if one is None or one.value is None:
        return UNDEFINED
    if one.interval is None:
        return words.points(one.value)
    text = words.gap(one.value, one.interval)
    if one.p is not None:
        return f"{text}, p {p_value(one.p)}"
    return f"{text}, told apart" if one.apart else text


def p_value(p: float | None) -> str:
    """A p-value of at most two significant digits, not finer than 0.0001; a dash where there is none."""
    if p is None:
        return UNDEFINED
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.4f}" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def ranks(pair: tuple[int, int]) -> str:
    """A rank set, "2" or "1–3"."""
    first, last = pair
    return str(first) if first == last else f"{first}–{last}"


def metric_title(name: str) -> str:
    """A metric's name for people: "F1 (centres)"."""
    rule, _, what = name.partition(".")
    return f"{what.upper()} ({RULES[rule]})"


def spread(seeds: tuple[Maybe, ...]) -> str:
    """How far seeds lie apart, "± 0.004" (sample standard deviation); a dash for fewer than two."""
    values = [seed for seed in seeds if seed is not None]
    if len(values) < 2:
        return UNDEFINED
    mean = sum(values) / len(values)
    deviation = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    return f"± {deviation:.3f}"

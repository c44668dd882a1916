"""Numbers and strangers' texts as boards show them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from markupsafe import Markup

from bmbench.leaderboards.results.record import AgreementRow, CardFacts, Maybe, MetricResult, Pair, Result
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

COSTS: Mapping[str, tuple[str, str, float]] = MappingProxyType(
    {
        "ms_per_image": ("seconds an image", "s an image", 0.001),
        "parameters_millions": ("million parameters", "M parameters", 1.0),
        "peak_memory_gb": ("GB of memory", "GB", 1.0),
        "train_hours": ("hours of training", "h of training", 1.0),
    }
)
"""What a card may declare → its name, its short name behind a number, the factor to that unit."""


def costs(card: CardFacts | None) -> dict[str, float]:
    """What a card declares of its costs, in the units of `COSTS`; only what it declares."""
    said = {name: getattr(card, name, None) for name in COSTS}
    return {name: value * COSTS[name][2] for name, value in said.items() if isinstance(value, int | float)}


def costs_declared(results: Sequence[Result]) -> tuple[str, ...]:
    """The costs that at least two submissions declare: those that can be drawn against the score."""
    declared = [costs(result.card) for result in results]
    return tuple(name for name in COSTS if sum(name in one for one in declared) > 1)


def cost(card: CardFacts | None) -> str:
    """All costs in one cell, "0.12 s an image, 1.9 M parameters"; a dash where nothing is declared."""
    said = [f"{rounded(value)} {COSTS[name][1]}" for name, value in costs(card).items()]
    return ", ".join(said) or UNDEFINED


def rounded(value: float) -> str:
    """A number of two significant digits in plain figures: "0.0031", "0.25", "120"."""
    text = f"{float(f'{value:.2g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def since(result: Result) -> str:
    """The day on which a submission came, "2026-11-30"; a dash where the track does not record it."""
    return result.arrived[:10] if isinstance(result.arrived, str) else UNDEFINED


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


def behind(one: Gap | None) -> str:
    """A difference in points with its interval, "−1.2 [−2.0, −0.4]"; a dash where there is none."""
    return UNDEFINED if one is None or one.value is None else words.gap(one.value, one.interval)


def bias(one: AgreementRow) -> str:
    """A mean difference of counts with its interval, "−1.2 [−2.0, −0.4]"."""
    return _signed(one.bias, one.bias_interval)


def _signed(value: Maybe, interval: Pair | None) -> str:
    if interval is None:
        return words.signed_number(value)
    low, high = map(words.signed_number, interval)
    return f"{words.signed_number(value)} [{low}, {high}]"


def limits(one: AgreementRow) -> str:
    """Limits of agreement, "−6.7 to +9.2"; a dash where there are none."""
    if one.low is None or one.high is None:
        return UNDEFINED
    return f"{words.signed_number(one.low)} to {words.signed_number(one.high)}"


def limits_in_full(one: AgreementRow) -> str:
    """The same with the interval of each, "−6.7 [−9.0, −4.4] to +9.2 [+6.9, +11.5]"."""
    if one.low is None or one.high is None or one.low_interval is None or one.high_interval is None:
        return limits(one)
    ends = ((one.low, one.low_interval), (one.high, one.high_interval))
    return " to ".join(_signed(value, interval) for value, interval in ends)


def concordance(one: AgreementRow) -> str:
    """Lin's coefficient with its interval, "0.93 [0.85, 0.97]"."""
    text = words.decimal(one.concordance, 2)
    if one.concordance_interval is None:
        return text
    low, high = one.concordance_interval
    return f"{text} [{low:.2f}, {high:.2f}]"


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

"""Numbers and strangers' texts as boards show them."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from bmbench.leaderboards.results.record import Estimate, Maybe
    from bmbench.leaderboards.results.standings_record import Gap

UNDEFINED = "–"
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_RULES = {"bb": "boxes", "cd": "centres"}
STATE_WORDS = {
    "failed": "not valid",
    "withdrawn": "taken back by its team",
    "superseded": "replaced by its team",
    "disputed": "in doubt, under review",
}


def md_cell(text: object) -> Markup:
    """A text that is only text in any Markdown cell: every ASCII sign of punctuation escaped, one line.

    ``|``, a line end, ``![](…)``, ``<`` and ``&`` would otherwise become cells, rows, images and tags.
    """
    flat = " ".join(str(text).split())
    # html.escape would come back through the backslashes; an escaped & or < is inert already.
    return Markup(_PUNCTUATION.sub(r"\\\1", flat))


def score(value: Maybe, digits: int = 3) -> str:
    """A score, "0.912"; a dash where it is undefined."""
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def estimate(one: Estimate | None) -> str:
    """A score with its interval, "0.912 [0.880, 0.934]"."""
    if one is None or one.value is None:
        return UNDEFINED
    if one.interval is None:
        return score(one.value)
    return f"{one.value:.3f} [{one.interval[0]:.3f}, {one.interval[1]:.3f}]"


def gap(one: Gap | None) -> str:
    """A difference in points with its interval and p-value, "−1.2 [−2.0, −0.4], p 0.03"."""
    if one is None or one.value is None or one.interval is None:
        return UNDEFINED
    text = f"{points(one.value)} [{points(one.interval[0])}, {points(one.interval[1])}]"
    return text if one.p_holm is None else f"{text}, p {p_value(one.p_holm)}"


def points(value: float) -> str:
    """A difference of scores in points (hundredths), with a true minus sign."""
    text = f"{100 * value:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "\u2212")


def p_value(p: float) -> str:
    """A p-value of at most two significant digits, not finer than 0.0001."""
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.4f}" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def ranks(first: int, last: int) -> str:
    """A rank set, "2" or "1–3"."""
    return str(first) if first == last else f"{first}–{last}"


def metric_title(name: str) -> str:
    """A metric's name for people: "F1 (centres)"."""
    rule, _, what = name.partition(".")
    return f"{what.upper()} ({_RULES[rule]})"


def rule_title(rule: str) -> str:
    """A matching rule's name for people."""
    return _RULES[rule]


def spread(seeds: tuple[Maybe, ...]) -> str:
    """How far seeds lie apart, "± 0.004" (sample standard deviation); a dash for fewer than two."""
    values = [seed for seed in seeds if seed is not None]
    if len(values) < 2:
        return UNDEFINED
    mean = sum(values) / len(values)
    deviation = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    return f"± {deviation:.3f}"


def plain(text: object) -> str:
    """A text for SVG and attributes: the five signs of XML escaped."""
    return html.escape(str(text), quote=True)

"""The words of every table and report: what is undefined, counts with their nouns, numbers, rules, errors."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

Interval: TypeAlias = "Sequence[float] | None"
"""Two numbers, low and high; None where there is no interval."""

UNDEFINED = "–"
"""What stands in a table for a number that is undefined."""
MINUS = "\u2212"
RULES: Mapping[str, str] = MappingProxyType({"bb": "boxes", "cd": "centres"})
"""The matching rules."""
FALSE_ALARMS: Mapping[str, str] = MappingProxyType(
    {
        "fp_artefact": "on an artefact",
        "fp_duplicate": "duplicates",
        "fp_near": "near a cell",
        "fp_background": "on background",
    }
)
"""The causes of false alarms, by their names in `bmbench.metrics.Counts`."""
MISSES: Mapping[str, str] = MappingProxyType({"fn_missed": "missed", "fn_artefact": "taken for an artefact"})
"""What became of cells that were not found, likewise."""


def many(n: int, word: str) -> str:
    """A count with its noun, "1 seed" or "3 seeds"."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def units(n: int, unit: str, *, independent: bool = False) -> str:
    """What varies, with its number: "22 images", "3 groups (patients or slides)"."""
    text = many(n, unit)
    if unit == "group":
        return f"{text} (patients or slides)"
    return f"{text}, taken for independent" if independent else text


def why_no_interval(word: str, n: int, unit: str) -> str:
    """Why there is no interval, from its one word in a file (`bmbench.statistics.intervals.WhyNone`)."""
    if word == "too few units":
        if n < 3:
            return f"{many(n, unit)} cannot show how {unit}s differ"
        return f"it is measured on too few of {many(n, unit)}"
    return f"{word} seen in {many(n, unit)}"


def listed(texts: Sequence[str]) -> str:
    """Texts as one enumeration, "a, b and c"."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def count(n: float | None) -> str:
    """A whole number, "1,234"; a dash where it is undefined."""
    return UNDEFINED if n is None else f"{n:,.0f}"


def decimal(value: float | None, digits: int = 3) -> str:
    """A score, "0.912", with a true minus sign; a dash where it is undefined."""
    return UNDEFINED if value is None else f"{value:.{digits}f}".replace("-", MINUS)


def percent(value: float | None, digits: int = 1) -> str:
    """A share or score in per cent, "95.2", without the sign; a dash where it is undefined."""
    return UNDEFINED if value is None else f"{100 * value:.{digits}f}"


def share(value: float | None, digits: int = 1) -> str:
    """A share, "95.2 %"; a dash where it is undefined."""
    return UNDEFINED if value is None else f"{percent(value, digits)} %"


def counted(n: int, share: float | None, *, digits: int) -> str:
    """A count with its share of all, "1,234 (12.3 %)"; without it where that is undefined."""
    return count(n) if share is None else f"{count(n)} ({percent(share, digits)} %)"


def with_interval(value: float | None, interval: Interval) -> str:
    """A score with its interval, "0.912 [0.880, 0.934]"."""
    if value is None or interval is None:
        return decimal(value)
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def signed(value: float | None, interval: Interval = None) -> str:
    """A difference of scores with its interval, "+0.012 [−0.003, +0.029]"."""
    if value is None:
        return UNDEFINED
    text = f"{value:+.3f}" if interval is None else f"{value:+.3f} [{interval[0]:+.3f}, {interval[1]:+.3f}]"
    return text.replace("-", MINUS)


def signed_number(value: float | None) -> str:
    """A difference of counts, percentages or points, "+1.2" with a true minus sign; a dash if undefined."""
    if value is None:
        return UNDEFINED
    text = f"{value:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", MINUS)


def points(value: float | None) -> str:
    """A difference of scores in points (hundredths), "+1.2" with a true minus sign."""
    return signed_number(None if value is None else 100 * value)


def gap(value: float | None, interval: Interval) -> str:
    """A difference in points with its interval, "+1.2 [−0.3, +2.9]"."""
    if value is None or interval is None:
        return points(value)
    return f"{points(value)} [{points(interval[0])}, {points(interval[1])}]"


def span(interval: Interval) -> str:
    """An interval of a score in per cent, "93.0–96.8"; a dash where there is none."""
    return UNDEFINED if interval is None else f"{percent(interval[0])}–{percent(interval[1])}"
